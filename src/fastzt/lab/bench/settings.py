"""What a run of the benchmarks is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PROTOCOL_OF_SUITE = {1: 11, 3: 12}  # the VL1 version to speak, so that a cipher suite is used


@dataclass(frozen=True, slots=True)
class Settings:
    """`seconds` a measurement, the median of `runs`; `suite` 1 or 3; sizes in bytes; `crowd`: connections.

    `switch_interval`, in seconds, is that of the interpreters of the part `busy`; None: as it is.
    """

    parts: tuple[str, ...]
    seconds: float = 5.0
    runs: int = 5
    suite: int = 3
    flows: int = 1
    write_size: int = 1 << 18
    receive_buffer: int | None = None
    congestion: str = "cubic"
    crowd: int = 10_000
    switch_interval: float | None = None
    seed: int = 1

    def node_config(self) -> dict[str, Any]:
        """The fields of NodeConfig that follow."""
        return {
            "protocol": PROTOCOL_OF_SUITE[self.suite],
            "receive_buffer": self.receive_buffer,
            "congestion": self.congestion,
        }
