"""The worker runs its tasks one after another."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fastzt.io.worker import MAX_QUEUED, Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker("test-worker")
    yield made
    made.close(30)


def test_complete_runs_behind_what_is_queued(worker: Worker) -> None:
    gate, order = threading.Event(), []
    worker.submit(lambda: (gate.wait(30), order.append("queued")))  # type: ignore[arg-type,func-returns-value]
    waiting = threading.Thread(target=lambda: worker.complete(lambda: order.append("behind"), 30))
    waiting.start()
    assert order == []
    gate.set()
    waiting.join(30)
    assert order == ["queued", "behind"]


def test_complete_returns_when_its_task_fails(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("no")

    assert worker.complete(fail, 30)
    assert worker.complete(lambda: None, 30)
    assert "background task" in caplog.text


def test_a_full_queue_refuses_what_need_not_run(worker: Worker) -> None:
    gate, started = threading.Event(), threading.Event()
    worker.submit(lambda: (started.set(), gate.wait(30)))  # type: ignore[arg-type,func-returns-value]
    assert started.wait(30)
    assert all(worker.submit(lambda: None) for _ in range(MAX_QUEUED))
    assert not worker.submit(lambda: None)
    assert worker.refused == 1
    assert worker.submit(lambda: None, must=True)
    gate.set()


def test_nothing_is_taken_after_close(worker: Worker) -> None:
    worker.close(30)
    assert not worker.submit(lambda: None, must=True)
    assert not worker.complete(lambda: None, 30)
