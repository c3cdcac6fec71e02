"""asyncssh through a ZeroTier network: `connect` and `listen` take `tunnel=Tunnel(net)`.

Needs the extra `fastzt[ssh]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asyncssh.logging import logger

from ..api.aio.network import Network
from ..api.aio.node import Node
from ..api.aio.server import Server


class Tunnel:
    """What asyncssh takes as `tunnel`: it makes connections through `network` (of fastzt.aio)."""

    logger = logger

    def __init__(self, network: Network | Node) -> None:
        self._network = network

    async def create_connection(
        self, session_factory: Callable[[], Any], remote_host: str, remote_port: int
    ) -> tuple[Any, Any]:
        """A connection for an SSH session."""
        network = self._network
        if isinstance(network, Node):
            network = await network.find(remote_host)
        return await network.create_connection(session_factory, remote_host, remote_port)

    async def create_server(
        self, session_factory: Callable[..., Any], listen_host: str, listen_port: int
    ) -> Server:
        """A listening port for SSH sessions."""
        if isinstance(self._network, Node):
            raise TypeError("a node has several networks: listen on one of them")
        return await self._network.create_server(lambda: session_factory("", 0), listen_port, listen_host)

    def close(self) -> None:
        """The network outlives the connections."""

    async def wait_closed(self) -> None:
        """Nothing to wait for."""
