"""Who gets in, and what those hear who do not, from fastzt's controller and from the real libzt."""

from __future__ import annotations

import time
from typing import Any

import pytest
from process import RemoteError, until
from scene import Scene

pytestmark = pytest.mark.interop

# The waits are far shorter than these bounds, which only tell an answer from a time-out; they are printed.
ANSWERED = 15.0
JOINED = 30.0
ATTEMPT = 2.0  # seconds for a connection that may have to fail
NOBODY = "1234567890"


def refusal(scene: Scene, nwid: str, timeout: float = 20) -> dict[str, Any]:
    """What `Node.join` raises at the fastzt member."""
    heard: dict[str, Any] = scene.ours.peer.call("refusal", nwid=nwid, timeout=timeout)
    print(f"{heard['kinds'][0]} after {heard['seconds']:.3f} s")
    return heard


def test_a_member_that_is_not_authorized_is_told(scene: Scene) -> None:
    nwid = scene.lab.network(scene.theirs)
    heard = refusal(scene, nwid)
    assert heard["kinds"][0] == "NotAuthorizedError"
    assert "PermissionError" in heard["kinds"]
    assert nwid in heard["text"]
    assert scene.ours.id in heard["text"]
    assert heard["seconds"] < ANSWERED


@pytest.mark.parametrize("kind", ["fastzt", "libzt"])
def test_a_waiting_member_joins_once_authorized(scene: Scene, kind: str) -> None:
    """libzt's API does not tell of refusals: what is waited for is the controller's record of the request."""
    member = scene.member(kind)
    nwid = scene.lab.network()
    member.join(nwid)
    until(lambda: scene.lab.records(nwid), "a request")
    assert member.peer.call("addresses", nwid=nwid) == []
    if member is scene.ours:
        assert member.peer.call("status", nwid=nwid) == "DENIED"
    start = time.monotonic()
    scene.lab.authorize(nwid, member)
    address = member.address(nwid, JOINED)
    print(f"{kind} joined {time.monotonic() - start:.3f} s after `fastzt controller authorize` was called")
    recorded = until(lambda: scene.lab.records(nwid)[0]["ipAssignments"], "the address on record")
    assert recorded == [address]


@pytest.mark.parametrize("kind", ["fastzt", "libzt"])
def test_a_member_put_out_is_cut_off_until_it_is_let_in_again(scene: Scene, kind: str) -> None:
    """The revocation reaches the other one, which then takes nothing; the new certificate outlives it."""
    nwid = scene.fresh_network()
    host = scene.theirs.address(nwid)
    listener = scene.theirs.peer.call("listen", host=host, port=7200)
    scene.theirs.peer.start("turn_away", handle=listener)

    def connects() -> bool:
        try:
            handle = scene.ours.peer.call("connect", host=host, port=7200, timeout=ATTEMPT)
        except RemoteError:
            return False
        scene.ours.peer.call("close", handle=handle)
        return True

    assert connects()
    scene.lab.revoke(nwid, scene.member(kind))
    until(lambda: not connects(), "the revocation")
    assert not connects()
    scene.lab.authorize(nwid, scene.member(kind))
    until(connects, "the new certificate")


def test_a_network_that_the_controller_does_not_have(scene: Scene) -> None:
    missing = scene.lab.root_id + "fedcba"
    heard = refusal(scene, missing)
    assert heard["kinds"][0] == "NetworkNotFoundError"
    assert heard["seconds"] < ANSWERED


def test_a_real_node_without_a_controller_says_so(scene: Scene) -> None:
    heard = refusal(scene, scene.theirs.id + "000001")
    assert heard["kinds"][0] == "NetworkNotFoundError"
    assert heard["seconds"] < ANSWERED


def test_a_controller_that_nobody_knows(scene: Scene) -> None:
    heard = refusal(scene, NOBODY + "000001", timeout=3)
    assert heard["kinds"][0] == "ControllerUnreachableError"
    assert "TimeoutError" in heard["kinds"]
    assert NOBODY in heard["text"]


def test_a_controller_that_is_silent(scene: Scene) -> None:
    """It is there, but nothing from it arrives."""
    nwid = scene.lab.network(scene.ours)
    scene.lab.segment.filter(f"ip saddr {scene.lab.ip} ip daddr {scene.ours.ip} counter drop")
    heard = refusal(scene, nwid, timeout=3)
    assert heard["kinds"][0] == "ControllerUnreachableError"
    assert scene.lab.segment.matched() != [0]
    scene.lab.segment.filter()
    scene.ours.join(nwid)
    scene.ours.address(nwid)
