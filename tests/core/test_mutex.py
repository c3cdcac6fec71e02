"""Mutex: one holder at a time, with and without waiting."""

from __future__ import annotations

import threading

import pytest

from fastzt._core.mutex import Mutex

LONG = 30.0


def test_one_at_a_time() -> None:
    mutex, seen, inside = Mutex(), 0, 0

    def work() -> None:
        nonlocal seen, inside
        for _ in range(2000):
            with mutex:
                inside += 1
                assert inside == 1
                seen += 1
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert seen == 8000


def test_who_comes_second_waits_and_lets_others_run() -> None:
    mutex, taken = Mutex(), threading.Event()

    def take() -> None:
        mutex.acquire()
        taken.set()
        mutex.release()

    mutex.acquire()
    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    assert not taken.wait(0.05)
    mutex.release()
    assert taken.wait(LONG)
    thread.join(LONG)


def test_an_exception_gives_it_back() -> None:
    mutex = Mutex()
    with pytest.raises(KeyError), mutex:
        raise KeyError
    mutex.acquire()
    mutex.release()
