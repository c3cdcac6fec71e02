"""Shell completion: the scripts are ones that the shells take, and what they ask for is answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import PATIENCE, Cli


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(cli: Cli, shell: str, tmp_path: Path) -> None:
    script = cli.good("completion", shell)
    assert "_FASTZT_COMPLETE" in script
    found = shutil.which(shell)
    if found is not None:
        path = tmp_path / "script"
        path.write_text(script)
        subprocess.run([found, "-n", str(path)], check=True, timeout=PATIENCE)
    assert "is not one of" in cli("completion", "tcsh")[2]


def test_bash_completes(tmp_path: Path, cli: Cli) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    (tmp_path / "script").write_text(cli.good("completion", "bash"))
    program = tmp_path / "fastzt"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fastzt "$@"\n')
    program.chmod(0o755)
    asked = {"fastzt forw": 1, "fastzt forward --ch": 2, "fastzt call --stack ov": 3}
    lines = [f"PATH={tmp_path}:$PATH", f". {tmp_path}/script"]
    for words, at in asked.items():
        lines.append(f"COMPREPLY=(); COMP_WORDS=({words}) COMP_CWORD={at}; _fastzt_completion fastzt")
        lines.append('echo "${COMPREPLY[@]}"')
    command = [bash, "--norc", "-c", "\n".join(lines)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE, env=dict(os.environ)
    )
    assert done.stdout.split("\n")[:3] == ["forward", "--check", "overlay"]
