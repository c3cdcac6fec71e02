"""A fastzt node under command, by the public API: `python fastzt_peer.py STATE PLANET PORT [TCP_RELAY]`."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from commands import BLOCK, Handler, serve

import fastzt
from fastzt.node.config import NodeConfig


class FastztPeer(Handler):
    """The commands on fastzt's sockets; handles are numbers given here."""

    def __init__(self, state: str, planet: str, port: int, tcp_relay: str | None = None) -> None:
        super().__init__()
        self.state = state
        self.planet = planet
        self.port = port
        self.config = NodeConfig(
            tcp_relay=tcp_relay,
            upnp=os.environ.get("FASTZT_UPNP") == "1",
            nat_pmp=os.environ.get("FASTZT_NAT_PMP") == "1",
        )
        self.node: fastzt.Node | None = None
        self.numbers = itertools.count(1)
        self.handles: dict[int, Any] = {}
        self.networks: dict[str, fastzt.Network] = {}

    def keep(self, thing: Any) -> int:
        number = next(self.numbers)
        self.handles[number] = thing
        return number

    @property
    def running(self) -> fastzt.Node:
        if self.node is None:
            raise RuntimeError("not started")
        return self.node

    def do_start(self) -> str:
        self.node = fastzt.Node(self.state, self.planet, self.port, config=self.config)
        return ""

    def do_id(self) -> str:
        """The node's address."""
        return self.running.id

    def do_online(self) -> bool:
        return bool(self.running.status()["online"])

    def do_join(self, nwid: str) -> int:
        """Join in the background, polling until authorized."""

        def join() -> None:
            self.networks[nwid] = self.running.join(nwid, timeout=None, wait=True)

        threading.Thread(target=join, daemon=True).start()
        return 0

    def do_refusal(self, nwid: str, timeout: float) -> dict[str, Any]:
        """Join without waiting for authorization; the exception that says why not."""
        start = time.monotonic()
        try:
            self.running.join(nwid, timeout=timeout)
        except fastzt.FastztError as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            return {"kinds": kinds, "text": str(error), "seconds": time.monotonic() - start}
        raise AssertionError(f"{nwid} let this node in")

    def do_status(self, nwid: str) -> str:
        """REQUESTING, OK, DENIED, NOT_FOUND; empty: not joined."""
        known = {network["id"]: network["status"] for network in self.running.status()["networks"]}
        return str(known.get(nwid, ""))

    def do_addresses(self, nwid: str) -> list[str]:
        """The IPv4 addresses, once the network can carry traffic."""
        network = self.networks.get(nwid)
        if network is None or network.status != "OK":
            return []
        return [str(address.ip) for address in network.addresses if address.version == 4]

    def do_whois(self, host: str) -> str:
        """The node that has an IP, empty while nobody answers for it."""
        try:
            return self.running.whois(host, timeout=1)
        except fastzt.HostUnreachableError:
            return ""

    def do_dropped(self) -> dict[str, int]:
        """Counters of what was dropped, by reason."""
        return dict(self.running.status()["dropped"])

    def do_node_status(self) -> dict[str, Any]:
        return self.running.status()

    def do_peers(self) -> list[dict[str, Any]]:
        return self.running.peers()

    def do_listen(self, host: str, port: int) -> int:
        network = next(n for n in self.networks.values() if any(str(a.ip) == host for a in n.addresses))
        return self.keep(network.listen(port, host))

    def do_accept(self, handle: int) -> dict[str, Any]:
        connection, (host, port, *_) = self.handles[handle].accept()
        return {"handle": self.keep(connection), "host": host, "port": port, "peer_id": connection.peer_id}

    def do_connect(self, host: str, port: int, timeout: float) -> int:
        connection = self.running.connect((host, port), timeout)
        connection.settimeout(None)
        return self.keep(connection)

    def do_http_get(self, host: str, port: int, path: str) -> str:
        """By httpx; status line and body."""
        import httpx

        from fastzt.integrations.httpx import Transport

        with httpx.Client(transport=Transport(self.running), timeout=20) as client:
            response = client.get(f"http://{host}:{port}{path}")
        status = f"{response.http_version} {response.status_code} {response.reason_phrase}"
        return f"{status}\r\n\r\n{response.text}"

    def send_all(self, handle: int, data: bytes) -> None:
        self.handles[handle].sendall(data)

    def receive_some(self, handle: int) -> bytes:
        return bytes(self.handles[handle].recv(BLOCK))

    def do_udp(self, host: str, port: int, everybody: bool = False) -> int:
        """A socket at an address; `everybody`: at all of the network, for broadcasts too."""
        network = next(n for n in self.networks.values() if any(str(a.ip) == host for a in n.addresses))
        return self.keep(network.udp(port, "" if everybody else host))

    def send_datagram(self, handle: int, data: bytes, host: str, port: int) -> None:
        self.handles[handle].sendto(data, (host, port))

    def receive_datagram(self, handle: int) -> tuple[bytes, str, int]:
        data, (host, port, *_) = self.handles[handle].recvfrom(BLOCK)
        return data, host, port

    def do_ping(self, nwid: str, host: str, count: int, size: int, wait: float = 20) -> int:
        """How many replies came, each within `wait` seconds."""
        return self.networks[nwid].ping(host, count=count, size=size, interval=0.05, timeout=wait).received

    def do_refused(self, nwid: str, host: str, port: int) -> str:
        """The exception after a datagram to a port where nobody listens."""
        with self.networks[nwid].udp() as near:
            near.settimeout(20)
            near.connect((host, port))
            near.send(b"anybody?")
            try:
                near.recv(1)
            except OSError as error:
                return type(error).__name__
        return ""

    def do_shutdown(self, handle: int) -> int:
        """No more writing."""
        self.handles[handle].shutdown(1)
        return 0

    def do_close(self, handle: int) -> int:
        self.handles.pop(handle).close()
        return 0


if __name__ == "__main__":
    state, planet, port, *tcp_relay = sys.argv[1:]
    Path(state).mkdir(exist_ok=True)
    peer = FastztPeer(state, planet, int(port), *tcp_relay)
    serve(peer)
    if peer.node is not None:
        with contextlib.suppress(OSError):
            peer.node.close(linger=0)
