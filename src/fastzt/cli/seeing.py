"""What a command shows of the node that it runs: --pcap, --log-format, --log-level."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
PCAP = "fastzt.pcap"
FORMAT = "fastzt.log_format"
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
    """--pcap (which `pcap()` tells), --log-format and --log-level."""
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
    )
    for option in reversed(made):
        command = option(command)
    return command


def pcap() -> str | None:
    """The value of --pcap."""
    found: str | None = click.get_current_context().meta.get(PCAP)
    return None if found is None else os.path.expanduser(found)
