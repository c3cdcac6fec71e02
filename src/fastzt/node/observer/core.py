"""ObservedCore: a core whose datagrams are seen by an Observer. A plain Core knows nothing of it."""

from __future__ import annotations

from collections import deque
from typing import Any

from ..._core.datagram_batch import DatagramBatch, TransmitBatch
from ..._core.endpoint import Endpoint
from ..._core.stats import is_drop, register
from ..core import Core
from .capture import Capture
from .opener import Opener
from .sight import Drop, Sight
from .trace import Trace

MAX_PENDING = 32 << 20  # bytes that wait for the worker
NOTE = 128  # bytes that one is taken to need besides its packet
LOST = register("observer.lost", drop=False)


class Telling:
    """A job for the worker: logging and writing take long, and are never done under the node's lock."""

    def __init__(
        self,
        trace: Trace | None,
        capture: Capture | None,
        seen: list[Sight | Drop],
        sockets: dict[int, Endpoint],
    ) -> None:
        self.trace = trace
        self.capture = capture
        self.seen = seen
        self.sockets = sockets

    def run(self) -> None:
        """Tell it."""
        if self.trace is not None:
            for item in self.seen:
                if isinstance(item, Sight):
                    self.trace.saw(item)
                else:
                    self.trace.dropped(item)
        if self.capture is not None:
            self.capture.write([item for item in self.seen if isinstance(item, Sight)], self.sockets)


class ObservedCore(Core):
    """A Core; call `observe` before it is driven, and `conclude` when it is not driven any more."""

    def observe(self, trace: Trace | None, capture: Capture | None) -> None:
        """Begin to see: `trace` what happens, `capture` the packets."""
        self.trace = trace
        self.capture = capture
        self.opener = Opener(self.switch)
        self.pending: deque[Sight | Drop] = deque()
        self.pending_bytes = 0
        self.telling = False  # a job is out
        self.counted: dict[str, int] = {}

    # The verbs of a core

    def receive(self, batch: DatagramBatch, now: int) -> None:
        """See a batch, then process it: one datagram at a time when drops are to be told by peer."""
        self.note(self.opener.inbound(batch, now))
        if self.trace is None:
            super().receive(batch, now)
        else:
            self.drops(None, None, now)
            for i in range(batch.count):
                self.one_by_one(batch, i, now)
        if self.opener.sealed:
            self.note(self.opener.again())

    def one_by_one(self, batch: DatagramBatch, i: int, now: int) -> None:
        """The datagrams of message i, each in a batch of its own."""
        offset, length, stride, socket, endpoint = batch.message(i)
        single = DatagramBatch(batch.slab)
        for start in range(offset, offset + length, stride):
            n = min(stride, offset + length - start)
            source = int.from_bytes(batch.slab.view[start + 13 : start + 18], "big") if n >= 18 else None
            single.add(start, n, n, socket, endpoint)
            super().receive(single, now)
            single.clear()
            self.drops(source, endpoint, now)

    def transmit(self, out: TransmitBatch, now: int) -> bool:
        """Fill a batch, then see it."""
        first = out.used
        more = super().transmit(out, now)
        self.note(self.opener.outbound(out, first, now))
        if self.trace is not None:
            self.drops(None, None, now)
        return more

    def has_news(self) -> bool:
        """Whether there is something to tell, too."""
        return super().has_news() or (bool(self.pending) and not self.telling)

    def jobs(self) -> list[Any]:
        """The core's jobs, and one that tells what was seen."""
        found = super().jobs()
        if self.pending and not self.telling:
            self.telling = True
            found = [*found, self.take()]
        return found

    def finish(self, job: Any, now: int) -> None:
        """Take a job back."""
        if isinstance(job, Telling):
            self.telling = False
        else:
            super().finish(job, now)

    # What was seen

    def note(self, sights: list[Sight]) -> None:
        """Keep it for the worker, or count it as lost when that is far behind."""
        for sight in sights:
            if not self.keep(sight, len(sight.data)) and self.capture is not None:
                self.capture.lost += 1

    def keep(self, item: Sight | Drop, size: int) -> bool:
        """Append to what is pending, if there is room."""
        size += NOTE
        if self.pending_bytes + size > MAX_PENDING:
            self.stats.drop(LOST)
            return False
        self.pending_bytes += size
        self.pending.append(item)
        return True

    def drops(self, peer: int | None, endpoint: Endpoint | None, now: int) -> None:
        """Note what was dropped since the last call."""
        before, self.counted = self.counted, self.stats.as_dict()
        for reason, count in self.counted.items():
            more = count - before.get(reason, 0)
            if more > 0 and is_drop(reason):
                self.keep(Drop(now, reason, more, peer, endpoint), 0)

    def take(self) -> Telling:
        """What is pending, as a job."""
        seen = list(self.pending)
        self.pending.clear()
        self.pending_bytes = 0
        sockets = {socket.number: socket.endpoint for socket in self.switch.context.sockets}
        return Telling(self.trace, self.capture, seen, sockets)

    def conclude(self, now: int) -> None:
        """Tell the rest."""
        self.note(list(self.opener.sealed))
        self.opener.sealed.clear()
        self.take().run()
        if self.capture is not None:
            self.capture.end(now)
