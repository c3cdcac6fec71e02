"""Node: joining and its errors, state on disk, what it tells about itself."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nodes import LOOPBACK, SECRETS, Lab, Pair, lab

import fastzt
from fastzt.identity.identity import Identity
from fastzt.node.store import SavedNetwork


@pytest.fixture(scope="module")
def house() -> Iterator[Lab]:
    with lab() as made:
        yield made


def address_of(secret: str) -> str:
    return secret[:10]


def test_an_unauthorized_member_is_told_in_time(house: Lab) -> None:
    nwid, node = house.network(), house.node(1)
    begin = time.monotonic()
    with pytest.raises(fastzt.NotAuthorizedError) as caught:
        node.join(nwid)
    assert time.monotonic() - begin < 10  # the bar of 2 s is the benchmark's
    assert caught.value.node_id == node.id == address_of(SECRETS[1])
    assert caught.value.network_id == nwid
    assert isinstance(caught.value, PermissionError)
    assert node.networks == []
    node.close()


def test_waiting_for_authorization(house: Lab) -> None:
    nwid, node = house.network(), house.node(1)
    done: list[fastzt.Network] = []
    thread = threading.Thread(target=lambda: done.append(node.join(nwid, wait=True)))
    thread.start()
    deadline = time.monotonic() + 30
    while not any(event.__class__.__name__ == "Denied" for event in node.events(timeout=1)):
        assert time.monotonic() < deadline
    assert not done
    house.authorize(nwid, node)
    thread.join(30)
    assert [net.id for net in done] == [nwid]
    node.close()


def test_waiting_is_bounded_by_a_given_timeout(house: Lab) -> None:
    nwid, node = house.network(), house.node(1)
    with pytest.raises(fastzt.NotAuthorizedError):
        node.join(nwid, timeout=1, wait=True)
    node.close()


def test_an_unknown_network(house: Lab) -> None:
    node = house.node(1)
    nwid = house.server.id + "abcdef"
    with pytest.raises(fastzt.NetworkNotFoundError, match=nwid) as caught:
        node.join(nwid)
    assert isinstance(caught.value, LookupError)
    node.close()


def test_a_controller_that_is_not_there(house: Lab) -> None:
    node = house.node(1)
    with pytest.raises(fastzt.ControllerUnreachableError, match="1dd0295ac8"):
        node.join("1dd0295ac8000001", timeout=0.5)
    assert issubclass(fastzt.ControllerUnreachableError, TimeoutError)
    node.close()


@pytest.mark.parametrize(
    "nwid", ["", "zz", "9ad07d01093a69e", "9ad07d01093a69e3f", "0" * 16, None, "9ad07d01093a69eg"]
)
def test_a_malformed_network_id(house: Lab, nwid: object) -> None:
    with pytest.raises(fastzt.InputError, match="network id"):
        house.server.join(nwid)  # type: ignore[arg-type]


def test_a_public_network_needs_no_authorization(house: Lab) -> None:
    nwid, node = house.network(private=False), house.node(1)
    net = node.join(nwid)
    assert net.status == "OK"
    assert net.addresses[0].network.prefixlen == 24
    assert node.join(nwid) is net
    net.leave()
    assert node.networks == []
    with pytest.raises(fastzt.NoRouteError):
        net.addresses  # noqa: B018
    node.close()


def test_two_networks_with_one_prefix(house: Lab) -> None:
    one, two = house.network("10.7.7", private=False), house.network("10.7.7", private=False)
    a, b = house.node(1), house.node(2)
    nets = [(a.join(nwid), b.join(nwid)) for nwid in (one, two)]
    ip = str(nets[0][1].addresses[0].ip)
    with pytest.raises(fastzt.InputError, match=f"{ip} is on networks {one} and {two}"):
        a.connect((ip, 80))
    for near, far in nets:
        with far.listen(80) as listener:
            listener.settimeout(30)
            to = (str(far.addresses[0].ip), 80)
            with a.connect(to, timeout=30, network=near.id) as client:
                server, address = listener.accept()
                with server:
                    client.sendall(b"x")
                    assert server.recv(1) == b"x"
                    assert address[0] == str(near.addresses[0].ip)
    a.close()
    b.close()


def test_state_is_kept_and_identity_comes_back(house: Lab, tmp_path: Path) -> None:
    nwid = house.network(private=False)
    state = tmp_path / "state"
    first = house.node(1, state, identity=None)
    net = first.join(nwid)
    own, port, addresses = first.id, first.port, net.addresses
    deadline = time.monotonic() + 30
    while not (state / "networks.d" / f"{nwid}.conf").exists():
        assert time.monotonic() < deadline
        first.events(timeout=0.1)
    first.close()
    assert json.loads((state / "networks.d" / f"{nwid}.json").read_text())["addresses"] == list(
        map(str, addresses)
    )
    second = house.node(1, state, identity=None)
    assert (second.id, second.port) == (own, port)
    assert second.join(nwid).addresses == addresses
    second.leave(nwid)
    assert not (state / "networks.d" / f"{nwid}.conf").exists()
    second.close()


def test_leaving_forgets_what_is_about_to_be_stored(house: Lab, tmp_path: Path) -> None:
    nwid = house.network(private=False)
    node = house.node(1, tmp_path / "state", identity=None)
    node.join(nwid)
    gate, left = threading.Event(), threading.Event()
    saved = SavedNetwork(b"config", ("10.121.15.1/24",))

    def store() -> None:
        gate.wait(30)
        node._parts.store.save_network(int(nwid, 16), saved)

    node._driver.worker.submit(store)
    thread = threading.Thread(target=lambda: (node.leave(nwid), left.set()))
    thread.start()
    while node.networks:  # leave() has begun
        node.events(timeout=0.05)
    gate.set()
    assert left.wait(30)
    thread.join(30)
    assert not (tmp_path / "state" / "networks.d" / f"{nwid}.conf").exists()
    node.close()


def test_a_taken_port_gives_way_when_it_was_not_asked_for(house: Lab, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        (tmp_path / "port").write_text(str(taken))
        node = house.node(1, tmp_path)
        assert node.port != taken
        assert (tmp_path / "port").read_text().strip() == str(node.port)
        node.close()
        with pytest.raises(OSError, match="in use"):
            house.node(1, port=taken)


def test_one_state_directory_one_node(house: Lab, tmp_path: Path) -> None:
    node = house.node(1, tmp_path)
    with pytest.raises(fastzt.StateError, match="in use"):
        house.node(2, tmp_path)
    node.close()
    house.node(1, tmp_path).close()


@pytest.mark.parametrize("kind", ["text", "file", "callable"])
def test_an_identity_is_given(house: Lab, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "identity.secret"
    path.write_text(SECRETS[3] + "\n")
    source = {"text": SECRETS[3], "file": path, "callable": lambda: SECRETS[3]}[kind]
    node = house.node(3, identity=source)
    assert node.id == address_of(SECRETS[3])
    node.close()


def test_bad_identities_are_refused_and_nothing_is_written(house: Lab, tmp_path: Path) -> None:
    state = tmp_path / "state"
    public = Identity.parse(SECRETS[3]).to_text()
    other = address_of(SECRETS[2]) + SECRETS[3][10:]
    for bad, message in (
        (public, "secret"),
        (other, "invalid"),
        ("nonsense:0", "identity"),
        (tmp_path / "none", "cannot read"),
    ):
        with pytest.raises(fastzt.IdentityError, match=message):
            house.node(3, state, identity=bad)
    for planet in (b"", b"\1" * 200, tmp_path / "none"):
        with pytest.raises(fastzt.InputError, match="planet"):
            fastzt.Node(state=state, planet=planet, config=LOOPBACK)
    assert not state.exists()


def test_a_stored_identity_is_never_replaced(house: Lab, tmp_path: Path) -> None:
    secret = tmp_path / "identity.secret"
    for damage in (
        b"",
        b"garbage",
        SECRETS[3].encode()[:-10],
        (address_of(SECRETS[2]) + SECRETS[3][10:]).encode(),
    ):
        secret.write_bytes(damage)
        with pytest.raises(fastzt.IdentityError, match="not be replaced"):
            house.node(3, tmp_path, identity=None)
        assert secret.read_bytes() == damage
    secret.write_text(SECRETS[3])
    with pytest.raises(fastzt.IdentityError, match="holds identity"):
        house.node(2, tmp_path)
    node = house.node(3, tmp_path, identity=None)
    assert node.id == address_of(SECRETS[3])
    node.close()


def test_a_libzt_home_is_taken_over(house: Lab, tmp_path: Path) -> None:
    (tmp_path / "libzt").mkdir()
    (tmp_path / "libzt" / "identity.secret").write_text(SECRETS[4])
    (tmp_path / "libzt" / "roots").write_bytes(house.planet)
    node = house.node(4, tmp_path, identity=None, planet=None)
    assert node.id == address_of(SECRETS[4])
    assert node.join(house.network(private=False)).status == "OK"
    assert (tmp_path / "identity.secret").read_text() == SECRETS[4]
    node.close()


def test_what_a_node_tells(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        status = pair.a.status()
        assert json.loads(json.dumps(status)) == status
        assert status["id"] == pair.a.id == f"{int(pair.a.id, 16):010x}"
        assert status["online"] is True
        assert status["port"] == pair.a.port
        assert status["compiled"] == fastzt.is_compiled()
        (net,) = [net for net in status["networks"] if net["id"] == pair.nwid]
        assert net["status"] == "OK"
        assert net["addresses"] == [str(address) for address in pair.net_a.addresses]
        peers = {peer["id"]: peer for peer in pair.a.peers()}
        assert peers[pair.lab.server.id]["role"] == "root"
        assert peers[pair.b.id]["role"] == "leaf"
        assert peers[pair.b.id]["suite"] == 3
        assert pair.a.whois(near.getpeername()) == pair.b.id
        assert pair.a.whois(pair.ip(pair.net_b)) == pair.b.id
        assert pair.a.whois(pair.ip(pair.net_a)) == pair.a.id
        with pytest.raises(fastzt.NoRouteError):
            pair.a.whois("192.0.2.1")
        with pytest.raises(fastzt.HostUnreachableError):
            pair.a.whois("10.121.15.222", timeout=0.1)


def test_a_closed_node_is_closed(house: Lab) -> None:
    node = house.node(1)
    net = node.join(house.network(private=False))
    listener = net.listen(80)
    node.close()
    node.close()
    assert node.closed
    for action in (node.status, lambda: net.addresses, listener.accept, lambda: node.join(net.id)):
        with pytest.raises(OSError, match=r"closed|Bad file"):
            action()
    listener.close()


def test_what_was_sent_before_close_arrives(house: Lab) -> None:
    nwid = house.network(private=False)
    a, b = house.node(1), house.node(2)
    net_a, net_b = a.join(nwid), b.join(nwid)
    data = bytes(range(256)) * 1024
    with net_b.listen(80) as listener:
        listener.settimeout(30)
        near = net_a.connect((str(net_b.addresses[0].ip), 80), timeout=30)
        far, _ = listener.accept()
    received = bytearray()

    def read() -> None:
        far.settimeout(30)
        while block := far.recv(65536):
            received.extend(block)

    thread = threading.Thread(target=read)
    thread.start()
    near.sendall(data)
    near.close()
    a.close()
    thread.join(60)
    assert received == data
    b.close()
