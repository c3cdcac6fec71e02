"""What every layer of a node has counted: drops by reason, entries that full tables gave up, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.stats import is_drop

if TYPE_CHECKING:
    from ..io.worker import Worker
    from ..node.core import Core
    from .parts import Parts

Counts = dict[str, int]


def report(parts: Parts, worker: Worker) -> dict[str, Counts]:
    """`dropped` by reason, of VL1, VL2, IP, TCP and the UDP sockets; `evicted` by table; `counted`."""
    core = parts.core
    found = {**core.stats.as_dict(), **parts.sockets.stats.as_dict()}
    refused = {"driver.job_refused": worker.refused} if worker.refused else {}
    return {
        "dropped": {**{name: n for name, n in found.items() if is_drop(name)}, **refused},
        "evicted": {table: n for table, n in evicted(core).items() if n},
        "counted": {name: n for name, n in found.items() if not is_drop(name)},
    }


def evicted(core: Core) -> Counts:
    """How many entries the tables that remotes fill have given up for want of room."""
    networks = [core.network(nwid) for nwid in core.network_ids()]
    return {
        **core.switch.evicted(),
        "vl2.directory": core.networks.directory.evicted,
        "vl2.members": sum(network.membership.evicted for network in networks),
        "vl2.configurations": sum(network.configs.assembly.evicted for network in networks),
    }
