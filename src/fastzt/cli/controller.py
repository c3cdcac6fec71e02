"""`fastzt controller`: networks and members of the controller in a state directory.

The commands edit the records; a controller that runs on the same directory takes changes up within a second.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..errors import IdentityError, InputError
from ..identity.identity import Identity
from ..node.own_identity import own_identity
from ..node.roles.controller import Controller
from ..node.roles.controller_store import ControllerStore
from ..node.roles.records import change_network, new_network
from ..node.store import Store
from . import options, seeing
from .output import say, show, table
from .root import announce
from .stopping import stop_signals

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network


@click.group()
def controller() -> None:
    """Host networks: create them, authorize members, list both, run the controller."""


def identity_of(state: str, create: bool) -> Identity:
    """The identity of a state directory, which a running node may hold; raises IdentityError, StateError."""
    data = options.state_file(state, "identity.secret", options.MAX_IDENTITY)
    if data is not None:
        try:
            found = Identity.parse(data.decode("ascii", "replace"))
        except IdentityError as error:
            raise IdentityError(f"identity {Path(state) / 'identity.secret'}: {error}") from None
        if not found.has_secret:
            raise IdentityError(f"identity {Path(state) / 'identity.secret'} has no secret part")
        return found
    if not create:
        raise InputError(f"{state} holds no identity, so it hosts no networks")
    store = Store(state)
    try:
        return own_identity(store, None, os.urandom)
    finally:
        store.close()


@contextmanager
def records(state: str, create: bool = False) -> Iterator[Controller]:
    """The controller's records, written when the command is done."""
    from ..io.clock import wall_offset_ms

    identity = identity_of(state, create)
    directory = Path(state).expanduser() / "controller.d"
    if not create and not directory.is_dir():
        raise InputError(f"{state} hosts no networks")
    edited = Controller(identity, ControllerStore(directory), os.urandom, wall_offset_ms())
    yield edited
    edited.close()


def now() -> int:
    """Monotonic microseconds, the time of a controller's verbs."""
    from ..io.clock import monotonic_us

    return monotonic_us()


def pool_of(subnet: Subnet) -> dict[str, str]:
    """The host addresses of a subnet as a pool."""
    first, last = subnet.network_address, subnet.broadcast_address
    if subnet.num_addresses > 2:
        first, last = first + 1, last - 1
    return {"ipRangeStart": str(first), "ipRangeEnd": str(last)}


def fields_of(name: str, subnets: tuple[Subnet, ...], public: bool) -> dict[str, Any]:
    """Network fields for `create`: each subnet is a route and a pool."""
    versions = {subnet.version for subnet in subnets}
    return {
        "name": name,
        "private": not public,
        "routes": [{"target": str(subnet), "via": None} for subnet in subnets],
        "ipAssignmentPools": [pool_of(subnet) for subnet in subnets],
        "v4AssignMode": {"zt": 4 in versions},
        "v6AssignMode": {"zt": 6 in versions},
    }


@controller.command()
@click.option("--name", default="", show_envvar=True, help="A name for people.")
@click.option(
    "--subnet",
    "subnets",
    type=options.SUBNET,
    multiple=True,
    show_envvar=True,
    help="Addresses to hand out, as in 10.121.15.0/24. Repeatable.",
)
@click.option("--public", is_flag=True, show_envvar=True, help="Let every node in unasked.")
@options.state_option
@options.json_option
def create(name: str, subnets: tuple[Subnet, ...], public: bool, state: str, as_json: bool) -> None:
    """Create a network and print its id."""
    fields = fields_of(name, subnets, public)
    change_network(new_network(0, 0), fields)  # a wrong one is refused before an identity is made for it
    with records(state, create=True) as edited:
        record = edited.create_network(fields, now())
    if as_json:
        show(record)
    else:
        say(record["id"])


@controller.command()
@click.argument("network", type=options.NETWORK, metavar="NWID")
@click.argument("members", type=options.ADDRESS, nargs=-1, required=True, metavar="NODE...")
@click.option("--revoke", is_flag=True, show_envvar=True, help="Take the authorization back.")
@click.option(
    "--ip",
    "addresses",
    type=options.IP,
    multiple=True,
    show_envvar=True,
    help="Give this address instead of one from the pools. Repeatable; one NODE only.",
)
@options.state_option
@options.json_option
def authorize(
    network: int,
    members: tuple[int, ...],
    revoke: bool,
    addresses: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...],
    state: str,
    as_json: bool,
) -> None:
    """Let nodes into the network NWID, before or after they ask."""
    if addresses and len(members) > 1:
        raise InputError("--ip goes with one node, not several")
    fields: dict[str, Any] = {"authorized": not revoke}
    if addresses:
        fields["ipAssignments"] = [str(address) for address in addresses]
    with records(state) as edited:
        changed = [edited.update_member(network, member, fields, now()) for member in members]
    if as_json:
        show(changed)
    else:
        for record in changed:
            say(f"{record['id']} {'authorized' if record['authorized'] else 'not authorized'}")


@controller.command(name="list")
@click.argument("network", type=options.NETWORK, metavar="[NWID]", required=False)
@options.state_option
@options.json_option
def list_records(network: int | None, state: str, as_json: bool) -> None:
    """List the networks, or the members of NWID."""
    with records(state) as found:
        listed = found.networks() if network is None else found.members(network)
    if as_json:
        show(listed)
    elif network is None:
        rows = [[n["id"], "private" if n["private"] else "public", n["name"]] for n in listed]
        table(["network", "access", "name"], rows)
    else:
        rows = [[m["id"], str(m["authorized"]).lower(), " ".join(m["ipAssignments"])] for m in listed]
        table(["node", "authorized", "addresses"], rows)


@controller.command()
@options.state_option
@options.planet_option
@options.port_option
@options.json_option
def run(state: str, planet: str | None, udp_port: int, as_json: bool) -> None:
    """Run the controller until stopped. `fastzt root --controller` runs it inside a root."""
    from ..api.node import Node

    config = options.node_config(controller=True)
    directory = Path(state).expanduser()
    with (
        stop_signals() as stop,
        Node(directory, planet, udp_port, config=config) as node,
        seeing.serving(node),
    ):
        stop.expect()
        announce(node, as_json)
        stop.wait()
