"""`fastzt expose` and `forward`: ports of this host and of a network, one standing for the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ..api.addresses import network_id
from ..errors import InputError
from . import options
from .membership import QUICK, Membership, member_options
from .output import say, show
from .stopping import stop_signals

if TYPE_CHECKING:
    from ..gateway.forwards import Forward


def complain(text: str) -> None:
    """Say on standard error what went wrong meanwhile."""
    click.echo(f"fastzt: {' '.join(text.split())}", err=True)


def run(member: Membership, forwards: tuple[Forward, ...], as_json: bool) -> None:
    """Forward until stopped."""
    from ..gateway.forwarding import Forwarding

    with stop_signals() as stop, member.joined() as (node, net):
        stop.expect()
        with Forwarding(net, forwards, complain, member.timeout):
            addresses = [str(address.ip) for address in net.addresses]
            if as_json:
                show({"node": node.id, "addresses": addresses, "forwards": [facts(f) for f in forwards]})
            else:
                say(f"node {node.id} at {' '.join(addresses)}")
                for forward in forwards:
                    say(str(forward))
            stop.wait()
        node.close(linger=QUICK)


def facts(forward: Forward) -> dict[str, object]:
    """A forward for JSON."""
    return {
        "listens": "network" if forward.exposes else "here",
        "bind": forward.bind,
        "port": forward.port,
        "host": forward.host,
        "to_port": forward.to_port,
        "protocol": forward.protocol,
    }


@click.command()
@click.argument("port", type=options.PORT)
@click.option(
    "--to",
    "target",
    metavar="[HOST:]PORT",
    required=True,
    show_envvar=True,
    help="Where connections go; the host is this one when it is left out.",
)
@click.option("--udp", "-u", is_flag=True, show_envvar=True, help="Datagrams instead of connections.")
@member_options
@options.json_option
def expose(port: int, target: str, udp: bool, member: Membership, as_json: bool) -> None:
    """Let members of a network reach a server of this host at PORT of this node, until stopped.

    \b
    A web server on port 8000 of this host, port 80 for the network:
      fastzt expose 80 --to 8000 --network 9ad07d01093a69e3
    """
    from ..gateway import forwards

    try:
        host, to_port = forwards.endpoint(target, forwards.LOOPBACK)
    except ValueError as error:
        raise InputError(f"--to: {error}") from None
    protocol = forwards.UDP if udp else forwards.TCP
    run(member, (forwards.Forward(True, "", port, host or forwards.LOOPBACK, to_port, protocol),), as_json)


@click.command()
@click.option(
    "-L",
    "outward",
    multiple=True,
    metavar="[BIND:]PORT:HOST:PORT",
    show_envvar=True,
    envvar="FASTZT_FORWARD_LOCAL",
    help="Listen here (127.0.0.1 unless told otherwise), connect to HOST on the network. Repeatable.",
)
@click.option(
    "-R",
    "inward",
    multiple=True,
    metavar="[BIND:]PORT:HOST:PORT",
    show_envvar=True,
    envvar="FASTZT_FORWARD_REMOTE",
    help="Listen on the network, connect to HOST as this host sees it. Repeatable.",
)
@click.option("--config", "-c", metavar="FILE", show_envvar=True, help="More forwards, from a TOML file.")
@click.option("--check", is_flag=True, show_envvar=True, help="Say what would be forwarded, start nothing.")
@member_options
@options.json_option
def forward(
    outward: tuple[str, ...],
    inward: tuple[str, ...],
    config: str | None,
    check: bool,
    member: Membership,
    as_json: bool,
) -> None:
    """Forward ports, as ssh's -L and -R do, until stopped; /udp at the end forwards datagrams.

    \b
    A database of the network at port 5432 of this host, a web server of this host for the network:
      fastzt forward -L 5432:10.121.15.7:5432 -R 80:localhost:8000 --network 9ad07d01093a69e3
    \b
    The same in a file (--config):
      network = "9ad07d01093a69e3"
      [[forward]]
      listen = "127.0.0.1:5432"
      connect = "10.121.15.7:5432"      # protocol = "udp" for datagrams
      [[expose]]
      listen = "80"
      connect = "localhost:8000"
    """
    from ..gateway import forwards

    plan = forwards.read(config) if config is not None else forwards.Plan(())
    wanted = (
        *(forwards.parse(text, exposes=False) for text in outward),
        *(forwards.parse(text, exposes=True) for text in inward),
        *plan.forwards,
    )
    if not wanted:
        raise InputError("nothing to forward: give -L, -R or --config")
    if member.network is None and plan.network is not None:
        member = replace(member, network=network_id(plan.network))
    if not check:
        run(member, wanted, as_json)
    elif as_json:
        show({"forwards": [facts(entry) for entry in wanted]})
    else:
        for entry in wanted:
            say(str(entry))
