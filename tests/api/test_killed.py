"""What is killed while threads or tasks wait for it leaves no hung thread, nothing unclosed, a clean exit.

Each program waits in every call that there is: in those of what is connected, and in those whose answers do
not come, for root and peer have fallen silent in their midst (see `support.killed_threads`, `killed_tasks`).
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from support.killed_world import World

# Who is killed, and how the program goes on.
THREADS = [
    ("peer", "sockets"),
    ("peer", "node"),
    ("root", "node"),
    ("nobody", "engine"),
    ("nobody", "exit"),
    ("nobody", "interrupt"),
]
TASKS = [
    ("peer", "node"),
    ("root", "node"),
    ("nobody", "engine"),
    ("nobody", "run"),
    ("nobody", "stop"),
    ("nobody", "interrupt"),
]
STATUS = {"interrupt": -signal.SIGINT}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


def outcome(world: World, module: str, killed: str, ending: str) -> tuple[int, list[str], str]:
    """The program's exit status, what hung, and what it complained of."""
    world.start()
    program = world.program(module, ending)
    try:
        if killed != "nobody":
            world.kill(killed)
        status, said, complaints = program.finish()
    finally:
        program.kill()
        world.silence(False)
    assert ending == "exit" or {"done": True} in said
    return status, [line["hung"] for line in said if "hung" in line], complaints


def check(world: World, module: str, killed: str, ending: str) -> None:
    status, hung, complaints = outcome(world, module, killed, ending)
    assert hung == []
    if ending == "interrupt":
        assert complaints.startswith("Traceback")
        assert complaints.endswith("KeyboardInterrupt\n")
        assert "Warning" not in complaints
    else:
        assert complaints == ""
    assert status == STATUS.get(ending, 0)


@pytest.mark.parametrize(("killed", "ending"), THREADS)
def test_threads(world: World, killed: str, ending: str) -> None:
    check(world, "killed_threads", killed, ending)


@pytest.mark.parametrize(("killed", "ending"), TASKS)
def test_tasks(world: World, killed: str, ending: str) -> None:
    check(world, "killed_tasks", killed, ending)
