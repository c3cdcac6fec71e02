"""A real libzt 1.8.4 node under command: `python libzt_peer.py STAND_IN LIBRARY HOME PORT [alone]`.

`alone`: it opens no second port.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import sys
import threading
from pathlib import Path
from typing import Any

from commands import BLOCK, Handler, serve
from libzt import ADDRESS_TEXT, BROADCAST, DATAGRAM, IPV4, READY, STREAM, family_of, kind_of, load


class LibztError(OSError):
    """A negative answer of libzt."""


class LibztPeer(Handler):
    """The commands on libzt's C API; handles are its file descriptors."""

    def __init__(self, zts: ctypes.CDLL, home: str, port: int, alone: bool = False) -> None:
        super().__init__()
        self.alone = alone
        self.zts = zts
        self.home = home
        self.port = port
        self.local = threading.local()  # a buffer for each command's thread
        self.families: dict[int, int] = {}  # of the datagram sockets

    def check(self, result: int, what: str) -> int:
        if result < 0:
            number = ctypes.c_int.in_dll(self.zts, "zts_errno").value
            raise LibztError(number, f"{what}: {result}, zts_errno {number}")
        return result

    def do_start(self) -> str:
        self.check(self.zts.zts_init_from_storage(self.home.encode()), "init")
        self.check(self.zts.zts_init_set_port(self.port), "port")
        if self.alone:
            self.check(self.zts.zts_init_allow_secondary_port(0), "second port")
        self.check(self.zts.zts_node_start(), "start")
        return ""

    def do_id(self) -> str:
        """The node's address, empty until it has an identity."""
        number = int(self.zts.zts_node_get_id())
        return f"{number:010x}" if 0 < number < 1 << 40 else ""  # errors are negative numbers

    def do_online(self) -> bool:
        return bool(self.zts.zts_node_is_online() == 1)

    def do_join(self, nwid: str) -> int:
        return self.check(self.zts.zts_net_join(int(nwid, 16)), "join")

    def do_addresses(self, nwid: str) -> list[str]:
        """The IPv4 address, once the network can carry traffic."""
        if self.zts.zts_net_transport_is_ready(int(nwid, 16)) != READY:
            return []
        text = ctypes.create_string_buffer(ADDRESS_TEXT)
        if self.zts.zts_addr_get_str(int(nwid, 16), IPV4, text, ADDRESS_TEXT) < 0:
            return []
        return [text.value.decode()]

    def do_listen(self, host: str, port: int) -> int:
        handle = self.check(self.zts.zts_socket(family_of(host), STREAM, 0), "socket")
        self.check(self.zts.zts_bind(handle, host.encode(), port), "bind")
        self.check(self.zts.zts_listen(handle, 8), "listen")
        return handle

    def do_accept(self, handle: int) -> dict[str, Any]:
        text = ctypes.create_string_buffer(ADDRESS_TEXT)
        port = ctypes.c_ushort()
        accepted = self.zts.zts_accept(handle, text, ADDRESS_TEXT, ctypes.byref(port))
        host = str(ipaddress.ip_address(text.value.decode()))  # libzt writes IPv6 in upper case
        return {"handle": self.check(accepted, "accept"), "host": host, "port": port.value}

    def do_connect(self, host: str, port: int, timeout: float) -> int:
        handle = self.check(self.zts.zts_socket(family_of(host), STREAM, 0), "socket")
        self.check(self.zts.zts_connect(handle, host.encode(), port, int(timeout * 1000)), "connect")
        return handle

    def send_all(self, handle: int, data: bytes) -> None:
        sent = 0
        while sent < len(data):
            rest = data[sent:]
            sent += self.check(self.zts.zts_write(handle, rest, len(rest)), "write")

    def receive_some(self, handle: int) -> bytes:
        if not hasattr(self.local, "buffer"):
            self.local.buffer = ctypes.create_string_buffer(BLOCK)
        buffer = self.local.buffer
        count = self.check(self.zts.zts_read(handle, buffer, BLOCK), "read")
        return bytes(memoryview(buffer)[:count])

    def do_udp(self, host: str, port: int, everybody: bool = False) -> int:
        """A socket at an address; `everybody`: it may broadcast."""
        handle = self.check(self.zts.zts_socket(family_of(host), DATAGRAM, 0), "socket")
        if everybody:
            self.check(
                self.zts.zts_bsd_setsockopt(handle, *BROADCAST, ctypes.byref(ctypes.c_int(1)), 4), "option"
            )
        self.families[handle] = family_of(host)
        self.check(self.zts.zts_bind(handle, host.encode(), port), "bind")
        return handle

    def send_datagram(self, handle: int, data: bytes, host: str, port: int) -> None:
        to = kind_of(family_of(host)).of(host, port)
        size = ctypes.sizeof(to)
        self.check(self.zts.zts_bsd_sendto(handle, data, len(data), 0, ctypes.byref(to), size), "sendto")

    def receive_datagram(self, handle: int) -> tuple[bytes, str, int]:
        buffer = ctypes.create_string_buffer(BLOCK)
        kind = kind_of(self.families[handle])
        source, size = kind(), ctypes.c_uint(ctypes.sizeof(kind))
        arguments = handle, buffer, BLOCK, 0, ctypes.byref(source), ctypes.byref(size)
        count = self.check(self.zts.zts_bsd_recvfrom(*arguments), "recvfrom")
        return bytes(memoryview(buffer)[:count]), *source.pair()

    def do_shutdown(self, handle: int) -> int:
        """No more writing."""
        return self.check(self.zts.zts_shutdown_wr(handle), "shutdown")

    def do_close(self, handle: int) -> int:
        return self.check(self.zts.zts_close(handle), "close")


if __name__ == "__main__":
    stand_in, library, home, port, *alone = sys.argv[1:]
    # libzt prints to stdout: give it stderr, and keep the real one for the answers.
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(answers, "w")
    serve(LibztPeer(load(Path(stand_in), Path(library)), home, int(port), bool(alone)))
    os._exit(0)  # its threads do not end by themselves
