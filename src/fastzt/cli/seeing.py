"""What a command shows of the node that it runs: --pcap, --log-format, --log-level, --metrics."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InputError

if TYPE_CHECKING:
    from ..api.node import Node

Command = TypeVar("Command", bound=Callable[..., Any])
PCAP = "fastzt.pcap"
FORMAT = "fastzt.log_format"
METRICS = "fastzt.metrics"
TOKEN_FILE = "fastzt.metrics_token"
TOKEN = "FASTZT_METRICS_TOKEN"
MAX_TOKEN = 1024
LEVELS = ("debug", "info", "warning", "error")
PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and what the record has besides."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in record.__dict__.items() if name not in STANDARD},
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class ToStandardError(logging.StreamHandler[Any]):
    """Writes to what is standard error at the time."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Standard error."""
        return sys.stderr


def start_logging(form: str, level: str) -> None:
    """Send the records of `fastzt` to standard error, instead of any earlier way."""
    log = logging.getLogger("fastzt")
    for handler in [known for known in log.handlers if isinstance(known, ToStandardError)]:
        log.removeHandler(handler)
    handler = ToStandardError()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(PLAIN))
    log.addHandler(handler)
    log.setLevel(level.upper())
    log.propagate = False


def chosen_format(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Take --log-format, which comes before --log-level."""
    ctx.meta[FORMAT] = value


def chosen_level(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Take --log-level: either of the two turns logging on."""
    form = ctx.meta.get(FORMAT)
    if form is not None or value is not None:
        start_logging(form or "text", value or "info")


def seeing_options(command: Command) -> Command:
    """--pcap (which `pcap()` tells), --log-format and --log-level, --metrics (for `serving`)."""
    made = (
        click.option(
            "--pcap",
            envvar="FASTZT_PCAP",
            show_envvar=True,
            metavar="FILE",
            expose_value=False,
            callback=lambda ctx, param, value: ctx.meta.__setitem__(PCAP, value),
            help="Write all packets in the clear, and the frames inside, to a pcapng file.",
        ),
        click.option(
            "--log-format",
            type=click.Choice(("text", "json")),
            is_eager=True,
            envvar="FASTZT_LOG_FORMAT",
            show_envvar=True,
            expose_value=False,
            callback=chosen_format,
            help="Log to standard error, as text or one JSON object a line.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(LEVELS),
            envvar="FASTZT_LOG_LEVEL",
            show_envvar=True,
            expose_value=False,
            callback=chosen_level,
            help="Log from this level on. Default: info.",
        ),
        click.option(
            "--metrics",
            envvar="FASTZT_METRICS",
            show_envvar=True,
            metavar="[HOST:]PORT",
            expose_value=False,
            callback=lambda ctx, param, value: ctx.meta.__setitem__(METRICS, value and parse_place(value)),
            help="Serve /metrics, /healthz and /readyz. Default host: 127.0.0.1; any other needs a token.",
        ),
        click.option(
            "--metrics-token-file",
            envvar="FASTZT_METRICS_TOKEN_FILE",
            show_envvar=True,
            metavar="FILE",
            expose_value=False,
            callback=lambda ctx, param, value: ctx.meta.__setitem__(TOKEN_FILE, value),
            help=f"The token that clients must show. Or in the environment: {TOKEN}.",
        ),
    )
    for option in reversed(made):
        command = option(command)
    return command


def parse_place(text: str) -> tuple[str, int]:
    """`port` or `host:port`, an IPv6 host in brackets; raises InputError."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
        port = "none"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InputError(f"{text!r} is no place to serve at: a port expected, or host:port")
    return host or "127.0.0.1", int(port)


def token(name: str | None) -> str | None:
    """The token in a file, else in the environment; raises InputError."""
    if name is None:
        return os.environ.get(TOKEN)
    try:
        with Path(name).expanduser().open("rb") as file:
            found = file.read(MAX_TOKEN).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read token {name}: {getattr(error, 'strerror', None) or error}") from None
    if not found:
        raise InputError(f"token {name} is empty")
    return found


def serving(node: Node) -> AbstractContextManager[Any]:
    """The server that --metrics asks for, as long as it is entered; raises InputError, OSError."""
    meta = click.get_current_context().meta
    place = meta.get(METRICS)
    if not place:
        return nullcontext()
    from ..integrations.health import StatusServer

    host, port = place
    return StatusServer(node, host, port, token(meta.get(TOKEN_FILE)))


def pcap() -> str | None:
    """The value of --pcap."""
    found: str | None = click.get_current_context().meta.get(PCAP)
    return None if found is None else os.path.expanduser(found)
