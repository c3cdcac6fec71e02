"""Compiler of the rule language: text to the rules, tags and capabilities of a network's record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...wire.network_config import MAX_CAPABILITIES, MAX_TAGS
from ...wire.rules import MAX_CAPABILITY_RULES, MAX_RULES
from . import definitions
from .definitions import Capability, Macro, Tag, call, defined_twice
from .source import Block, Word, parse
from .values import ARITY, NUMBER, SIMPLE, ip_match, length, node, number
from .words import ACTIONS, IP_MATCHES, MATCHES, RESERVED, TAG_MATCHES

T = TypeVar("T")
D = TypeVar("D", Tag, Capability)
Json = dict[str, Any]
Scope = Mapping[str, str]
MAX_DEPTH = 16  # macros that include macros
NO_ARGUMENTS = RESERVED - {"icmp"}  # which is a protocol, too


@dataclass
class Compiled:
    """`rules`, `capabilities` and `tags` as a network's record has them; names for people beside them."""

    rules: list[Json]
    capabilities: list[Json]
    tags: list[Json]
    capability_names: dict[str, int]
    tag_names: dict[str, Tag]

    def fields(self) -> Json:
        """The fields of the network's record."""
        return {"rules": self.rules, "capabilities": self.capabilities, "tags": self.tags}


@dataclass
class Names:
    """All that a source defines."""

    macros: dict[str, Macro] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    capabilities: dict[str, Capability] = field(default_factory=dict)


def compile_rules(source: str) -> Compiled:
    """Compile a source; raises SourceError, which names line and column."""
    names = Names()
    statements: list[Word | Block] = []
    for item in parse(source):
        if isinstance(item, Block) and item.word.key in DEFINE:
            DEFINE[item.word.key](names, item)
        else:
            statements.append(item)
    capabilities = []
    for found in names.capabilities.values():
        rules = Writer(names, MAX_CAPABILITY_RULES).write(found.body)
        capabilities.append({"id": found.id, "default": found.default, "rules": rules})
    return Compiled(
        Writer(names, MAX_RULES).write(statements),
        sorted(capabilities, key=lambda entry: int(entry["id"])),
        sorted(({"id": t.id, "default": t.default} for t in names.tags.values()), key=lambda e: e["id"] or 0),
        {name: found.id for name, found in names.capabilities.items()},
        names.tags,
    )


def define_macro(names: Names, block: Block) -> None:
    found = definitions.macro(block)
    if found.word.key in names.macros:
        raise defined_twice(found.word, "macro")
    names.macros[found.word.key] = found


def define_tag(names: Names, block: Block) -> None:
    enter(names.tags, definitions.tag(block), "tag", "tags", MAX_TAGS)


def define_capability(names: Names, block: Block) -> None:
    enter(names.capabilities, definitions.capability(block), "capability", "capabilities", MAX_CAPABILITIES)


def enter(table: dict[str, D], found: D, kind: str, plural: str, most: int) -> None:
    """A definition with an id of its own."""
    if found.word.key in table:
        raise defined_twice(found.word, kind)
    if any(other.id == found.id for other in table.values()):
        raise found.word.error(f"another {kind} has the id {found.id}")
    if len(table) >= most:
        raise found.word.error(f"a network has at most {most} {plural}")
    table[found.word.key] = found


DEFINE: dict[str, Callable[[Names, Block], None]] = {
    "macro": define_macro,
    "tag": define_tag,
    "cap": define_capability,
}


class Writer:
    """Writes the statements of the base rules, or of one capability, as at most `limit` rules."""

    def __init__(self, names: Names, limit: int) -> None:
        self.names = names
        self.limit = limit
        self.rules: list[Json] = []

    def write(self, statements: list[Word | Block]) -> list[Json]:
        """The rules of the statements."""
        self.statements(statements, {}, 0)
        return self.rules

    def put(self, word: Word, rule: Json) -> None:
        """One more rule."""
        if len(self.rules) >= self.limit:
            raise word.error(f"these are more than {self.limit} rules")
        self.rules.append(rule)

    def statements(self, items: list[Word | Block], scope: Scope, depth: int) -> None:
        """Actions and includes."""
        rest = iter(items)
        for item in rest:
            if isinstance(item, Block):
                self.action(item, scope)
            elif item.key == "include":
                name = next(rest, None)
                if not isinstance(name, Word):
                    raise item.error("the name of a macro expected after include")
                self.include(name, scope, depth)
            else:
                raise item.error(f"{item} is no statement: an action or include expected")

    def include(self, word: Word, scope: Scope, depth: int) -> None:
        """A macro with its parameters set."""
        name, given = call(word)
        macro = self.names.macros.get(name.lower())
        if macro is None:
            raise word.error(f"there is no macro {name}")
        if depth >= MAX_DEPTH:
            raise word.error(f"macros include each other more than {MAX_DEPTH} deep")
        if len(given) != len(macro.parameters):
            raise word.error(f"macro {name} takes {len(macro.parameters)} arguments, not {len(given)}")
        values = [resolve(word, text, scope) for text in given]
        self.statements(macro.body, dict(zip(macro.parameters, values, strict=True)), depth + 1)

    def action(self, block: Block, scope: Scope) -> None:
        """The matches of a block, then its action."""
        word = block.word
        if word.key not in ACTIONS:
            raise word.error(f"{word} cannot be defined inside of another block")
        if word.key == "priority":
            raise word.error("priority has no form in which a controller could send it")
        arguments = Arguments(block, scope)
        rule: Json = {"type": ACTIONS[word.key].name}
        if word.key in ("tee", "watch"):
            rule["length"] = arguments.take("how many bytes to copy (0: all)", length)
        if word.key in ("tee", "watch", "redirect"):
            rule["address"] = arguments.take("the address of a node", node)
            rule["flags"] = 0
        self.matches(arguments)
        self.put(word, rule)

    def matches(self, arguments: Arguments) -> None:
        """What must hold for the action: matches with `not`, `or` and `and` before them."""
        negated = alternative = False
        before: Word | None = None
        while (word := arguments.next()) is not None:
            before = word
            if word.key == "not":
                negated = True
            elif word.key == "or":
                alternative = True
            elif word.key != "and":
                rule = self.match(word, arguments)
                self.put(word, {**rule, "not": negated, "or": alternative})
                negated = alternative = False
        if before is not None and (negated or alternative):
            raise before.error(f"a match expected after {before}")

    def match(self, word: Word, arguments: Arguments) -> Json:
        """One match."""
        key = word.key
        if key in IP_MATCHES:
            kind, fields = arguments.take("an IP network", lambda text: ip_match(key, text))
            return {"type": kind.name, **fields}
        if key in TAG_MATCHES:
            return {"type": MATCHES[key].name, **self.tag(arguments)}
        reader = SIMPLE.get(key)
        if reader is None:
            raise word.error(f"{word} is no match")
        taken = [arguments.word(f"an argument of {word}") for _ in range(ARITY.get(key, 1))]
        try:
            return {"type": MATCHES[key].name, **reader(*(arguments.text(one) for one in taken))}
        except ValueError as error:
            raise taken[0].error(str(error)) from None

    def tag(self, arguments: Arguments) -> Json:
        """A tag by its name or number, and a value by its name or number."""

        def found(text: str) -> Tag | int:
            if text.lower() not in self.names.tags and not NUMBER.fullmatch(text):
                raise ValueError(f"there is no tag {text}")
            return self.names.tags.get(text.lower()) or number(text)

        tag = arguments.take("the name or id of a tag", found)
        value = tag.value if isinstance(tag, Tag) else number
        return {
            "id": tag.id if isinstance(tag, Tag) else tag,
            "value": arguments.take("a value of the tag", value),
        }


class Arguments:
    """The words of an action's block, one after the other; parameters are replaced by what they stand for."""

    def __init__(self, block: Block, scope: Scope) -> None:
        self.items = iter(block.items)
        self.scope = scope
        self.last = block.word

    def next(self) -> Word | None:
        """The next word, None at the end."""
        found = next(self.items, None)
        if isinstance(found, Block):
            raise found.word.error(f"{found.word} begins a block inside of another: is a semicolon missing?")
        if found is not None:
            self.last = found
        return found

    def word(self, what: str) -> Word:
        """The next word, which must be an argument."""
        before = self.last
        found = self.next()
        if found is None or found.key in NO_ARGUMENTS:
            raise (found or before).error(f"{what} expected after {before}")
        return found

    def text(self, word: Word) -> str:
        """What a word stands for."""
        return resolve(word, word.text, self.scope)

    def take(self, what: str, reader: Callable[[str], T]) -> T:
        """The next argument, read."""
        word = self.word(what)
        try:
            return reader(self.text(word))
        except ValueError as error:
            raise word.error(str(error)) from None


def resolve(word: Word, text: str, scope: Scope) -> str:
    """A parameter's value, or the text itself."""
    if not text.startswith("$"):
        return text
    value = scope.get(text)
    if value is None:
        raise word.error(f"there is no parameter {text} here")
    return value
