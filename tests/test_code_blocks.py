"""Every code block of the documents runs, page by page, in a lab; what cannot is named here."""

from __future__ import annotations

import builtins
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.code_blocks import ROOT, Block, blocks, is_server, pages
from support.docs_lab import Reader, Stage

from fastzt.node.rule_language.compiler import compile_rules

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = None

ENDLESS = re.compile(r"while True:|serve_forever\(\)|uvicorn\.run\(")
EXTRA = re.compile(r"fastzt\[([\w,]+)\]")
DEFINED = re.compile(r"^[ \t]*(?:(?:async )?def|class|(?:cdef|cpdef)\b[^\n(]*?) (\w+)(?=[(:])", re.MULTILINE)
NAMED = re.compile(r"\w+(?=\()|^\w+(?=:)")
# Commands that a test cannot give: what they begin with, and why.
ELSEWHERE = {
    "python3 -m venv": "installs; .ci/run does it",
    "pip install": "installs; its extras are checked",
    ".venv/bin/pip install": "installs; its extras are checked",
    "ssh": "tests/cli has it with a real server",
    "curl --proxy socks5h:": "tests/api/test_proxy.py has it, with a server of names",
    "chromium": "a browser",
    "docker": "containers",
    "podman": "containers",
    "systemctl": "an init system",
    "sudo": "another user's rights",
    "FASTZT_E2E_NETWORK=": "the public network",
}
# Pages that other tests run, and outlines that are no programs.
OTHERS = {
    "docs/asyncio.md": "tests/integrations/test_asyncio_document.py, block by block",
    "docs/architecture.md": "outlines, whose names exist: test_outlines_name_what_exists",
}
# What a page says in words before its code.
GIVEN = {
    "docs/sockets.md": """
import fastzt
import redis

net = fastzt.Node(state="node").join("9ad07d01093a69e3", wait=True)
""",
}
PAGES = [page for page in pages() if blocks(page) and str(page.relative_to(ROOT)) not in OTHERS]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def reader(stage: Stage, tmp_path: Path) -> Iterator[Reader]:
    with Reader(stage, tmp_path) as made:
        yield made


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, reader: Reader) -> None:
    name = str(page.relative_to(ROOT))
    reader.prepare(page.read_text() + GIVEN.get(name, ""))
    PREPARED.get(name, lambda reader: None)(reader)
    for block in blocks(page):
        if block.language in FILES:
            (reader.home / FILES[block.language]).write_text(reader.translate(block.text))
    for number, block in enumerate(blocks(page)):
        RUN[block.language](reader, block, number)


def python(reader: Reader, block: Block, number: int) -> None:
    """A program of its own, named as it says itself; one without an end goes on until the page does."""
    source = reader.translate(GIVEN.get(str(block.page.relative_to(ROOT)), "") + block.text)
    named = re.match(r"# (\w+\.py)\n", source)
    file = reader.home / (named[1] if named else f"block{number}.py")
    file.write_text(source)
    workers = re.search(r"workers=(\d+)", source)
    if workers:
        reader.start(sys.executable, str(file), until="startup complete", times=int(workers[1]))
    elif ENDLESS.search(source):
        reader.start(sys.executable, str(file))
    else:
        reader.run(sys.executable, str(file))


def shell(reader: Reader, block: Block, number: int) -> None:
    """Line by line; a server goes on until the page's end with `&`, else until it has begun to serve."""
    for command in block.commands():
        command = reader.translate(command)
        if elsewhere(command) is not None:
            extras(command)
        elif command.startswith("export "):
            name, _, value = command[7:].partition("=")
            reader.environment[name] = value.strip("'\"")
        elif command.endswith("&") or command.startswith("fastzt agent"):  # the page's programs use it
            reader.start("bash", "-c", "exec " + command.removesuffix("&"))
        elif is_server(command):
            with reader.serving("bash", "-c", "exec " + command):
                pass
        else:
            reader.run("bash", "-e", "-o", "pipefail", "-c", command)


def elsewhere(command: str) -> str | None:
    """Why a command is not given here."""
    return next((why for begin, why in ELSEWHERE.items() if command.startswith(begin)), None)


def extras(command: str) -> None:
    """The extras that a command installs exist."""
    known = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    for names in EXTRA.findall(command):
        assert set(names.split(",")) <= known, command


def toml(reader: Reader, block: Block, number: int) -> None:
    """A file of `fastzt forward`, which says that it is right."""
    if tomllib is not None:
        tomllib.loads(block.text)
    if "[[forward]]" in block.text:
        reader.run("bash", "-c", "fastzt forward --config forwards.toml --check")


def ini(reader: Reader, block: Block, number: int) -> None:
    """A unit of systemd: what it starts is a command of ours with options that exist."""
    for command in re.findall(r"^ExecStart=(?:/usr/bin/env )?(.*)$", block.text, re.MULTILINE):
        program, *words = command.split()
        assert Path(program).name == "fastzt"
        known(reader, words)


def dockerfile(reader: Reader, block: Block, number: int) -> None:
    """What the image installs exists, what it starts too, and nothing runs as root."""
    extras(block.text)
    assert re.search(r"^USER (?!root)", block.text, re.MULTILINE)
    [entry] = re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", block.text, re.MULTILINE)
    words = json.loads(entry)
    if words[0] == "fastzt":
        known(reader, words[1:])


def known(reader: Reader, words: list[str]) -> None:
    """The command's help names every option that is given."""
    names = [word for word in words[:2] if not word.startswith("-") and word.isalpha()]
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    script = "import sys; from fastzt.cli import main; main(sys.argv[1:])"
    reader.run(sys.executable, "-c", script, *names, "--help")
    for option in options:
        reader.run("bash", "-c", f"fastzt {' '.join(names)} --help | grep -qe {option}")


def rules(reader: Reader, block: Block, number: int) -> None:
    """The rule language."""
    compile_rules(block.text)


def data(reader: Reader, block: Block, number: int) -> None:
    """JSON."""
    json.loads(block.text)


def tools(reader: Reader) -> None:
    """A password, the relay that the public networks have, the place of the agent."""
    reader.environment["FASTZT_TCP_RELAY"] = "127.0.0.1/443"  # nobody needs it: UDP works
    (reader.home / "secret").write_text("password")
    (reader.home / "secret").chmod(0o600)
    reader.substitutes |= {"/run/fastzt": str(reader.state)}


FILES = {"toml": "forwards.toml", "ztrules": "office.ztrules"}
PREPARED = {"docs/rules.md": Reader.host_network, "docs/tools.md": tools}
RUN = {
    "python": python,
    "sh": shell,
    "toml": toml,
    "ini": ini,
    "dockerfile": dockerfile,
    "ztrules": rules,
    "json": data,
}


@pytest.mark.timeout(600)
def test_examples(reader: Reader) -> None:
    examples = ROOT / "examples"
    reader.start(sys.executable, str(examples / "echo_server.py"), reader.stage.network)
    reader.run(sys.executable, str(examples / "fetch.py"), reader.stage.network, "http://10.121.15.99:5380/")


def defined() -> set[str]:
    """What the sources define."""
    texts = [path.read_text() for end in ("py", "pxd") for path in sorted((ROOT / "src").rglob(f"*.{end}"))]
    found = (DEFINED.findall(text) for text in texts)
    return {name for names in found for name in names}


def test_outlines_name_what_exists() -> None:
    known = {*dir(builtins), *defined()}
    named = {
        (block.where, name)
        for block in blocks(ROOT / "docs" / "architecture.md")
        for line in block.text.splitlines()
        for name in NAMED.findall(line.partition("#")[0].removeprefix("class "))
    }
    assert len(named) > 150
    assert {(where, name) for where, name in named if name not in known} == set()


def test_every_language_is_known() -> None:
    assert {block.language for page in PAGES for block in blocks(page)} <= set(RUN)


def test_what_is_left_out_is_what_this_file_names() -> None:
    left = {
        begin
        for page in PAGES
        for block in blocks(page)
        if block.language == "sh"
        for command in block.commands()
        for begin in ELSEWHERE
        if command.startswith(begin)
    }
    assert left <= set(ELSEWHERE)
    assert shutil.which("bash")
