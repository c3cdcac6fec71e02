"""The state directory: private, atomic, exclusive; identities are never replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastzt.errors import IdentityError, StateError
from fastzt.node import store as store_module
from fastzt.node.store import MAX_PEERS, MemoryStore, SavedNetwork, Store

NWID = 0x9AD07D01093A69E3


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_directory_and_secret_are_private(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "state")
    store.save_identity("secret text", "public text")
    assert mode(store.path) == 0o700
    assert mode(store.path / "identity.secret") == 0o600
    assert store.secret() == "secret text"
    assert store.vouched("public text")
    assert not store.vouched("other text")
    store.close()


def test_an_existing_directory_of_ours_is_made_private(tmp_path: Path) -> None:
    state, foreign = tmp_path / "state", tmp_path / "foreign"
    for path in (state, foreign):
        path.mkdir()
        path.chmod(0o755)
    (foreign / "something").write_text("x")
    Store(state).close()
    Store(foreign).close()
    assert mode(state) == 0o700
    assert mode(foreign) == 0o755


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_everything_stored_comes_back(tmp_path: Path, kind: str) -> None:
    store = MemoryStore() if kind == "memory" else Store(tmp_path)
    assert store.secret() is None
    assert store.planet() is None
    assert store.port() == 0
    assert store.network(NWID) is None
    saved = SavedNetwork(b"nwid=9ad07d01093a69e3\n", ("10.1.2.3/24",))
    store.save_port(40000)
    store.save_network(NWID, saved)
    store.save_planet(b"world")
    store.save_peer(0x1122334455, b"record")
    if kind == "directory":
        store.close()
        store = Store(tmp_path)
    assert store.port() == 40000
    assert store.networks() == [NWID]
    assert store.network(NWID) == saved
    assert store.planet()[0] == b"world"
    assert store.peers() == [b"record"]
    store.forget_network(NWID)
    assert store.networks() == []
    store.close()


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_peer_records_are_capped(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_PEERS", 4)
    store = MemoryStore() if kind == "memory" else Store(tmp_path)
    for i in range(6):
        store.save_peer(i, b"record %d" % i)
        if kind == "directory":
            os.utime(store.path / "peers.d" / f"{i:010x}.peer", (i, i))
    assert store.peers() == [b"record 5", b"record 4", b"record 3", b"record 2"]
    store.close()
    assert MAX_PEERS == 256


def test_another_identity_is_not_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_identity("one", "public")
    with pytest.raises(IdentityError, match="never replaced"):
        store.save_identity("two", "public")
    assert store.secret() == "one"
    store.close()


def test_a_libzt_identity_and_its_roots_are_found(tmp_path: Path) -> None:
    (tmp_path / "libzt").mkdir()
    (tmp_path / "libzt" / "identity.secret").write_text("imported\n")
    (tmp_path / "libzt" / "roots").write_bytes(b"roots")
    (tmp_path / "planet").write_bytes(b"planet")
    store = Store(tmp_path)
    assert store.secret() == "imported"
    assert store.planet() == (b"roots", str(tmp_path / "libzt" / "roots"))
    (tmp_path / "identity.secret").write_text("own")
    (tmp_path / "libzt" / "roots").unlink()
    assert store.secret() == "own"
    assert store.planet()[0] == b"planet"
    store.close()


def test_an_unreadable_identity_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "identity.secret").write_bytes(b"\xff\xfe")
    store = Store(tmp_path)
    with pytest.raises(IdentityError, match="not text"):
        store.secret()
    (tmp_path / "identity.secret").write_bytes(b"x" * 100_000)
    with pytest.raises(IdentityError, match="longer"):
        store.secret()
    store.close()


def test_a_damaged_network_or_port_counts_as_absent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_network(NWID, SavedNetwork(b"config"))
    (tmp_path / "networks.d" / f"{NWID:016x}.json").write_text("[")
    (tmp_path / "port").write_text("many")
    assert store.network(NWID) is None
    assert store.port() == 0
    store.close()


def test_one_node_a_directory_in_a_process(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(StateError, match="another node of this process"):
        Store(tmp_path)
    store.close()
    store.close()
    Store(tmp_path).close()


def test_one_process_a_directory(tmp_path: Path) -> None:
    store = Store(tmp_path)
    code = "import sys; from fastzt.node.store import Store; Store(sys.argv[1])"
    command = [sys.executable, "-c", code, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "StateError: state directory" in result.stderr
    assert "in use by another process" in result.stderr
    store.close()
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def test_a_directory_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="file"):
        Store(tmp_path / "file")
    with pytest.raises(StateError, match="cannot create"):
        Store(tmp_path / "file" / "below")
    with pytest.raises(StateError, match="cannot create"):
        Store("/proc/no-such-place")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.save_planet(b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fastzt.node.files.os.replace", refuse)
    with pytest.raises(StateError, match="No space left"):
        store.save_planet(b"new")
    monkeypatch.undo()
    assert store.planet()[0] == b"old"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    store.close()


@pytest.mark.parametrize("kind", [MemoryStore, Store])
def test_moons_and_seeds(kind: type[MemoryStore], tmp_path: Path) -> None:
    store = kind(tmp_path / "state") if kind is Store else kind()  # type: ignore[call-arg]
    assert (store.moons(), store.seeds()) == ([], {})
    store.save_seed(0x123456789A, 0xABCDEF0123)
    store.save_seed(2, 7)
    assert store.seeds() == {2: 7, 0x123456789A: 0xABCDEF0123}
    store.save_moon(2, b"world")
    assert (store.moons(), store.seeds()) == ([b"world"], {0x123456789A: 0xABCDEF0123})
    if store.path is not None:
        assert (store.path / "moons.d" / "0000000000000002.moon").read_bytes() == b"world"
        (store.path / "moons.d" / "0000000000000003.seed").write_text("no address")
        (store.path / "moons.d" / "other").write_text("")
        assert 3 not in store.seeds()
    store.forget_moon(2)
    store.forget_moon(0x123456789A)
    assert store.moons() == []
    assert 0x123456789A not in store.seeds()
    store.close()
