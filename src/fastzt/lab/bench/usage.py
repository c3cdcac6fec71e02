"""What a process costs: processor time, wake-ups, resident memory; and a thread that costs all it can."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def usage() -> dict[str, float]:
    """Of this process so far: `cpu` seconds, voluntary `wakeups`, resident bytes `rss` now."""
    import resource

    spent = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu": spent.ru_utime + spent.ru_stime,
        "wakeups": spent.ru_nvcsw,
        "rss": resident() or spent.ru_maxrss * 1024,
    }


def resident() -> int:
    """Bytes of memory in use, 0 where the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


class Spinner:
    """A thread that computes without end in Python, as an application's might; `stop` ends it."""

    def __init__(self) -> None:
        self._stopped = False
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        total = 0
        while not self._stopped:
            for i in range(1000):
                total += i

    def stop(self) -> None:
        """End it."""
        self._stopped = True
        self._thread.join()
