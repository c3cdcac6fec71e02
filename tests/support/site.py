"""A web site on a ZeroTier address: uvicorn with an ASGI application, plain and under TLS, and HTTP/2."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h2.config
import h2.connection
import h2.events
import uvicorn

from fastzt.integrations.uvicorn import Server

from .aio_nodes import AioPair
from .authority import Authority

Scope = dict[str, Any]


async def application(scope: Scope, receive: Any, send: Any) -> None:
    """Tells what it was asked, or repeats what a WebSocket says, in capitals."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"].upper()})
        return
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    told = {name: scope[name] for name in ("method", "path", "scheme", "http_version", "client", "server")}
    body = json.dumps({**told, "received": size}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Http2(asyncio.Protocol):
    """Answers each HTTP/2 request with its path."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.connection.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                path = dict(event.headers)[b":path"]
                self.connection.send_headers(event.stream_id, [(":status", "200")])
                self.connection.send_data(event.stream_id, path, end_stream=True)
        self.flush()

    def flush(self) -> None:
        self.transport.write(self.connection.data_to_send())


class Site:
    """`http` and `https` are its addresses; `http2` speaks HTTP/2 alone."""

    def __init__(self, pair: AioPair) -> None:
        self.pair = pair
        self.authority = Authority(pair.host)

    async def start(self) -> None:
        self.plain = await self.serve()
        self.secure = await self.serve(ssl=True)
        self.second = await self.pair.net_b.create_server(Http2, 0, ssl=self.authority.server("h2"))
        self.http = f"http://{self.pair.host}:{self.plain.port}"
        self.https = f"https://{self.pair.host}:{self.secure.port}"
        self.http2 = f"https://{self.pair.host}:{self.second.port}"

    async def serve(self, ssl: bool = False) -> Server:
        config = uvicorn.Config(
            application, port=0, host="", lifespan="off", log_level="warning", backlog=2048
        )
        config.load()
        config.ssl = self.authority.server() if ssl else None
        server = Server(config, self.pair.net_b)
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        return server

    async def stop(self) -> None:
        """End; a client that has kept its connection is not waited for (under TLS: for half a minute)."""
        for server in (self.plain, self.secure):
            server.servers[0].abort_clients()
            await server.shutdown()
        self.second.close()
        self.second.abort_clients()
        await self.second.wait_closed()
