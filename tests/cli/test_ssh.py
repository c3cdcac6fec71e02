"""OpenSSH over a network: `fastzt nc` as its ProxyCommand, the server behind `fastzt expose`."""

from __future__ import annotations

import getpass
import os
import random
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cli import PATIENCE, Background
from support.house import House
from support.programs import program


def key(path: Path) -> Path:
    """A new key pair; the private one's path."""
    keygen = program("ssh-keygen", "openssh-client")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, timeout=PATIENCE)
    return path


@contextmanager
def server(directory: Path) -> Iterator[int]:
    """sshd on loopback that takes the key `client`; its port."""
    sshd = program("sshd", "openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd confines itself
    (directory / "authorized").write_text(key(directory / "client").with_suffix(".pub").read_text())
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    config = directory / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {key(directory / 'host')}\nPidFile none\nStrictModes no\n"
        f"AuthorizedKeysFile {directory / 'authorized'}\nPasswordAuthentication no\n"
    )
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(config)], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("Server listening"):
                break
        else:
            raise AssertionError(f"sshd ended with status {process.wait()}")
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_login_through_nc(house: House, tmp_path: Path) -> None:
    ssh = program("ssh", "openssh-client")
    data = random.Random(7).randbytes(1 << 19)
    with server(tmp_path) as port, Background("expose", "22", "--to", str(port), *house.member(2)) as exposed:
        address = exposed.told()["addresses"][0]
        host_key = (tmp_path / "host.pub").read_text()
        (tmp_path / "known").write_text(f"{address} {host_key}")
        nc = shlex.join([sys.executable, "-m", "fastzt", "nc", *house.member(1)])
        options = {
            "ProxyCommand": f"{nc} %h %p",
            "UserKnownHostsFile": str(tmp_path / "known"),
            "StrictHostKeyChecking": "yes",
            "IdentityFile": str(tmp_path / "client"),
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        command = [ssh, "-F", "none", *(f"-o{name}={value}" for name, value in options.items())]
        command += [f"{getpass.getuser()}@{address}", "echo logged in; cat"]
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == b"logged in\n" + data
