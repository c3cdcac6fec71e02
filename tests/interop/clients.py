"""Clients of real servers in a process of its own: `clients.py STATE PLANET NETWORK HOST USER AUTHORITY`.

Each prints its name once it has got what it asked for, through nothing but the network of its node.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import ssl
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import asyncpg
import psycopg
import pytest
import redis
import requests

import fastzt
from fastzt.integrations.aiohttp import Connector
from fastzt.integrations.requests import Adapter
from fastzt.integrations.urllib3 import Manager

ROWS = 10_000
PATIENCE = 60.0


class Clients:
    """Their servers are at the usual ports of `host`; `user` is PostgreSQL's, `authority` a file."""

    def __init__(self, net: Any, host: str, user: str, authority: str) -> None:
        self.net = net
        self.host = host
        self.user = user
        self.authority = authority
        self.url = f"https://{host}/one"
        self.trust = ssl.create_default_context(cafile=authority)

    def redis(self) -> None:
        """Routed as Python's own sockets are."""
        with fastzt.patched(self.net), redis.Redis(self.host, socket_timeout=PATIENCE) as client:
            client.set("key", b"v" * 100_000)
            assert client.get("key") == b"v" * 100_000

    def psycopg(self) -> None:
        """Connects in C."""
        with self.net.forwarded(self.host, 5432, timeout=PATIENCE) as (here, port):
            where = f"host={here} port={port} user={self.user} dbname=postgres connect_timeout=60"
            with psycopg.connect(where) as connection, connection.cursor() as cursor:
                cursor.execute("create temporary table t (n int)")
                with cursor.copy("copy t from stdin") as copy:
                    for number in range(ROWS):
                        copy.write_row((number,))
                assert cursor.execute("select count(*) from t").fetchone() == (ROWS,)

    def asyncpg(self) -> None:
        """Stock asyncio."""

        async def ask() -> Any:
            found = await asyncpg.connect(
                host=self.host, user=self.user, database="postgres", timeout=PATIENCE
            )
            try:
                return await found.fetchval("select sum(n) from generate_series(1, 100000) n")
            finally:
                await found.close()

        with fastzt.patched(self.net):
            assert asyncio.run(ask()) == 5_000_050_000

    def httpx(self, name: str = "httpx") -> None:
        """And httpx2 where it is."""
        library = importlib.import_module(name)
        through = importlib.import_module(f"fastzt.integrations.{name}")
        transport = through.Transport(self.net, verify=self.trust)
        with library.Client(transport=transport, timeout=PATIENCE) as client:
            assert client.get(self.url).json()["scheme"] == "https"
        with (
            library.Client(transport=through.Transport(self.net), timeout=PATIENCE) as client,
            pytest.raises(library.ConnectError, match="certificate"),  # without the authority
        ):
            client.get(self.url)

    def httpx2(self) -> None:
        """It needs Python 3.11."""
        if importlib.util.find_spec("httpx2"):
            self.httpx("httpx2")

    def requests(self) -> None:
        """By an adapter."""
        with requests.Session() as session:
            session.mount("https://", Adapter(self.net))
            answer = session.get(self.url, verify=self.authority, timeout=PATIENCE)
            assert answer.json()["path"] == "/one"

    def urllib3(self) -> None:
        """By a pool manager."""
        with Manager(self.net, ca_certs=self.authority, retries=False, timeout=PATIENCE) as manager:
            assert manager.request("GET", self.url).json()["scheme"] == "https"


async def aiohttp_and_websocket(node: fastzt.aio.Node, nwid: str, host: str, trust: ssl.SSLContext) -> None:
    """By a connector, in an event loop of their own."""
    net = await node.join(nwid, timeout=PATIENCE)
    async with aiohttp.ClientSession(connector=Connector(net)) as session:
        async with session.get(f"https://{host}/one", ssl=trust) as answer:
            assert (await answer.json())["scheme"] == "https"
        async with session.ws_connect(f"wss://{host}/", ssl=trust) as socket:
            for word in ("one", "two"):
                await socket.send_str(word)
                assert await socket.receive_str(timeout=PATIENCE) == word.upper()


def main(state: str, planet: str, nwid: str, host: str, user: str, authority: str) -> None:
    """One after the other."""
    with fastzt.Node(state=state, planet=planet) as node:
        clients = Clients(node.join(nwid, timeout=PATIENCE), host, user, authority)
        works: list[Callable[[], None]] = [clients.redis, clients.psycopg, clients.asyncpg]
        works += [clients.httpx, clients.httpx2, clients.requests, clients.urllib3]
        for work in works:
            work()
            print(work.__name__, flush=True)

    async def go() -> None:
        async with fastzt.aio.Node(state=state, planet=planet) as node:
            await aiohttp_and_websocket(node, nwid, host, clients.trust)

    asyncio.run(go())
    print("aiohttp", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
