"""What a Switch is told at construction."""

from __future__ import annotations

from dataclasses import dataclass

from ..wire.hello import PROTOCOL_VERSION
from . import timing


@dataclass(frozen=True)
class SwitchConfig:
    """Role and caps of a Switch."""

    root: bool = False  # relays, introduces, answers WHOIS ungated; a node without this role never relays
    protocol: int = PROTOCOL_VERSION  # what we say that we speak
    push_direct_paths: bool = True
    max_peers: int = timing.MAX_PEERS
    max_strange_paths: int = timing.MAX_STRANGE_PATHS
    max_waiting: int = timing.MAX_WAITING
    max_outbox: int = timing.MAX_OUTBOX
    identity_burst: int = 16  # unknown identities per source prefix at once
    identity_per_second: int = 4  # and then as many a second
    identity_total_per_second: int = 40  # over all prefixes: bounds the proof of work that strangers cost
