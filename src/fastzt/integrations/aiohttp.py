"""aiohttp through a ZeroTier network: `aiohttp.ClientSession(connector=Connector(net))`.

Needs the extra `fastzt[aiohttp]`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ..api.aio.network import Network
from ..api.aio.node import Node


class Resolver(AbstractResolver):
    """Gives names back as they are: the network resolves them when it connects."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """One entry, the host itself."""
        return [
            ResolveResult(hostname=host, host=host, port=port, family=family, proto=0, flags=0),
        ]

    async def close(self) -> None:
        """Nothing is held."""


class Connector(aiohttp.TCPConnector):
    """aiohttp.TCPConnector whose connections go through `network` (of fastzt.aio, or a node of it)."""

    def __init__(self, network: Network | Node, **options: Any) -> None:
        super().__init__(resolver=Resolver(), use_dns_cache=False, **options)
        self._network = network

    async def _wrap_create_connection(  # type: ignore[override]
        self,
        factory: Any,
        *,
        addr_infos: list[Any],
        req: Any,
        timeout: aiohttp.ClientTimeout,
        client_error: type[Exception] = aiohttp.ClientConnectorError,
        ssl: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        **options: Any,
    ) -> Any:
        """Where TCPConnector makes a connection, to whatever host the resolver gave."""
        host, port = addr_infos[0][4][:2]
        return await self._errors(
            self._connect(factory, host, port, timeout.sock_connect, ssl, server_hostname), req, client_error
        )

    async def _connect(
        self,
        factory: Any,
        host: str,
        port: int,
        timeout: float | None,
        context: ssl.SSLContext | None,
        name: str | None,
    ) -> Any:
        network = self._network
        if isinstance(network, Node):
            network = await network.find(host)
        making = network.create_connection(
            factory, host, port, timeout=timeout, ssl=context, server_hostname=name
        )
        return await (asyncio.wait_for(making, timeout) if timeout else making)

    async def _errors(self, making: Any, req: Any, client_error: Any) -> Any:
        """aiohttp's exceptions for the builtin ones."""
        try:
            return await making
        except ssl.SSLCertVerificationError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except ssl.SSLError as error:
            raise aiohttp.ClientConnectorSSLError(req.connection_key, error) from error
        except asyncio.TimeoutError:
            raise
        except OSError as error:
            raise client_error(req.connection_key, error) from error
