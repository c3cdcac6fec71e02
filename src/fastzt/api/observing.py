"""The core of a node, observed where its configuration or the environment asks for it."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from ..io.clock import wall_offset_ms
from ..io.entropy import entropy
from ..node.core import Core

if TYPE_CHECKING:
    from ..identity.identity import Identity
    from ..netstack.window_budget import WindowBudget
    from ..node.config import NodeConfig
    from ..node.observer.capture import Capture
    from ..node.roles.controller_store import ControllerStore
    from ..wire.world import World

VARIABLE = "FASTZT_TRACE"
LINE = "%(asctime)s %(name)s %(message)s"


def is_traced(config: NodeConfig) -> bool:
    """Whether to trace."""
    if config.trace is not None:
        return config.trace
    return os.environ.get(VARIABLE, "") not in ("", "0")


def make_visible() -> None:
    """Let the trace's lines be seen where the program has not said where log records go: standard error."""
    log = logging.getLogger("fastzt.trace")
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(LINE))
        log.addHandler(handler)
    if log.level == logging.NOTSET:
        log.setLevel(logging.DEBUG)


def open_capture(config: NodeConfig) -> Capture | None:
    """The capture file, if there is to be one; raises OSError."""
    if config.pcap is None:
        return None
    from ..node.observer.capture import Capture

    return Capture(config.pcap, wall_offset_ms() * 1000)


def new_core(
    identity: Identity,
    planet: World,
    config: NodeConfig,
    records: ControllerStore | None,
    windows: WindowBudget,
    capture: Capture | None,
) -> Core:
    """A core; one that is not observed knows nothing of observers, and pays nothing for them."""
    traced = is_traced(config)
    if capture is None and not traced:
        return Core(identity, planet, entropy, wall_offset_ms(), config, records, windows)
    from ..node.observer.core import ObservedCore
    from ..node.observer.trace import Trace

    if traced:
        make_visible()
    core = ObservedCore(identity, planet, entropy, wall_offset_ms(), config, records, windows)
    core.observe(Trace(f"{core.address:010x}") if traced else None, capture)
    return core
