"""Writes the help of every command into the reference when the site is built."""

from __future__ import annotations

import click

from fastzt.cli.app import group

MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace the mark."""
    return markdown.replace(MARK, "\n\n".join(helps(group, "fastzt"))) if MARK in markdown else markdown


def helps(command: click.Command, name: str) -> list[str]:
    """The help of a command, then of those below it."""
    context = click.Context(command, info_name=name, max_content_width=100)
    found = [f"## {name}\n\n```text\n{command.get_help(context)}\n```"]
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            if below is not None:
                found += helps(below, f"{name} {word}")
    return found
