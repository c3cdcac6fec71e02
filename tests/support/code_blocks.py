"""The code blocks of the documents, and what becomes of each in a test."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Not code: what a program prints, contracts in outline, pictures.
PROSE = {"", "text"}
# Commands that run until they are stopped.
SERVERS = (
    "fastzt listen",
    "fastzt udp-listen",
    "fastzt expose",
    "fastzt forward",
    "fastzt proxy",
    "fastzt root",
    "fastzt controller run",
    "fastzt agent",
    "fastzt tcp-relay",
)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        """For people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[str]:
        """The commands of a shell block, without comments; lines that end with a backslash go on."""
        joined = self.text.replace("\\\n", " ")
        lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines()]
        return [line for line in lines if line]


def pages() -> list[Path]:
    """The documents."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that are code."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])
        for match in FENCE.finditer(text)
        if match[1] not in PROSE
    ]


def is_server(command: str) -> bool:
    """Whether it runs until it is stopped."""
    words = re.sub(r"^(\w+=\S+\s+)*", "", command)
    return words.startswith(SERVERS) and "--check" not in words and "--help" not in words
