"""Where figures were measured: the machine and the versions."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

import fastzt


def machine() -> dict[str, Any]:
    """Processor, cores that this process may use, memory, the kernel's limits of socket buffers."""
    return {
        "processor": processor(),
        "cores": usable_cores(),
        "memory_gb": memory(),
        "system": f"{platform.system()} {platform.release()}",
        "rmem_max": setting("net/core/rmem_max"),
        "wmem_max": setting("net/core/wmem_max"),
        "cpu_limit": os.environ.get("FASTZT_CPU", ""),
    }


def versions() -> dict[str, Any]:
    """fastzt, Python and the build."""
    return {
        "fastzt": fastzt.__version__,
        "compiled": fastzt.is_compiled(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "switch_interval_ms": sys.getswitchinterval() * 1000,
    }


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name."""
    found = re.search(r"^model name\s*:\s*(.+)$", read("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def memory() -> float | None:
    """Gigabytes of memory."""
    found = re.search(r"^MemTotal:\s*(\d+) kB", read("/proc/meminfo"), re.MULTILINE)
    return round(int(found[1]) / 1e6, 1) if found else None


def setting(name: str) -> int | None:
    """A kernel setting by its path under /proc/sys."""
    text = read(f"/proc/sys/{name}").strip()
    return int(text) if text.isdigit() else None


def read(path: str) -> str:
    """A file's text, empty when there is none."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
