"""A node's events as log records: logger `fastzt.events`, the fields as attributes too.

Their level is INFO, but ERROR where fastzt itself is at fault.
"""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import Any

from .._core.endpoint import Endpoint
from ..vl1.events import BugSurvived
from . import addresses

log = logging.getLogger("fastzt.events")
LONG = frozenset({"config", "world"})  # what a file holds, not a line
NAMES = {"address": "peer", "nwid": "network"}


def wanted(events: list[Any]) -> list[Any]:
    """Those that anybody would see."""
    return [event for event in events if log.isEnabledFor(level_of(event))]


def level_of(event: Any) -> int:
    """How grave an event is."""
    return logging.ERROR if isinstance(event, BugSurvived) else logging.INFO


def tell(node_id: str, events: list[Any]) -> None:
    """Log events. Handlers are the program's own code: never under a node's lock."""
    for event in events:
        told = facts(event)
        text = " ".join(f"{name} {value}" for name, value in told.items())
        name = type(event).__name__
        log.log(
            level_of(event),
            "%s: %s%s",
            node_id,
            name,
            f" {text}" if text else "",
            extra={"node": node_id, "event": name, **told},
        )


def facts(event: Any) -> dict[str, Any]:
    """The fields of an event for people."""
    return {
        NAMES.get(field.name, field.name): readable(field.name, getattr(event, field.name))
        for field in fields(event)
        if field.name not in LONG
    }


def readable(name: str, value: Any) -> Any:
    """One field."""
    if name == "nwid":
        return f"{value:016x}"
    if name in ("address", "id"):
        return f"{value:010x}"
    if name == "addresses":
        return [str(addresses.interface(ip, bits)) for ip, bits in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Endpoint):
        return str(value)
    return getattr(value, "name", value)
