"""Two namespaces joined by the link emulator: delay, jitter, loss, reordering, rate, queue of choice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from netns import Unavailable, ip

SOURCE = Path(__file__).with_name("link_emulator.c")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastzt-interop"
ADDRESSES = ("10.78.0.1", "10.78.0.2")
MAX_CPU = 0.5  # of a core: an emulator that used more measures itself
MAX_LATE = 0.02  # of the packets, more than 5 ms late
MAX_OVERLOAD = 0.0001  # of the packets, lost by the emulator
QUEUE_LENGTH = "10000"  # of the devices: what the emulator has not read yet must not be dropped there


@dataclass(frozen=True)
class LinkSettings:
    """Each way: `rate` in bit/s, `queue` in full packets, times in microseconds, chances from 0 to 1."""

    rate: float = 0
    queue: int = 1000
    delay: int = 0
    jitter: int = 0
    loss: float = 0.0
    reorder: float = 0.0
    held: int = 5000
    seed: int = 1


def build() -> Path:
    """The compiled emulator; raises Unavailable."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        raise Unavailable("no C compiler for the link emulator")
    source = SOURCE.read_bytes()
    program = CACHE / f"link_emulator-{hashlib.sha256(source).hexdigest()[:16]}"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as directory:
            made = Path(directory) / "made"
            command = [compiler, "-O2", "-o", str(made), str(SOURCE)]
            result = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if result.returncode:
                raise Unavailable(f"the link emulator does not compile: {result.stderr[-500:]}")
            made.replace(program)
    return program


def open_tun() -> None:
    """See to it that TUN devices can be made; raises Unavailable."""
    device = Path("/dev/net/tun")
    if not device.exists():
        try:
            device.parent.mkdir(exist_ok=True)
            os.mknod(device, 0o600 | 0o020000, os.makedev(10, 200))
        except OSError as error:
            raise Unavailable(f"there is no /dev/net/tun, and none can be made: {error}") from None
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        raise Unavailable(f"/dev/net/tun: {error}") from None


def overtaxed(report: dict[str, Any]) -> bool:
    """Whether the emulator rather than its settings made the link what it was."""
    ways = report.get("directions", [])
    return (
        report.get("cpu", 1.0) > MAX_CPU
        or report.get("dropped", 1) > 0
        or any(way["late"] > MAX_LATE * way["packets"] for way in ways)
        or any(way["overload"] > MAX_OVERLOAD * way["packets"] + 2 for way in ways)
    )


class EmulatedLink:
    """`namespaces` with ADDRESSES in them, joined until `close`, which gives the emulator's report."""

    def __init__(self, settings: LinkSettings, name: str = "l") -> None:
        program = build()
        open_tun()
        prefix = f"fzt{os.getpid()}{name}"
        self.namespaces = [f"{prefix}-{side}" for side in "ab"]
        devices = [f"{prefix}{side}"[-15:] for side in "ab"]
        self._made: list[str] = []
        self._emulator: subprocess.Popen[str] | None = None
        try:
            for namespace in self.namespaces:
                ip("netns", "add", namespace)
                self._made.append(namespace)
            arguments = [f"{key}={value}" for key, value in asdict(settings).items()]
            self._emulator = subprocess.Popen(
                [str(program), *devices, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert self._emulator.stdout is not None
            if self._emulator.stdout.readline() != "ready\n":
                raise Unavailable("the link emulator cannot make its devices")
            for namespace, device, address in zip(self.namespaces, devices, ADDRESSES, strict=True):
                ip("link", "set", device, "netns", namespace)
                ip("-n", namespace, "link", "set", "lo", "up")
                ip("-n", namespace, "addr", "add", f"{address}/24", "dev", device)
                ip("-n", namespace, "link", "set", device, "txqueuelen", QUEUE_LENGTH, "mtu", "1500")
                ip("-n", namespace, "link", "set", device, "addrgenmode", "none")  # silence
                ip("-n", namespace, "link", "set", device, "up")
            self.devices = devices
        except BaseException:
            self.close()
            raise

    def dropped(self) -> int:
        """Packets that a device dropped because the emulator did not read in time."""
        total = 0
        for namespace, device in zip(self.namespaces, self.devices, strict=True):
            command = ["ip", "-n", namespace, "-s", "-j", "link", "show", "dev", device]
            shown = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
            total += json.loads(shown)[0]["stats64"]["tx"]["dropped"]
        return total

    def close(self) -> dict[str, Any]:
        """End it; the report (see link_emulator.c), with `dropped`, and `void` where it was overtaxed."""
        report: dict[str, Any] = {}
        if self._emulator is not None:
            report["dropped"] = self.dropped() if hasattr(self, "devices") else 0
            try:
                printed, _ = self._emulator.communicate(timeout=10)
                report.update(json.loads(printed) if printed else {})
            except subprocess.TimeoutExpired:
                self._emulator.kill()
                self._emulator.wait(10)
            self._emulator = None
        while self._made:
            subprocess.run(["ip", "netns", "del", self._made.pop()], capture_output=True, timeout=20)
        report["void"] = overtaxed(report)
        return report

    def __enter__(self) -> EmulatedLink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
