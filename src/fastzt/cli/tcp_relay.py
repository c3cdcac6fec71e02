"""`fastzt tcp-relay`: a relay of one's own for nodes whose UDP is blocked."""

from __future__ import annotations

import ipaddress

import click

from .._core.endpoint import Endpoint
from . import options
from .output import say, show
from .stopping import stop_signals

DEFAULT_BIND = "0.0.0.0/443"


@click.command(name="tcp-relay")
@click.option(
    "--bind",
    "binds",
    type=options.ENDPOINT,
    multiple=True,
    show_envvar=True,
    help=f"Where to listen (ip/port). Repeatable. Default: {DEFAULT_BIND}.",
)
@click.option(
    "--allow",
    "allowed",
    type=options.SUBNET,
    multiple=True,
    show_envvar=True,
    help="A prefix to forward to beside the public addresses, as in 10.0.0.0/8. Repeatable.",
)
@click.option(
    "--max-connections", type=click.IntRange(min=1), default=256, show_default=True, show_envvar=True
)
@click.option(
    "--max-per-address",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    show_envvar=True,
    help="Connections from one IP address.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=1),
    default=1024,
    show_default=True,
    show_envvar=True,
    metavar="KIB",
    help="KiB a second that one connection may carry, both ways together.",
)
@options.json_option
def tcp_relay(
    binds: tuple[Endpoint, ...],
    allowed: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
    max_connections: int,
    max_per_address: int,
    rate: int,
    as_json: bool,
) -> None:
    """Relay UDP datagrams of ZeroTier nodes over TCP, for those whose network blocks UDP, until stopped.

    Only what has the shape of a ZeroTier packet is forwarded, to public unicast IPv4 addresses and ports
    above 1024. Members use it by --tcp-relay ip/port.
    """
    from ..io.relay_server import RelayLimits, RelayServer

    wanted = binds or (options.parse_endpoint(DEFAULT_BIND),)
    limits = RelayLimits(connections=max_connections, per_address=max_per_address, rate=rate << 10)
    server = RelayServer([(str(e.address), e.port) for e in wanted], list(allowed), limits)
    try:
        with stop_signals() as stop:
            stop.expect()
            listening = [str(endpoint) for endpoint in server.endpoints]
            show({"listening": listening}) if as_json else say(f"relaying at {' '.join(listening)}")
            while not stop.is_set():
                server.serve_once(1.0)
            if as_json:
                show(server.counts)
    finally:
        server.close()
