"""An ASGI application on a ZeroTier network: `await fastzt.integrations.uvicorn.serve(app, net, port)`.

Needs the extra `fastzt[asgi]`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
from uvicorn.server import logger

from ..api.aio import server as aio_server
from ..api.aio.network import Network

STARTUP_FAILURE = 3  # uvicorn's own exit status


class Server(uvicorn.Server):
    """uvicorn.Server that listens on `network` (of fastzt.aio); port and host are its config's.

    The host is one of this node's addresses, or "" for all of them.
    """

    servers: list[Any]

    def __init__(self, config: uvicorn.Config, network: Network) -> None:
        super().__init__(config)
        self._network = network

    @property
    def port(self) -> int:
        """The port that is listened on, once `started`."""
        listening: aio_server.Server = self.servers[0]
        return listening.port

    async def startup(self, sockets: Any = None) -> None:
        """Start the application, then listen."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        config = self.config

        def protocol() -> asyncio.BaseProtocol:
            return config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        try:
            listening = await self._network.create_server(
                protocol, config.port, config.host, ssl=config.ssl, backlog=config.backlog
            )
        except OSError as error:
            logger.error(error)
            await self.lifespan.shutdown()
            sys.exit(1)
        self.servers = [listening]
        logger.info("uvicorn listens on port %d of network %s", listening.port, self._network.id)
        self.started = True


async def serve(app: Any, network: Network, port: int, host: str = "", **options: Any) -> None:
    """Serve until cancelled or told to exit; `options` are uvicorn.Config's."""
    config = uvicorn.Config(app, host=host, port=port, **options)
    config.load()
    await Server(config, network).serve()
