"""The demo: the main job on the embedded network, each step told as it happens."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from .._core.slab import is_compiled
from ..api.node import Node
from ..errors import FastztError
from ..identity.identity import Identity
from ..integrations.httpx import Transport
from ..node.config import NodeConfig
from ..node.overlay import NETWORK
from .network import HOST, Lab, free_port
from .server import GREETING, Server, pattern

if TYPE_CHECKING:
    from ..api.network import Network
    from ..api.socket import Socket

Tell = Callable[[str, str], None]
PATIENCE = 60.0
PORT = 80
PROBE = 16 << 20 if is_compiled() else 1 << 19  # bytes; sets the size of the second transfer
TRANSFER_SECONDS = 1.5
MAX_TRANSFER = 4 << 30


@dataclass(frozen=True, slots=True)
class Report:
    """What the demo measured; `tcp_gbit_s` is one flow from the serving process to this one."""

    http_status: int
    body_ok: bool
    join_seconds: float
    connect_seconds: float
    tcp_gbit_s: float
    warm_start_seconds: float
    compiled: bool

    def to_json(self) -> dict[str, Any]:
        """For JSON, seconds to the microsecond."""
        return {name: round(v, 6) if isinstance(v, float) else v for name, v in asdict(self).items()}


class Watch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def __str__(self) -> str:
        return f"{self.seconds * 1000:.1f} ms"


@dataclass(frozen=True, slots=True)
class Place:
    """The network, and how the client's node is started again from its state."""

    network: str
    start: Callable[[], Node]


def run(tell: Tell, overlay: bool = False) -> Report:
    """Build the network, fetch over it, measure; raises FastztError or OSError when a step fails."""
    return run_overlay(tell) if overlay else run_managed(tell)


def run_overlay(tell: Tell) -> Report:
    """Two members that know each other, and nobody else."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="fastzt-")))
        watch, port = Watch(), free_port()
        identity = Identity.generate(os.urandom)
        tell("identity", f"server {identity.address:010x} in {watch}")
        peers = [f"{identity.to_text()}@{HOST}/{port}"]
        network = f"{NETWORK:016x}"
        tell("network", f"{network}, ad hoc: addresses follow from identities, nobody hands them out")
        own = {"port": port, "identity": identity.to_text(secret=True)}
        server = stack.enter_context(Server(directory / "server", b"", network, PORT, own))

        def start() -> Node:
            return Node(directory / "client", config=NodeConfig(bind=(HOST,)), peers=peers)

        watch = Watch()
        node = start()
        stack.callback(node.close)
        tell("identity", f"client {node.id} in {watch}")
        serving = server.told("node")
        address = server.told("address")
        tell("server", f"in a process of its own, serves HTTP on {address} port {PORT}")
        watch = Watch()
        online(node)
        tell("HELLO", f"the server answered in {watch}")
        return fetch(Place(network, start), node, address, serving, tell)


def run_managed(tell: Tell) -> Report:
    """A root with a controller, and two members."""
    with ExitStack() as stack:
        watch = Watch()
        identity = Identity.generate(os.urandom)
        tell("identity", f"root {identity.address:010x} in {watch}")
        lab = stack.enter_context(Lab(identity=identity))
        tell("root", f"{lab.root.id} listens on {lab.endpoint}, with a controller")
        tell("network", f"{lab.network}, private, addresses from 10.121.15.0/24")
        server = stack.enter_context(Server(lab.directory / "server", lab.planet, lab.network, PORT))
        watch = Watch()
        node = lab.member("client")
        tell("identity", f"client {node.id} in {watch}")
        watch = Watch()
        online(node)
        tell("HELLO", f"the root answered in {watch}")
        serving = server.told("node")
        tell("identity", f"server {serving}, in a process of its own")
        lab.authorize(serving)
        address = server.told("address")
        tell("server", f"joined, serves HTTP on {address} port {PORT}")

        def start() -> Node:
            return Node(lab.directory / "client", lab.planet, config=NodeConfig(bind=(HOST,)))

        return fetch(Place(lab.network, start), node, address, serving, tell)


def fetch(place: Place, node: Node, address: str, serving: str, tell: Tell) -> Report:
    """The client's side."""
    watch = Watch()
    net = node.join(place.network, timeout=PATIENCE)
    joined = watch.seconds
    tell("join", f"{net.id} configured in {watch}")
    tell("address", " ".join(map(str, net.addresses)))
    watch = Watch()
    probe = net.connect((address, PORT), timeout=PATIENCE)
    connected = watch.seconds
    with probe:
        tell("ARP", f"{address} is node {probe.peer_id}")
        tell("connect", f"{address} port {PORT} in {watch}")
        if probe.peer_id != serving:
            raise FastztError(f"{address} is node {probe.peer_id}, not {serving}")
    status, body_ok = get(net, address, tell)
    rate, intact = transfer(net, address, tell)
    node.close()
    warm = warm_start(place, address, tell)
    return Report(status, body_ok and intact, joined, connected, rate, warm, is_compiled())


def online(node: Node) -> None:
    """Wait for a root."""
    end = time.monotonic() + PATIENCE
    while not node.status()["online"]:
        if time.monotonic() > end:
            raise FastztError("the root did not answer")
        node.events(timeout=0.2)


def get(net: Network, address: str, tell: Tell) -> tuple[int, bool]:
    """GET / with httpx: status, and whether the body is the greeting."""
    import httpx

    watch = Watch()
    with httpx.Client(transport=Transport(net), timeout=PATIENCE) as client:
        response = client.get(f"http://{address}:{PORT}/")
    tell(
        "response",
        f"HTTP {response.status_code} {response.reason_phrase}, {len(response.content)} bytes in {watch}",
    )
    return response.status_code, response.content == GREETING


def transfer(net: Network, address: str, tell: Tell) -> tuple[float, bool]:
    """One flow for about 1.5 s: Gbit/s, and whether every byte was right."""
    seconds, first_ok = download(net, address, PROBE)
    size = max(PROBE, min(int(PROBE * TRANSFER_SECONDS / seconds), MAX_TRANSFER))
    seconds, second_ok = download(net, address, size)
    rate = size * 8 / seconds / 1e9
    tell("throughput", f"{size / (1 << 20):.1f} MiB in {seconds:.2f} s: {rate:.3f} Gbit/s")
    return rate, first_ok and second_ok


def download(net: Network, address: str, size: int) -> tuple[float, bool]:
    """Fetch `size` patterned bytes: seconds, digesting included, and whether they were right."""
    buffer = bytearray(1 << 20)
    with net.connect((address, PORT), timeout=PATIENCE) as connection:
        rest = request(connection, size)
        watch, received = Watch(), len(rest)
        digest = hashlib.sha256(rest)
        while received < size:
            count = connection.recv_into(buffer)
            if not count:
                break
            digest.update(memoryview(buffer)[:count])
            received += count
        seconds = watch.seconds
    expected = hashlib.sha256()
    for block in pattern(size):
        expected.update(block)
    return seconds, digest.digest() == expected.digest()


def request(connection: Socket, size: int) -> bytes:
    """Ask for `size` bytes; what came behind the head already."""
    connection.sendall(f"GET /bytes/{size} HTTP/1.1\r\nHost: lab\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(4096)
        if not more:
            raise FastztError("the server closed the connection before it answered")
        data += more
    return data.partition(b"\r\n\r\n")[2]


def warm_start(place: Place, address: str, tell: Tell) -> float:
    """From a stopped node with stored identity and config to a connected socket, in seconds."""
    watch = Watch()
    with place.start() as node:
        net = node.join(place.network, timeout=PATIENCE)
        with net.connect((address, PORT), timeout=PATIENCE):
            seconds = watch.seconds
            tell("warm start", f"from stored state to a connected socket in {watch}")
    return seconds
