"""What clients of the agent may ask for, done on its node."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api import addresses, agent_wire
from ..errors import InputError
from .datagrams import Datagrams
from .listening import Listening

if TYPE_CHECKING:
    from ..api.agent_wire import Channel
    from ..api.network import Network
    from ..api.node import Node
    from ..api.socket import Socket
    from ..io.bridge import Bridge

MAX_ENDINGS = 4096  # of connections that broke off, for their clients to ask about
MAX_LISTENERS = 256
MAX_DATAGRAM_SOCKETS = 256
Answer = tuple[dict[str, Any], socket.socket | None]


class Requests:
    """Called on the threads of the clients. Raises what a Node raises, ValueError for what is no request."""

    def __init__(self, node: Node, directory: Path) -> None:
        self.node = node
        self.directory = directory
        self._lock = threading.Lock()
        self._number = 0
        self._endings: dict[int, int] = {}
        self._listening: dict[Channel, Listening] = {}
        self._datagrams: set[Datagrams] = set()
        self._verbs: dict[str, Callable[[dict[str, Any]], Any]] = {
            "hello": self._hello,
            "join": self._join,
            "leave": self._leave,
            "networks": lambda request: {"ids": [network.id for network in node.networks]},
            "network": self._facts,
            "status": lambda request: node.status(),
            "peers": lambda request: {"peers": node.peers()},
            "whois": lambda request: {"node": node.whois(request["host"], request["timeout"])},
            "resolve": self._resolve,
            "routed": self._routed,
            "ping": self._ping,
            "ended": lambda request: {"errno": self.ended(int(request["number"]))},
        }

    def do(self, channel: Channel, request: dict[str, Any]) -> Answer:
        """The answer, and a socket to pass with it."""
        op = request.get("op")
        try:
            if op == "connect":
                return self._connect(request)
            if op == "udp":
                return self._udp(request)
            if op == "listen":
                return self._listen(channel, request), None
            if op not in self._verbs:
                raise InputError(f"the agent does not know {op!r}")
            return self._verbs[op](request), None
        except (KeyError, TypeError) as error:
            raise InputError(f"the agent does not understand a request to {op}: {error!r}") from None

    def _network(self, request: dict[str, Any], timeout: float | None = 30.0) -> Network:
        """A network that a client means; joined again if need be, for agents are restarted."""
        nwid = f"{addresses.network_id(request['network']):016x}"
        known = next((network for network in self.node.networks if network.id == nwid), None)
        return known or self.node.join(nwid, timeout)

    # Facts and duties

    def _hello(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"node": self.node.id, "pid": os.getpid()}

    def _join(self, request: dict[str, Any]) -> dict[str, Any]:
        network = self.node.join(
            request["network"], request["timeout"], bool(request["wait"]), request["token"]
        )
        return {"id": network.id}

    def _leave(self, request: dict[str, Any]) -> dict[str, Any]:
        nwid = f"{addresses.network_id(request['network']):016x}"
        self.node.leave(nwid)
        return {"id": nwid}

    def _facts(self, request: dict[str, Any]) -> dict[str, Any]:
        network = self._network(request)
        dns = network.dns
        return {
            "name": network.name,
            "status": network.status,
            "addresses": [str(address) for address in network.addresses],
            "domain": dns.domain,
            "servers": [server.hex() for server in dns.servers],
        }

    def _resolve(self, request: dict[str, Any]) -> dict[str, Any]:
        hosts = self._network(request).hosts(request["host"], request["timeout"], None)
        return {"hosts": [ip.hex() for ip in hosts]}

    def _routed(self, request: dict[str, Any]) -> dict[str, Any]:
        hosts = [bytes.fromhex(ip) for ip in request["hosts"]]
        if any(len(ip) != 16 for ip in hosts):
            raise InputError("an address of 16 bytes is wanted")
        return {"hosts": [ip.hex() for ip in self._network(request).routed(hosts)]}

    def _ping(self, request: dict[str, Any]) -> dict[str, Any]:
        keys = ("host", "count", "timeout", "interval", "size")
        result = self._network(request).ping(*(request[key] for key in keys))
        echoes = [[echo.sequence, echo.seconds, echo.error] for echo in result.echoes]
        return {"address": result.address, "echoes": echoes}

    # Connections

    def _connect(self, request: dict[str, Any]) -> Answer:
        host, port = request["address"]
        timeout = request["timeout"]
        if request["network"] is None:
            near = self.node.connect((host, port), timeout)
        else:
            near = self._network(request, timeout).connect((host, port), timeout)
        facts = {"local": near.getsockname(), "remote": near.getpeername(), "peer": near.peer_id}
        ours, theirs = pair()
        try:
            number = self.carry(near, ours)
        except BaseException:
            ours.close()
            theirs.close()
            raise
        return {**facts, "number": number}, theirs

    def new_number(self) -> int:
        """A connection's number, by which its client asks how it ended."""
        with self._lock:
            self._number += 1
            return self._number

    def carry(self, near: Socket, sock: socket.socket, number: int | None = None) -> int:
        """Have the node carry a connection; its number."""
        known = self.new_number() if number is None else number

        def ended(bridge: Bridge) -> None:
            if bridge.failed:
                self._endings[known] = bridge.connection.error or errno.ECONNRESET
                while len(self._endings) > MAX_ENDINGS:
                    del self._endings[next(iter(self._endings))]

        near.hand_over(sock, ended)
        return known

    def ended(self, number: int) -> int:
        """How a connection ended: an errno, 0 in order."""
        return self.node.perform(lambda core, now: self._endings.pop(number, 0))

    # Listeners and datagrams

    def _listen(self, channel: Channel, request: dict[str, Any]) -> dict[str, Any]:
        name = str(request["path"])
        if channel in self._listening or Path(name).name != name:
            raise InputError("one listener a connection, in the agent's directory")
        network = self._network(request)
        if len(self._listening) >= MAX_LISTENERS:
            raise OSError(errno.ENOBUFS, "the agent has too many listeners")
        listener = network.listen(int(request["port"]), request["host"])
        self._listening[channel] = Listening(self, listener, self.directory / name)
        return {"port": listener.port, "local": listener.getsockname()}

    def gone(self, channel: Channel) -> None:
        """A client's connection has ended: its listener ends when no process has the socket any more."""
        made = self._listening.get(channel)
        if made is not None:
            made.orphaned(lambda: self._listening.pop(channel, None))

    def _udp(self, request: dict[str, Any]) -> Answer:
        if len(self._datagrams) >= MAX_DATAGRAM_SOCKETS:
            raise OSError(errno.ENOBUFS, "the agent has too many UDP sockets")
        bound = self._network(request).udp(int(request["port"]), request["host"])
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError as error:
            bound.close()
            raise OSError(error.errno, "the agent has no datagrams on this system") from None
        for end in (ours, theirs):
            agent_wire.enlarge(end, agent_wire.BUFFER)
        made = Datagrams(bound, ours, self._datagrams.discard)
        self._datagrams.add(made)
        return {"local": bound.getsockname()}, theirs

    def busy(self) -> bool:
        """Whether clients have sockets."""
        return bool(self.node._driver.bridges.count or self._listening or self._datagrams)

    def close(self) -> None:
        """End listeners and datagram sockets."""
        for listening in list(self._listening.values()):
            listening.close()
        for datagrams in list(self._datagrams):
            with contextlib.suppress(OSError):
                datagrams.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected stream sockets, the agent's and a client's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    agent_wire.enlarge(ours, agent_wire.BUFFER)
    agent_wire.enlarge(theirs, agent_wire.CLIENT_BUFFER)
    return ours, theirs
