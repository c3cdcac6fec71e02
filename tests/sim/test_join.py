"""Whole nodes join through a root and a controller, and the errors of joining arrive as events."""

from __future__ import annotations

import errno

from fastzt.vl1.events import Offline, Online
from fastzt.vl2.events import Denied, Joined
from fastzt.vl2.status import Status

from .lab import Lab
from .world import MS, SECOND, Link


def test_members_join_and_connect() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    assert [event.nwid for event in a.seen(Joined)] == [lab.nwid]
    assert a.seen(Online)
    near, far = lab.connect(a, b)
    a.act(lambda now: near.write(b"ping", now))
    lab.run_until(lambda: far.readable == 4)
    data = bytearray(4)
    assert b.act(lambda now: far.read_into(data, now)) == 4
    assert data == b"ping"
    assert far.peer.address == a.core.address
    assert near.peer.address == b.core.address


def test_a_restarted_member_connects_in_round_trips() -> None:
    """The others showed it their certificates a moment ago, to its former self."""
    lab = Lab(link=Link(delay=5 * MS))
    a, b = lab.members
    lab.join(a, b)
    listener = b.act(lambda now: b.core.listen(lab.nwid, None, 80, 16, now))
    near = a.act(lambda now: a.core.connect(lab.nwid, lab.ip(b), 80, now))
    lab.run_until(lambda: near.connected)
    for _ in range(3):
        lab.restart(a, [lab.nwid])
        begin = lab.now
        near = a.act(lambda now: a.core.connect(lab.nwid, lab.ip(b), 80, now))
        lab.run_until(lambda near=near: near.connected)
        assert lab.now - begin < 100 * MS
        lab.run_until(listener.accept)


def test_joining_takes_round_trips_not_ticks() -> None:
    lab = Lab()
    lab.run_for(1.0)
    begin = lab.now
    lab.join(*lab.members)
    lab.connect(*lab.members)
    assert lab.now - begin < SECOND // 2


def test_a_member_that_is_not_authorized_is_denied_then_let_in() -> None:
    lab = Lab()
    nwid = lab.make_network(authorized=False)
    (a, _) = lab.members
    begin = lab.now
    a.act(lambda now: a.core.join(nwid, now))
    lab.run_until(lambda: a.seen(Denied))
    assert lab.now - begin < 2 * SECOND
    assert a.core.network(nwid).status == Status.DENIED
    begin = lab.now
    service = lab.controller.core.controller
    lab.controller.act(lambda now: service.authorize(nwid, a.core.address, now))
    lab.run_until(lambda: a.core.is_usable(nwid))
    assert lab.now - begin < 6 * SECOND


def test_an_unknown_network_is_not_found() -> None:
    lab = Lab()
    (a, _) = lab.members
    nwid = lab.controller.core.address << 24 | 0x123456
    a.act(lambda now: a.core.join(nwid, now))
    event = lab.run_until(lambda: a.seen(Denied))[0]
    assert (event.nwid, event.reason) == (nwid, Status.NOT_FOUND)


def test_an_unreachable_controller_stays_silent() -> None:
    lab = Lab()
    (a, _) = lab.members
    lab.controller.down = True
    a.act(lambda now: a.core.join(lab.nwid, now))
    lab.run_for(10)
    assert a.core.network(lab.nwid).status == Status.REQUESTING
    assert not a.seen(Denied)
    lab.controller.down = False
    lab.run_until(lambda: a.core.is_usable(lab.nwid))


def test_a_dead_root_is_noticed() -> None:
    lab = Lab()
    (a, _) = lab.members
    lab.run_until(lambda: a.seen(Online))
    lab.root.down = True
    lab.run_until(lambda: a.seen(Offline), 600)


def test_two_networks_with_one_prefix_are_ambiguous() -> None:
    lab = Lab()
    a, b = lab.members
    other = lab.make_network()
    lab.join(a, b)
    lab.join(a, b, nwid=other)
    ip = lab.ip(b)
    assert sorted(a.core.networks_with(ip)) == sorted([lab.nwid, other])
    listener = b.act(lambda now: b.core.listen(other, None, 80, 16, now))
    near = a.act(lambda now: a.core.connect(other, lab.ip(b, other), 80, now))
    lab.run_until(lambda: near.connected)
    assert lab.run_until(listener.accept).peer.address == a.core.address
    refused = a.act(lambda now: a.core.connect(lab.nwid, ip, 80, now))
    lab.run_until(lambda: refused.error)
    assert refused.error == errno.ECONNREFUSED


def test_nobody_at_an_address_is_unreachable() -> None:
    lab = Lab()
    (a, b) = lab.members
    lab.join(a, b)
    ip = lab.ip(a)[:15] + bytes([200])
    near = a.act(lambda now: a.core.connect(lab.nwid, ip, 80, now))
    lab.run_until(lambda: near.error)
    assert near.error == errno.EHOSTUNREACH


def test_a_whole_run_is_deterministic() -> None:
    def run() -> tuple[int, int]:
        lab = Lab(seed=7)
        lab.join(*lab.members)
        lab.connect(*lab.members)
        return lab.now, lab.carried

    assert run() == run()
