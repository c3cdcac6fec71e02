"""What an agent and its clients say to each other: one JSON object a line, descriptors beside it.

A request has `op` and arguments; the answer `ok`, or `error` with what is raised for it at the other end. A
descriptor travels with the first byte of the answer that it belongs to.
"""

from __future__ import annotations

import array
import builtins
import contextlib
import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import errors

MAX_MESSAGE = 4 << 20
READ = 1 << 16
MAX_DESCRIPTORS = 4
SOCKET = "agent.sock"
LISTENERS = "agent.d"  # where clients listen for what the agent accepts
ABSTRACT = sys.platform == "linux"  # sockets may have names that are no files
# SO_SNDBUF: beside a CPU-bound thread a client has its turn once in 5 ms; what lies here has to last so long.
BUFFER = 4 << 20
CLIENT_BUFFER = 8 << 20
SO_SNDBUFFORCE = 32  # socket(7), which has no name in Python
# A datagram at a client's socket: a byte that tells what it is, 16 of IP, two of port; then its data.
DATAGRAM, FAILURE = 0, 1
HEAD = 19
LONGEST = 100


class Channel:
    """One connection between a client and the agent; not for several threads at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._pending = b""
        self._descriptors: list[int] = []

    def send(self, message: dict[str, Any], *descriptors: int) -> None:
        """Send one message; the descriptors stay open here. Raises OSError."""
        data = json.dumps(message).encode() + b"\n"
        if descriptors:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors).tobytes())]
            sent = self.sock.sendmsg([data], rights)
            data = data[sent:]
        self.sock.sendall(data)

    def receive(self) -> dict[str, Any] | None:
        """The next message, None when the other end is closed. Raises OSError, ValueError."""
        while b"\n" not in self._pending:
            if len(self._pending) > MAX_MESSAGE:
                raise ValueError("too long a message")
            size = socket.CMSG_SPACE(4 * MAX_DESCRIPTORS)
            data, control, _, _ = self.sock.recvmsg(READ, size, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
            self._keep(control)
            if not data:
                return None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found

    def _keep(self, control: list[tuple[int, int, bytes]]) -> None:
        for level, kind, data in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
                self._descriptors.extend(numbers)
                for number in numbers:  # where there is no MSG_CMSG_CLOEXEC
                    os.set_inheritable(number, False)

    def descriptor(self) -> int:
        """The next descriptor that came; OSError when there is none."""
        if not self._descriptors:
            raise OSError("the agent passed no descriptor")
        return self._descriptors.pop(0)

    def close(self) -> None:
        """Close it, and descriptors that nobody took."""
        for number in self._descriptors:
            os.close(number)
        self._descriptors.clear()
        self.sock.close()


@contextlib.contextmanager
def address_of(path: Path) -> Iterator[str]:
    """A path as the address of a socket, however long it is (sun_path has 108 bytes)."""
    text = str(path)
    if len(os.fsencode(text)) < LONGEST or not Path("/proc/self/fd").is_dir():
        yield text
        return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def connect(path: Path, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A connection to a socket at a path; raises OSError."""
    sock = socket.socket(socket.AF_UNIX, kind)
    try:
        with address_of(path) as address:
            sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def is_held(path: Path) -> bool:
    """Whether some process has the stream socket that was bound to a path; it notices nothing."""
    try:
        connect(path, socket.SOCK_DGRAM).close()
    except OSError as error:
        return error.errno == errno.EPROTOTYPE
    return True


def enlarge(sock: socket.socket, size: int) -> None:
    """Have a socket of this host keep so much that was sent; without privilege, what the system allows."""
    for option in (SO_SNDBUFFORCE, socket.SO_SNDBUF) if sys.platform == "linux" else (socket.SO_SNDBUF,):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, size)
            return


def socket_path(state: str | os.PathLike[str]) -> Path:
    """Where the agent of a state directory listens."""
    return Path(state).expanduser() / SOCKET


# Constructors' arguments of those errors that take more than a message or (errno, message).
FIELDS: dict[str, tuple[str, ...]] = {
    "NotAuthorizedError": ("node_id", "network_id"),
    "AuthenticationRequiredError": ("url", "network_id"),
    "NetworkNotFoundError": ("network_id",),
}
MESSAGE_ONLY = {"HostUnreachableError", "NoRouteError"}


def pack_error(error: BaseException) -> dict[str, Any]:
    """An error for the other end."""
    name = type(error).__name__
    if name in FIELDS:
        return {"type": name, "arguments": [getattr(error, field) for field in FIELDS[name]]}
    if name in MESSAGE_ONLY:
        return {"type": name, "arguments": [getattr(error, "strerror", None) or str(error)]}
    if isinstance(error, OSError) and error.errno is not None:
        return {"type": name, "arguments": [error.errno, error.strerror]}
    return {"type": name, "arguments": [str(error)]}


def unpack_error(packed: dict[str, Any]) -> BaseException:
    """The error that the other end had; of its own kind where that is known here."""
    name, arguments = str(packed.get("type")), packed.get("arguments") or [""]
    kind = getattr(errors, name, None) or getattr(builtins, name, None)
    if name == "gaierror":
        kind = socket.gaierror
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return errors.FastztError(f"{name}: {' '.join(map(str, arguments))}")
    return kind(*arguments)
