"""HTTP with libzt at the other end: httpx through fastzt, the commands `call` and `listen`."""

from __future__ import annotations

import json
from concurrent.futures import Future

import pytest
from lab import Lab, Member
from process import PATIENCE, Process
from scene import Scene

pytestmark = pytest.mark.interop

BODY = "what libzt says, " * 4096


class Command:
    """A state directory of a member that only the command line uses."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.lab: Lab = scene.lab
        self.name = name
        self.state = self.lab.directory / name
        self.nwid = scene.nwid
        self.namespace, _ = self.lab.host(name)
        self.lab.admit(self.nwid, self.lab.identity(self.state))

    def run(self, *arguments: str) -> Process:
        """Start a command as this member."""
        options = ("--network", self.nwid, "--state", str(self.state), "--planet", str(self.lab.planet))
        return self.lab.program(self.namespace, *arguments, *options, log=f"{self.name}.log")


def serve(member: Member, nwid: str, port: int) -> tuple[str, Future[str]]:
    """One HTTP answer from a member: its URL, and the request's head to come."""
    host = member.address(nwid)
    handle = member.peer.call("listen", host=host, port=port)
    return f"http://{host}:{port}", member.peer.start("http_answer", handle=handle, body=BODY)


def test_httpx_fetches_from_libzt(scene: Scene) -> None:
    url, head = serve(scene.theirs, scene.nwid, 7300)
    host = url.removeprefix("http://").partition(":")[0]
    response = scene.ours.peer.call("http_get", host=host, port=7300, path="/by-httpx")
    assert response == f"HTTP/1.1 200 OK\r\n\r\n{BODY}"
    assert head.result(PATIENCE).startswith("GET /by-httpx HTTP/1.1\r\n")


def test_call_fetches_from_libzt(scene: Scene) -> None:
    url, head = serve(scene.theirs, scene.nwid, 7301)
    status, printed = Command(scene, "caller").run("call", f"{url}/by-call").rest()
    assert (status, printed) == (0, BODY)
    assert head.result(PATIENCE).startswith("GET /by-call HTTP/1.1\r\n")


def test_libzt_fetches_from_listen(scene: Scene) -> None:
    command = Command(scene, "listener").run("listen", "7302", "--count", "1", "--json")
    host = json.loads(command.line())["listening"]
    response = scene.theirs.peer.call("http_get", host=host, port=7302, path="/by-libzt")
    assert response.startswith("HTTP/1.1 200 OK\r\n")
    status, printed = command.rest()
    logged = json.loads(printed)
    assert status == 0
    assert logged["request"] == "GET /by-libzt HTTP/1.1"
    assert logged["peer"] == scene.theirs.address(scene.nwid)
