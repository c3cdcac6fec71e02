"""NodeConfig: what a node is beyond an ordinary member, and where it binds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """`root`: relay and introduce; `controller`: serve networks; `bind`: IPs to bind, none for every one."""

    root: bool = False
    controller: bool = False
    bind: tuple[str, ...] = ()
