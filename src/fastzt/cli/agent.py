"""`fastzt agent`: one node for several processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ..errors import FastztError
from . import options
from .forward import complain
from .membership import QUICK, running
from .output import say, show
from .stopping import Stop, stop_signals

if TYPE_CHECKING:
    from ..agent.server import AgentServer
    from ..api.node import Node

LOOK = 1.0  # seconds between looks for idleness
READY = b"1"


@click.command()
@click.option(
    "--network",
    "-n",
    "networks",
    multiple=True,
    type=options.NETWORK,
    envvar="FASTZT_NETWORK",
    show_envvar=True,
    help="Join this network at once. Repeatable; clients can join others.",
)
@click.option("--detach", is_flag=True, show_envvar=True, help="Return once it serves; it goes on.")
@click.option(
    "--idle-exit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    show_envvar=True,
    help="End when nobody has used it for so long. Default: never.",
)
@options.state_option
@options.planet_option
@options.reach_options
@options.json_option
def agent(
    networks: tuple[int, ...],
    detach: bool,
    idle_exit: float | None,
    state: str,
    planet: str | None,
    udp_port: int,
    as_json: bool,
) -> None:
    """Run the node of a state directory for other processes of this user, until stopped.

    Programs find it at DIR/agent.sock: fastzt.connect and the commands of this program use it by themselves,
    others by fastzt.Node(agent=...). Their sockets are genuine ones, and the workers of a prefork server
    share one port. Takes its socket from systemd where that passes one (socket activation).
    """
    from ..agent.server import AgentServer, given_listener

    ready = detached() if detach else -1
    with stop_signals() as stop, running(state, planet, udp_port, through_agent=False) as node:
        stop.expect()
        listener = given_listener()
        with AgentServer(node, Path(state).expanduser(), listener) as server:
            for nwid in networks:
                threading.Thread(target=join, args=(node, f"{nwid:016x}", stop), daemon=True).start()
            if as_json:
                show({"node": node.id, "port": node.port, "socket": str(server.path)})
            elif not detach:
                say(f"node {node.id} serves at {server.path}")
            if detach:
                let_go(ready)
            serve(server, stop, idle_exit)
        node.close(linger=QUICK)


def join(node: Node, network: str, stop: Stop) -> None:
    """Join when the controller lets the node in, or until the agent is stopped."""
    try:
        node.join(network, timeout=None, wait=True)
    except (FastztError, OSError) as error:
        if not stop.is_set():
            complain(f"network {network}: {error}")


def serve(server: AgentServer, stop: Stop, idle_exit: float | None) -> None:
    """Until stopped, or idle for too long."""
    while not stop.wait(None if idle_exit is None else min(LOOK, idle_exit)):
        if idle_exit is not None and server.idle() >= idle_exit:
            return


def detached() -> int:
    """Fork: the parent waits until the child serves, and exits; the child gets where to say so."""
    if not hasattr(os, "fork"):
        raise FastztError("this system has no processes that go on alone: --detach")
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child:
        os.close(writer)
        wait_for(reader, child)
    os.close(reader)
    os.setsid()
    return writer


def wait_for(reader: int, child: int) -> NoReturn:
    """The parent's end: success once the child serves, else what the child exits with."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.read(reader, 1) == READY:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) or 1)


def let_go(ready: int) -> None:
    """The child serves: it leaves the terminal, and its parent may exit."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    os.write(ready, READY)
    os.close(ready)
