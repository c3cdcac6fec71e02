"""What the kernels are compiled for, and how the result is run here."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import fastzt

HERE = Path(__file__).parent
KERNELS = Path(fastzt.__file__).parent / "_core" / "kernels"
FLAGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
REQUIRED = os.environ.get("FASTZT_REQUIRE_PORTABILITY", "") not in ("", "0")
SECONDS = 600  # bound of one compilation or run


@dataclass(frozen=True)
class Target:
    """A compiler, its flags, the program that runs what it makes, and the levels to run it at."""

    name: str
    compiler: str
    flags: tuple[str, ...]
    runner: tuple[str, ...]
    levels: tuple[str, ...]
    optimization: str = "-O3"
    headers: tuple[str, ...] = ()  # what must exist besides the programs


X86 = ("portable", "sse2", "avx2", "vaes", "avx512")
SECRET_USED = 9  # the exit status
VALGRIND = ("valgrind", "--quiet", f"--error-exitcode={SECRET_USED}")
EMULATED = (
    "-mavx2",
    "-mbmi2",
    "-maes",
    "-mpclmul",
    "-mvaes",
    "-mvpclmulqdq",
    "-Wno-psabi",
    "-Wno-maybe-uninitialized",
    "-DFT_TARGET(set)=",
)
# Keys and plain text count as undefined: a branch or an index that depends on them is an error.
CONSTANT_TIME = Target(
    "constant-time",
    "cc",
    ("-DWITH_MEMCHECK",),
    VALGRIND,
    ("portable", "sse2", "avx2"),
    headers=("/usr/include/valgrind/memcheck.h",),
)
TARGETS = [
    Target("native", "cc", (), (), X86),
    CONSTANT_TIME,
    # AVX-512 on processors without it, each intrinsic emulated.
    Target(
        "emulated",
        "cc",
        (f"-I{HERE}/emulated", "-DFT_CPU_ASSUME={FT_AVX512,1,1,1}", *EMULATED),
        (),
        ("avx512",),
        "-O1",
        headers=("/usr/include/simde/x86/avx512.h",),
    ),
    Target("aarch64", "aarch64-linux-gnu-gcc", ("-static",), ("qemu-aarch64-static",), ("portable", "neon")),
    Target("s390x", "s390x-linux-gnu-gcc", ("-static",), ("qemu-s390x-static",), ("portable",)),
]


def unavailable(reason: str) -> None:
    """Skip, or fail where everything is required."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@cache
def program(target: Target, directory: Path) -> Path:
    """The compiled kernels of a target."""
    made = directory / target.name
    source = [str(HERE / "kernels.c"), "-o", str(made)]
    command = [target.compiler, target.optimization, *FLAGS, *target.flags, f"-I{KERNELS}", *source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return made


def run(target: Target, level: str, directory: Path, lines: list[str]) -> subprocess.CompletedProcess[str]:
    """The target's kernels at a level, asked for it and each line; skips when they cannot be run here."""
    for name in (target.compiler, *target.runner[:1]):
        if shutil.which(name) is None:
            unavailable(f"{target.name} needs {name}")
    for header in target.headers:
        if not Path(header).exists():
            unavailable(f"{target.name} needs {header}")
    return subprocess.run(
        [*target.runner, str(program(target, directory))],
        input="".join(f"{line}\n" for line in ["level", *lines]),
        env={**os.environ, "FASTZT_CPU": level},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def answers(target: Target, level: str, directory: Path, lines: list[str]) -> list[str]:
    """What the target's kernels at a level answer to each line."""
    done = run(target, level, directory, lines)
    assert done.returncode == 0, (done.returncode, done.stderr[-4000:])
    found, *rest = done.stdout.splitlines()
    if found.split()[0] != ("sse2" if level == "neon" else level):
        pytest.skip(f"the processor has no level {level}")
    if level != "portable":
        assert found.split()[1] == "1", "the AES instructions are not in use"
    return rest
