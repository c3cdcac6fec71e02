"""Options and argument types that commands share; a bad value is an InputError: one line, status 2."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import click

from .._core.endpoint import Endpoint
from ..api.addresses import literal, network_id
from ..errors import IdentityError, InputError
from ..identity.identity import Identity
from ..io.upstream import parse_upstream
from ..node import files, overlay, planets
from ..vl2 import adhoc
from ..wire.address import parse_address
from ..wire.inetaddress import InetAddress
from ..wire.world import MAX_SIZE, World
from .own import own_options
from .seeing import pcap, seeing_options

if TYPE_CHECKING:
    from ..node.config import NodeConfig

    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType

Command = TypeVar("Command", bound=Callable[..., Any])
MAX_IDENTITY = 4096
TCP_RELAY = "fastzt.tcp_relay"
UPNP = "fastzt.upnp"
NAT_PMP = "fastzt.nat_pmp"
UPSTREAM = "fastzt.upstream_proxy"
OVERLAY = "overlay"
STACKS = ("managed", "zerotier", "libzt", OVERLAY)


class Checked(ParamType):
    """A parameter type from a function that raises InputError."""

    def __init__(self, name: str, check: Callable[[str], Any]) -> None:
        self.name = name
        self._check: Callable[[str], Any] = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check text; what is no text has been converted already."""
        return self._check(value) if isinstance(value, str) else value


def read_file(name: str, limit: int, what: str) -> bytes:
    """A file, or standard input for `-`; raises InputError."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(name).expanduser().open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"cannot read {what} {name}: {files.reason(error)}") from None
    if len(data) > limit:
        raise InputError(f"{what} {name} is longer than {limit} bytes")
    return data


def read_identity(name: str) -> Identity:
    """The identity in a file; raises IdentityError naming it."""
    data = read_file(name, MAX_IDENTITY, "identity")
    try:
        return Identity.parse(data.decode("ascii"))
    except UnicodeDecodeError:
        raise IdentityError(f"identity {name} is not text") from None
    except IdentityError as error:
        raise IdentityError(f"identity {name}: {error}") from None


def read_planet(name: str) -> World:
    """The planet in a file; raises InputError naming it."""
    return planets.parse(read_file(name, MAX_SIZE, "planet"), f"planet {name}")


def check_planet(name: str) -> str:
    """A planet's file name, once the file has been read; raises InputError."""
    read_planet(name)
    return name


def parse_endpoint(text: str) -> Endpoint:
    """`ip/port`; raises InputError."""
    try:
        endpoint = InetAddress.from_text(text).endpoint
    except ValueError:
        endpoint = None
    if endpoint is None or endpoint.port == 0:
        raise InputError(f"{text!r} is not an endpoint: ip/port expected, as in 192.0.2.1/9993")
    return endpoint


def check_peer(text: str) -> str:
    """A peer of an overlay; raises InputError."""
    overlay.parse_peer(text)
    return text


def parse_url(text: str) -> str:
    """An http or https URL whose host is an IP address or a name; raises InputError."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and text.isprintable() and " " not in text
        literal(parts.hostname or "name")
    except ValueError:
        good = False
    if not good:
        raise InputError(f"{text!r} is not a URL that can be called: http://host[:port]/path expected")
    return text


def parse_port(text: str) -> int:
    """A port from 1 to 65535; raises InputError."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise InputError(f"{text!r} is not a port: a number from 1 to 65535 expected")
    return int(text)


def parse_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IP address; raises InputError."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise InputError(f"{text!r} is not an IP address") from None


def parse_subnet(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An IP network; raises InputError."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise InputError(f"{text!r} is not an IP network: as in 10.121.15.0/24") from None


NETWORK = Checked("nwid", network_id)
ADDRESS = Checked("address", parse_address)
PLANET_FILE = Checked("file", check_planet)
ENDPOINT = Checked("ip/port", parse_endpoint)
URL = Checked("url", parse_url)
PORT = Checked("port", parse_port)
PEER = Checked("peer", check_peer)
IP = Checked("ip", parse_ip)
SUBNET = Checked("ip/bits", parse_subnet)


def default_state() -> str:
    """The user's state directory."""
    from platformdirs import user_state_path

    return str(user_state_path("fastzt"))


def state_option(command: Command) -> Command:
    """--state, FASTZT_STATE."""
    option = click.option(
        "--state",
        envvar="FASTZT_STATE",
        show_envvar=True,
        metavar="DIR",
        default=default_state,
        show_default="the user's state directory",
        help="Where identity, networks and peers are kept.",
    )
    return option(command)


def planet_option(command: Command) -> Command:
    """--planet, FASTZT_PLANET."""
    option = click.option(
        "--planet",
        envvar="FASTZT_PLANET",
        show_envvar=True,
        type=PLANET_FILE,
        help="Planet file: which roots to use. Default: the stored one, else the public roots.",
    )
    return option(command)


def network_option(command: Command) -> Command:
    """--network, FASTZT_NETWORK."""
    option = click.option(
        "--network",
        "-n",
        envvar="FASTZT_NETWORK",
        show_envvar=True,
        type=NETWORK,
        required=True,
        help="Network id: 16 hex digits.",
    )
    return option(command)


def stack_option(command: Command) -> Command:
    """--stack, FASTZT_STACK."""
    option = click.option(
        "--stack",
        type=click.Choice(STACKS),
        default=STACKS[0],
        envvar="FASTZT_STACK",
        show_envvar=True,
        show_default=True,
        help="managed (or zerotier, libzt): a network with a controller. overlay: peers alone.",
    )
    return option(command)


def stack_options(command: Command) -> Command:
    """--network, --stack and --peer: `overlay_of` makes sense of them."""
    made = (
        click.option(
            "--network",
            "-n",
            envvar="FASTZT_NETWORK",
            show_envvar=True,
            type=NETWORK,
            help=f"Network id: 16 hex digits. For an overlay an ad-hoc one, default {overlay.NETWORK:016x}.",
        ),
        stack_option,
        click.option(
            "--peer",
            multiple=True,
            type=PEER,
            show_envvar=True,
            metavar="IDENTITY@IP/PORT",
            help="A peer of an overlay, by its public identity. Repeatable; one end may know none.",
        ),
    )
    for option in reversed(made):
        command = option(command)
    return command


def overlay_of(
    stack: str, network: int | None, peers: tuple[str, ...], planet: str | None
) -> tuple[int, tuple[str, ...] | None]:
    """The network, and an overlay's peers (None: no overlay); raises InputError for what does not fit."""
    if stack != OVERLAY:
        if network is None:
            raise InputError("which network? --network NWID, or FASTZT_NETWORK")
        if peers:
            raise InputError("--peer goes with --stack overlay")
        return network, None
    if planet is not None:
        raise InputError("an overlay has no planet")
    nwid = overlay.NETWORK if network is None else network
    if not adhoc.is_known(nwid):
        raise InputError(f"network {nwid:016x} has a controller; an overlay has an ad-hoc network")
    return nwid, peers


def port_option(command: Command) -> Command:
    """--udp-port, FASTZT_UDP_PORT: the node's own UDP port; and what is to be seen of the node."""
    option = click.option(
        "--udp-port",
        envvar="FASTZT_UDP_PORT",
        show_envvar=True,
        type=click.IntRange(0, 65535),
        default=0,
        show_default="the port used last, else any",
        help="The node's own UDP port.",
    )
    return option(seeing_options(command))


def reach_options(command: Command) -> Command:
    """--udp-port; --tcp-relay, --upstream-proxy, --upnp, --nat-pmp, which functions of those names tell."""
    option = click.option(
        "--tcp-relay",
        envvar="FASTZT_TCP_RELAY",
        show_envvar=True,
        metavar="IP/PORT",
        expose_value=False,
        callback=lambda ctx, param, value: ctx.meta.__setitem__(TCP_RELAY, value),
        help="TCP relay to go through while UDP is blocked; empty: none. Default: the public planet's.",
    )
    upnp = click.option(
        "--upnp",
        envvar="FASTZT_UPNP",
        show_envvar=True,
        is_flag=True,
        expose_value=False,
        callback=lambda ctx, param, value: ctx.meta.__setitem__(UPNP, value),
        help="Have the router forward the UDP port (needs fastzt[upnp]).",
    )
    upstream = click.option(
        "--upstream-proxy",
        envvar="FASTZT_UPSTREAM_PROXY",
        show_envvar=True,
        metavar="URL",
        expose_value=False,
        callback=keep_upstream,
        help="Reach the TCP relay through socks5://[user@]host:port or http://[user@]host:port; the password "
        "in FASTZT_UPSTREAM_PROXY_PASSWORD.",
    )
    nat_pmp = click.option(
        "--nat-pmp",
        envvar="FASTZT_NAT_PMP",
        show_envvar=True,
        is_flag=True,
        expose_value=False,
        callback=lambda ctx, param, value: ctx.meta.__setitem__(NAT_PMP, value),
        help="The same by NAT-PMP, which needs nothing more.",
    )
    return port_option(own_options(option(upstream(upnp(nat_pmp(command))))))


def keep_upstream(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Check --upstream-proxy and keep it; raises InputError for a password that others could see."""
    if not value:
        return
    given = parse_upstream(value)
    source = ctx.get_parameter_source(param.name or "")
    if given.password and source is click.core.ParameterSource.COMMANDLINE:
        raise InputError("a password on the command line is seen by all: FASTZT_UPSTREAM_PROXY_PASSWORD")
    password = os.environ.get("FASTZT_UPSTREAM_PROXY_PASSWORD")
    if password is not None and given.user is not None:
        host = f"[{given.host}]" if ":" in given.host else given.host
        login = f"{quote(given.user, safe='')}:{quote(password, safe='')}"
        value = f"{given.kind}://{login}@{host}:{given.port}"
    ctx.meta[UPSTREAM] = value


def upstream_proxy() -> str | None:
    """The value of --upstream-proxy, with its password."""
    found: str | None = click.get_current_context().meta.get(UPSTREAM)
    return found


def tcp_relay() -> str | None:
    """The value of --tcp-relay."""
    found: str | None = click.get_current_context().meta.get(TCP_RELAY)
    return found


def nat_pmp() -> bool:
    """Whether --nat-pmp was given."""
    return bool(click.get_current_context().meta.get(NAT_PMP))


def upnp() -> bool:
    """Whether --upnp was given."""
    return bool(click.get_current_context().meta.get(UPNP))


def node_config(root: bool = False, controller: bool = False) -> NodeConfig:
    """The configuration that the command line asks for, with these roles."""
    from ..node.config import NodeConfig

    return NodeConfig(
        root,
        controller,
        tcp_relay=tcp_relay(),
        upstream_proxy=upstream_proxy(),
        upnp=upnp(),
        nat_pmp=nat_pmp(),
        pcap=pcap(),
    )


def timeout_option(default: float) -> Callable[[Command], Command]:
    """--timeout in seconds."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        show_default=True,
        show_envvar=True,
        metavar="SECONDS",
        help="Give up after this long.",
    )


def json_option(command: Command) -> Command:
    """--json."""
    option = click.option(
        "--json", "as_json", is_flag=True, envvar="FASTZT_JSON", show_envvar=True, help="Print JSON."
    )
    return option(command)


def state_file(state: str, name: str, limit: int) -> bytes | None:
    """A file of a state directory, read without taking the directory; raises StateError."""
    return files.read(Path(state).expanduser() / name, limit)
