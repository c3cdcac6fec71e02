"""Fixtures of the interop tests: the real library, namespaces, and peers that always end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import libzt
import netns
import pytest
from process import Peer
from requirement import unavailable
from scene import Scene, Scenes

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def library() -> tuple[Path, Path]:
    """Stand-in and shared object of libzt 1.8.4."""
    try:
        return libzt.prepare()
    except libzt.Unavailable as error:
        unavailable(str(error))


@pytest.fixture
def cleanup() -> Iterator[contextlib.ExitStack]:
    """What is pushed here is undone when the test ends, last first."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def segment(cleanup: contextlib.ExitStack) -> Callable[..., netns.Segment]:
    """Make a network segment: `segment(mtu=1500)`."""

    def make(mtu: int = 1500) -> netns.Segment:
        try:
            made = netns.Segment("s", mtu)
        except netns.Unavailable as error:
            unavailable(str(error))
        cleanup.callback(made.close)
        return made

    return make


@pytest.fixture
def libzt_peer(
    library: tuple[Path, Path], cleanup: contextlib.ExitStack, tmp_path: Path
) -> Callable[..., Peer]:
    """Start a real node in a namespace: `libzt_peer(namespace, planet=None)`."""

    def start(namespace: str, planet: Path | None = None, port: int = 9993) -> Peer:
        home = tmp_path / f"libzt-{namespace}"
        home.mkdir()
        if planet is not None:
            (home / "roots").write_bytes(planet.read_bytes())
        command = [sys.executable, str(HERE / "libzt_peer.py"), *map(str, library), str(home), str(port)]
        peer = Peer(namespace, command, tmp_path / f"{namespace}.log")
        cleanup.callback(peer.stop)
        peer.call("start")
        return peer

    return start


@pytest.fixture(scope="session")
def scenes(library: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenes]:
    """Labs with one member of each kind; they live until the last test has ended."""
    made = Scenes(library, tmp_path_factory.mktemp("interop"))
    try:
        try:
            made.idle()
        except netns.Unavailable as error:
            unavailable(str(error))
        yield made
    finally:
        made.close()


@pytest.fixture
def scene(scenes: Scenes) -> Iterator[Scene]:
    """The scene of MTU 1500; packet filters are gone when the test ends."""
    found = scenes.get()
    yield found
    found.lab.segment.filter()
