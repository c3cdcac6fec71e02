"""`fastzt status` and `fastzt peers`: start the node of a state directory, look, and tell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ..errors import FastztError
from . import options
from .membership import running
from .output import progress, say, show, table

if TYPE_CHECKING:
    from ..api.node import Node


def wait_online(node: Node, timeout: float) -> bool:
    """Whether a root answered in time."""
    end = time.monotonic() + timeout
    with progress("looking for a root"):
        while not node.status()["online"]:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, 0.1))
    return True


@click.command()
@options.timeout_option(5.0)
@options.state_option
@options.planet_option
@options.reach_options
@options.json_option
def status(timeout: float, state: str, planet: str | None, udp_port: int, as_json: bool) -> None:
    """Print the node's id, whether a root answers, and its networks; status 1 when offline."""
    with running(state, planet, udp_port) as node:
        online = wait_online(node, timeout)
        told = node.status()
        if as_json:
            show(told)
        else:
            say(f"node {told['id']} {'online' if online else 'OFFLINE'}")
            say(f"port {told['port']}")
            if told["seen_at"]:
                say(f"seen at {' '.join(told['seen_at'])}")
            if told["udp_blocked"]:
                say(f"udp blocked, {'through the TCP relay' if told['tcp_relay'] else 'and no TCP relay'}")
            if told["nat_port"] == "varying":
                say("nat another port for each destination: direct paths to others behind NATs are rare")
            for network in told["networks"]:
                say(f"network {network['id']} {network['status']} {' '.join(network['addresses'])}".rstrip())
    if not online:
        raise FastztError(f"no root answered within {timeout:g} s")


@click.command()
@options.timeout_option(5.0)
@options.state_option
@options.planet_option
@options.reach_options
@options.json_option
def peers(timeout: float, state: str, planet: str | None, udp_port: int, as_json: bool) -> None:
    """Print the peers that the node knows: role, version, latency, path, and why a path is not direct."""
    with running(state, planet, udp_port) as node:
        wait_online(node, timeout)
        found = node.peers()
    if as_json:
        show(found)
        return
    rows = []
    for peer in found:
        latency = "-" if peer["latency_ms"] is None else f"{peer['latency_ms']:.1f}"
        seen = "-" if peer["last_seen_s"] is None else f"{peer['last_seen_s']:.0f}"
        way = peer["path"] or (f"relayed by {peer['relay']}" if peer["relay"] else peer["connection"])
        facts = [peer["id"], peer["role"], peer["version"] or "-", latency, seen, way]
        rows.append([*facts, peer["why_not_direct"] or ""])
    table(["node", "role", "version", "ms", "seen s", "path", "why not direct"], rows)
