"""Sampler: what each acknowledgment tells the congestion controller (draft-ietf-ccwg-bbr section 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.segment_queue import SegmentQueue
from .congestion.base import Controller
from .congestion.sample import RateSample
from .rtt import Rtt

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.segment_queue import APP_LIMITED

    # What a sender is doing: Recovery's `mode`.
    OPEN = 0
    REPAIR = 1  # fast recovery
    LOSS = 2  # after a retransmission time-out


class Sampler:
    """Delivery rate, and whether the application or the congestion window was the limit.

    `window_full` is set when the congestion window stops the sender.
    """

    if not cython.compiled:
        __slots__ = ("app_limited_until", "queue", "rtt", "sample", "was_full", "window_full", "window_round")

    def __init__(self, queue: SegmentQueue, rtt: Rtt) -> None:
        self.queue = queue
        self.rtt = rtt
        self.sample = RateSample()
        self.app_limited_until = 0  # the delivered bytes that end an application-limited phase; 0: none
        self.window_full = False  # in this round trip
        self.was_full = False  # and in the last one
        self.window_round = 0  # the delivered bytes that end this round trip

    def inform(
        self, controller: Controller, fresh: int, in_flight: int, rtt: int, mode: int, now: int
    ) -> None:
        """Let the controller hear of `fresh` bytes delivered; `in_flight` before, `rtt` -1 for none."""
        queue = self.queue
        sample = self.sample
        if self.app_limited_until > 0 and queue.delivered > self.app_limited_until:
            self.app_limited_until = 0
            queue.app_limited = False
        sample.acked = fresh
        sample.rtt = rtt
        sample.smoothed = self.rtt.smoothed
        sample.delivered = queue.delivered
        sample.since = queue.delivered - queue.prior_delivered
        # The longer of the time that it took to send and to acknowledge the flight; less than a round trip
        # cannot be, but for a copy whose original was delivered.
        interval = max(queue.newest_sent_at - queue.prior_first_sent_at, now - queue.prior_delivered_at, 1)
        sample.rate = 0.0
        if interval >= self.rtt.minimum:
            sample.rate = float(sample.since) * 1e6 / interval
        sample.app_limited = queue.newest_flags & APP_LIMITED != 0
        sample.sent_in_flight = queue.prior_in_flight
        sample.lost = queue.lost - queue.prior_lost
        sample.in_flight = queue.pipe()
        sample.limited = self.is_limited(controller, in_flight) or mode == LOSS
        sample.repairing = mode == REPAIR
        controller.on_ack(sample, now)
        if controller.understates:
            self.limit_by_application()

    def is_limited(self, controller: Controller, in_flight: int) -> bool:
        """Whether the congestion window was in use (RFC 7661), in this round trip or the last one."""
        queue = self.queue
        if queue.prior_delivered >= self.window_round:
            self.window_round = queue.delivered
            self.was_full = self.window_full
            self.window_full = False
        if self.window_full or self.was_full:
            return True
        if controller.cwnd < controller.ssthresh:
            return 2 * in_flight >= controller.cwnd
        return in_flight + 3 * controller.mss >= controller.cwnd

    def limit_by_application(self) -> None:
        """What is in flight now and what follows it in the next round trip measures the application."""
        self.app_limited_until = max(self.queue.delivered + self.queue.pipe(), 1)
        self.queue.app_limited = True

    def check_application(self, controller: Controller) -> None:
        """Less than a segment is unsent: does the application limit us (draft-ietf-ccwg-bbr 4.1.2.4)?"""
        queue = self.queue
        if queue.pipe() < controller.cwnd and queue.lost_bytes <= queue.retransmitted_bytes:
            self.limit_by_application()
