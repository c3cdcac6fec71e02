"""Pollers: the leader's wait, the engine's stand-by, and who hears what."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from functools import partial

import pytest

import fastzt
from fastzt.io.poller import EpollPoller, Poller, SelectPoller, new_poller

KINDS = [SelectPoller] + ([EpollPoller] if sys.platform.startswith("linux") else [])
LONG = 30.0


@pytest.fixture(params=KINDS)
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair(type=socket.SOCK_DGRAM)
    yield pair
    for end in pair:
        end.close()


def in_thread(action: object) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def ended(thread: threading.Thread) -> bool:
    thread.join(LONG)
    return not thread.is_alive()


def test_the_leader_hears_datagrams(poller: Poller, ends: tuple[socket.socket, socket.socket]) -> None:
    poller.add(ends[0].fileno())
    leader = in_thread(lambda: poller.wait(LONG * 2))
    ends[1].send(b"x")
    assert ended(leader)


def test_the_leader_hears_a_wake_even_one_before_its_wait(poller: Poller) -> None:
    poller.wake()
    poller.wake()
    assert ended(in_thread(lambda: poller.wait(LONG * 2)))
    poller.settle()
    waited = in_thread(lambda: poller.wait(0.05))
    assert ended(waited)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals cannot be sent to a thread")
def test_a_signal_ends_a_wait_whenever_it_comes(poller: Poller) -> None:
    """While it looks, between that and its sleep, or asleep."""
    if not fastzt.is_compiled() or not isinstance(poller, EpollPoller):
        pytest.skip("the standard library's waits miss a signal that comes just before them")

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def ring(begun: threading.Event, heard: threading.Event, loops: int) -> None:
        begun.wait(LONG)
        for _ in range(loops):
            pass
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        in_time.append(heard.wait(LONG))

    in_time: list[bool] = []
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        for loops in range(0, 10_000, 100):
            poller.spin.note(0, 1000)  # the next wait looks
            begun, heard = threading.Event(), threading.Event()
            ringing = in_thread(partial(ring, begun, heard, loops))
            with contextlib.suppress(KeyboardInterrupt):
                begun.set()
                poller.wait(2 * LONG)
            heard.set()
            assert ended(ringing)
            assert in_time.pop()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_engine_hears_only_when_armed(poller: Poller, ends: tuple[socket.socket, socket.socket]) -> None:
    poller.add(ends[0].fileno())
    ends[1].send(b"x")
    heard = threading.Event()

    def stand_by() -> None:
        poller.stand_by(LONG * 2)
        heard.set()

    engine = in_thread(stand_by)
    assert not heard.wait(0.1)
    poller.arm()
    assert heard.wait(LONG)
    assert ended(engine)


def test_an_armed_engine_hears_a_wake(poller: Poller) -> None:
    poller.arm()
    engine = in_thread(lambda: poller.stand_by(LONG * 2))
    poller.wake()
    assert ended(engine)


def test_the_engine_drives_soon_after_the_lead_was_left(
    poller: Poller, ends: tuple[socket.socket, socket.socket]
) -> None:
    poller.add(ends[0].fileno())
    heard = threading.Event()

    def stand_by() -> None:
        poller.stand_by(LONG * 2)
        heard.set()

    engine = in_thread(stand_by)
    poller.take()
    poller.leave()
    poller.take()
    poller.leave()  # so soon after the one before: it goes on patrol
    poller.take()
    ends[1].send(b"x")
    # Somebody leads; an engine that was already polling by select hears it once.
    assert isinstance(poller, SelectPoller) or not heard.wait(0.1)
    poller.leave()
    assert heard.wait(LONG)
    assert ended(engine)


def test_a_wake_with_nobody_in_the_lead_reaches_the_engine(poller: Poller) -> None:
    engine = in_thread(lambda: poller.stand_by(LONG * 2))
    for _ in range(3):
        poller.take()
        poller.leave()
    poller.wake()
    assert ended(engine)


def test_an_alarm_ends_either_wait(poller: Poller) -> None:
    leader = in_thread(lambda: poller.wait(LONG * 2))
    kept = poller.alarm(20_000)
    assert ended(leader)
    if kept:
        assert ended(in_thread(lambda: poller.wait(LONG * 2)))  # it rings until it is moved
        poller.alarm(0)
    poller.settle()
    assert ended(in_thread(lambda: poller.wait(0.05)))
    poller.arm()
    engine = in_thread(lambda: poller.stand_by(LONG * 2))
    poller.alarm(20_000)
    assert ended(engine)


def test_an_alarm_wakes_nobody_before_its_time(poller: Poller) -> None:
    if not poller.alarm(60_000_000):
        pytest.skip("this poller has no alarms")
    heard = threading.Event()

    def wait() -> None:
        poller.wait(LONG * 2)
        heard.set()

    leader = in_thread(wait)
    assert not heard.wait(0.1)
    poller.alarm(1)
    assert ended(leader)


def test_a_closed_poller_touches_no_descriptor(poller: Poller) -> None:
    poller.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM):  # it gets a number that was the poller's
        poller.wake()
    poller.close()


def test_room_to_send_is_heard_only_when_wanted(
    poller: Poller, ends: tuple[socket.socket, socket.socket]
) -> None:
    descriptor = ends[0].fileno()
    poller.add(descriptor)
    poller.want_write(descriptor, True)
    assert ended(in_thread(lambda: poller.wait(LONG * 2)))
    poller.want_write(descriptor, False)
    heard = threading.Event()

    def wait() -> None:
        poller.wait(LONG * 2)
        heard.set()

    thread = in_thread(wait)
    assert not heard.wait(0.1)
    poller.wake()
    assert ended(thread)


def test_the_environment_chooses_the_portable_poller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTZT_POLLER", "select")
    poller = new_poller()
    assert isinstance(poller, SelectPoller)
    poller.close()
