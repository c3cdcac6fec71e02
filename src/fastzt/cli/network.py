"""`fastzt join`, `call`, `listen`: what a node does on a network."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import click

from ..errors import FastztError, InputError
from . import http, options
from .membership import Membership, joined, member_options, running, tell_listening
from .output import progress, say, show

if TYPE_CHECKING:
    from ..api.listener import Listener

MAX_CONNECTIONS = 64  # served at a time by `listen`; more wait in its backlog
MAX_TOKEN = 1024


def token_of(name: str | None) -> str | None:
    """The pre-authorization token in a file; raises InputError."""
    if name is None:
        return None
    data = options.read_file(name, MAX_TOKEN, "token")
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        raise InputError(f"token {name} is not text") from None


@click.command()
@click.argument("network", type=options.NETWORK, metavar="NWID", envvar="FASTZT_NETWORK")
@click.option("--wait", is_flag=True, show_envvar=True, help="Keep asking until the node is authorized.")
@click.option("--token-file", metavar="FILE", show_envvar=True, help="Pre-authorization token (- for stdin).")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    show_envvar=True,
    help="Give up after this long. Default: 30, with --wait never.",
)
@options.state_option
@options.planet_option
@options.reach_options
@options.json_option
def join(
    network: int,
    wait: bool,
    token_file: str | None,
    timeout: float | None,
    state: str,
    planet: str | None,
    udp_port: int,
    as_json: bool,
) -> None:
    """Join the network NWID, print this node's addresses on it, and keep its configuration for later."""
    token = token_of(token_file)
    limit = timeout if timeout is not None or wait else 30.0
    with running(state, planet, udp_port) as node:
        if as_json:
            show({"node": node.id, "network": f"{network:016x}"})
        else:
            say(f"node {node.id}")
        net = joined(node, network, limit, wait, token)
        addresses = [str(address) for address in net.addresses]
        if as_json:
            show({"node": node.id, "network": net.id, "name": net.name, "addresses": addresses})
        else:
            say(f"network {net.id} {net.name}".rstrip())
            for address in addresses:
                say(f"address {address}")


@click.command()
@click.argument("url", type=options.URL)
@member_options
@options.json_option
def call(
    url: str,
    member: Membership,
    as_json: bool,
) -> None:
    """Fetch URL over a network and print the body; status 1 for an HTTP error."""
    http.require_httpx()
    with member.joined() as (_, net):
        start = time.monotonic()
        with progress(f"calling {url}"):
            response = http.fetch(net, url, member.timeout)
        seconds = time.monotonic() - start
    if as_json:
        show({**http.facts(response), "seconds": round(seconds, 6)})
    else:
        click.echo(response.content, nl=False)
    if response.status_code >= 400:
        raise FastztError(f"{url} answered {response.status_code} {response.reason_phrase}".rstrip())


@click.command()
@click.argument("port", type=options.PORT)
@member_options
@click.option("--count", type=click.IntRange(min=1), show_envvar=True, help="End after this many requests.")
@options.json_option
def listen(
    port: int,
    member: Membership,
    count: int | None,
    as_json: bool,
) -> None:
    """Listen on PORT of a network, log each request's line and headers, answer 200 OK."""
    with member.joined() as (node, net), net.listen(port) as listener:
        tell_listening(node, net, port, as_json)
        answer_all(listener, count, as_json)


def answer_all(listener: Listener, count: int | None, as_json: bool) -> None:
    """Serve each connection in a thread of its own until `count` requests were answered."""
    slots = threading.Semaphore(MAX_CONNECTIONS)
    threads: list[threading.Thread] = []
    accepted = 0
    while count is None or accepted < count:
        slots.acquire()
        connection, address = listener.accept()
        accepted += 1

        def serve(connection: Any = connection, address: Any = address) -> None:
            try:
                http.answer(connection, address, as_json)
            finally:
                slots.release()

        threads = [thread for thread in threads if thread.is_alive()]
        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(http.PATIENCE)
