"""`fastzt nc`: standard input and output as one end of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..api import addresses
from ..api.datagram import DatagramSocket
from ..errors import InputError, NoRouteError
from . import options
from .membership import Membership, member_options
from .output import progress

if TYPE_CHECKING:
    from ..api.network import Network
    from ..api.node import Node


@click.command()
@click.argument("host", required=False)
@click.argument("port", required=False)
@click.option("--listen", "-l", is_flag=True, show_envvar=True, help="Wait for one connection at PORT.")
@click.option("--udp", "-u", is_flag=True, show_envvar=True, help="Datagrams: each read of the input is one.")
@click.option(
    "--idle",
    "-w",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    show_envvar=True,
    help="End when nothing has moved for so long. Default: never; with --udp at the end of the input.",
)
@click.option("--verbose", "-v", is_flag=True, show_envvar=True, help="Say on standard error what happens.")
@member_options
def nc(
    host: str | None,
    port: str | None,
    listen: bool,
    udp: bool,
    idle: float | None,
    verbose: bool,
    member: Membership,
) -> None:
    """Join standard input and output to HOST PORT of a network, both ways.

    The end of the input is passed on; what comes is written until the other end closes. With --listen PORT
    alone is given.

    \b
    As ssh's way to a host:
      ssh -o ProxyCommand='fastzt nc %h %p' user@10.121.15.99     (FASTZT_NETWORK says which network)
    """
    if listen and port is None:
        host, port = None, host
    if port is None or (host is None and not listen):
        raise InputError("nc wants HOST and PORT, or with --listen PORT alone")
    number = options.parse_port(port)
    with member.joined() as (node, net):
        if listen or host is None:
            wait_for(node, net, host or "", number, udp, idle, verbose)
        elif udp:
            send_to(net, host, number, idle, member.timeout)
        else:
            connect(net, host, number, idle, verbose, member.timeout)


def connect(net: Network, host: str, port: int, idle: float | None, verbose: bool, timeout: float) -> None:
    """One TCP connection."""
    from ..gateway import standard

    with progress(f"connecting to {host} port {port}"):
        socket = net.connect((host, port), timeout)
    with socket:
        if verbose:
            click.echo(f"connected to {host} port {port}, node {socket.peer_id}", err=True)
        standard.stream(socket, idle)


def send_to(net: Network, host: str, port: int, idle: float | None, timeout: float) -> None:
    """Datagrams to one address."""
    from ..gateway import standard

    hosts = net.routed(net.hosts(host, timeout))
    if not hosts:
        raise NoRouteError(f"network {net.id} has no route to {host}")
    with net.udp() as socket:
        standard.datagrams(socket, (addresses.host_text(hosts[0]), port), idle)


def wait_for(
    node: Node, net: Network, host: str, port: int, udp: bool, idle: float | None, verbose: bool
) -> None:
    """The first connection to a port, or datagrams to and from whoever sent last."""
    from ..gateway import standard

    bound = net.udp(port, host) if udp else net.listen(port, host, backlog=1)
    with bound:
        if verbose:
            for address in net.addresses:
                click.echo(f"node {node.id} listening on {address.ip} port {port}", err=True)
        if isinstance(bound, DatagramSocket):
            standard.datagrams(bound, None, idle)
            return
        with progress(f"listening at port {port}"):
            socket, peer = bound.accept()
    with socket:
        if verbose:
            click.echo(f"{peer[0]} port {peer[1]}, node {socket.peer_id}", err=True)
        standard.stream(socket, idle)
