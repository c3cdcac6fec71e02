"""Capture files: packets in the clear, the frames inside, readable by others."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support import pcapng
from support.nodes import LOOPBACK, SECRETS, lab

from fastzt import Node
from fastzt._core.endpoint import Endpoint
from fastzt.node.observer.capture import Capture
from fastzt.node.observer.sight import Sight

SECRET = b"what only the two ends know"
LARGE = bytes(i * 7 % 251 for i in range(2600))  # longer than a datagram: the packet travels in fragments
NODE = "89e92ceee5"
VERB, PAYLOAD = 14 + 20 + 8 + 27, 14 + 20 + 8 + 28  # behind Ethernet, IPv4 and UDP


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Node, Node]:
    """The file of a node that joined, and exchanged UDP and TCP with another."""
    path = tmp_path_factory.mktemp("capture") / "a.pcapng"
    with lab() as made:
        nwid = made.network()
        a, b = made.node(1, config=replace(LOOPBACK, pcap=path)), made.node(2)
        made.authorize(nwid, a, b)
        net_a, net_b = a.join(nwid), b.join(nwid)
        here, there = str(net_a.addresses[0].ip), str(net_b.addresses[0].ip)
        with net_a.udp(0) as near, net_b.udp(0) as far:
            far.settimeout(30)
            near.settimeout(30)
            for data in (SECRET, LARGE):
                near.sendto(data, (there, far.port))
                assert far.recvfrom(4096) == (data, (here, near.port))
                far.sendto(data[::-1], (here, near.port))
                assert near.recvfrom(4096)[0] == data[::-1]
        with net_b.listen(0) as listener:
            listener.settimeout(30)
            with net_a.connect((there, listener.port), timeout=30) as near, listener.accept()[0] as far:
                near.sendall(SECRET)
                far.settimeout(30)
                assert far.recv(100) == SECRET
        a.close()
        return path, nwid, a, b


def test_frames_of_both_directions(captured: tuple[Path, str, Node, Node]) -> None:
    path, nwid, _, _ = captured
    found = pcapng.read(path)
    assert found.interfaces == ["vl1", nwid]
    frames = found.on(nwid)
    for data, outbound in ((SECRET, True), (SECRET[::-1], False), (LARGE, True), (LARGE[::-1], False)):
        assert any(data in frame.data and frame.outbound == outbound for frame in frames)
    assert sum(SECRET in frame.data for frame in frames) == 2  # by UDP and by TCP
    ethertypes = {frame.data[12:14] for frame in frames}
    assert ethertypes == {b"\x08\x06", b"\x08\x00"}  # ARP before IPv4
    macs = {frame.data[6:12] for frame in frames if not frame.outbound}
    assert len(macs) == 1
    assert macs == {frame.data[:6] for frame in frames if frame.outbound and frame.data[12:14] == b"\x08\x00"}


def test_packets_in_the_clear(captured: tuple[Path, str, Node, Node]) -> None:
    path, _, a, b = captured
    found = pcapng.read(path)
    packets = found.on("vl1")
    assert all(" sealed" not in packet.comment for packet in packets)
    hello, frame = 1, 6
    verbs = {(packet.data[VERB] & 0x1F, packet.outbound) for packet in packets}
    assert {(hello, True), (frame, True), (frame, False)} <= verbs
    long = [packet for packet in packets if LARGE in packet.data]
    assert len(long) == 1  # one packet, though it travelled in pieces
    assert long[0].data[PAYLOAD : PAYLOAD + 8].hex() == captured[1]
    peers = {packet.comment.split()[1].rstrip(",") for packet in packets}
    assert {b.id} <= peers
    assert a.id not in peers
    assert found.lost == {"vl1": 0}
    assert all(abs(packet.us / 1e6 - time.time()) < 3600 for packet in packets)


def test_only_the_owner_may_read_it(captured: tuple[Path, str, Node, Node]) -> None:
    assert stat.S_IMODE(captured[0].stat().st_mode) == 0o600


def test_no_secret_key_in_it(captured: tuple[Path, str, Node, Node]) -> None:
    data = captured[0].read_bytes()
    for secret in SECRETS[:3]:
        assert bytes.fromhex(secret.split(":")[3]) not in data


def test_tcpdump_reads_it(captured: tuple[Path, str, Node, Node]) -> None:
    tcpdump = shutil.which("tcpdump") or shutil.which("tcpdump", path="/usr/sbin:/sbin")
    if tcpdump is None:
        assert os.environ.get("FASTZT_REQUIRE_INTEROP") != "1", "tcpdump is missing"
        pytest.skip("tcpdump is not installed")
    ran = subprocess.run([tcpdump, "-nvr", str(captured[0])], capture_output=True, text=True, check=True)
    assert "UDP, length" in ran.stdout
    assert "ARP" in ran.stdout
    assert "Flags [S]" in ran.stdout
    assert "bad" not in ran.stdout  # checksums
    assert ran.stdout.count("\n\t") + ran.stdout.count("\n") > 20


def test_a_capture_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Node(identity=SECRETS[1], config=replace(LOOPBACK, pcap=tmp_path / "none" / "a.pcapng"))


def sight(data: bytes = bytes(40)) -> Sight:
    return Sight(1, False, 0, Endpoint.parse("127.0.0.1", 9), data, True)


def test_a_capture_that_can_no_longer_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its reader goes away: the capture ends, with one line in the log; the node would go on."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    capture = Capture(fifo, 0)
    os.close(reader)
    with caplog.at_level(logging.ERROR, "fastzt"):
        capture.write([sight()], {})
        assert capture.closed
        capture.write([sight()], {})
        capture.end(1)
    assert [record.name for record in caplog.records] == ["fastzt.capture"]


def test_ipv6_is_written_with_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "six.pcapng"
    capture = Capture(path, 0)
    capture.write(
        [Sight(5, True, 0, Endpoint.parse("fd00::1", 9993), bytes(40), False)],
        {0: Endpoint.parse("fd00::2", 9994)},
    )
    capture.end(6)
    (packet,) = pcapng.read(path).packets
    assert packet.data[12:14] == b"\x86\xdd"
    ip = packet.data[14:]
    assert (ip[8:24], ip[24:40]) == (Endpoint.parse("fd00::2", 0).ip, Endpoint.parse("fd00::1", 0).ip)
    covered = ip[8:40] + bytes(2) + ip[4:6] + bytes(3) + b"\x11" + ip[40:]
    assert sum(int.from_bytes(covered[i : i + 2], "big") for i in range(0, len(covered), 2)) % 0xFFFF == 0
    assert "sealed" in packet.comment


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    capture = Capture(path, 0)
    capture.write([sight()], {})
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        capture.write([sight()], {})
        capture.end(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert path.read_bytes() == before
    capture.end(1)
    assert len(pcapng.read(path).packets) == 1
