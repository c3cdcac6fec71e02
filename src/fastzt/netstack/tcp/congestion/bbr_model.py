"""BBR's model of a path (draft-ietf-ccwg-bbr section 5.5): bandwidth, round trip, and safe volumes in flight.

Rates are bytes a second, volumes bytes, times microseconds. Names in quotes are the draft's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Controller
from .max_filter import MaxFilter
from .sample import RateSample

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

if not cython.compiled:
    from .base import INITIAL_SEGMENTS, SECOND

    STARTUP = 0
    DRAIN = 1
    DOWN = 2  # this one and the three below are the states of "ProbeBW"
    CRUISE = 3
    REFILL = 4
    UP = 5
    PROBE_RTT = 6

    MIN_RTT_WINDOW = 10_000_000  # "MinRTTFilterLen"
    PROBE_RTT_INTERVAL = 5_000_000
    MIN_PIPE_SEGMENTS = 4
    AGGREGATION_ROUNDS = 10  # "ExtraAckedFilterLen"
    MAX_QUANTUM = 65536

INFINITE = 1 << 60
NO_BOUND = 1e18  # as a rate
LOSS_THRESHOLD = 0.02
BETA = 0.7
HEADROOM = 0.15
FULL_BW_GROWTH = 1.25
FULL_BW_ROUNDS = 3


class BbrModel(Controller):
    """The model; what to do about it is `Bbr`'s."""

    if not cython.compiled:
        __slots__ = (
            "aggregated",
            "aggregated_since",
            "bw",
            "bw_before",
            "bw_cycle",
            "bw_latest",
            "bw_shortterm",
            "extra_acked",
            "full_bw",
            "full_bw_count",
            "full_bw_now",
            "full_bw_reached",
            "inflight_latest",
            "inflight_longterm",
            "inflight_shortterm",
            "loss_in_round",
            "loss_round_delivered",
            "loss_round_start",
            "max_bw",
            "min_rtt",
            "min_rtt_at",
            "mode",
            "next_round_delivered",
            "probe_rtt_expired",
            "probe_rtt_min",
            "probe_rtt_min_at",
            "round_count",
            "round_start",
            "rounds_since_probe",
        )

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self.own_recovery = True
        self.mode = STARTUP
        self.next_round_delivered = self.round_count = self.rounds_since_probe = 0
        self.round_start = False
        self.bw_before = 0.0  # the maximum of the probing cycle before
        self.bw_cycle = 0.0  # and of this one
        self.max_bw = self.bw = 0.0
        self.bw_latest = 0.0
        self.inflight_latest = 0
        self.bw_shortterm = NO_BOUND
        self.inflight_shortterm = INFINITE
        self.inflight_longterm = INFINITE
        self.loss_in_round = self.loss_round_start = False
        self.loss_round_delivered = 0
        self.full_bw = 0.0
        self.full_bw_count = 0
        self.full_bw_now = self.full_bw_reached = False
        self.min_rtt = self.probe_rtt_min = INFINITE
        self.min_rtt_at = self.probe_rtt_min_at = 0
        self.probe_rtt_expired = False
        self.aggregated = 0
        self.aggregated_since = 0
        self.extra_acked = MaxFilter()

    def begin_round(self, delivered: int) -> None:
        """A round trip begins with what is sent from now on ("StartRound")."""
        self.next_round_delivered = delivered

    def note_latest(self, sample: RateSample) -> None:
        """The most that was delivered in this round trip ("UpdateLatestDeliverySignals")."""
        self.bw_latest = max(self.bw_latest, sample.rate)
        self.inflight_latest = max(self.inflight_latest, sample.since)
        self.loss_round_start = sample.delivered - sample.since >= self.loss_round_delivered
        if self.loss_round_start:
            self.loss_round_delivered = sample.delivered

    def advance_latest(self, sample: RateSample) -> None:
        """At the end of an ACK: a new round trip begins with its sample."""
        if self.loss_round_start:
            self.bw_latest = sample.rate
            self.inflight_latest = sample.since

    def note_congestion(self, sample: RateSample) -> None:
        """Count the round, take the rate, and once a round adapt to losses ("UpdateCongestionSignals")."""
        self.round_start = sample.delivered - sample.since >= self.next_round_delivered
        if self.round_start:
            self.begin_round(sample.delivered)
            self.round_count += 1
            self.rounds_since_probe += 1
        if sample.rate > 0 and (sample.rate >= self.max_bw or not sample.app_limited):
            self.bw_cycle = max(self.bw_cycle, sample.rate)
            self.max_bw = max(self.bw_before, self.bw_cycle)
        if self.loss_round_start:
            if self.loss_in_round and not self.is_probing():
                self.lower_bounds()
            self.loss_in_round = False

    def is_probing(self) -> bool:
        """Whether the sender accelerates ("IsProbingBW")."""
        return self.mode == STARTUP or self.mode == REFILL or self.mode == UP

    def is_cycling(self) -> bool:
        """Whether it is in one of the states of "ProbeBW"."""
        return DOWN <= self.mode <= UP

    def lower_bounds(self) -> None:
        """There were losses without our accelerating: adapt to what is delivered ("LossLowerBounds")."""
        if self.bw_shortterm == NO_BOUND:
            self.bw_shortterm = self.max_bw
        if self.inflight_shortterm == INFINITE:
            self.inflight_shortterm = self.cwnd
        self.bw_shortterm = max(self.bw_latest, BETA * self.bw_shortterm)
        self.inflight_shortterm = max(self.inflight_latest, int(BETA * self.inflight_shortterm))

    def forget_short_term(self) -> None:
        """Losses of the past bound nothing any more ("ResetShortTermModel")."""
        self.bw_shortterm = NO_BOUND
        self.inflight_shortterm = INFINITE

    def forget_congestion(self) -> None:
        """Begin to look for losses anew ("ResetCongestionSignals")."""
        self.loss_in_round = False
        self.bw_latest = 0.0
        self.inflight_latest = 0

    def advance_max_bw(self) -> None:
        """A probing cycle is over: the maximum covers it and the next ("AdvanceMaxBwFilter")."""
        if self.bw_cycle > 0:
            self.bw_before = self.bw_cycle
            self.bw_cycle = 0.0
            self.max_bw = self.bw_before

    def note_aggregation(self, sample: RateSample, now: int) -> None:
        """How much more was acknowledged at once than `bw` explains ("UpdateACKAggregation")."""
        expected = int(self.bw * (now - self.aggregated_since) / SECOND)
        if self.aggregated <= expected:
            self.aggregated = 0
            self.aggregated_since = now
            expected = 0
        self.aggregated += sample.acked
        extra = min(self.aggregated - expected, self.cwnd)
        self.extra_acked.add(extra, self.round_count, AGGREGATION_ROUNDS if self.full_bw_reached else 1)

    def reset_full_bw(self, rate: float) -> None:
        """Look for a plateau above `rate` from now on ("ResetFullBW")."""
        self.full_bw = rate
        self.full_bw_count = 0
        self.full_bw_now = False

    def note_full_bw(self, sample: RateSample) -> None:
        """Three rounds without much growth: the path is full ("CheckFullBWReached")."""
        if self.full_bw_now or not self.round_start or sample.app_limited:
            return
        if sample.rate >= self.full_bw * FULL_BW_GROWTH:
            self.reset_full_bw(sample.rate)
            return
        self.full_bw_count += 1
        self.full_bw_now = self.full_bw_count >= FULL_BW_ROUNDS
        if self.full_bw_now:
            self.full_bw_reached = True

    def note_rtt(self, sample: RateSample, now: int) -> None:
        """The least round trip of 10 s, and of the 5 s since one was looked for ("UpdateMinRTT")."""
        if self.min_rtt_at == 0:
            self.min_rtt_at = self.probe_rtt_min_at = now
        self.probe_rtt_expired = now > self.probe_rtt_min_at + PROBE_RTT_INTERVAL
        if sample.rtt >= 0 and (sample.rtt < self.probe_rtt_min or self.probe_rtt_expired):
            self.probe_rtt_min = max(sample.rtt, 1)
            self.probe_rtt_min_at = now
        if self.probe_rtt_min < self.min_rtt or now > self.min_rtt_at + MIN_RTT_WINDOW:
            self.min_rtt = self.probe_rtt_min
            self.min_rtt_at = self.probe_rtt_min_at

    def bdp(self, rate: float, gain: float) -> int:
        """A multiple of the bandwidth-delay product ("BDPMultiple")."""
        if self.min_rtt == INFINITE:
            return INITIAL_SEGMENTS * self.mss
        return int(gain * rate * self.min_rtt / SECOND)

    def quantum(self) -> int:
        """What one batch of segments carries ("send_quantum")."""
        return max(min(int(self.pacing_rate / 1000), MAX_QUANTUM), 2 * self.mss)

    def budget(self, volume: int) -> int:
        """A volume in flight that batches at both ends leave room for ("QuantizationBudget")."""
        volume = max(volume, 3 * self.quantum(), MIN_PIPE_SEGMENTS * self.mss)
        return volume + 2 * self.mss if self.mode == UP else volume

    def with_headroom(self) -> int:
        """The long-term bound less what other flows shall find free ("InflightWithHeadroom")."""
        if self.inflight_longterm == INFINITE:
            return INFINITE
        headroom = max(self.mss, int(HEADROOM * self.inflight_longterm))
        return max(self.inflight_longterm - headroom, MIN_PIPE_SEGMENTS * self.mss)

    def target(self) -> int:
        """How much to have in flight ("TargetInflight")."""
        return min(self.bdp(self.bw, 1.0), self.cwnd)

    def is_too_high(self, in_flight: int, lost: int, sack: bool) -> bool:
        """Whether so much lost of so much in flight says that it was too much ("IsInflightTooHigh")."""
        return lost > in_flight * LOSS_THRESHOLD or (lost > 0 and not sack)
