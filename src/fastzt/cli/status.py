"""`fastzt status` and `fastzt peers`: start the node of a state directory, look, and tell, once or again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import FastztError
from . import options, watch
from .membership import running
from .output import progress, say, show, table

if TYPE_CHECKING:
    from ..api.node import Node

Command = TypeVar("Command", bound=Callable[..., Any])
COLUMNS = ["node", "role", "version", "ms", "seen s", "path", "over", "why not direct"]


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


def enter(node: Node) -> None:
    """Join the networks that the state knows, as an agent does itself; their controllers' word is told."""
    from ..api.node import Node as Own

    if not isinstance(node, Own):
        return
    for nwid in node.known_networks:
        with contextlib.suppress(FastztError):
            node.join(nwid, timeout=0)


def common_options(command: Command) -> Command:
    """What both commands take."""
    for option in reversed(
        (
            watch.watch_options,
            options.timeout_option(5.0),
            options.state_option,
            options.planet_option,
            options.reach_options,
            options.json_option,
        )
    ):
        command = option(command)
    return command


@click.command()
@common_options
def status(
    again: bool, every: float, timeout: float, state: str, planet: str | None, udp_port: int, as_json: bool
) -> None:
    """Print the node's id, whether a root answers, its networks, what it dropped; status 1 when offline."""
    with running(state, planet, udp_port) as node:
        enter(node)
        if again:
            watch.status(node, every, as_json)
            return
        online = wait_online(node, timeout)
        told = node.status()
        if as_json:
            show(told)
        else:
            for line in status_lines(told):
                say(line)
    if not online:
        raise FastztError(f"no root answered within {timeout:g} s")


def status_lines(told: dict[str, Any]) -> list[str]:
    """A status for people."""
    lines = [f"node {told['id']} {'online' if told['online'] else 'OFFLINE'}", f"port {told['port']}"]
    if told["seen_at"]:
        lines.append(f"seen at {' '.join(told['seen_at'])}")
    if told["udp_blocked"]:
        lines.append(f"udp blocked, {'through the TCP relay' if told['tcp_relay'] else 'and no TCP relay'}")
    if told["nat_port"] == "varying":
        lines.append("nat another port for each destination: direct paths to others behind NATs are rare")
    if told["identity_collision"]:
        lines.append("another node owns this address: a new identity is needed")
    for network in told["networks"]:
        addresses = " ".join(network["addresses"])
        lines.append(f"network {network['id']} {network['status']} {addresses}".rstrip())
    lines += [f"dropped {count} {reason}" for reason, count in sorted(told["dropped"].items())]
    return lines


@click.command()
@common_options
def peers(
    again: bool, every: float, timeout: float, state: str, planet: str | None, udp_port: int, as_json: bool
) -> None:
    """Print the peers that the node knows: role, version, latency, path, and why a path is not direct."""
    with running(state, planet, udp_port) as node:
        enter(node)
        if again:
            watch.peers(node, every, as_json)
            return
        wait_online(node, timeout)
        found = node.peers()
    if as_json:
        show(found)
    else:
        table(COLUMNS, peer_rows(found))


def peer_rows(found: list[dict[str, Any]]) -> list[list[str]]:
    """Peers for people, a row each."""
    rows = []
    for peer in found:
        latency = "-" if peer["latency_ms"] is None else f"{peer['latency_ms']:.1f}"
        seen = "-" if peer["last_seen_s"] is None else f"{peer['last_seen_s']:.0f}"
        way = peer["path"] or (f"relayed by {peer['relay']}" if peer["relay"] else peer["connection"])
        over = peer["over"] or "-"
        facts = [peer["id"], peer["role"], peer["version"] or "-", latency, seen, way, over]
        rows.append([*facts, peer["why_not_direct"] or ""])
    return rows
