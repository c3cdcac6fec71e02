"""HTTP clients of asyncio through a network: TLS by a private authority, HTTP/2, many requests at once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
import httpx
import pytest
from support.aio_nodes import AioPair
from support.authority import Authority
from support.http_clients import each
from support.site import Site

import fastzt
from fastzt.integrations import httpx as through_httpx
from fastzt.integrations.aiohttp import Connector

COUNT = 1000 if fastzt.is_compiled() else 60


def expected(pair: AioPair, told: dict[str, Any], **fields: Any) -> None:
    """What the site tells of a request."""
    assert told["client"][0] == str(pair.net_a.addresses[0].ip)
    assert told["server"][0] == pair.host
    assert {name: told[name] for name in fields} == fields


@each
def test_requests(pair: AioPair, site: Site, library: Any, through: Any) -> None:
    async def go() -> None:
        transport = through.AsyncTransport(pair.net_a)
        async with library.AsyncClient(transport=transport, timeout=60) as client:
            told = (await client.get(f"{site.http}/one")).json()
            expected(pair, told, method="GET", path="/one", scheme="http", received=0)
            told = (await client.post(f"{site.http}/two", content=bytes(300_000))).json()
            expected(pair, told, method="POST", path="/two", received=300_000)
        transport = through.AsyncTransport(pair.a)  # the node finds the network
        async with library.AsyncClient(transport=transport, timeout=60) as client:
            assert (await client.get(f"{site.http}/")).status_code == 200

    pair.run(go())


@each
def test_tls(pair: AioPair, site: Site, library: Any, through: Any) -> None:
    async def go() -> None:
        transport = through.AsyncTransport(pair.net_a, verify=site.authority.client())
        async with library.AsyncClient(transport=transport, timeout=60) as client:
            expected(pair, (await client.get(f"{site.https}/secret")).json(), scheme="https", path="/secret")
        other = through.AsyncTransport(pair.net_a, verify=Authority(pair.host).client())
        async with library.AsyncClient(transport=other, timeout=60) as client:
            with pytest.raises(library.ConnectError, match="certificate"):
                await client.get(site.https)
        await forget_handshakes(pair)

    pair.run(go())


async def forget_handshakes(pair: AioPair) -> None:
    """What a server's loop says of a client that refused its certificate."""
    await asyncio.sleep(0)
    pair.errors[:] = [context for context in pair.errors if "handshake" not in context["message"]]


@each
def test_http2(pair: AioPair, site: Site, library: Any, through: Any) -> None:
    async def go() -> None:
        transport = through.AsyncTransport(pair.net_a, verify=site.authority.client(), http2=True)
        async with library.AsyncClient(transport=transport, timeout=60) as client:
            answers = await asyncio.gather(*(client.get(f"{site.http2}/{n}") for n in range(20)))
            assert [answer.text for answer in answers] == [f"/{n}" for n in range(20)]
            assert {answer.http_version for answer in answers} == {"HTTP/2"}

    pair.run(go())


@each
def test_errors(pair: AioPair, site: Site, library: Any, through: Any) -> None:
    async def go() -> None:
        async with library.AsyncClient(transport=through.AsyncTransport(pair.net_a), timeout=60) as client:
            with pytest.raises(library.ConnectError, match="refused"):
                await client.get(f"http://{pair.host}:9/")
            with pytest.raises(library.ConnectError, match="no route"):
                await client.get("http://192.0.2.7/")
            with pytest.raises(library.ConnectTimeout):
                await client.get("http://10.121.15.210/", timeout=0.1)
            async with await pair.net_b.create_server(asyncio.Protocol, 0) as silent:
                with pytest.raises(library.ReadTimeout):
                    await client.get(
                        f"http://{pair.host}:{silent.port}/", timeout=library.Timeout(60, read=0.1)
                    )
                silent.abort_clients()

    pair.run(go())


def test_many_requests_by_httpx(pair: AioPair, site: Site) -> None:
    async def go() -> None:
        transport = through_httpx.AsyncTransport(
            pair.net_a, limits=httpx.Limits(max_connections=COUNT, max_keepalive_connections=COUNT)
        )
        async with httpx.AsyncClient(transport=transport, timeout=110) as client:
            answers = await asyncio.gather(*(client.get(f"{site.http}/{n}") for n in range(COUNT)))
        assert [answer.json()["path"] for answer in answers] == [f"/{n}" for n in range(COUNT)]
        assert len({tuple(answer.json()["client"]) for answer in answers}) == COUNT  # each its connection

    pair.run(go())


def test_many_requests_by_aiohttp(pair: AioPair, site: Site) -> None:
    async def one(session: aiohttp.ClientSession, number: int) -> tuple[str, tuple[str, int]]:
        async with session.get(f"{site.http}/{number}") as answer:
            told = await answer.json()
            return told["path"], tuple(told["client"])

    async def go() -> None:
        async with aiohttp.ClientSession(connector=Connector(pair.net_a, limit=COUNT)) as session:
            found = await asyncio.gather(*(one(session, number) for number in range(COUNT)))
        assert [path for path, _ in found] == [f"/{n}" for n in range(COUNT)]
        assert len({client for _, client in found}) == COUNT

    pair.run(go())


def test_aiohttp_and_tls(pair: AioPair, site: Site) -> None:
    async def go() -> None:
        async with aiohttp.ClientSession(connector=Connector(pair.net_a)) as session:
            async with session.post(
                f"{site.https}/secret", data=bytes(300_000), ssl=site.authority.client()
            ) as answer:
                expected(pair, await answer.json(), scheme="https", path="/secret", received=300_000)
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(site.https, ssl=Authority(pair.host).client())
        async with (
            aiohttp.ClientSession(connector=Connector(pair.a)) as session,
            session.get(site.http) as answer,
        ):
            assert answer.status == 200
        await forget_handshakes(pair)

    pair.run(go())


def test_aiohttp_errors(pair: AioPair, site: Site) -> None:
    async def go() -> None:
        async with aiohttp.ClientSession(connector=Connector(pair.net_a)) as session:
            with pytest.raises(aiohttp.ClientConnectorError, match="refused"):
                await session.get(f"http://{pair.host}:9/")
            with pytest.raises(aiohttp.ClientConnectorError, match="no route"):
                await session.get("http://192.0.2.7/")
            with pytest.raises(asyncio.TimeoutError):
                await session.get("http://10.121.15.210/", timeout=aiohttp.ClientTimeout(sock_connect=0.1))

    pair.run(go())


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_a_websocket(pair: AioPair, site: Site, secure: bool) -> None:
    async def go() -> None:
        url = (site.https if secure else site.http).replace("http", "ws", 1)
        context = site.authority.client() if secure else True
        async with (
            aiohttp.ClientSession(connector=Connector(pair.net_a)) as session,
            session.ws_connect(url, ssl=context) as socket,
        ):
            for word in ("one", "two"):
                await socket.send_str(word)
                assert (await socket.receive_str()) == word.upper()

    pair.run(go())


def test_cancelled_requests_leave_nothing(pair: AioPair, site: Site) -> None:
    """A request that is given up at any step leaves no connection behind, once its client is closed."""

    async def go() -> None:
        for rounds in (0, 1, 2, 4, 8, 16, 32):
            async with httpx.AsyncClient(
                transport=through_httpx.AsyncTransport(pair.net_a, verify=site.authority.client()), timeout=60
            ) as client:
                asking = asyncio.ensure_future(client.get(site.https))
                for _ in range(rounds):
                    await asyncio.sleep(0)
                asking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asking
        sockets = pair.a._parts.core.sockets
        await pair.until(lambda: len(sockets) == 0)
        await forget_handshakes(pair)

    pair.run(go())
