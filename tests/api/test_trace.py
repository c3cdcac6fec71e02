"""Traces, event records and counters: what a node tells of what it does."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.nodes import LOOPBACK, SECRETS, Lab, Pair, lab

from fastzt import Node
from fastzt.api import event_log
from fastzt.node.core import Core
from fastzt.vl1.events import PathChanged

TRACED = replace(LOOPBACK, trace=True)


def until(condition: Callable[[], Any], what: str) -> Any:
    """What the condition gives, once it is true."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.01)
    return found


def forged(to: Node, source: str, suite: int = 1) -> bytes:
    """A packet whose MAC is wrong."""
    head = bytes(8) + bytes.fromhex(to.id) + bytes.fromhex(source)
    return head + bytes((suite << 3,)) + bytes(8) + b"\x06" + bytes(40)


def send(data: bytes, to: Node) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(data, ("127.0.0.1", to.port))


def traced(made: Lab, caplog: pytest.LogCaptureFixture) -> tuple[Node, Node, str]:
    """A traced node and another that have exchanged something."""
    caplog.set_level(logging.DEBUG, "fastzt.trace")
    nwid = made.network()
    a, b = made.node(1, config=TRACED), made.node(2)
    made.authorize(nwid, a, b)
    net_a, net_b = a.join(nwid), b.join(nwid)
    assert net_a.ping(str(net_b.addresses[0].ip), count=1, timeout=30).received == 1
    return a, b, nwid


def test_first_packets_verbs_and_drops_by_peer(caplog: pytest.LogCaptureFixture) -> None:
    with lab() as made:
        a, b, nwid = traced(made, caplog)
        send(forged(a, b.id), a)
        until(lambda: a.status()["dropped"].get("vl1.forged"), "the forged packet counted")
        a.close()
        lines = [record.getMessage() for record in caplog.records if record.name == "fastzt.trace.packets"]
        for way, verb, peer in (("out", "HELLO to", made.server.id), ("in", "OK from", made.server.id)):
            assert any(f"{a.id}: {way} {verb} {peer}" in line and "(first)" in line for line in lines), lines
        frame = rf"{a.id}: in FRAME from {b.id} at 127\.0\.0\.1/{b.port} network {nwid} ethertype 0800, "
        assert any(re.match(frame, line) for line in lines), lines
        (drop,) = (r for r in caplog.records if getattr(r, "reason", None) == "vl1.forged")
        assert drop.name == "fastzt.trace.drops"
        assert (drop.peer, drop.number) == (b.id, 1)  # type: ignore[attr-defined]
        assert f"a packet from {b.id} at 127.0.0.1/" in drop.getMessage()


def test_no_secret_is_traced(caplog: pytest.LogCaptureFixture) -> None:
    with lab() as made:
        traced(made, caplog)
    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "HELLO" in told
    for secret in SECRETS[:3]:
        assert secret.split(":")[3] not in told


def test_many_packets_make_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Eight of each kind, then each doubling."""
    with lab() as made:
        a, b, _ = traced(made, caplog)
        for _ in range(100):
            send(forged(a, b.id), a)
        until(lambda: a.status()["dropped"].get("vl1.forged") == 100, "all of them counted")
        a.close()
        told = [r.number for r in caplog.records if getattr(r, "reason", None) == "vl1.forged"]  # type: ignore[attr-defined]
        assert told[-1] == 64
        assert len(told) <= 8 + 4


def test_the_environment_turns_it_on(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where the program has not set up logging, the lines go to standard error."""
    monkeypatch.setenv("FASTZT_TRACE", "1")
    trace = logging.getLogger("fastzt.trace")
    monkeypatch.setattr(trace, "propagate", False)
    monkeypatch.setattr(trace, "handlers", [])
    monkeypatch.setattr(trace, "level", logging.NOTSET)
    with lab() as made:
        made.node(1).close()
    assert re.search(r"fastzt\.trace\.packets [0-9a-f]{10}: out HELLO to ", capfd.readouterr().err)


@pytest.mark.parametrize("value", [None, "", "0"])
def test_a_node_that_is_not_observed_has_a_plain_core(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("FASTZT_TRACE", raising=False)
    else:
        monkeypatch.setenv("FASTZT_TRACE", value)
    with Node(identity=SECRETS[1], config=LOOPBACK) as node:
        assert type(node.perform(lambda core, now: core)) is Core


def test_events_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fastzt.events")
    with lab() as made:
        nwid = made.network()
        node = made.node(1)
        made.authorize(nwid, node)
        addresses = list(map(str, node.join(nwid).addresses))
        node.close()
        records = [record for record in caplog.records if getattr(record, "node", None) == node.id]
        (joined,) = (record for record in records if getattr(record, "event", None) == "Joined")
        assert joined.network == nwid  # type: ignore[attr-defined]
        assert joined.addresses == addresses  # type: ignore[attr-defined]
        assert any(getattr(record, "event", None) == "Online" for record in records)
    assert event_log.facts(PathChanged(0x89E92CEEE5, None)) == {"peer": "89e92ceee5", "endpoint": None}


def test_drops_of_every_layer_are_in_the_status(pair: Pair) -> None:
    a, b = pair.a, pair.b
    send(b"short", b)
    send(forged(b, a.id), b)
    near, far = pair.sockets()
    with near, far, pytest.raises(ConnectionRefusedError):
        pair.net_a.connect((pair.ip(pair.net_b), 9), timeout=30)

    def flood(core: Any, now: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(20_000):
                sock.sendto(bytes(1000), ("127.0.0.1", b.port))

    b.perform(flood)  # under the lock: nobody drains
    send(b"short", b)  # the kernel tells with a message how many it dropped before

    def dropped() -> bool:
        found = b.status()["dropped"]
        wanted = {"vl1.short", "vl1.forged", "netstack.no_listener", "io.receive_buffer_overflow"}
        return wanted <= set(found)

    until(dropped, str(b.status()["dropped"]))
    told = b.status()
    assert all(n > 0 for counts in ("dropped", "evicted", "counted") for n in told[counts].values())
    assert "vl1.relayed" not in told["dropped"]


def test_frames_of_strangers_count_as_drops_of_vl2() -> None:
    with lab() as made:
        nwid = made.network()
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        a.join(nwid)
        b.join(nwid)
        b.leave(nwid)
        a_says = int(nwid, 16).to_bytes(8, "big") + b"\x08\x00" + bytes(40)
        a.perform(lambda core, now: core.switch.send(int(b.id, 16), 6, a_says, now))
        until(lambda: b.status()["dropped"].get("vl2.unknown_network"), "the frame counted")
