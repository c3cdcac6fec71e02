"""The benchmark measures real things: damage is noticed, figures are filled in, its processes end with it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import fastzt
from fastzt._core.endpoint import Endpoint
from fastzt.errors import FastztError
from fastzt.io.endpoints import UdpSockets
from fastzt.lab.bench import armoring, ceiling, crowd, echo, pingpong, stream
from fastzt.lab.bench.process import Member
from fastzt.lab.bench.rig import Rig
from fastzt.lab.bench.settings import Settings
from fastzt.lab.bench.stream import BLOCK, PROLOGUE, Damaged

SEED = 3


class Canned:
    """The receiving end of a connection that carries these bytes, some at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = memoryview(data)

    def recv_into(self, buffer: Any) -> int:
        n = min(len(buffer), len(self.data), 100_000)
        buffer[:n] = self.data[:n]
        self.data = self.data[n:]
        return n


def whole(laps: int) -> bytearray:
    """A stream as `send` sends it."""
    return bytearray(stream.prologue_of(SEED) + stream.block_of(SEED) * laps)


@pytest.mark.parametrize("size", [1000, BLOCK, BLOCK * 2 + 5])
def test_pieces_make_up_whole_laps(size: int) -> None:
    block = stream.block_of(SEED)
    pieces, laps = stream.pieces_of(block, size)
    assert b"".join(pieces) == block * laps
    assert max(map(len, pieces)) <= size


def test_a_stream_is_counted_and_checked_by_its_receiver() -> None:
    near, far = socket.socketpair()
    with near, far:
        for end in (near, far):
            end.settimeout(30)
        sent: list[dict[str, Any]] = []
        sender = threading.Thread(target=lambda: sent.append(stream.send(near, SEED, 0.02, 1 << 16)))
        sender.start()
        received = stream.receive(far, SEED)
        far.close()
        sender.join(30)
    assert received["bytes"] == sent[0]["bytes"] > 0
    assert received["bytes"] % BLOCK == 0
    assert received["sha256"] == sent[0]["sha256"]
    assert received["end"] > received["start"]


def test_what_is_received_in_parts_is_the_same() -> None:
    assert stream.receive(Canned(bytes(whole(3))), SEED)["bytes"] == 3 * BLOCK


@pytest.mark.parametrize("damage", [0, BLOCK - 1, BLOCK + 5])
def test_one_wrong_bit_is_noticed(damage: int) -> None:
    data = whole(2)
    data[PROLOGUE + damage] ^= 1
    with pytest.raises(Damaged, match=f"lap {damage // BLOCK} "):
        stream.receive(Canned(bytes(data)), SEED)


def test_bytes_of_an_earlier_ring_are_noticed() -> None:
    data, ring = whole(9), 1 << 20
    data[PROLOGUE + ring : PROLOGUE + ring + 1000] = data[PROLOGUE : PROLOGUE + 1000]
    with pytest.raises(Damaged):
        stream.receive(Canned(bytes(data)), SEED)


def test_damage_of_the_prologue_changes_its_digest() -> None:
    data = whole(1)
    undamaged = stream.receive(Canned(bytes(data)), SEED)
    data[PROLOGUE - 1] ^= 1
    assert stream.receive(Canned(bytes(data)), SEED)["sha256"] != undamaged["sha256"]


@pytest.mark.parametrize("length", [PROLOGUE - 1, PROLOGUE + BLOCK - 1])
def test_a_stream_that_ends_early_is_no_stream(length: int) -> None:
    with pytest.raises(Damaged, match="1 bytes before the end"):
        stream.receive(Canned(bytes(whole(1)[:length])), SEED)


def test_udp_alone_counts_what_arrives() -> None:
    near, far = UdpSockets.open(bind=["127.0.0.1"]), UdpSockets.open(bind=["127.0.0.1"])
    found: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: found.append(ceiling.absorb(far, 0.1)))
    thread.start()
    sent = ceiling.flood(near, Endpoint.parse("127.0.0.1", far.port), 0.3)
    thread.join(30)
    assert 0 < found[0]["bytes"] <= sent["bytes"]
    assert found[0]["bytes"] % ceiling.SIZE == 0
    near.close()
    far.close()


def echo_server() -> tuple[Callable[[], socket.socket], Callable[[], None]]:
    """Connect to an echo server on loopback; end it."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=echo.serve, args=(listener,), daemon=True)
    thread.start()
    return lambda: socket.create_connection(listener.getsockname(), timeout=30), listener.close


def test_round_trips_and_connects() -> None:
    connect, end = echo_server()
    with connect() as sock:
        found = pingpong.quantiles(pingpong.ping(sock, 0.05))
    assert 0 < found["p50"] <= found["p99"]
    assert found["count"] > 1
    counted = pingpong.connects(connect, 0.1)
    assert (counted["failed"], counted["last_error"]) == (0, "")
    assert counted["done"] > 1
    end()


@pytest.mark.parametrize("raised", [0, 2])
def test_errors_of_ours_end_it(raised: int) -> None:
    class Answering(Member):
        def __init__(self) -> None:
            self.name = "far"

        def call(self, do: str, **arguments: Any) -> Any:
            assert do == "raised"
            return raised

    rig = Rig(Settings(("tcp",)))
    rig._pairs["pair"] = Answering(), Answering()
    with rig, pytest.raises(FastztError) if raised else contextlib.nullcontext() as found:
        rig.check()
    if found is not None:
        assert str(found.value) == "2 packets were lost to errors of fastzt's own in far"


def test_quantiles() -> None:
    assert pingpong.quantiles([n * 1000 for n in range(100, 0, -1)]) == {"p50": 51, "p99": 100, "count": 100}


def test_connects_that_fail_are_an_error() -> None:
    def refuse() -> Any:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(FastztError, match="nobody there"):
        pingpong.connects(refuse, 5)


def test_armoring_gives_a_rate_for_each_suite_and_size() -> None:
    found = armoring.armoring(0.001)
    assert set(found) == {"armor", "dearmor"}
    for suites in found.values():
        assert {suite: set(sizes) for suite, sizes in suites.items()} == {
            suite: {"64", "512", "1400"} for suite in ("1", "3")
        }
        assert all(rate > 0 for sizes in suites.values() for rate in sizes.values())


def test_a_crowd_is_gathered_and_let_go() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    keeper = crowd.Keeper(listener)
    gathered = crowd.gather(lambda: socket.create_connection(address, timeout=30), 20)
    assert len({sock.getsockname() for sock in gathered}) == 20
    listener.shutdown(socket.SHUT_RDWR)
    assert (crowd.close_all(gathered), keeper.close()) == (20, 20)


def test_errors_of_a_process_come_back_and_it_ends() -> None:
    with Member("one") as member:
        with pytest.raises(FastztError, match=r"one: .*refused"):
            member.call("connects", side="kernel", host="127.0.0.1", port=1, seconds=1)
        assert member.call("usage")["rss"] > 1_000_000
    assert member.process.returncode == 0
    with pytest.raises(FastztError, match="has ended"):
        member.call("usage")


PARENT = """
import sys
from fastzt.lab.bench.process import Member
member = Member("one")
member.start("ping", side="kernel", host="127.0.0.1", port=member.call("echo", side="kernel"), seconds=600)
print(member.process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for another process's child")
def test_a_working_process_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent.stdin, parent.stdout:
        child = os.pidfd_open(int(parent.stdout.readline()))
        assert select.select([child], [], [], 0)[0] == []
        parent.kill()
        parent.wait(30)
        assert select.select([child], [], [], 30)[0] == [child]
        os.close(child)


FIELDS = {
    "armor",
    "tcp_gbit_s",
    "rtt_us_p50",
    "rtt_us_p99",
    "connects_per_s",
    "warm_start_ms",
    "idle_cpu_percent",
    "udp_gbit_s",
    "udp_one_a_call_gbit_s",
    "kernel_tcp_gbit_s",
    "udp_rtt_us_p50",
    "crowd_tcp_gbit_s",
    "crowd_resident_mb_accepting",
    "busy_tcp_gbit_s",
}


@pytest.mark.parametrize(
    "options",
    [
        ["--only", "all", "--crowd", "20", "--suite", "3", "--switch-interval", "1"],
        ["--only", "tcp", "--suite", "1", "--flows", "2", "--write-size", "1000", "--rcvbuf", "212992"],
    ],
)
def test_the_command(options: list[str]) -> None:
    command = [sys.executable, "-m", "fastzt", "bench", "--seconds", "0.1", "--runs", "1", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env={**os.environ})
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["versions"]["compiled"] == fastzt.is_compiled()
    if "all" in options:
        assert all(found[name] for name in FIELDS)
        assert found["crowd_closed"] == 20
        assert found["connects_failed"] == 0
    else:
        assert found["tcp_gbit_s"] > 0
        assert found["receive_buffer"] <= 212992
        assert (found["settings"]["suite"], found["settings"]["flows"]) == (1, 2)
        assert found["flows_to_one"] == pytest.approx(
            found["tcp_gbit_s"] / found["one_flow_gbit_s"], rel=1e-2
        )


@pytest.mark.parametrize(
    ("options", "text"),
    [(["--only", "speed"], "no part 'speed'"), (["--cc", "fast"], "no congestion control")],
)
def test_what_does_not_exist_is_named(options: list[str], text: str) -> None:
    command = [sys.executable, "-m", "fastzt", "bench", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert text in done.stderr
