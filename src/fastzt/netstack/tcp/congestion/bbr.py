"""BBR (draft-ietf-ccwg-bbr, version 3): probes for bandwidth and round trip by turns, keeps queues short.

Names in quotes are the draft's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Controller
from .bbr_control import BbrControl
from .sample import RateSample

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

if not cython.compiled:
    from .bbr_control import NO_STATE
    from .bbr_model import (
        BETA,
        CRUISE,
        DOWN,
        DRAIN,
        INFINITE,
        LOSS_THRESHOLD,
        MIN_PIPE_SEGMENTS,
        PROBE_RTT,
        REFILL,
        STARTUP,
        UP,
    )

    # "ack_phase"
    ACKS_INIT = 0
    ACKS_REFILLING = 1
    ACKS_PROBE_STARTING = 2
    ACKS_PROBE_FEEDBACK = 3
    ACKS_PROBE_STOPPING = 4

    DRAIN_ROUNDS = 3
    PROBE_WAIT = 2_000_000  # and up to a second more
    MAX_PROBE_ROUNDS = 63
    MAX_GROWTH_ROUNDS = 30
    PROBE_RTT_DURATION = 200_000
    STARTUP_LOSSES = 6  # "BBRStartupFullLossCnt"


class Bbr(BbrControl):
    """`mode` is the state; `pacing_gain` and `cwnd_gain` follow from it."""

    if not cython.compiled:
        __slots__ = (
            "ack_phase",
            "bw_probe_sample",
            "cycle_at",
            "delivered",
            "drain_start_round",
            "idle_restart",
            "loss_events",
            "lost_up_to",
            "prev_probe_precautionary",
            "prev_probe_too_high",
            "probe_acked",
            "probe_acked_per_segment",
            "probe_rounds",
            "probe_rtt_done_at",
            "probe_rtt_round_done",
            "probe_wait",
            "random",
            "sack",
        )

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self.delivered = 0
        self.sack = True
        self.ack_phase = ACKS_INIT
        self.bw_probe_sample = False
        self.cycle_at = self.probe_wait = 0
        self.drain_start_round = 0
        self.idle_restart = False
        self.loss_events = 0  # ranges lost in this round that do not touch
        self.lost_up_to = -1
        self.prev_probe_too_high = self.prev_probe_precautionary = False
        self.probe_acked = 0
        self.probe_acked_per_segment = INFINITE
        self.probe_rounds = 0
        self.probe_rtt_done_at = 0
        self.probe_rtt_round_done = False
        self.random = 1

    def take_over(self, other: Controller) -> None:
        """Begin with the window that another controller has found."""
        self.mss = other.mss
        self.cwnd = max(other.cwnd, MIN_PIPE_SEGMENTS * self.mss)
        self.pacing_rate = other.pacing_rate

    def on_ack(self, sample: RateSample, now: int) -> None:
        """Update the model, the state, then pace and window ("UpdateOnACK")."""
        self.delivered = sample.delivered
        self.sack = sample.sack
        self.note_latest(sample)
        self.note_congestion(sample)
        self.note_aggregation(sample, now)
        self.note_full_bw(sample)
        self.check_startup(sample)
        if self.mode == DRAIN and (
            sample.in_flight <= self.budget(self.bdp(self.bw, 1.0))
            or self.round_count > self.drain_start_round + DRAIN_ROUNDS
        ):
            self.start_down(now)
        if self.full_bw_reached:
            self.cycle(sample, now)
        self.note_rtt(sample, now)
        self.check_probe_rtt(sample, now)
        self.advance_latest(sample)
        self.bw = min(self.max_bw, self.bw_shortterm)
        self.set_pace(sample.smoothed, self.pacing_gain)
        self.set_window(sample)

    # Startup

    def check_startup(self, sample: RateSample) -> None:
        """Leave it when the path is full, or full of losses ("CheckStartupDone", section 5.3.1.3)."""
        if self.mode == STARTUP and self.loss_round_start and not self.full_bw_reached:
            many = self.loss_events >= STARTUP_LOSSES or not self.sack
            if sample.repairing and many and self.is_too_high(sample.sent_in_flight, sample.lost, self.sack):
                self.undo_mode = STARTUP
                self.full_bw_reached = True
                self.inflight_longterm = max(self.bdp(self.max_bw, 1.0), self.inflight_latest)
        if self.loss_round_start:
            self.loss_events = 0
        if self.mode == STARTUP and self.full_bw_reached:
            self.enter(DRAIN)
            self.drain_start_round = self.round_count

    # ProbeBW

    def cycle(self, sample: RateSample, now: int) -> None:
        """Advance the states of "ProbeBW" ("UpdateProbeBWCyclePhase")."""
        if self.adapt_long_term(sample) or not self.is_cycling():
            return
        if self.mode == DOWN or self.mode == CRUISE:
            if now > self.cycle_at + self.probe_wait or self.is_reno_time():
                self.start_refill()
            elif self.mode == DOWN and self.may_cruise(sample.in_flight):
                self.enter(CRUISE)
        elif self.mode == REFILL:
            if self.round_start:
                self.bw_probe_sample = True
                self.start_up(sample)
        elif self.must_go_down(sample):
            self.prev_probe_too_high = False
            self.start_down(now)

    def is_reno_time(self) -> bool:
        """Whether a Reno flow of this window had probed by now ("IsRenoCoexistenceProbeTime")."""
        return self.rounds_since_probe >= min(self.target() // self.mss, MAX_PROBE_ROUNDS)

    def may_cruise(self, in_flight: int) -> bool:
        """Whether the queue is drained, with headroom ("IsTimeToCruise")."""
        return in_flight <= self.with_headroom() and in_flight <= self.budget(self.bdp(self.max_bw, 1.0))

    def must_go_down(self, sample: RateSample) -> bool:
        """Whether the path is full, or the bound of the last probe is reached ("IsTimeToGoDown")."""
        if self.prev_probe_too_high and sample.in_flight >= self.inflight_longterm:
            self.prev_probe_precautionary = True
            return True
        if sample.limited and self.cwnd >= self.inflight_longterm:
            self.reset_full_bw(sample.rate)
            return False
        return self.full_bw_now

    def start_down(self, now: int) -> None:
        """Decelerate, and decide how long to wait for the next probe ("StartProbeBW_DOWN")."""
        self.forget_congestion()
        self.probe_acked_per_segment = INFINITE
        self.random = (self.random * 1103515245 + 12345 + now) & 0x7FFFFFFF
        self.rounds_since_probe = (self.random >> 20) & 1
        self.probe_wait = PROBE_WAIT + (self.random >> 4) % 1_000_000
        self.cycle_at = now
        self.ack_phase = ACKS_PROBE_STOPPING
        self.begin_round(self.delivered)
        self.enter(DOWN)

    def start_refill(self) -> None:
        """Fill the pipe for a round before probing ("StartProbeBW_REFILL")."""
        self.forget_short_term()
        self.probe_rounds = 0
        self.probe_acked = 0
        self.prev_probe_precautionary = False
        self.ack_phase = ACKS_REFILLING
        self.begin_round(self.delivered)
        self.enter(REFILL)

    def start_up(self, sample: RateSample) -> None:
        """Accelerate ("StartProbeBW_UP")."""
        self.ack_phase = ACKS_PROBE_STARTING
        self.begin_round(self.delivered)
        self.reset_full_bw(sample.rate)
        self.enter(UP)
        self.steepen()

    def adapt_long_term(self, sample: RateSample) -> bool:
        """Follow the probe's feedback; True when that decided on a state ("AdaptLongTermModel")."""
        if self.ack_phase == ACKS_PROBE_STARTING and self.round_start:
            self.ack_phase = ACKS_PROBE_FEEDBACK
        if self.ack_phase == ACKS_PROBE_STOPPING and self.round_start:
            self.bw_probe_sample = False
            self.ack_phase = ACKS_INIT
            if self.is_cycling():
                if not sample.app_limited:
                    self.advance_max_bw()
                if self.prev_probe_precautionary and not self.prev_probe_too_high:
                    self.start_refill()
                    return True
        if self.inflight_longterm == INFINITE or self.is_too_high(
            sample.sent_in_flight, sample.lost, sample.sack
        ):
            return False
        self.inflight_longterm = max(self.inflight_longterm, sample.sent_in_flight)
        if self.mode == UP:
            self.raise_long_term(sample)
        return False

    def raise_long_term(self, sample: RateSample) -> None:
        """Let more in flight, slowly, then faster ("ProbeInflightLongtermUpward")."""
        if not sample.limited or self.cwnd < self.inflight_longterm:
            return
        self.probe_acked += sample.acked
        if self.probe_acked >= self.probe_acked_per_segment:
            steps = self.probe_acked // self.probe_acked_per_segment
            self.probe_acked -= steps * self.probe_acked_per_segment
            self.inflight_longterm += steps * self.mss
        if self.round_start:
            self.steepen()

    def steepen(self) -> None:
        """Double the growth of the long-term bound ("RaiseInflightLongtermSlope")."""
        self.probe_acked_per_segment = max(self.cwnd >> self.probe_rounds, self.mss)
        self.probe_rounds = min(self.probe_rounds + 1, MAX_GROWTH_ROUNDS)

    # ProbeRTT

    def check_probe_rtt(self, sample: RateSample, now: int) -> None:
        """Drain the path every 5 s to see its round trip, unless it showed by itself ("CheckProbeRTT")."""
        if self.mode != PROBE_RTT and self.probe_rtt_expired and not self.idle_restart:
            self.save_window()
            self.enter(PROBE_RTT)
            self.probe_rtt_done_at = 0
            self.ack_phase = ACKS_PROBE_STOPPING
            self.begin_round(sample.delivered)
        self.understates = self.mode == PROBE_RTT
        if self.understates:
            self.probe_rtt(sample.in_flight, now)
        self.idle_restart = False

    def probe_rtt(self, in_flight: int, now: int) -> None:
        """Stay for 200 ms and a round with little in flight ("HandleProbeRTT")."""
        if self.probe_rtt_done_at == 0:
            if in_flight <= self.probe_rtt_window():
                self.probe_rtt_done_at = now + PROBE_RTT_DURATION
                self.probe_rtt_round_done = False
                self.begin_round(self.delivered)
            return
        if self.round_start:
            self.probe_rtt_round_done = True
        if self.probe_rtt_round_done:
            self.check_probe_rtt_done(now)

    def check_probe_rtt_done(self, now: int) -> None:
        """Go back to work ("CheckProbeRTTDone", "ExitProbeRTT")."""
        if self.probe_rtt_done_at == 0 or now <= self.probe_rtt_done_at:
            return
        self.probe_rtt_min_at = now
        self.cwnd = max(self.cwnd, self.prior_cwnd)
        self.forget_short_term()
        if self.full_bw_reached:
            self.start_down(now)
            self.enter(CRUISE)
        else:
            self.enter(STARTUP)

    # Losses

    def on_lost(self, start: int, end: int, in_flight: int, lost: int, app_limited: bool, now: int) -> None:
        """A range was lost; one that had probed may have been too much ("HandleLostPacket")."""
        if not self.loss_in_round:
            self.loss_round_delivered = self.delivered
            self.save_state()
        self.loss_in_round = True
        if start != self.lost_up_to:
            self.loss_events += 1
        self.lost_up_to = end
        if self.bw_probe_sample and self.is_too_high(in_flight, lost, self.sack):
            self.take_loss(end - start, in_flight, lost, app_limited, now)

    def take_loss(self, size: int, in_flight: int, lost: int, app_limited: bool, now: int) -> None:
        """The probe was too much: bound what is in flight from now on ("HandleInflightTooHigh")."""
        self.prev_probe_too_high = True
        self.bw_probe_sample = False
        if not app_limited:
            self.inflight_longterm = max(
                self.inflight_at_loss(size, in_flight, lost), int(self.target() * BETA)
            )
        if self.mode == UP:
            self.undo_mode = UP
            self.start_down(now)

    def inflight_at_loss(self, size: int, in_flight: int, lost: int) -> int:
        """The volume in flight at which losses crossed the threshold ("InflightAtLoss")."""
        before = in_flight - size
        tolerated = LOSS_THRESHOLD * before - (lost - size)
        return before + int(max(tolerated, 0.0) / (1.0 - LOSS_THRESHOLD))

    def on_loss(self, in_flight: int, now: int) -> None:
        """Fast recovery begins ("OnEnterFastRecovery")."""
        self.save_window()
        self.in_episode = True

    def on_timeout(self, in_flight: int, now: int) -> None:
        """The retransmission timer expired: one segment, then as the model asks ("OnEnterRTO")."""
        self.save_window()
        self.in_episode = True
        self.cwnd = self.mss

    def on_recovered(self, after_timeout: bool, now: int) -> None:
        """Back to the last good window; the model bounds it at the end of this ACK."""
        self.in_episode = False
        self.cwnd = max(self.cwnd, self.prior_cwnd)

    def on_undo(self, now: int) -> None:
        """Return to where the losses that were none interrupted ("HandleSpuriousLossDetection")."""
        self.cwnd = max(self.cwnd, self.prior_cwnd)
        self.loss_in_round = False
        self.reset_full_bw(0.0)
        self.bw_shortterm = max(self.bw_shortterm, self.undo_bw_shortterm)
        self.inflight_shortterm = max(self.inflight_shortterm, self.undo_inflight_shortterm)
        self.inflight_longterm = max(self.inflight_longterm, self.undo_inflight_longterm)
        if self.undo_mode == STARTUP and self.mode != STARTUP:
            self.full_bw_reached = False
            if self.mode != PROBE_RTT:
                self.enter(STARTUP)
        elif self.undo_mode == UP and self.mode != UP and self.mode != PROBE_RTT:
            self.start_refill()
        self.undo_mode = NO_STATE

    # Idleness

    def on_idle(self, now: int) -> None:
        """The model outlives idleness: pacing, not a small window, keeps the restart gentle."""

    def on_restart(self, app_limited: bool, now: int) -> None:
        """Pace the first flight at the bandwidth itself ("HandleRestartFromIdle")."""
        if not app_limited:
            return
        self.idle_restart = True
        self.aggregated_since = now
        self.aggregated = 0
        if self.is_cycling():
            self.set_pace(0, 1.0)
        elif self.mode == PROBE_RTT:
            self.check_probe_rtt_done(now)
