"""Doctor: what keeps a node from working, and what to do about it. Each check gives findings, in order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import (
    AuthenticationRequiredError,
    ControllerUnreachableError,
    FastztError,
    NetworkNotFoundError,
    NotAuthorizedError,
)
from ..io.endpoints import RECEIVE_BUFFER, SEND_BUFFER
from . import addresses, doctor_state
from .findings import OK, PROBLEM, WARNING, Finding
from .paths import RELAYED

if TYPE_CHECKING:
    from ..node.config import NodeConfig
    from ..node.own_identity import IdentitySource
    from .network import Network
    from .node import Node

SKEW = 300.0  # seconds that two clocks may differ before certificates suffer
UDP_PATIENCE = 12.0  # VL1 calls UDP blocked after 10 s
DIRECT_PATIENCE = 10.0  # seconds in which two nodes that can reach each other have found a path
STEP = 0.25
PINGS = 3


@dataclass(frozen=True)
class Doctor:
    """Examines the node of a state directory, which must not be running; None: one without any.

    `networks`: those to look at (16 hex digits), default those that the state knows. `to`: an IP on one of
    them, to see how its node is reached. `timeout`: seconds for each thing that is waited for.
    """

    state: str | os.PathLike[str] | None
    config: NodeConfig
    planet: Any = None
    port: int = 0
    networks: tuple[str, ...] = ()
    to: str | None = None
    timeout: float = 20.0
    identity: IdentitySource = None

    def findings(self) -> Iterator[Finding]:
        """What was found, as it is found."""
        from .node import Node

        path = None if self.state is None else Path(self.state).expanduser()
        stored: list[str] = []
        if path is not None:
            found = doctor_state.examine(path, self.planet)
            yield from found
            if any(finding.level == PROBLEM for finding in found):
                return
            stored = doctor_state.networks(path)
        try:
            node = Node(path, self.planet, self.port, self.identity, config=self.config)
        except (FastztError, OSError) as error:
            yield Finding("node", PROBLEM, f"the node cannot start: {describe(error)}", "see what it says")
            return
        with node:
            yield from self.examine(node, stored)

    def examine(self, node: Node, stored: list[str]) -> Iterator[Finding]:
        """A running node, and the networks that its state knows."""
        yield from buffers(node)
        yield from self.reach(node)
        yield from planet_clock(node)
        if not node.status()["online"]:
            return
        for nwid in self.networks or stored:
            yield from self.network(node, nwid)
        yield from self.path(node)

    # The roots

    def reach(self, node: Node) -> Iterator[Finding]:
        """Whether a root answers, and over what."""
        told = self.wait_online(node)
        roots = [
            endpoint for peer in node.peers() if peer["role"] == "root" for endpoint in peer["endpoints"]
        ]
        if not roots:
            yield Finding("udp", OK, "there is no root to answer")
        elif told["identity_collision"]:
            yield Finding(
                "identity",
                PROBLEM,
                f"a root says that another node owns the address {node.id}",
                "make a new identity: fastzt identity new; a copied state directory has one owner alone",
            )
        elif told["online"] and not told["udp_blocked"]:
            relay = next((peer for peer in node.peers() if peer["id"] == told["relay"]), None)
            ms = f" in {relay['latency_ms']:.1f} ms" if relay and relay["latency_ms"] is not None else ""
            yield Finding("udp", OK, f"root {told['relay']} answers over UDP{ms}")
        else:
            yield self.blocked(told, roots)

    def wait_online(self, node: Node) -> dict[str, Any]:
        """The node's status once it says something about UDP."""
        end = time.monotonic() + max(self.timeout, UDP_PATIENCE)
        while True:
            told = node.status()
            settled = told["udp_blocked"] and (told["online"] or not told["tcp_relay_at"])
            fine = told["online"] and not told["udp_blocked"]
            if fine or settled or time.monotonic() >= end:
                return told
            node.events(timeout=STEP)

    def blocked(self, told: dict[str, Any], roots: list[str]) -> Finding:
        """Nothing came back over UDP."""
        named = ", ".join(roots[:4])
        advice = f"let UDP out to {named}, and its answers in; on this host see its own firewall first"
        if told["online"]:
            return Finding(
                "udp",
                PROBLEM,
                "UDP is blocked: no root answers over it; packets go through the TCP relay",
                advice,
            )
        tcp = "the TCP relay does not answer either" if told["tcp_relay_at"] else "there is no TCP relay"
        if told["dropped"].get("io.unreachable"):
            advice = f"give this host a route to {named}: ip route; is it connected at all?"
            return Finding("udp", PROBLEM, f"this host has no route to the roots, and {tcp}", advice)
        return Finding("udp", PROBLEM, f"UDP is blocked: no root answers over it, and {tcp}", advice)

    # Networks

    def network(self, node: Node, nwid: str) -> Iterator[Finding]:
        """Whether the controller lets the node in, and gives it an address."""
        fresh = int(nwid, 16)
        # Without what is stored of it: what the controller says now.
        node.perform(lambda core, now: core.join(fresh, now, None, None))
        try:
            joined = node.join(nwid, timeout=self.timeout)
        except FastztError as error:
            yield refused(node, nwid, error)
            return
        if joined.addresses:
            listed = " ".join(str(address) for address in joined.addresses)
            yield Finding("network", OK, f"network {nwid} has configured {listed}")
        else:
            yield Finding(
                "network",
                PROBLEM,
                f"network {nwid} has let this node in, but gives it no address",
                f"on the controller: an address for {node.id} (fastzt controller authorize {nwid} {node.id} "
                "--ip IP), or a pool and automatic assignment",
            )
        yield from controller_clock(node, joined)

    # Paths

    def path(self, node: Node) -> Iterator[Finding]:
        """How the other nodes are reached."""
        if self.to is not None:
            yield from self.answers(node, self.to)
        self.wait_direct(node)
        others = [peer for peer in node.peers() if peer["role"] != "root"]
        relayed = [peer for peer in others if peer["connection"] == RELAYED]
        for peer in relayed:
            yield relay_only(node, peer)
        if others and not relayed:
            listed = ", ".join(f"{peer['id']} at {peer['path']}" for peer in others[:4])
            yield Finding("path", OK, f"other nodes are reached directly: {listed}")

    def answers(self, node: Node, host: str) -> Iterator[Finding]:
        """Whether an IP answers a ping."""
        ip = addresses.ip16(host)
        for network in node.networks:
            if node.perform(lambda core, now, n=network: core.routes(int(n.id, 16), ip)):  # type: ignore[misc]
                yield self.pinged(network, host)
                return
        yield Finding("ping", PROBLEM, f"no network has a route to {host}", "is it an IP of the network?")

    def pinged(self, network: Network, host: str) -> Finding:
        """One ping."""
        result = network.ping(host, timeout=max(self.timeout / PINGS, 1.0), count=PINGS)
        if result.times:
            return Finding("ping", OK, f"{host} answers in {min(result.times) * 1000:.1f} ms")
        why = next((f": {echo.error}" for echo in result.echoes if echo.error), "")
        return Finding(
            "ping",
            PROBLEM,
            f"{host} does not answer{why}",
            "is its node running, joined and authorized, and does it answer ICMP?",
        )

    def wait_direct(self, node: Node) -> None:
        """Give the peers time to find direct paths."""
        end = time.monotonic() + min(self.timeout, DIRECT_PATIENCE)
        while time.monotonic() < end:
            if all(peer["role"] == "root" or peer["connection"] != RELAYED for peer in node.peers()):
                return
            node.events(timeout=STEP)


def describe(error: BaseException) -> str:
    """The text of an error without its number."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def buffers(node: Node) -> Iterator[Finding]:
    """Whether the system gives UDP sockets room for what comes in a burst."""
    found = node.status()["buffers"]
    small = [
        (kind, got, wanted, f"net.core.{sysctl}")
        for kind, got, wanted, sysctl in (
            ("receive", found["receive"], RECEIVE_BUFFER, "rmem_max"),
            ("send", found["send"], SEND_BUFFER, "wmem_max"),
        )
        if got < wanted
    ]
    for kind, got, wanted, sysctl in small:
        yield Finding(
            "buffers",
            WARNING,
            f"the UDP {kind} buffer holds {got} bytes where {wanted} are wanted: bursts are lost",
            f"sysctl -w {sysctl}={wanted}, and the same in /etc/sysctl.d to keep it",
        )
    if not small:
        yield Finding("buffers", OK, f"UDP buffers: {found['receive']} to receive, {found['send']} to send")


def planet_clock(node: Node) -> Iterator[Finding]:
    """A planet is signed with the time: no right clock stands before it."""
    signed = node.perform(lambda core, now: int(core.switch.planet.timestamp)) / 1000
    if signed > time.time() + SKEW:
        yield clock(signed - time.time(), "the day that the planet was signed")


def controller_clock(node: Node, network: Network) -> Iterator[Finding]:
    """The controller has written its time into the configuration that it has just sent."""
    nwid = int(network.id, 16)
    told = node.perform(lambda core, now: int(core.network(nwid).config_timestamp)) / 1000
    if not told:
        return  # an ad-hoc network: nobody sent it
    behind = told - time.time()
    if abs(behind) <= SKEW:
        yield Finding("clock", OK, f"the clock is that of the controller, to {abs(behind):.0f} s")
    else:
        yield clock(behind, f"that of the controller of {network.id}")


def clock(behind: float, whose: str) -> Finding:
    """The clock is wrong."""
    way = "behind" if behind > 0 else "ahead of"
    return Finding(
        "clock",
        PROBLEM,
        f"this host's clock is {abs(behind):.0f} s {way} {whose}",
        "set it, and keep it right: timedatectl set-ntp true (or chrony); certificates carry times",
    )


def refused(node: Node, nwid: str, error: FastztError) -> Finding:
    """The controller's refusal, or its silence."""
    if isinstance(error, NotAuthorizedError):
        advice = (
            f"on its controller: fastzt controller authorize {nwid} {node.id}, or tick it in its web page"
        )
    elif isinstance(error, AuthenticationRequiredError):
        advice = f"log in at {error.url or 'the page of its operator'}, then join again"
    elif isinstance(error, NetworkNotFoundError):
        advice = f"check the id; the controller {nwid[:10]} answers, but has no such network"
    elif isinstance(error, ControllerUnreachableError):
        advice = f"is the controller, node {nwid[:10]}, running and online?"
    else:
        advice = "see what it says"
    return Finding("network", PROBLEM, describe(error), advice)


def relay_only(node: Node, peer: dict[str, Any]) -> Finding:
    """A peer that is not reached directly."""
    return Finding(
        "path",
        WARNING,
        f"packets to {peer['id']} go through the root {peer['relay']}: {peer['why_not_direct']}",
        f"let UDP port {node.port} in at one of the two ends (by hand in the router, --upnp, --nat-pmp)",
    )
