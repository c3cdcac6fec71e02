"""SIGINT and SIGTERM at any point: while a command starts, and at every step of its wait."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from support.agents import until
from support.cli import PATIENCE
from support.house import House, Piped

from fastzt.cli.stopping import stop_signals

EVERY_STEP = """
import signal, sys
from fastzt.cli.stopping import stop_signals

def stopped_at(step):
    '''Whether a wait has so many steps; it must end by a signal at that one.'''
    seen = 0
    def trace(frame, event, argument):
        nonlocal seen
        seen += 1
        if seen == step:
            signal.raise_signal(signal.SIGTERM)
        return trace
    with stop_signals() as stop:
        stop.expect()
        sys.settrace(trace)
        came = stop.wait(0)
        sys.settrace(None)
        assert stop.is_set() == (seen >= step)
        assert not came or stop.wait(0), "asked a second time"
        return seen >= step

steps = 1
while stopped_at(steps):
    steps += 1
print(steps)
"""

AT_ANY_MOMENT = """
import random, signal, threading
from fastzt.cli.stopping import stop_signals

ROUNDS = 20_000
dice = random.Random(1)
begun = threading.Semaphore(0)

def shoot():
    for _ in range(ROUNDS):
        begun.acquire()
        for _ in range(dice.randrange(400)):
            pass
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)

threading.Thread(target=shoot, daemon=True).start()
for _ in range(ROUNDS):
    with stop_signals() as stop:
        stop.expect()
        begun.release()
        assert stop.wait()
"""


def test_a_signal_at_every_step_of_a_wait() -> None:
    """A handler must not wait for what the main thread holds at that moment."""
    ran = subprocess.run(
        [sys.executable, "-c", EVERY_STEP], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert int(ran.stdout) > 3


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs a signal sent to one thread")
def test_a_signal_just_before_the_wait_sleeps() -> None:
    """It is heard though the handler runs only when the wait is over."""
    ran = subprocess.run(
        [sys.executable, "-c", AT_ANY_MOMENT], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [["expose", "80", "--to", "1"], ["proxy"]])
def test_a_signal_while_it_joins(house: House, command: list[str], number: signal.Signals) -> None:
    """It ends then, though nobody lets it in."""
    private = house.lab.network()
    member = [*house.member(1), "--network", private, "--wait"]

    def asks() -> bool:
        assert process.process.poll() is None, process.finish()
        return bool(house.lab.server.perform(lambda core, _: core.controller.members(int(private, 16))))

    with Piped(*command, *member) as process:
        until(asks, "a request of the member")
        process.process.send_signal(number)
        status, out, err = process.finish()
        assert (status, out, err.strip()) == (1, b"", "")  # a terminal shows ^C in that line


def test_each_signal_counts_until_it_is_expected() -> None:
    """One may be lost in a callback that nobody can raise from."""
    with stop_signals() as stop:
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        stop.expect()
        signal.raise_signal(signal.SIGINT)
        assert stop.wait(0)
        assert stop.is_set()
