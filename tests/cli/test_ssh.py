"""OpenSSH over a network: `fastzt nc` as its ProxyCommand, the server behind `fastzt expose`."""

from __future__ import annotations

import getpass
import random
import shlex
import subprocess
import sys
from pathlib import Path

from support.cli import PATIENCE, Background
from support.house import House
from support.programs import program
from support.services import ssh_server


def test_login_through_nc(house: House, tmp_path: Path) -> None:
    ssh = program("ssh", "openssh-client")
    data = random.Random(7).randbytes(1 << 19)
    with (
        ssh_server(tmp_path) as (port, key),
        Background("expose", "22", "--to", str(port), *house.member(2)) as exposed,
    ):
        address = exposed.told()["addresses"][0]
        host_key = (tmp_path / "host.pub").read_text()
        (tmp_path / "known").write_text(f"{address} {host_key}")
        nc = shlex.join([sys.executable, "-m", "fastzt", "nc", *house.member(1)])
        options = {
            "ProxyCommand": f"{nc} %h %p",
            "UserKnownHostsFile": str(tmp_path / "known"),
            "StrictHostKeyChecking": "yes",
            "IdentityFile": str(key),
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        command = [ssh, "-F", "none", *(f"-o{name}={value}" for name, value in options.items())]
        command += [f"{getpass.getuser()}@{address}", "echo logged in; cat"]
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == b"logged in\n" + data
