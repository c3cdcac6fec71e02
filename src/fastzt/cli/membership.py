"""Commands that act as a member of a network: the options that say which, and the node that joins it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from . import options, own, seeing
from .output import progress, say, show

if TYPE_CHECKING:
    from ..api.network import Network
    from ..api.node import Node

QUICK = 0.3  # seconds that what was sent has to arrive when somebody wants an end


@contextmanager
def running(
    state: str,
    planet: str | None,
    udp_port: int,
    peers: tuple[str, ...] | None = None,
    through_agent: bool = True,
) -> Iterator[Node]:
    """A node for the time of a command, or the agent's; with `peers` (maybe none) on an overlay."""
    from ..api.agent_client import answers
    from ..api.agent_wire import socket_path
    from ..api.node import Node

    if through_agent and not own.is_ephemeral() and answers(socket_path(state)):
        from ..api.agent_node import AgentNode

        with AgentNode(socket_path(state)) as shared:
            yield cast("Node", shared)
        return
    config = options.node_config()
    with progress("starting the node"):
        node = Node(
            state=None if own.is_ephemeral() else Path(state).expanduser(),
            planet=planet,
            port=udp_port,
            identity=own.identity(),
            config=config,
            peers=peers,
        )
    with node, seeing.serving(node):
        try:
            yield node
        except KeyboardInterrupt:
            node.close(linger=QUICK)
            raise


def joined(node: Node, nwid: int, timeout: float | None, wait: bool, token: str | None) -> Network:
    """Join and wait, visibly on a terminal."""
    name = f"{nwid:016x}"
    with progress(f"joining {name}" + (f": waiting to be authorized as {node.id}" if wait else "")):
        return node.join(name, timeout=timeout, wait=wait, token=token)


@dataclass(frozen=True)
class Membership:
    """What `member_options` took from the command line."""

    network: int | None
    stack: str
    peer: tuple[str, ...]
    wait: bool
    timeout: float
    state: str
    planet: str | None
    udp_port: int

    @contextmanager
    def joined(self) -> Iterator[tuple[Node, Network]]:
        """A node on the network for the time of a command."""
        nwid, peers = options.overlay_of(self.stack, self.network, self.peer, self.planet)
        with running(self.state, self.planet, self.udp_port, peers) as node:
            yield node, joined(node, nwid, None if self.wait else self.timeout, self.wait, None)


def member_options(command: Callable[..., None]) -> Callable[..., Any]:
    """All the options of a Membership, which the command takes as `member`."""

    @functools.wraps(command)
    def called(*arguments: Any, **given: Any) -> None:
        member = Membership(**{field.name: given.pop(field.name) for field in fields(Membership)})
        command(*arguments, member=member, **given)

    taken: Callable[..., Any] = called
    for option in reversed(
        (
            options.stack_options,
            click.option(
                "--wait", is_flag=True, show_envvar=True, help="Keep asking until the node is authorized."
            ),
            options.timeout_option(30.0),
            options.state_option,
            options.planet_option,
            options.reach_options,
        )
    ):
        taken = option(taken)
    return taken


def tell_listening(node: Node, net: Network, port: int, as_json: bool, kind: str = "") -> None:
    """Say where a node listens, an address a line."""
    for address in net.addresses:
        if as_json:
            show({"node": node.id, "listening": str(address.ip), "port": port})
        else:
            say(f"node {node.id} listening on {address.ip} port {port} {kind}".rstrip())
