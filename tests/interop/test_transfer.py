"""TCP between fastzt and the real libzt, whoever opens the connection, over paths of several MTUs."""

from __future__ import annotations

import pytest
from lab import connect
from process import until
from scene import Scenes, volume

pytestmark = pytest.mark.interop

LIBZT_VERSION = "1.8.4"


@pytest.mark.parametrize("client", ["fastzt", "libzt"])
@pytest.mark.parametrize(("mtu", "mib"), [(1500, 64), (1450, 64), (1280, 8)])
def test_bytes_arrive_both_ways(scenes: Scenes, mtu: int, mib: int, client: str) -> None:
    """Once it knows the path, fastzt sends nothing that the kernel has to fragment."""
    scene = scenes.get(mtu)
    near, far = scene.roles(client)
    pair = connect(near, far, scene.nwid, 7000 if client == "fastzt" else 7001)
    pair.transfer(volume(1), seed=1)
    scene.lab.segment.filter(f"ip saddr {scene.ours.ip} ip frag-off & 0x3fff != 0 counter")
    pair.transfer(volume(mib), seed=mtu)
    pair.end()
    assert scene.lab.segment.matched() == [0]


@pytest.mark.parametrize("mtu", [1500, 1450, 1280])
def test_the_peer_is_real_and_reached_directly(scenes: Scenes, mtu: int) -> None:
    scene = scenes.get(mtu)

    def direct() -> str | None:
        known = {peer["id"]: peer for peer in scene.ours.peer.call("peers")}
        found = known.get(scene.theirs.id, {})
        return found.get("path") and found["version"]

    assert until(direct, "a direct path") == LIBZT_VERSION
