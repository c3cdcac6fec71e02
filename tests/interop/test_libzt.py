"""The loader itself: two real nodes start in namespaces of their own and make identities."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from netns import Segment
from process import Peer, RemoteError, until

pytestmark = pytest.mark.interop


def test_two_nodes_start(segment: Callable[..., Segment], libzt_peer: Callable[..., Peer]) -> None:
    net = segment()
    peers = [libzt_peer(net.host(name, number)) for number, name in enumerate("ab", 2)]
    names = {until(lambda peer=peer: peer.call("id"), "an identity") for peer in peers}  # type: ignore[misc]
    assert len(names) == 2
    assert all(len(name) == 10 and int(name, 16) for name in names)


def test_an_error_comes_back(segment: Callable[..., Segment], libzt_peer: Callable[..., Peer]) -> None:
    peer = libzt_peer(segment().host("a", 2))
    until(lambda: peer.call("id"), "an identity")
    with pytest.raises(RemoteError, match="LibztError"):
        peer.call("close", handle=55)
