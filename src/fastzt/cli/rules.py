"""`fastzt controller rules`, `compile`, `grant`: a network's rules as text, and who holds which tags."""

from __future__ import annotations

from typing import Any

import click

from ..errors import InputError
from ..node.rule_language.compiler import Compiled, compile_rules
from ..node.rule_language.source import MAX_SOURCE, SourceError
from ..node.rule_language.text import network_text
from ..node.rule_language.values import NUMBER, number
from . import options
from .controller import now, records
from .output import say, show

Record = dict[str, Any]


def compiled(name: str) -> tuple[str, Compiled]:
    """A source file and what it compiles to; raises InputError that begins with file, line and column."""
    try:
        source = options.read_file(name, MAX_SOURCE, "rules").decode()
    except UnicodeDecodeError:
        raise InputError(f"rules {name} are not text") from None
    try:
        return source, compile_rules(source)
    except SourceError as error:
        raise InputError(f"{name}:{error.line}:{error.column}: {error.what}") from None


def source_of(network: Record) -> str:
    """The source that a network's rules were made from, or text made from them when it is not at hand."""
    source = str(network.get("rulesSource") or "")
    found = names_of(source)
    if found is not None and all(network.get(name) == value for name, value in found.fields().items()):
        return source
    return network_text(network)


def names_of(source: str) -> Compiled | None:
    """What a stored source compiles to, if it does."""
    try:
        return compile_rules(source) if source else None
    except InputError:
        return None


def count(things: list[Any], singular: str, plural: str) -> str:
    """How many there are, in words."""
    return f"{len(things)} {singular if len(things) == 1 else plural}"


@click.command()
@click.argument("network", type=options.NETWORK, metavar="NWID")
@click.argument("file", required=False, metavar="[FILE]")
@options.state_option
@options.json_option
def rules(network: int, file: str | None, state: str, as_json: bool) -> None:
    """Print the rules of the network NWID as text, or set them from FILE (- for stdin).

    FILE is in ZeroTier's rule language; an error names its line and column.
    """
    source, made = compiled(file) if file is not None else ("", None)
    with records(state) as edited:
        record = edited.network(network)
        if made is not None:
            record = edited.update_network(network, {**made.fields(), "rulesSource": source}, now())
    fields = {name: record[name] for name in ("rules", "capabilities", "tags")}
    if as_json:
        show({"network": record["id"], **fields})
    elif made is None:
        click.echo(source_of(record), nl=False)
    else:
        parts = (made.rules, "rule", "rules"), (made.capabilities, "capability", "capabilities")
        say(", ".join(count(*part) for part in (*parts, (made.tags, "tag", "tags"))))


@click.command(name="compile")
@click.argument("file", metavar="FILE")
def compile_file(file: str) -> None:
    """Compile rules and print the fields of a network's record as JSON; no state is touched."""
    _, made = compiled(file)
    show(made.fields())


def tag_value(text: str, names: Compiled | None) -> tuple[int, int]:
    """`name=value` or numbers; raises InputError."""
    name, equals, value = text.partition("=")
    tag = names.tag_names.get(name.lower()) if names is not None else None
    try:
        if not equals:
            raise ValueError("name=value expected")
        if tag is not None:
            return tag.id, tag.value(value)
        return tag_id(name, names), number(value)
    except ValueError as error:
        raise InputError(f"tag {text!r}: {error}") from None


def tag_id(name: str, names: Compiled | None) -> int:
    """A tag's number by its name or number; raises InputError."""
    tag = names.tag_names.get(name.lower()) if names is not None else None
    if tag is not None:
        return tag.id
    return numbered(name, "tag")


def capability_id(name: str, names: Compiled | None) -> int:
    """A capability's number by its name or number; raises InputError."""
    found = names.capability_names.get(name.lower()) if names is not None else None
    return numbered(name, "capability") if found is None else found


def numbered(name: str, what: str) -> int:
    if not NUMBER.fullmatch(name):
        raise InputError(f"the network's rules define no {what} {name}")
    return number(name)


@click.command()
@click.argument("network", type=options.NETWORK, metavar="NWID")
@click.argument("members", type=options.ADDRESS, nargs=-1, required=True, metavar="NODE...")
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME=VALUE", show_envvar=True, help="Set a tag. Repeatable."
)
@click.option(
    "--no-tag",
    "no_tags",
    multiple=True,
    metavar="NAME",
    show_envvar=True,
    help="Take a tag away. Repeatable.",
)
@click.option(
    "--capability", multiple=True, metavar="NAME", show_envvar=True, help="Give a capability. Repeatable."
)
@click.option(
    "--no-capability", multiple=True, metavar="NAME", show_envvar=True, help="Take one away. Repeatable."
)
@options.state_option
@options.json_option
def grant(
    network: int,
    members: tuple[int, ...],
    tags: tuple[str, ...],
    no_tags: tuple[str, ...],
    capability: tuple[str, ...],
    no_capability: tuple[str, ...],
    state: str,
    as_json: bool,
) -> None:
    """Give tags and capabilities to members of NWID, by the names in its rules or by number."""
    with records(state) as edited:
        names = names_of(str(edited.network(network).get("rulesSource") or ""))
        values = dict(tag_value(text, names) for text in tags)
        gone = {tag_id(name, names) for name in no_tags}
        given = {capability_id(name, names) for name in capability}
        taken = {capability_id(name, names) for name in no_capability}
        changed = []
        for address in members:
            held = edited.member(network, address) or {}
            tagged = dict([*held.get("tags", []), *values.items()])
            fields = {
                "tags": [[key, tagged[key]] for key in sorted(set(tagged) - gone)],
                "capabilities": sorted((set(held.get("capabilities", [])) | given) - taken),
            }
            changed.append(edited.update_member(network, address, fields, now()))
    if as_json:
        show(changed)
        return
    for record in changed:
        pairs = " ".join(f"{key}={value}" for key, value in record["tags"])
        ids = " ".join(map(str, record["capabilities"]))
        say(f"{record['id']} tags {pairs or '-'} capabilities {ids or '-'}")
