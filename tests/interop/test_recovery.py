"""First frames that are lost, certificates that come late and the ERROR 06 that asks for them."""

from __future__ import annotations

import pytest
from lab import Member, connect
from scene import Scene, settle, volume

pytestmark = pytest.mark.interop

PATIENCE = 25.0  # seconds: less than the 30 after which libzt pushes its credentials again unasked
LOST_FRAMES = 3
LATE_CERTIFICATES = 2
# NETWORK_CREDENTIALS with certificates of membership and of ownership. A MULTICAST_GATHER (331) and what
# resolution and a TCP handshake send are shorter, the data that follows is longer.
CERTIFICATES = "udp length 340-900"


def lose(member: Member, count: int, what: str = "udp length > 0") -> str:
    """A rule that drops the first `count` datagrams of a kind that a member sends."""
    return f"ip saddr {member.ip} {what} limit rate 1/day burst {count} packets counter drop"


@pytest.mark.parametrize("client", ["fastzt", "libzt"])
def test_first_frames_are_lost(scene: Scene, client: str) -> None:
    near, far = scene.roles(client)
    nwid = scene.fresh_network()
    scene.lab.segment.filter(lose(near, LOST_FRAMES), lose(far, LOST_FRAMES))
    pair = connect(near, far, nwid, 7100, timeout=PATIENCE)
    assert scene.lab.segment.matched() == [LOST_FRAMES, LOST_FRAMES]
    pair.transfer(volume(1), seed=1)
    pair.end()


@pytest.mark.parametrize("client", ["fastzt", "libzt"])
def test_first_contact_loses_frames(scene: Scene, client: str) -> None:
    """The same between two that have never met, so that WHOIS, relaying and introduction suffer too."""
    lab = scene.lab
    ours, theirs = lab.fastzt(f"new-f-{client[0]}"), lab.libzt(f"new-z-{client[0]}")
    nwid = lab.network(ours, theirs, scene.scout)
    settle(nwid, scene.scout, ours, theirs)
    near, far = (ours, theirs) if client == "fastzt" else (theirs, ours)
    lab.segment.filter(lose(near, LOST_FRAMES), lose(far, LOST_FRAMES))
    pair = connect(near, far, nwid, 7101, timeout=PATIENCE)
    assert lab.segment.matched() == [LOST_FRAMES, LOST_FRAMES]
    pair.transfer(volume(1), seed=2)
    pair.end()


@pytest.mark.parametrize("client", ["fastzt", "libzt"])
@pytest.mark.parametrize("late", ["fastzt", "libzt"])
def test_a_certificate_comes_late(scene: Scene, client: str, late: str) -> None:
    """It is pushed once; in the time allowed here only an ERROR 06 of the other end makes it come again."""
    near, far = scene.roles(client)
    nwid = scene.fresh_network()
    scene.lab.segment.filter(lose(scene.member(late), LATE_CERTIFICATES, CERTIFICATES))
    pair = connect(near, far, nwid, 7102, timeout=PATIENCE)
    assert scene.lab.segment.matched() == [LATE_CERTIFICATES]
    pair.transfer(volume(1), seed=3)
    pair.end()
