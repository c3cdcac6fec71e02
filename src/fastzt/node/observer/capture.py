"""Capture: a pcapng file of VL1 packets in the clear and of the Ethernet frames inside of them.

Interface `vl1` has the packets, each behind Ethernet, IP and UDP headers made from its endpoints; every
network has an interface of its own, named by its id. The file is as secret as what it holds: only its owner
may read it.
"""

from __future__ import annotations

import logging
import os

from ..._core.endpoint import V4_PREFIX, Endpoint
from ...netstack.ip_packet import checksum, pseudo_header, whole
from . import frames, pcapng
from .sight import Sight

UDP = 17
UDP_HEADER = 8
VL1 = 0  # the number of the interface
MAX_NETWORKS = 256
log = logging.getLogger("fastzt.capture")


class Capture:
    """Writes to `path`, which is made anew; raises OSError. `wall_us`: what to add to a node's times."""

    def __init__(self, path: str | os.PathLike[str], wall_us: int) -> None:
        self.path = os.fspath(path)
        self.wall_us = wall_us
        self.lost = 0
        self.networks: dict[int, int] = {}
        self._owner = os.getpid()
        self._file: int = os.open(
            self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600
        )
        try:
            self._write(pcapng.section("fastzt") + pcapng.interface("vl1", "ZeroTier VL1, armor removed"))
        except OSError:
            self.close()
            raise

    @property
    def closed(self) -> bool:
        """Whether nothing more is written: it was closed, writing has failed, or this is a forked child."""
        return self._file < 0 or os.getpid() != self._owner

    def write(self, sights: list[Sight], locals_: dict[int, Endpoint]) -> None:
        """Write what was seen; the first failure ends the capture, not the node."""
        if self.closed:
            return
        try:
            self._write(b"".join(self.blocks(sight, locals_) for sight in sights))
        except OSError as error:
            log.error("the capture %s ends here: %s", self.path, error.strerror)
            self._drop_file()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def blocks(self, sight: Sight, locals_: dict[int, Endpoint]) -> bytes:
        """The packet, and its frame if it has one."""
        us = sight.now + self.wall_us
        way = (
            f"{'to' if sight.outbound else 'from'} {sight.peer:010x}, {sight.verb_name}, suite {sight.suite}"
        )
        comment = way + (f", {sight.hops} hops" if sight.hops else "")
        outer = encapsulated(sight, locals_.get(sight.socket))
        made = pcapng.packet(VL1, us, outer, sight.outbound, comment)
        found = frames.ethernet(sight)
        if found is None:
            return made
        nwid, frame = found
        number, interface = self.interface_of(nwid)
        return made + interface + (pcapng.packet(number, us, frame, sight.outbound) if number else b"")

    def interface_of(self, nwid: int) -> tuple[int, bytes]:
        """The number of a network's interface, and its block when it is new; 0: there are too many."""
        known = self.networks.get(nwid)
        if known is not None:
            return known, b""
        if len(self.networks) >= MAX_NETWORKS:
            return 0, b""
        self.networks[nwid] = number = len(self.networks) + 1
        return number, pcapng.interface(f"{nwid:016x}", f"Ethernet of network {nwid:016x}")

    def end(self, now: int) -> None:
        """Write how many packets are missing, and close. Harmless when repeated."""
        if not self.closed:
            try:
                self._write(pcapng.statistics(VL1, now + self.wall_us, self.lost))
            except OSError as error:
                log.error("the capture %s lacks its end: %s", self.path, error.strerror)
            self.close()

    def close(self) -> None:
        """Close the file as it is."""
        self._drop_file()

    def _drop_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def encapsulated(sight: Sight, local: Endpoint | None) -> bytes:
    """A packet behind headers like those that it had on the wire; the local IP may be zeros."""
    remote = sight.endpoint
    nowhere = V4_PREFIX + bytes(4) if remote.is_v4 else bytes(16)
    near = (
        local
        if local is not None and local.is_v4 == remote.is_v4
        else Endpoint(nowhere, local.port if local else 0)
    )
    source, destination = (near, remote) if sight.outbound else (remote, near)
    datagram = udp(source, destination, sight.data)
    ethertype = 0x0800 if remote.is_v4 else 0x86DD
    return frames.joined(0, 0, ethertype, whole(source.ip, destination.ip, UDP, datagram))


def udp(source: Endpoint, destination: Endpoint, data: bytes) -> bytes:
    """A UDP datagram with its checksum (RFC 768)."""
    length = UDP_HEADER + len(data)
    ports = source.port.to_bytes(2, "big") + destination.port.to_bytes(2, "big") + length.to_bytes(2, "big")
    covered = pseudo_header(source.ip, destination.ip, UDP, length) + ports + b"\0\0" + data
    return ports + (checksum(covered) or 0xFFFF).to_bytes(2, "big") + data
