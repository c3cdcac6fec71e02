"""CPython's own tests of `socket.socket`, run against sockets of a network.

The classes below are taken from the standard library's `test` package as they are. Each of their methods
counts; those of SKIPPED need what a network in user space does not have.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import threading
import unittest
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.nodes import lab
from support.stdlib_sockets import load, over

CLASSES = (
    "BasicTCPTest",
    "BasicTCPTest2",
    "BasicUDPTest",
    "BufferIOTest",
    "ContextManagersTest",
    "CreateServerFunctionalTest",
    "CreateServerTest",
    "FileObjectClassTestCase",
    "InterruptedRecvTimeoutTest",
    "InterruptedSendTimeoutTest",
    "LineBufferedFileObjectClassTestCase",
    "NetworkConnectionAttributesTest",
    "NetworkConnectionBehaviourTest",
    "NetworkConnectionNoServer",
    "NonBlockingTCPTests",
    "RecvmsgIntoTCPTest",
    "RecvmsgIntoUDP6Test",
    "RecvmsgIntoUDPTest",
    "RecvmsgTCPTest",
    "RecvmsgUDP6Test",
    "RecvmsgUDPTest",
    "SendfileUsingSendTest",
    "SendmsgTCPTest",
    "SendmsgUDP6Test",
    "SendmsgUDPTest",
    "SmallBufferedFileObjectClassTestCase",
    "TCPCloserTest",
    "TCPTimeoutTest",
    "TestExceptions",
    "UDPTimeoutTest",
    "UnbufferedFileObjectClassTestCase",
    "UnicodeReadFileObjectClassTestCase",
    "UnicodeReadWriteFileObjectClassTestCase",
    "UnicodeWriteFileObjectClassTestCase",
)
NO_DESCRIPTOR = "the sockets have no file descriptor"
NO_LOOPBACK = "127.0.0.1 is no address of the network"
SKIPPED = {
    "BasicTCPTest.testDetach": NO_DESCRIPTOR,
    "BasicTCPTest.testFromFd": NO_DESCRIPTOR,
    "BasicTCPTest2.testDetach": NO_DESCRIPTOR,
    "BasicTCPTest2.testFromFd": NO_DESCRIPTOR,
    "CreateServerTest.test_address": NO_LOOPBACK,
    "NonBlockingTCPTests.testAccept": NO_DESCRIPTOR,  # select
    "NonBlockingTCPTests.testRecv": NO_DESCRIPTOR,
    "TCPCloserTest.testClose": NO_DESCRIPTOR,
    "TestExceptions.test_setblocking_invalidfd": NO_DESCRIPTOR,
}
LEAST = 0.95
REQUIRED = os.environ.get("FASTZT_REQUIRE_INTEROP", "") not in ("", "0")


def is_installed() -> bool:
    try:
        return importlib.util.find_spec("test.test_socket") is not None
    except ImportError:
        return False


if not is_installed() and not REQUIRED:
    pytest.skip("the test package (libpython3-testsuite) is missing", allow_module_level=True)

stdlib = load("test.test_socket")
METHODS = [
    f"{name}.{method}"
    for name in CLASSES
    for method in unittest.TestLoader().getTestCaseNames(getattr(stdlib, name))
]
passed: set[str] = set()


class PatientEvent(threading.Event):
    """The tests give each other a second, which is short on a machine that has other work."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else 60 * timeout)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The tests, over one member of a network that talks to itself."""
    with lab() as made, pytest.MonkeyPatch.context() as patch:
        nwid = made.network(v6AssignMode={"rfc4193": True})
        node = made.node(1)
        made.authorize(nwid, node)
        module = over(node.join(nwid))
        node._driver.worker.complete(lambda: None)  # a thread that starts later would be taken for a leak
        patch.setattr(stdlib, "socket", module)
        patch.setattr(stdlib.socket_helper, "socket", module)
        patch.setattr(stdlib, "fcntl", None)
        patch.setattr(stdlib, "threading", SimpleNamespace(**{**vars(threading), "Event": PatientEvent}))
        patch.chdir(Path(tmp_path_factory.mktemp("files")))
        gc.freeze()  # each test collects garbage, of which all that pytest has is none
        yield stdlib
        gc.unfreeze()


@pytest.mark.parametrize("method", METHODS)
def test_method(adapted: ModuleType, method: str) -> None:
    if method in SKIPPED:
        pytest.skip(SKIPPED[method])
    name, _, function = method.partition(".")
    suite = unittest.TestSuite([getattr(adapted, name)(function)])
    result = unittest.TestResult()
    suite.run(result)
    troubles = [text for _, text in (*result.failures, *result.errors)]
    assert not troubles, "\n".join(troubles)
    assert result.testsRun == 1
    assert not result.skipped
    passed.add(method)


def test_nearly_all_pass() -> None:
    missing = set(METHODS) - passed - set(SKIPPED)
    assert not missing
    assert set(SKIPPED) <= set(METHODS)
    assert set(SKIPPED.values()) <= {NO_DESCRIPTOR, NO_LOOPBACK}
    assert len(passed) >= LEAST * len(METHODS)
