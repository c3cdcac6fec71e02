"""ConfigPolling: when to ask the controller for a config (PROTOCOL-VL2 2.1)."""

from __future__ import annotations

SECOND = 1_000_000
FIRST_RETRIES = (1_250_000, 2_500_000)  # unanswered: sooner than the period, later than the controller's gate
PERIOD = 5 * SECOND
REFRESH = 60 * SECOND
NEVER = 1 << 62


class ConfigPolling:
    """At once on joining, every 5 s until there is a config, 60 s after each answer; never twice a second."""

    __slots__ = ("answered_at", "satisfied", "sent_at", "unanswered")

    def __init__(self) -> None:
        self.sent_at = -NEVER
        self.answered_at = -NEVER
        self.satisfied = False
        self.unanswered = 0

    def due_at(self) -> int:
        """When the next request is due, in microseconds of the caller's clock (in the past: now)."""
        if self.satisfied:
            return self.answered_at + REFRESH
        if 0 < self.unanswered <= len(FIRST_RETRIES):
            return self.sent_at + FIRST_RETRIES[self.unanswered - 1]
        return self.sent_at + PERIOD

    def sent(self, now: int) -> None:
        """A request has left."""
        self.sent_at = now
        self.unanswered += 1
        self.satisfied = False

    def configured(self, now: int) -> None:
        """The controller gave us a config."""
        self.answered_at = now
        self.satisfied = True
        self.unanswered = 0

    def doubted(self) -> None:
        """What the controller said no longer holds: ask as soon as it answers again."""
        self.satisfied = False
        self.unanswered = 1

    def refused(self) -> None:
        """The controller answered with an error: keep asking at the period."""
        self.satisfied = False
        self.unanswered = 0
