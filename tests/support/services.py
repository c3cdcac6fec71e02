"""Real servers on a loopback interface, each a process that its caller ends.

That of this host, or of a network namespace.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .ports import free_tcp_port
from .programs import program

PATIENCE = 60.0
LOOK = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))"


def within(namespace: str, command: list[str], user: int | None = None) -> list[str]:
    """The command that runs one in a namespace ("": here), as another user if need be."""
    change = [] if user is None else ["setpriv", f"--reuid={user}", "--clear-groups"]
    return [*(["ip", "netns", "exec", namespace] if namespace else []), *change, *command]


def answers(port: int, namespace: str) -> bool:
    """Whether somebody listens."""
    look = within(namespace, [sys.executable, "-c", LOOK, str(port)])
    return subprocess.run(look, capture_output=True, check=False, timeout=PATIENCE).returncode == 0


@contextlib.contextmanager
def running(
    command: list[str], port: int, log: Path, user: int | None = None, namespace: str = ""
) -> Iterator[int]:
    """A server, from when its port answers to when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(within(namespace, command, user), stdout=output, stderr=output)
        try:
            end = time.monotonic() + PATIENCE
            while not answers(port, namespace):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)


@contextlib.contextmanager
def redis_server(directory: Path, namespace: str = "") -> Iterator[int]:
    """Redis; its port."""
    port = free_tcp_port()
    command = [
        program("redis-server", "redis-server"),
        *("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)),
    ]
    with running(command, port, directory / "log", None, namespace):
        yield port


@contextlib.contextmanager
def ssh_server(directory: Path, namespace: str = "") -> Iterator[tuple[int, Path]]:
    """OpenSSH, which lets the current user in by a key; its port and the key's file."""
    sshd = program("sshd", "openssh-server")
    keygen = program("ssh-keygen", "openssh-client")
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)], check=True)
    shutil.copy(directory / "user.pub", directory / "authorized")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it gives up its rights
    port = free_tcp_port()
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": directory / "host",
        "AuthorizedKeysFile": directory / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
    }
    config = directory / "config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with running([sshd, "-D", "-e", "-f", str(config)], port, directory / "log", None, namespace):
        yield port, directory / "user"


@contextlib.contextmanager
def postgres_server(namespace: str = "") -> Iterator[tuple[int, str]]:
    """PostgreSQL, which trusts everybody; its port and its user. It never runs as root."""
    initdb = postgres_program("initdb")
    user = None
    name = getpass.getuser()
    if os.getuid() == 0:
        name = "nobody"
        user = pwd.getpwnam(name).pw_uid
    with tempfile.TemporaryDirectory(prefix="pg-") as top:  # short: a socket's path has 107 bytes
        data = Path(top) / "data"
        if user is not None:
            os.chown(top, user, -1)
        command = [initdb, "-D", str(data), "-A", "trust", "-U", name, "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=top)
        port = free_tcp_port()
        server = [
            postgres_program("postgres"),
            *("-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"),
        ]
        with running(server, port, Path(top) / "log", user, namespace):
            yield port, name


def postgres_program(name: str) -> str:
    """A program of PostgreSQL, which Debian keeps out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else program(name, "postgresql")
