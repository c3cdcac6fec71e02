"""`fastzt controller set`: what a network tells its members; they take it over within moments."""

from __future__ import annotations

import ipaddress
from typing import Any

import click

from ..errors import InputError
from . import options
from .controller import now, records
from .output import say, show

MAX_TOKENS = 65536
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_route(text: str) -> dict[str, Any]:
    """`target` or `target=gateway`; raises InputError."""
    target, equals, gateway = text.partition("=")
    subnet = options.parse_subnet({"default": "0.0.0.0/0", "default6": "::/0"}.get(target, target))
    return {"target": str(subnet), "via": str(options.parse_ip(gateway)) if equals else None}


def tokens_of(name: str) -> dict[str, int]:
    """Pre-authorization tokens, one a line; they do not expire."""
    try:
        lines = options.read_file(name, MAX_TOKENS, "tokens").decode().splitlines()
    except UnicodeDecodeError:
        raise InputError(f"tokens {name} are not text") from None
    return {line.strip(): 0 for line in lines if line.strip()}


ROUTE = options.Checked("target[=gateway]", parse_route)


@click.command(name="set")
@click.argument("network", type=options.NETWORK, metavar="NWID")
@click.option("--name", show_envvar=True, help="A name for people.")
@click.option("--public/--private", default=None, show_envvar=True, help="Let every node in unasked, or not.")
@click.option("--mtu", type=int, show_envvar=True, help="Largest Ethernet payload.")
@click.option("--broadcast/--no-broadcast", default=None, show_envvar=True, help="Whether broadcasts travel.")
@click.option("--multicast-limit", type=int, show_envvar=True, help="Recipients of a multicast; 0: none.")
@click.option(
    "--route",
    "routes",
    type=ROUTE,
    multiple=True,
    show_envvar=True,
    help="Managed routes, all of them: target or target=gateway; target may be default. Repeatable.",
)
@click.option("--dns-domain", metavar="NAME", show_envvar=True, help="Search domain of the DNS servers.")
@click.option(
    "--dns", "servers", type=options.IP, multiple=True, show_envvar=True, help="DNS server. Repeatable."
)
@click.option("--rfc4193/--no-rfc4193", default=None, show_envvar=True, help="IPv6 addresses from RFC 4193.")
@click.option(
    "--6plane/--no-6plane", "sixplane", default=None, show_envvar=True, help="IPv6 6PLANE addresses."
)
@click.option(
    "--tokens-file", metavar="FILE", show_envvar=True, help="Tokens that let a node in, one a line."
)
@options.state_option
@options.json_option
def set_network(network: int, state: str, as_json: bool, **given: Any) -> None:
    """Change settings of the network NWID; what is not named stays."""
    with records(state) as edited:
        fields = fields_of(given, edited.network(network))
        if not fields:
            raise InputError("nothing to set: name at least one option")
        record = edited.update_network(network, fields, now())
    if as_json:
        show(record)
    else:
        say(f"{record['id']} {' '.join(sorted(fields))}")


def fields_of(given: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """The fields of the record that the options change."""
    plain = {
        "name": "name",
        "mtu": "mtu",
        "broadcast": "enableBroadcast",
        "multicast_limit": "multicastLimit",
    }
    fields = {field: given[name] for name, field in plain.items() if given[name] is not None}
    if given["public"] is not None:
        fields["private"] = not given["public"]
    if given["routes"]:
        fields["routes"] = list(given["routes"])
    if given["servers"] or given["dns_domain"] is not None:
        known = record.get("dns") or {}
        servers = [str(ip) for ip in given["servers"]] or known.get("servers", [])
        domain = given["dns_domain"] if given["dns_domain"] is not None else known.get("domain", "")
        fields["dns"] = {"domain": domain, "servers": servers}
    modes = {"rfc4193": given["rfc4193"], "6plane": given["sixplane"]}
    if any(value is not None for value in modes.values()):
        chosen = {name: value for name, value in modes.items() if value is not None}
        fields["v6AssignMode"] = {**record["v6AssignMode"], **chosen}
    if given["tokens_file"] is not None:
        fields["authTokens"] = tokens_of(given["tokens_file"])
    return fields
