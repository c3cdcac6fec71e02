"""`fastzt proxy`: the hosts of a network for whatever knows SOCKS5 or HTTP proxies."""

from __future__ import annotations

import ipaddress

import click

from ..errors import InputError
from . import options
from .forward import complain
from .membership import QUICK, Membership, member_options
from .output import say, show
from .secrets import secret
from .stopping import stop_signals

DEFAULT = "127.0.0.1:1080"
PASSWORD = "FASTZT_PROXY_PASSWORD"


def is_loopback(host: str) -> bool:
    """Whether only this host reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def places(
    listen: tuple[str, ...], socks: tuple[str, ...], http: tuple[str, ...]
) -> list[tuple[str, int, frozenset[str]]]:
    """Where to listen and for what; raises InputError."""
    from ..gateway import forwards
    from ..gateway.proxy import BOTH, HTTP, SOCKS

    kinds = ((listen, BOTH), (socks, frozenset((SOCKS,))), (http, frozenset((HTTP,))))
    given = [(text, kind) for texts, kind in kinds for text in texts] or [(DEFAULT, BOTH)]
    found = []
    for text, kind in given:
        try:
            found.append((*forwards.endpoint(text, forwards.LOOPBACK, least=0), kind))
        except ValueError as error:
            raise InputError(f"{text!r}: {error}") from None
    return found


@click.command()
@click.option(
    "--listen",
    "-l",
    multiple=True,
    metavar="[BIND:]PORT",
    show_envvar=True,
    help=f"Where to serve both protocols; a port alone: on 127.0.0.1. Repeatable. Default: {DEFAULT}.",
)
@click.option("--socks", multiple=True, metavar="[BIND:]PORT", show_envvar=True, help="SOCKS5 alone.")
@click.option("--http", multiple=True, metavar="[BIND:]PORT", show_envvar=True, help="HTTP alone.")
@click.option("--user", metavar="NAME", show_envvar=True, help="Clients authenticate by this name.")
@click.option("--password-file", metavar="FILE", show_envvar=True, help=f"Their password. Or {PASSWORD}.")
@click.option("--password-fd", type=int, metavar="N", show_envvar=True, help="Their password's descriptor.")
@click.option(
    "--max-connections", type=click.IntRange(min=1), default=1024, show_default=True, show_envvar=True
)
@member_options
@options.json_option
def proxy(
    listen: tuple[str, ...],
    socks: tuple[str, ...],
    http: tuple[str, ...],
    user: str | None,
    password_file: str | None,
    password_fd: int | None,
    max_connections: int,
    member: Membership,
    as_json: bool,
) -> None:
    """Serve SOCKS5 (CONNECT, UDP ASSOCIATE) and HTTP (CONNECT, plain GET) clients until stopped.

    They reach the hosts of the network, by address or by a name that its DNS knows, and nothing else. A proxy
    that listens elsewhere than on loopback demands --user and a password.

    \b
      fastzt proxy --network 9ad07d01093a69e3 &
      curl --proxy socks5h://127.0.0.1:1080 http://10.121.15.99/
      chromium --proxy-server=socks5://127.0.0.1:1080
    """
    from ..gateway.proxy import Login, Proxy

    wanted = places(listen, socks, http)
    password = secret(password_file, password_fd, PASSWORD, "password")
    if (user is None) != (password is None):
        raise InputError(f"--user goes with a password: --password-file, --password-fd or {PASSWORD}")
    if user is None and not all(is_loopback(host) for host, _, _ in wanted):
        raise InputError("a proxy that others can reach wants --user and a password")
    login = None if user is None or password is None else Login(user, password)
    with stop_signals() as stop, member.joined() as (node, net):
        stop.expect()
        with Proxy(net, complain, login, member.timeout, max_connections) as server:
            for host, port, kinds in wanted:
                tell(node.id, *server.listen(host, port, kinds), sorted(kinds), as_json)
            stop.wait()
        node.close(linger=QUICK)


def tell(node: str, host: str, port: int, kinds: list[str], as_json: bool) -> None:
    """One place where it listens."""
    if as_json:
        show({"node": node, "listening": host, "port": port, "protocols": kinds})
    else:
        say(f"node {node} proxy at {host} port {port} ({' and '.join(kinds)})")
