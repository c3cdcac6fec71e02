"""What a source defines beside its rules: tags, capabilities, macros."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .source import Block, SourceError, Word
from .values import NAME, number
from .words import RESERVED

MAX_BIT = 31


@dataclass(slots=True)
class Tag:
    """A tag: its number, what members have that were given none, and names for values."""

    word: Word
    id: int = -1
    default: int | None = None
    enums: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)

    def value(self, text: str) -> int:
        """A value by the name of a flag or enum, or as a number; raises ValueError."""
        for names in (self.flags, self.enums):
            if text.lower() in names:
                return names[text.lower()]
        try:
            return number(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither a number nor a flag or enum of tag {self.word}") from None


@dataclass(slots=True)
class Capability:
    """A capability: its number, whether every new member gets it, and its statements."""

    word: Word
    id: int = -1
    default: bool = False
    body: list[Word | Block] = field(default_factory=list)


@dataclass(slots=True)
class Macro:
    """Statements with parameters (`$name`)."""

    word: Word
    parameters: list[str]
    body: list[Word | Block]


class Cursor:
    """The items of a block from the first to the last; what is missing is an error at the word before it."""

    def __init__(self, block: Block) -> None:
        self.items: Iterator[Word | Block] = iter(block.items)
        self.last = block.word

    def item(self) -> Word | Block | None:
        """The next item, None at the end."""
        found = next(self.items, None)
        if isinstance(found, Word):
            self.last = found
        return found

    def word(self, what: str) -> Word:
        """The next word."""
        before = self.last
        found = self.item()
        if found is None:
            raise before.error(f"{what} expected after {before}")
        if isinstance(found, Block):
            raise found.word.error(f"{what} expected, not {found.word}, which begins a block")
        return found

    def number(self, what: str) -> int:
        """The next word as a number."""
        word = self.word(what)
        try:
            return number(word.text)
        except ValueError as error:
            raise word.error(f"{what} expected: {error}") from None


def check_name(word: Word, name: str, what: str) -> str:
    """A name of the user's own, lower case."""
    key = name.lower()
    if not NAME.fullmatch(key):
        raise word.error(f"{name!r} cannot be the name of a {what}: letters, digits and _ make one")
    if key in RESERVED:
        raise word.error(f"{name!r} is a word of the language and cannot be the name of a {what}")
    return key


def tag(block: Block) -> Tag:
    """`tag name id N [default V] [enum N name]... [flag BIT[,BIT] name]...;`"""
    cursor = Cursor(block)
    found = Tag(cursor.word("the name of the tag"))
    check_name(found.word, found.word.text, "tag")
    default: Word | None = None
    while (item := cursor.item()) is not None:
        if isinstance(item, Block):
            raise item.word.error(f"{item.word} inside of a tag")
        if item.key == "id" and found.id < 0:
            found.id = cursor.number("the tag's id")
        elif item.key == "default" and default is None:
            default = cursor.word("the tag's default")
        elif item.key == "enum":
            value = cursor.number("the value of the enum")
            add(found.enums, cursor.word("the name of the enum"), value, "enum")
        elif item.key == "flag":
            bits = cursor.word("the bit of the flag")
            add(found.flags, cursor.word("the name of the flag"), mask(bits, found.flags), "flag")
        else:
            raise item.error(f"{item} has no place here: id and default (once each), enum or flag expected")
    if found.id < 0:
        raise found.word.error(f"tag {found.word} has no id")
    if default is not None:
        found.default = valued(found, default)
    return found


def valued(found: Tag, word: Word) -> int:
    """A value of a tag."""
    try:
        return found.value(word.text)
    except ValueError as error:
        raise word.error(str(error)) from None


def add(names: dict[str, int], word: Word, value: int, what: str) -> None:
    """Name a value."""
    key = word.key
    if not NAME.fullmatch(key):
        raise word.error(f"{word} cannot be the name of a {what}")
    if key in names:
        raise word.error(f"{what} {word} is defined twice")
    names[key] = value


def mask(word: Word, flags: dict[str, int]) -> int:
    """Bit numbers, or flags defined before, joined by commas."""
    value = 0
    for part in filter(None, word.key.split(",")):
        if part in flags:
            value |= flags[part]
            continue
        try:
            value |= 1 << number(part, MAX_BIT)
        except ValueError:
            raise word.error(
                f"{part!r} is neither a bit from 0 to {MAX_BIT} nor a flag defined before"
            ) from None
    return value


def capability(block: Block) -> Capability:
    """`cap name id N [default] statements;`"""
    cursor = Cursor(block)
    found = Capability(cursor.word("the name of the capability"))
    check_name(found.word, found.word.text, "capability")
    while (item := cursor.item()) is not None:
        if isinstance(item, Word) and item.key == "id":
            if found.id >= 0:
                raise item.error(f"capability {found.word} has an id already")
            found.id = cursor.number("the capability's id")
        elif isinstance(item, Word) and item.key == "default":
            found.default = True
        else:
            found.body.append(item)
            if isinstance(item, Word) and item.key == "include":
                found.body.append(cursor.word("the name of a macro"))
    if found.id < 0:
        raise found.word.error(f"capability {found.word} has no id")
    return found


def macro(block: Block) -> Macro:
    """`macro name($a,$b) statements;`"""
    cursor = Cursor(block)
    word = cursor.word("the name of the macro")
    name, parameters = call(word)
    check_name(word, name, "macro")
    for parameter in parameters:
        if not parameter.startswith("$") or not NAME.fullmatch(parameter[1:]):
            raise word.error(f"{parameter!r} cannot be a parameter: $ and a name expected")
    if len(set(parameters)) != len(parameters):
        raise word.error("two parameters have the same name")
    return Macro(Word(name, word.line, word.column), parameters, block.items[1:])


def call(word: Word) -> tuple[str, list[str]]:
    """`name` or `name(a,b)` in parts."""
    name, opened, rest = word.text.partition("(")
    if opened and not rest.endswith(")"):
        raise word.error(f"the parenthesis in {word} is not closed")
    parts = [part.strip() for part in rest[:-1].split(",")] if opened and rest[:-1].strip() else []
    if not all(parts):
        raise word.error(f"an argument in {word} is missing")
    return name, parts


def defined_twice(word: Word, what: str) -> SourceError:
    """The second definition of a name or number."""
    return word.error(f"{what} {word} is defined twice")
