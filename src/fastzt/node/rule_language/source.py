"""Source text of the rule language as a tree of words and blocks, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...errors import InputError
from .words import OPENING

MAX_SOURCE = 1 << 20
# A comment begins where a word would; a word may have a list in parentheses, with spaces in it.
PIECE = re.compile(
    r"(?P<comment>#[^\r\n]*)|(?P<end>;)|(?P<word>(?:\([^();#\r\n]*\)|[^\s;(])+|\()|(?P<space>\s+)"
)


class SourceError(InputError):
    """What is wrong with a source, and where: `line` and `column` count from 1."""

    def __init__(self, line: int, column: int, what: str) -> None:
        super().__init__(f"line {line}, column {column}: {what}")
        self.line = line
        self.column = column
        self.what = what


@dataclass(frozen=True, slots=True)
class Word:
    """One word and where it begins."""

    text: str
    line: int
    column: int

    @property
    def key(self) -> str:
        """The word as keywords are compared."""
        return self.text.lower()

    def error(self, what: str) -> SourceError:
        """An error at this word."""
        return SourceError(self.line, self.column, what)

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Block:
    """A word that opens a block, and what stands in it up to the semicolon."""

    word: Word
    items: list[Word | Block] = field(default_factory=list)


def words(source: str) -> Iterator[Word]:
    """The words and semicolons; comments are left out."""
    line, start = 1, 0
    for found in PIECE.finditer(source):
        if found.lastgroup in ("word", "end"):
            yield Word(found.group(), line, found.start() - start + 1)
        for end in re.finditer(r"\r\n|\r|\n", found.group()):
            line += 1
            start = found.start() + end.end()


def parse(source: str) -> list[Word | Block]:
    """The tree of a source; raises SourceError for blocks that do not close, or close without being open."""
    if len(source) > MAX_SOURCE:
        raise InputError(f"rules of more than {MAX_SOURCE} characters")
    top: list[Word | Block] = []
    open_blocks: list[Block] = []
    for word in words(source):
        inner = open_blocks[-1].items if open_blocks else top
        if word.text == ";":
            if not open_blocks:
                raise word.error("this semicolon closes nothing")
            open_blocks.pop()
        elif word.key in OPENING:
            block = Block(word)
            inner.append(block)
            open_blocks.append(block)
        else:
            inner.append(word)
    if open_blocks:
        block = open_blocks[-1]
        raise block.word.error(f"the block of {block.word} is not closed: a semicolon is missing")
    return top
