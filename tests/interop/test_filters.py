"""Rules between fastzt and the real libzt: each enforces what the other's credentials allow."""

from __future__ import annotations

import pytest
from lab import Member, connect
from process import RemoteError, until
from scene import Scene, settle

pytestmark = pytest.mark.interop

ATTEMPT = 2.0  # seconds for a connection that may have to fail
PORT = 7300

# Whoever opens TCP connections needs a capability, which the other end has to believe.
DIALLERS = """
cap dial id 7 accept ipprotocol tcp;;
break chr tcp_syn not chr tcp_ack;
accept;
"""
SIDES = """
tag side id 9 enum 0 left enum 1 right default left;
accept ipprotocol tcp tdiff side 0;
drop ipprotocol tcp;
accept;
"""
PORTS = "drop ipprotocol tcp dport 7300; accept;"


class Ruled:
    """A network with rules, a listener at each member."""

    def __init__(self, scene: Scene, source: str) -> None:
        self.lab = scene.lab
        self.nwid = scene.fresh_network()
        for member in (scene.ours, scene.theirs):
            for port in (PORT, PORT + 1):
                listener = member.peer.call("listen", host=member.address(self.nwid), port=port)
                member.peer.start("turn_away", handle=listener)
        path = self.lab.directory / f"{self.nwid}.ztrules"
        path.write_text(source)
        self.lab.cli("controller", "rules", self.nwid, str(path), "--state", str(self.lab.state))

    def grant(self, member: Member, *options: str) -> None:
        """Give and take credentials."""
        self.lab.cli("controller", "grant", self.nwid, member.id, *options, "--state", str(self.lab.state))

    def connects(self, client: Member, server: Member, port: int = PORT) -> bool:
        """Whether a connection comes about."""
        host = server.address(self.nwid)
        try:
            handle = client.peer.call("connect", host=host, port=port, timeout=ATTEMPT)
        except RemoteError:
            return False
        client.peer.call("close", handle=handle)
        return True


def test_a_capability_of_either_kind_is_believed_by_the_other(scene: Scene) -> None:
    ours, theirs = scene.ours, scene.theirs
    net = Ruled(scene, DIALLERS)
    until(lambda: not net.connects(ours, theirs), "the rules")
    net.grant(ours, "--capability", "dial")
    until(lambda: net.connects(ours, theirs), "our capability at libzt")
    net.grant(ours, "--no-capability", "dial")
    net.grant(theirs, "--capability", "dial")
    until(lambda: not net.connects(ours, theirs), "the loss of ours")
    until(lambda: net.connects(theirs, ours), "libzt's capability here")
    assert not net.connects(ours, theirs)


def test_tags_are_compared(scene: Scene) -> None:
    ours, theirs = scene.ours, scene.theirs
    net = Ruled(scene, SIDES)
    until(lambda: net.connects(ours, theirs), "the same side")
    net.grant(ours, "--tag", "side=right")
    until(lambda: not net.connects(ours, theirs), "another side")
    net.grant(theirs, "--tag", "side=right")
    until(lambda: net.connects(ours, theirs), "the same side again")
    until(lambda: net.connects(theirs, ours), "the same side from libzt")


def test_a_closed_port(scene: Scene) -> None:
    ours, theirs = scene.ours, scene.theirs
    net = Ruled(scene, PORTS)
    until(lambda: not net.connects(ours, theirs), "the rules")
    assert net.connects(ours, theirs, PORT + 1)
    assert net.connects(theirs, ours, PORT + 1)


def test_an_ad_hoc_network(scene: Scene) -> None:
    """Both make the same network of its id; the root alone tells who listens to what."""
    nwid = "ff1c000000000001"
    ours, theirs = scene.ours, scene.theirs
    settle(nwid, scene.scout, ours, theirs)
    for member in (ours, theirs):
        low = int(member.id, 16) & 0xFFFFFF
        assert member.address(nwid) == f"28.{low >> 16}.{low >> 8 & 255}.{low & 255}"
    for client, server in ((ours, theirs), (theirs, ours)):
        pair = connect(client, server, nwid, PORT + 7)
        pair.client.peer.call("write", handle=pair.near, text="hello")
        assert pair.server.peer.call("read", handle=pair.far) == "hello"
        pair.client.peer.call("close", handle=pair.near)
        pair.server.peer.call("close", handle=pair.far)
