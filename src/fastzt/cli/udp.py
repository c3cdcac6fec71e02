"""`fastzt udp-listen`, `udp-send` and `ping`: datagrams on a network."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import click

from ..api import addresses
from ..errors import FastztError, HostUnreachableError
from . import options
from .membership import Membership, member_options, tell_listening
from .output import say, show

if TYPE_CHECKING:
    from ..api.datagram import DatagramSocket
    from ..api.echo import Echo

MAX_DATAGRAM = 65507


@click.command("udp-listen")
@click.argument("port", type=options.PORT)
@member_options
@click.option("--count", type=click.IntRange(min=1), show_envvar=True, help="End after this many datagrams.")
@click.option("--echo", is_flag=True, show_envvar=True, help="Send each datagram back.")
@options.json_option
def udp_listen(
    port: int,
    member: Membership,
    count: int | None,
    echo: bool,
    as_json: bool,
) -> None:
    """Receive datagrams on PORT of a network and print where each came from and what it holds."""
    with member.joined() as (node, net), net.udp(port) as socket:
        tell_listening(node, net, port, as_json, "(UDP)")
        receive_all(socket, count, echo, as_json)


def receive_all(socket: DatagramSocket, count: int | None, echo: bool, as_json: bool) -> None:
    """Print what comes, `count` datagrams of it."""
    done = 0
    while count is None or done < count:
        data, (host, port, *_) = socket.recvfrom(MAX_DATAGRAM)
        done += 1
        text = data.decode("utf-8", "backslashreplace")
        if as_json:
            show({"from": host, "port": port, "size": len(data), "data": text})
        else:
            say(f"{host} port {port}: {printable(text)}")
        if echo:
            with contextlib.suppress(HostUnreachableError):
                socket.sendto(data, (host, port))


def printable(text: str) -> str:
    """Text on one line, which does nothing to a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@click.command("udp-send")
@click.argument("host")
@click.argument("port", type=options.PORT)
@click.argument("text", required=False)
@member_options
@click.option("--reply", is_flag=True, show_envvar=True, help="Wait for a datagram in answer and print it.")
@options.json_option
def udp_send(
    host: str,
    port: int,
    text: str | None,
    member: Membership,
    reply: bool,
    as_json: bool,
) -> None:
    """Send TEXT, or what comes from standard input, as one datagram to HOST PORT of a network."""
    data = text.encode() if text is not None else sys.stdin.buffer.read(MAX_DATAGRAM + 1)
    with member.joined() as (_, net), net.udp() as socket:
        socket.settimeout(member.timeout)
        start = time.monotonic()
        socket.connect((addresses.host_text(net.hosts(host, member.timeout)[0]), port))
        socket.send(data)
        answer = socket.recv(MAX_DATAGRAM) if reply else None
        seconds = time.monotonic() - start
    if as_json:
        told = {} if answer is None else {"reply": answer.decode("utf-8", "backslashreplace")}
        show({"sent": len(data), "seconds": round(seconds, 6), **told})
    elif answer is not None:
        click.echo(answer, nl=False)


@click.command()
@click.argument("host")
@member_options
@click.option("--count", "-c", type=click.IntRange(min=1), default=4, show_default=True, show_envvar=True)
@click.option("--size", "-s", type=click.IntRange(0, 65507), default=56, show_default=True, show_envvar=True)
@click.option(
    "--interval",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    show_envvar=True,
    help="Between two requests.",
)
@click.option(
    "--reply-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    show_envvar=True,
    help="How long to wait for each reply.",
)
@options.json_option
def ping(
    host: str,
    member: Membership,
    count: int,
    size: int,
    interval: float,
    reply_timeout: float,
    as_json: bool,
) -> None:
    """Ask HOST on a network for ICMP echoes; status 1 when none comes."""
    with (
        member.joined() as (_, net),
        contextlib.closing(net.pinging(host, reply_timeout, interval, size)) as pinging,
    ):
        times = []
        for echo in pinging.echoes(count):
            if echo.seconds is not None:
                times.append(echo.seconds)
            tell(pinging.address, size, echo, as_json)
    if as_json:
        show({"address": pinging.address, "sent": count, "received": len(times), **spread(times)})
    else:
        say(f"{count} sent, {len(times)} received")
        if times:
            say("round trip " + ", ".join(f"{name[:3]} {value} ms" for name, value in spread(times).items()))
    if not times:
        raise FastztError(f"{pinging.address} does not answer")


def tell(address: str, size: int, echo: Echo, as_json: bool) -> None:
    """One echo, or why there is none."""
    if as_json:
        ms = None if echo.seconds is None else round(echo.seconds * 1e3, 3)
        show({"address": address, "sequence": echo.sequence, "ms": ms, "error": echo.error or None})
    elif echo.seconds is not None:
        say(f"{size} bytes from {address}: seq={echo.sequence} time={echo.seconds * 1e3:.3f} ms")
    else:
        say(f"from {address}: seq={echo.sequence} {echo.error or 'no reply'}")


def spread(times: list[float]) -> dict[str, float]:
    """Least, mean and greatest of some seconds, in milliseconds."""
    if not times:
        return {}
    found = {"min_ms": min(times), "avg_ms": sum(times) / len(times), "max_ms": max(times)}
    return {name: round(value * 1e3, 3) for name, value in found.items()}
