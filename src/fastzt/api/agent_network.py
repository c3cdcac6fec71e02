"""AgentNetwork: a network that the agent has joined, used as a Network is."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import NoRouteError
from . import addresses, names
from .addresses import Address, Interface
from .agent_datagram import AgentDatagramSocket
from .agent_listener import AgentListener
from .agent_wire import Channel
from .echo import Echo, PingResult
from .names import Dns
from .passed_socket import PassedSocket

if TYPE_CHECKING:
    from .agent_client import AgentLink
    from .agent_connecting import AgentConnecting
    from .agent_node import AgentNode


class AgentNetwork:
    """Made by `AgentNode.join`."""

    def __init__(self, node: AgentNode, link: AgentLink, nwid: str) -> None:
        self.node = node
        self.id = nwid
        self._link = link

    def _facts(self) -> dict[str, Any]:
        return self._link.call("network", network=self.id)

    @property
    def name(self) -> str:
        """The network's name, as its controller gives it."""
        return str(self._facts()["name"])

    @property
    def addresses(self) -> list[Interface]:
        """The agent's addresses on the network."""
        return [ipaddress.ip_interface(text) for text in self._facts()["addresses"]]

    @property
    def status(self) -> str:
        """REQUESTING, OK, DENIED, NOT_FOUND or AUTHENTICATION_REQUIRED."""
        return str(self._facts()["status"])

    @property
    def dns(self) -> Dns:
        """The network's search domain and DNS servers."""
        facts = self._facts()
        return Dns(facts["domain"], tuple(bytes.fromhex(server) for server in facts["servers"]))

    def connect(self, address: tuple[Any, ...], timeout: float | None = 10) -> PassedSocket:
        """As `Network.connect`."""
        return self.node.connect(address, timeout, self.id)

    def connecting(self, family: int) -> AgentConnecting:
        """A connection to be made, as `patched` wants it."""
        from .agent_connecting import AgentConnecting

        return AgentConnecting(self)

    def resolve(self, host: str, timeout: float | None = names.TIMEOUT) -> list[Address]:
        """As `Network.resolve`."""
        return [addresses.address(ip) for ip in self.hosts(host, timeout)]

    def hosts(self, host: str, timeout: float | None) -> list[bytes]:
        """As `resolve`, in 16 bytes each."""
        found = self._link.call("resolve", network=self.id, host=host, timeout=timeout)
        return [bytes.fromhex(ip) for ip in found["hosts"]]

    def routed(self, hosts: list[bytes]) -> list[bytes]:
        """Those addresses that the network has a route to."""
        found = self._link.call("routed", network=self.id, hosts=[ip.hex() for ip in hosts])
        return [bytes.fromhex(ip) for ip in found["hosts"]]

    def listen(self, port: int, host: str = "", backlog: int = 128) -> AgentListener:
        """As `Network.listen`; processes that share its socket accept from the same port."""
        return AgentListener(self._link, self.id, port, host, backlog)

    def udp(self, port: int = 0, host: str = "") -> AgentDatagramSocket:
        """As `Network.udp`."""

        def take(channel: Channel, answer: dict[str, Any]) -> AgentDatagramSocket:
            return AgentDatagramSocket(channel.descriptor(), tuple(answer["local"]))

        made: AgentDatagramSocket = self._link.ask(take, "udp", network=self.id, port=port, host=host)
        return made

    def ping(
        self, host: str, count: int = 4, timeout: float = 2.0, interval: float = 1.0, size: int = 56
    ) -> PingResult:
        """As `Network.ping`."""
        found = self._link.call(
            "ping", network=self.id, host=host, count=count, timeout=timeout, interval=interval, size=size
        )
        return PingResult(found["address"], size, [Echo(*echo) for echo in found["echoes"]])

    def pinging(self, host: str, timeout: float = 2.0, interval: float = 1.0, size: int = 56) -> AgentPinging:
        """As `Network.pinging`."""
        return AgentPinging(self, host, timeout, interval, size)

    def leave(self) -> None:
        """Leave the network, for all of the agent's clients."""
        self.node.leave(self.id)

    def __repr__(self) -> str:
        return f"<fastzt.AgentNetwork {self.id}>"


class AgentPinging:
    """Echo requests one after the other, by calls of their own."""

    def __init__(self, net: AgentNetwork, host: str, timeout: float, interval: float, size: int) -> None:
        routed = net.routed(net.hosts(host, timeout))
        if not routed:
            raise NoRouteError(f"network {net.id} has no route to {host}")
        self.address = addresses.host_text(routed[0])
        self._net = net
        self._asked = (1, timeout, 0.0, size)
        self._interval = interval

    def echoes(self, count: int) -> Iterator[Echo]:
        """Each as it comes."""
        for sequence in range(count):
            begun = time.monotonic()
            echo = self._net.ping(self.address, *self._asked).echoes[0]
            yield replace(echo, sequence=sequence)
            if sequence + 1 < count:
                time.sleep(max(begun + self._interval - time.monotonic(), 0.0))

    def close(self) -> None:
        """Nothing is left to end."""


def passed(link: AgentLink, channel: Channel, facts: dict[str, Any], timeout: float | None) -> PassedSocket:
    """The connection whose descriptor has come."""
    made = PassedSocket(fileno=channel.descriptor())
    made._names = (tuple(facts["local"]), tuple(facts["remote"]))
    made.peer_id = facts["peer"]
    number = facts["number"]
    made._how = lambda: int(link.call("ended", number=number)["errno"])
    made.settimeout(timeout)
    return made
