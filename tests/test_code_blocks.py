"""Every code block of the documents runs, page by page, in a lab; what cannot is named here."""

from __future__ import annotations

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
# Commands that a test cannot give: what they begin with, and why.
ELSEWHERE = {
    "python3 -m venv": "installs; .ci/run does it",
    "pip install": "installs; its extras are checked",
    ".venv/bin/pip install": "installs; its extras are checked",
    "ssh": "tests/cli has it with a real server",
    "chromium": "a browser",
    "docker": "containers",
    "podman": "containers",
    "systemctl": "an init system",
    "sudo": "another user's rights",
    "FASTZT_E2E_NETWORK=": "the public network",
}
# Pages that other tests run, and outlines that are no programs.
OTHERS = {
    "docs/asyncio.md": "tests/integrations/test_asyncio_document.py",
    "docs/architecture.md": "contracts in outline",
    "docs/sockets.md": "tests/api/test_patched.py, with real servers",
    "docs/tools.md": "tests/cli, command by command",
    "docs/rules.md": "tests/node/test_rule_language.py and tests/cli/test_controller_settings.py",
    "README.md": "its commands for a fresh machine are those of .ci/run; the others tests/api and tests/cli",
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
    for number, block in enumerate(blocks(page)):
        RUN[block.language](reader, block, number)


def python(reader: Reader, block: Block, number: int) -> None:
    """A program of its own; one without an end goes on until the page does."""
    source = reader.translate(block.text)
    file = reader.home / f"block{number}.py"
    file.write_text(source)
    if ENDLESS.search(source):
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
        elif command.endswith("&"):
            reader.start("bash", "-c", "exec " + command[:-1])
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
    (reader.home / "forwards.toml").write_text(reader.translate(block.text))
    if "[[forward]]" in block.text:
        reader.run("bash", "-c", "fastzt forward --config forwards.toml --check")


def ini(reader: Reader, block: Block, number: int) -> None:
    """A unit of systemd: what it starts is a command of ours with options that exist."""
    [command] = re.findall(r"^ExecStart=(.*)$", block.text, re.MULTILINE)
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
    (reader.home / "office.ztrules").write_text(block.text)


def data(reader: Reader, block: Block, number: int) -> None:
    """JSON."""
    json.loads(block.text)


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
