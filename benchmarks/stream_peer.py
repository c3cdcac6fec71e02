"""A peer of the interop tests that also sends and receives the streams of `fastzt bench`.

`python stream_peer.py KIND ARGUMENT...`: KIND is an interop peer's program (`fastzt_peer`, `libzt_peer`), the
arguments are that one's. PYTHONPATH must name tests/interop.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path
from typing import Any

import commands

from fastzt.lab.bench import stream

PATIENCE = 60.0


class LibztSocket:
    """What `stream` needs of a socket, on a descriptor of libzt."""

    def __init__(self, peer: Any, handle: int) -> None:
        self.peer = peer
        self.handle = handle

    def sendall(self, data: Any) -> None:
        kept = bytes(data)
        begin, sent = ctypes.cast(kept, ctypes.c_void_p).value or 0, 0
        while sent < len(kept):
            sent += self.peer.check(
                self.peer.zts.zts_write(self.handle, begin + sent, len(kept) - sent), "write"
            )

    def recv_into(self, buffer: Any) -> int:
        target = (ctypes.c_char * len(buffer)).from_buffer(buffer)
        return int(self.peer.check(self.peer.zts.zts_read(self.handle, target, len(buffer)), "read"))

    def recv(self, size: int) -> bytes:
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def shutdown(self, how: int) -> None:
        self.peer.do_shutdown(self.handle)

    def close(self) -> None:
        self.peer.do_close(self.handle)


class Streams(commands.Handler):
    """The further commands; a handle of the kernel's sockets is one that `kernel_*` gave."""

    kernel: dict[int, socket.socket]

    def socket_of(self, handle: int) -> Any:
        """The peer's own socket behind a handle."""
        raise NotImplementedError

    def do_stream_send(self, handle: int, seed: int, seconds: float, write_size: int, kernel: bool) -> Any:
        """Send for so long, wait until the other end has closed, close."""
        sock = self.kernel.pop(handle) if kernel else self.socket_of(handle)
        sent = stream.send(sock, seed, seconds, write_size)
        sock.close()
        return sent

    def do_stream_receive(self, handle: int, seed: int, kernel: bool) -> Any:
        """Receive to the end, close."""
        sock = self.kernel.pop(handle) if kernel else self.socket_of(handle)
        received = stream.receive(sock, seed)
        sock.close()
        return received

    def do_kernel_listen(self, host: str) -> dict[str, int]:
        """Listen with the kernel's TCP; handle and port."""
        listener = socket.create_server((host, 0))
        return {"handle": self.keep_kernel(listener), "port": listener.getsockname()[1]}

    def do_kernel_accept(self, handle: int) -> int:
        """Accept one connection and listen no more."""
        with self.kernel.pop(handle) as listener:
            return self.keep_kernel(listener.accept()[0])

    def do_kernel_connect(self, host: str, port: int) -> int:
        return self.keep_kernel(socket.create_connection((host, port), timeout=PATIENCE))

    def keep_kernel(self, sock: socket.socket) -> int:
        number = sock.fileno()
        self.kernel[number] = sock
        return number


def fastzt_peer(state: str, planet: str, port: str) -> commands.Handler:
    """fastzt's peer with the further commands."""
    from fastzt_peer import FastztPeer

    class Peer(Streams, FastztPeer):
        def socket_of(self, handle: int) -> Any:
            return self.handles.pop(handle)

    Path(state).mkdir(exist_ok=True)
    return Peer(state, planet, int(port))


def libzt_peer(stand_in: str, library: str, home: str, port: str) -> commands.Handler:
    """libzt's peer with the further commands; libzt prints to stdout, which it therefore loses."""
    from libzt import load
    from libzt_peer import LibztPeer

    class Peer(Streams, LibztPeer):
        def socket_of(self, handle: int) -> Any:
            return LibztSocket(self, handle)

    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(answers, "w")
    return Peer(load(Path(stand_in), Path(library)), home, int(port))


if __name__ == "__main__":
    kind, *arguments = sys.argv[1:]
    handler = {"fastzt_peer": fastzt_peer, "libzt_peer": libzt_peer}[kind](*arguments)
    handler.kernel = {}  # type: ignore[attr-defined]
    commands.serve(handler)
    os._exit(0)
