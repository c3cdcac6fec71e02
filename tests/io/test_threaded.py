"""ThreadedDriver over real sockets: waits end, the lead passes on, close and signals get through."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastzt import is_compiled
from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint
from fastzt.io.clock import monotonic_us
from fastzt.io.endpoints import UdpSockets
from fastzt.io.threaded import NODE, ThreadedDriver
from fastzt.io.waiter import TimedOut
from fastzt.node.verbs import Verbs

LONG = 30.0
NEVER = 1 << 62
KEY = 7


class Mailbox(Verbs):
    """A small core: keeps what arrives, sends what it is told, has one timer; its socket has the id 7."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.outgoing: list[tuple[Endpoint, bytes]] = []
        self.alarm = NEVER
        self.rung = 0
        self.changed = False
        self.pending_jobs: list[Any] = []
        self.finished: list[Any] = []
        self.news: list[str] = []

    def receive(self, batch: DatagramBatch, now: int) -> None:
        for i in range(batch.count):
            offset, length, stride, _, _ = batch.message(i)
            for start in range(offset, offset + length, stride):
                self.letters.append(bytes(batch.slab.view[start : min(start + stride, offset + length)]))
        self.changed = True

    def transmit(self, out: TransmitBatch, now: int) -> bool:
        while self.outgoing:
            to, data = self.outgoing[0]
            offset = out.reserve(len(data))
            if offset < 0:
                return True
            out.slab.view[offset : offset + len(data)] = data
            out.commit(len(data), 0, to)
            del self.outgoing[0]
        return False

    def deadline(self) -> int:
        return self.alarm

    def tick(self, now: int) -> None:
        self.alarm, self.changed = NEVER, True
        self.rung += 1

    def jobs(self) -> list[Any]:
        found, self.pending_jobs = self.pending_jobs, []
        return found

    def finish(self, job: Any, now: int) -> None:
        self.finished.append(job)
        self.changed = True

    def has_news(self) -> bool:
        return self.changed or bool(self.news) or bool(self.pending_jobs)

    def ready(self) -> list[tuple[int, int]]:
        changed, self.changed = self.changed, False
        return [(KEY, 1)] if changed else []

    def events(self) -> list[str]:
        found, self.news = self.news, []
        return found

    def path_too_big(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        raise AssertionError("nothing here is too big")


class Post:
    """A mailbox, its driver, and a plain socket outside."""

    def __init__(self) -> None:
        self.core = Mailbox()
        self.sockets = UdpSockets.open(0, ("127.0.0.1",))
        self.heard: list[str] = []
        self.driver = ThreadedDriver(self.core, self.sockets, monotonic_us, self.heard.extend)  # type: ignore[arg-type]
        self.driver.start()
        self.outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outside.bind(("127.0.0.1", 0))
        self.outside.settimeout(LONG)

    def deliver(self, data: bytes) -> None:
        self.outside.sendto(data, ("127.0.0.1", self.sockets.port))

    def letter(self, now: int) -> bytes | None:
        return self.core.letters.pop(0) if self.core.letters else None

    def read(self, timeout: float | None = LONG) -> bytes:
        return self.driver.wait(KEY, self.letter, timeout)

    def close(self) -> None:
        self.driver.close()
        self.outside.close()


@pytest.fixture(params=["", "select"])
def post(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    monkeypatch.setenv("FASTZT_POLLER", request.param)
    made = Post()
    yield made
    made.close()


def started(action: Callable[[], Any], name: str | None = None) -> tuple[threading.Thread, list[Any]]:
    """Run an action on a thread; the list gets its result or exception."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(action())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread, results


def until(condition: Callable[[], Any]) -> None:
    """Wait, bounded, for something that another thread does."""
    end = time.monotonic() + LONG
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end
        pause.wait(0.002)


def joined(threads: list[tuple[threading.Thread, list[Any]]]) -> list[Any]:
    for thread, _ in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    return [result for _, results in threads for result in results]


def test_a_waiting_thread_gets_what_arrives(post: Post) -> None:
    waiting = started(post.read)
    post.deliver(b"one")
    assert joined([waiting]) == [b"one"]


def test_what_arrives_while_nobody_waits_is_taken_by_the_engine(post: Post) -> None:
    for number in range(5):
        post.deliver(b"%d" % number)
        until(lambda number=number: len(post.core.letters) == number + 1)
    assert [post.read() for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_every_one_of_many_waiters_gets_one(post: Post) -> None:
    waiting = [started(post.read) for _ in range(8)]
    for number in range(8):
        post.deliver(b"%d" % number)
    assert sorted(joined(waiting)) == [b"%d" % number for number in range(8)]


def test_the_lead_passes_on_when_the_leader_is_done(post: Post) -> None:
    leader = started(lambda: post.driver.wait(KEY, lambda now: post.letter(now), LONG))
    until(lambda: post.driver._leader is not None)
    other = started(lambda: post.driver.wait(KEY + 1, lambda now: True if post.core.rung else None, LONG))
    until(lambda: post.driver.waiters.first() is not None)
    post.deliver(b"x")
    assert joined([leader]) == [b"x"]
    post.driver.run(lambda now: setattr(post.core, "alarm", now + 1000))
    post.deliver(b"y")
    until(lambda: post.core.rung)
    post.driver.run(lambda now: post.driver.waiters.wake(KEY + 1))
    assert joined([other]) == [True]


class Handing:
    """The driver's lock; once, right after one thread has let it go, it gives another time to act."""

    def __init__(self, lock: Any, thread: str, act: Callable[[], None]) -> None:
        self.lock, self.thread, self.act = lock, thread, act

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *error: object) -> None:
        self.lock.release()
        if threading.current_thread().name == self.thread:
            self.thread = ""
            self.act()


@pytest.mark.skipif(is_compiled(), reason="the lock of the compiled driver cannot be replaced")
def test_who_is_handed_the_lead_on_its_way_to_sleep_looks_once_more(post: Post) -> None:
    def read(now: int) -> bytes | None:
        if post.core.letters:
            post.core.alarm, post.core.rung = now + 20_000, 0
        return post.letter(now)

    leader = started(lambda: post.driver.wait(KEY, read, LONG))
    until(lambda: post.driver._leader is not None)
    before = post.driver._leader

    def hand_over() -> None:
        post.deliver(b"x")
        until(lambda: post.driver._leader is not before)

    post.driver.lock = Handing(post.driver.lock, "heir", hand_over)
    heir = started(lambda: post.driver.wait(KEY + 1, lambda now: None, LONG), "heir")
    assert joined([leader]) == [b"x"]
    until(lambda: post.core.rung == 1)
    post.driver.close()
    (error,) = joined([heir])
    assert isinstance(error, OSError)
    assert not isinstance(error, TimedOut)


def test_writers_transmit_inline(post: Post) -> None:
    to = Endpoint.parse("127.0.0.1", post.outside.getsockname()[1])
    post.driver.run(lambda now: post.core.outgoing.append((to, b"out")))
    assert post.outside.recv(100) == b"out"


@pytest.mark.parametrize("somebody_waits", [False, True])
def test_a_timer_armed_later_still_fires(post: Post, somebody_waits: bool) -> None:
    waiting = started(post.read) if somebody_waits else None
    if waiting:
        until(lambda: post.driver._leader is not None)
    post.driver.run(lambda now: setattr(post.core, "alarm", now + 20_000))
    until(lambda: post.core.rung == 1)
    if waiting:
        post.deliver(b"end")
        assert joined([waiting]) == [b"end"]


def test_writing_and_reading_wake_nobody_else(post: Post) -> None:
    """A timer that moves with every write is not worth a thread's wake-up."""
    to = Endpoint.parse("127.0.0.1", post.outside.getsockname()[1])
    if not post.driver.poller.alarm(0):
        pytest.skip("this poller has no alarms")

    def write(now: int) -> None:
        post.core.outgoing.append((to, b"ping"))
        post.core.alarm = now + 30_000_000

    before = post.driver.turns
    for _ in range(200):
        post.driver.run(write)
        post.deliver(post.outside.recv(100))
        assert post.read() == b"ping"
    assert post.driver.turns - before < 500  # one a message, and one more where the engine was faster


def test_a_wait_ends_in_time(post: Post) -> None:
    with pytest.raises(TimedOut):
        post.read(0.05)
    with pytest.raises(TimedOut):
        post.read(0)
    post.deliver(b"late")
    assert post.read() == b"late"


def test_followers_time_out_too(post: Post) -> None:
    leader = started(post.read)
    until(lambda: post.driver._leader is not None)
    with pytest.raises(TimedOut):
        post.driver.wait(KEY + 1, lambda now: None, 0.05)
    post.deliver(b"x")
    assert joined([leader]) == [b"x"]


def test_close_wakes_every_waiter(post: Post) -> None:
    waiting = [started(post.read) for _ in range(4)]
    until(lambda: post.driver.waiters.first() is not None)
    post.driver.close()
    assert all(isinstance(result, OSError) for result in joined(waiting))
    with pytest.raises(OSError, match="closed"):
        post.read()
    assert not post.driver._engine.is_alive()


def test_an_error_of_the_attempt_reaches_the_caller_and_frees_the_lead(post: Post) -> None:
    def fail(now: int) -> None:
        if post.core.letters:
            raise ValueError(post.core.letters.pop())

    waiting = started(lambda: post.driver.wait(KEY, fail, LONG))
    until(lambda: post.driver._leader is not None)
    post.deliver(b"bad")
    (error,) = joined([waiting])
    assert isinstance(error, ValueError)
    post.deliver(b"good")
    assert post.read() == b"good"


def test_jobs_run_beside_and_come_back(post: Post) -> None:
    class Job:
        thread: threading.Thread | None = None

        def run(self) -> None:
            self.thread = threading.current_thread()

    job = Job()
    waiting = started(lambda: post.driver.wait(KEY, lambda now: post.core.finished or None, LONG))
    until(lambda: post.driver._leader is not None)
    post.driver.run(lambda now: post.core.pending_jobs.append(job))
    assert joined([waiting]) == [[job]]
    assert job.thread is not None
    assert job.thread.name == "fastzt-worker"


def test_events_are_heard_and_wake_those_who_wait_for_them(post: Post) -> None:
    waiting = started(lambda: post.driver.wait(NODE, lambda now: post.heard or None, LONG))
    until(lambda: post.driver._leader is not None)
    post.driver.run(lambda now: post.core.news.append("news"))
    assert joined([waiting]) == [["news"]]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also in a shell's background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to threads are POSIX")
@pytest.mark.parametrize("leading", [True, False])
def test_a_keyboard_interrupt_ends_a_wait_and_the_node_goes_on(
    post: Post, leading: bool, interruptible: None
) -> None:
    other = None
    if not leading:
        other = started(post.read)
        until(lambda: post.driver._leader is not None)
    main = threading.main_thread().ident
    before = post.driver._leader

    def interrupt() -> None:
        until(lambda: post.driver._leader is not before or (not leading and len(post.driver.waiters) > 1))
        signal.pthread_kill(main, signal.SIGINT)

    thread = started(interrupt)
    with pytest.raises(KeyboardInterrupt):
        post.driver.wait(KEY + 1, lambda now: None, LONG)
    joined([thread])
    post.deliver(b"after")
    assert (joined([other]) if other else [post.read()]) == [b"after"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_an_abandoned_driver_says_so_in_the_child(post: Post) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        post.driver.abandon()
        try:
            post.read()
        except OSError as error:
            os.write(writer, type(error).__name__.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"ForkedError"
    os.waitpid(child, 0)
    post.deliver(b"still here")
    assert post.read() == b"still here"


def test_nothing_wakes_a_driver_that_has_nothing_to_do(post: Post) -> None:
    assert post.driver.wait(KEY, lambda now: True, LONG)
    until(lambda: post.driver.turns)
    before = post.driver.turns
    with pytest.raises(TimedOut):
        post.driver.wait(KEY, lambda now: None, 0.5)
    idle = threading.Event()
    assert not idle.wait(0.5)
    assert post.driver.turns - before <= 2  # the end of that wait, and the engine that takes over
