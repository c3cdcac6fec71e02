"""Buffers follow the path: receive window, send buffer, and what all windows together may take."""

from __future__ import annotations

import random

import pytest

import fastzt
from fastzt.netstack.config import StackConfig
from fastzt.netstack.window_budget import WindowBudget, budget_of

from .bench import SECOND, Bench, Link
from .flow import Flow

MBIT = 125_000
MS = 1000
MIB = 1 << 20
# A path that holds 6 MiB, and loses nothing; the interpreted build gets an eighth of it.
SCALE = 1 if fastzt.is_compiled() else 8
LONG = {"delay": 250 * MS, "rate": 100 * MBIT // SCALE, "queue": 64 * MIB // SCALE}
SMALL = {"receive_buffer": 65536, "send_buffer": 65536}


def test_a_long_fast_path_gets_windows_of_eight_mebibytes() -> None:
    flow = Flow(Link(**LONG), "cubic", **SMALL)
    flow.run(9)
    assert flow.server.rx.limit >= 8 * MIB // SCALE
    assert flow.client.tx.limit >= 8 * MIB // SCALE
    assert flow.client.tx.queue.pipe() > 5 * MIB // SCALE
    assert flow.run(1) > 85 / SCALE


def test_a_short_path_keeps_small_windows() -> None:
    flow = Flow(Link(delay=500, rate=100 * MBIT, queue=20_000), "cubic", **SMALL)
    flow.run(1)
    assert flow.server.rx.limit <= 4 * 65536
    assert flow.run(0.5) > 85


@pytest.mark.parametrize(("limit", "most"), [("max_receive_buffer", 70_000), ("max_send_buffer", 70_000)])
def test_the_configuration_bounds_them(limit: str, most: int) -> None:
    flow = Flow(Link(delay=50 * MS, rate=20 * MBIT, queue=MIB), "bbr", **SMALL, **{limit: most})
    flow.run(2)
    assert min(flow.server.rx.limit, flow.client.tx.limit) <= most
    assert flow.run(1) < 1.15 * 8 * most / 0.1 / 1e6


def test_a_size_that_the_user_chose_stays() -> None:
    flow = Flow(Link(delay=50 * MS, rate=20 * MBIT, queue=MIB), "bbr")
    flow.client.set_option("send_buffer", 30_000, flow.bench.now)
    assert flow.client.get_option("send_buffer") == 30_000
    flow.run(2)
    assert flow.client.get_option("send_buffer") == 30_000
    flow = Flow(Link(delay=50 * MS, rate=20 * MBIT, queue=MIB), "bbr", receive_buffer=20_000)
    flow.server.set_option("receive_buffer", 40_000, flow.bench.now)
    flow.run(2)
    assert flow.server.get_option("receive_buffer") == 40_000
    assert flow.run(1) == pytest.approx(8 * 40_000 / 0.1 / 1e6, rel=0.15)


def test_a_slow_reader_holds_the_window() -> None:
    bench = Bench(Link(delay=10 * MS), config=StackConfig(**SMALL))
    client, server, _ = bench.pair()
    sent = random.Random(1).randbytes(MIB)
    at, buffer = 0, bytearray(2000)
    for _ in range(200):
        at += client.write(sent[at : at + 65536], bench.now)
        bench.run(10 * MS)
        server.read_into(buffer, bench.now)
    assert server.rx.limit <= 2 * 65536
    assert server.readable <= server.rx.limit


class Receiver:
    """A flow as the budget sees it."""

    def __init__(self, budget: WindowBudget, wanted: int) -> None:
        self.budget = budget
        self.seen = -1
        self.held = budget.initial(wanted)

    def ask(self, wanted: int, now: int) -> int:
        self.seen = self.budget.report(self.held, self.seen, now)
        self.held = self.budget.resize(self.held, wanted)
        return self.held


def test_what_is_free_goes_to_whoever_asks() -> None:
    budget = WindowBudget(MIB)
    alone = Receiver(budget, 65536)
    assert alone.held == 65536
    assert alone.ask(10 * MIB, 1) == MIB


def test_the_sum_of_active_windows_stays_within_the_total() -> None:
    dice = random.Random(3)
    budget = WindowBudget(MIB)
    flows = [Receiver(budget, 65536)]
    for now in range(0, 30 * SECOND, 20_000):
        if now % SECOND == 0 and len(flows) < 12:
            flows.append(Receiver(budget, 65536))
        for flow in flows:
            flow.ask(max(flow.held, dice.randrange(2 * MIB)), now)
        if now % SECOND >= SECOND // 2:  # some round trips after a newcomer
            assert sum(flow.held for flow in flows) <= MIB
    fair = MIB // len(flows)
    assert all(0.5 * fair <= flow.held <= 1.5 * fair for flow in flows)


def test_flows_that_fell_silent_leave_their_share_to_others() -> None:
    budget = WindowBudget(MIB)
    first, second = Receiver(budget, 65536), Receiver(budget, 65536)
    for now in range(0, 3 * SECOND, 100_000):
        first.ask(4 * MIB, now)
        second.ask(4 * MIB, now)
    assert first.held + second.held <= MIB
    for now in range(3 * SECOND, 7 * SECOND, 100_000):
        first.ask(4 * MIB, now)
    assert first.held == MIB


def test_every_flow_has_a_floor() -> None:
    budget = WindowBudget(100_000)
    flows = [Receiver(budget, 65536) for _ in range(20)]
    for now in range(0, SECOND, 100_000):
        for flow in flows:
            flow.ask(65536, now)
    assert all(flow.held >= 16384 for flow in flows)


def test_three_full_messages_fit_into_a_small_buffer_while_datagrams_come_merged() -> None:
    budget = budget_of(212_992)
    assert budget.total == 106_496
    budget.arrived(1, 45 * 1432)
    assert budget.total == 180_000
    budget.arrived(1, 1432)  # one datagram alone tells nothing
    budget.arrived(16, 80)  # nor do acknowledgments
    assert budget.total == 180_000
    budget.arrived(16, 1432)
    assert budget.total == 106_496


def test_large_buffers_are_shared_alike_however_datagrams_come() -> None:
    budget = budget_of(8 * MIB)
    budget.arrived(16, 45 * 1432)
    assert budget.total == 4 * MIB


def test_windows_of_many_connections_stay_within_a_small_socket_buffer() -> None:
    """As with SO_RCVBUF left at 212,992: the flows share half of that, and all of them go on."""
    total = 106_496
    bench = Bench(Link(delay=5 * MS, rate=40 * MBIT, queue=200_000))
    bench.b.stack.windows.__init__(total)  # type: ignore[misc]
    pairs = [bench.pair(port=80 + i)[:2] for i in range(4)]
    block, buffer = random.Random(2).randbytes(65536), bytearray(65536)
    received = [0] * len(pairs)
    end = bench.now + 4 * SECOND
    while bench.now < end:
        for i, (near, far) in enumerate(pairs):
            near.write(block, bench.now)
            while n := far.read_into(buffer, bench.now):
                received[i] += n
        bench.step(end)
    assert sum(far.rx.limit for _, far in pairs) <= total
    assert sum(received) * 8 / 4e6 > 30
    assert min(received) > max(received) / 4


def test_a_reader_that_rests_does_not_narrow_a_window_that_the_sockets_bound() -> None:
    """What waits to be read lies in the ring, not in the socket's buffer, for which the window is narrow."""
    flow = Flow(Link(delay=5 * MS, rate=40 * MBIT, queue=200_000), "cubic")
    flow.bench.b.stack.windows.__init__(106_496)  # type: ignore[misc]
    flow.run(1)
    rx = flow.server.rx
    widest, end = rx.limit, flow.bench.now + SECOND // 2
    assert 90_000 < widest <= 106_496
    while flow.bench.now < end:
        flow.write()
        flow.bench.step(end)
        if flow.server.readable < 50_000:
            assert rx.edge - rx.next > widest // 2
    assert widest + 50_000 < flow.server.readable <= widest + 262_144
    assert flow.run(1) > 35


def test_whoever_leaves_gives_back_at_once() -> None:
    budget = WindowBudget(MIB)
    first = Receiver(budget, 65536)
    assert first.ask(4 * MIB, 1) == MIB
    budget.leave(first.held, first.seen)
    second = Receiver(budget, 65536)
    assert second.ask(4 * MIB, 2) == MIB
    assert budget.report(second.held, second.seen, SECOND) == 1
    budget.leave(second.held, 1)
    assert Receiver(budget, 65536).ask(4 * MIB, SECOND + 1) == MIB


def test_a_newcomer_gets_its_share_though_the_other_has_all() -> None:
    budget = WindowBudget(MIB)
    first = Receiver(budget, 65536)
    first.ask(4 * MIB, 1)
    second = Receiver(budget, 65536)
    assert second.held == 65536
    assert second.ask(4 * MIB, 2) == MIB // 2
    assert first.ask(4 * MIB, 3) == MIB // 2
    crowd = [Receiver(budget, 65536) for _ in range(100)]
    everybody = [*crowd, first, second]
    for now in (4, 5):
        held = sum(flow.ask(MIB, now) for flow in everybody)
    assert held <= len(everybody) * 16384


def test_a_flow_after_another_starts_as_fast() -> None:
    """Both between the same two stacks, one after the other: nothing is held by the one that is over."""
    flow = Flow(Link(delay=500, rate=100 * MBIT, queue=20_000), "cubic")
    flow.run(0.5)
    assert flow.server.rx.seen >= 0
    flow.client.close(flow.bench.now)
    end = flow.bench.now + SECOND
    while not flow.server.rx.eof and flow.bench.now < end:
        flow.bench.step(end)
        flow.server.read_into(flow.buffer, flow.bench.now)
    assert flow.server.rx.eof
    assert flow.server.rx.seen < 0
