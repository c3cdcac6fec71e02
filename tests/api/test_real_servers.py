"""Clients that know nothing of ZeroTier, with the real servers of each behind the other member of a network.

The servers listen on this host's loopback interface alone; member b exposes them on the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.nodes import Pair
from support.services import postgres_server, redis_server, ssh_server

import fastzt
from fastzt.gateway.forwarding import Forwarding
from fastzt.gateway.forwards import Forward


def library(name: str) -> Any:
    """A client; without it the test is skipped, or fails with FASTZT_REQUIRE_INTEROP=1."""
    if os.environ.get("FASTZT_REQUIRE_INTEROP", "") not in ("", "0"):
        return __import__(name)
    return pytest.importorskip(name)


@pytest.fixture(scope="module")
def expose(pair: Pair) -> Iterator[Any]:
    """Make a port of this host reachable on the network: where that is."""
    forwardings = []
    troubles: list[str] = []

    def begin(port: int) -> tuple[str, int]:
        forward = Forward(True, "", port, "127.0.0.1", port)
        forwardings.append(Forwarding(pair.net_b, (forward,), troubles.append))
        return pair.ip(pair.net_b), port

    yield begin
    for forwarding in forwardings:
        forwarding.close()
    assert troubles == []


@pytest.fixture(scope="module")
def postgres(expose: Any) -> Iterator[tuple[str, int, str]]:
    with postgres_server() as (port, user):
        yield (*expose(port), user)


def test_redis(pair: Pair, expose: Any, tmp_path: Path) -> None:
    redis = library("redis")
    with redis_server(tmp_path) as local, fastzt.patched(pair.net_a, "10.121.15.0/24"):
        host, port = expose(local)
        with redis.Redis(host, port, socket_timeout=60) as client:
            assert client.ping()
            client.set("key", b"v" * 100_000)
            assert client.get("key") == b"v" * 100_000
            with client.pipeline() as pipeline:
                for number in range(100):
                    pipeline.incr("count", number)
                assert pipeline.execute()[-1] == 4950

        async def main() -> Any:
            async with redis.asyncio.Redis(host=host, port=port) as client:
                return await client.get("count")

        assert asyncio.run(main()) == b"4950"
        assert in_uvloop(main()) == b"4950"


def in_uvloop(coroutine: Any) -> Any:
    with contextlib.closing(library("uvloop").new_event_loop()) as loop:
        return loop.run_until_complete(coroutine)


def test_httpx_in_uvloop(pair: Pair, expose: Any) -> None:
    httpx = library("httpx")

    async def main(url: str) -> int:
        async with httpx.AsyncClient(timeout=60) as client:
            return int((await client.get(url)).status_code)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host, port = expose(server.server_address[1])
        with fastzt.patched(pair.net_a):
            assert in_uvloop(main(f"http://{host}:{port}/")) == 501
        server.shutdown()
        thread.join()


def test_paramiko(pair: Pair, expose: Any, tmp_path: Path) -> None:
    paramiko = library("paramiko")
    with ssh_server(tmp_path) as (local, key), fastzt.patched(pair.net_a):
        host, port = expose(local)
        with paramiko.SSHClient() as client:
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            client.connect(
                host,
                port,
                getpass.getuser(),
                key_filename=str(key),
                allow_agent=False,
                look_for_keys=False,
                timeout=60,
            )
            assert client.get_transport().getpeername() == (host, port)
            _, output, _ = client.exec_command("printf '%s' \"$SSH_CONNECTION\"", timeout=60)
            assert output.read().split()[0] == b"127.0.0.1"  # of whoever exposes it


def test_asyncpg(pair: Pair, postgres: tuple[str, int, str]) -> None:
    asyncpg = library("asyncpg")
    host, port, user = postgres

    @fastzt.patched(pair.net_a)
    async def main() -> Any:
        connection = await asyncpg.connect(host=host, port=port, user=user, database="postgres", timeout=60)
        try:
            return await connection.fetchval("select sum(n) from generate_series(1, 100000) n")
        finally:
            await connection.close()

    assert asyncio.run(main()) == 5_000_050_000


def test_psycopg(pair: Pair, postgres: tuple[str, int, str]) -> None:
    psycopg = library("psycopg")
    host, port, user = postgres
    with pair.net_a.forwarded(host, port) as (here, local_port):
        where = f"host={here} port={local_port} user={user} dbname=postgres connect_timeout=60"
        with psycopg.connect(where) as connection, connection.cursor() as cursor:
            cursor.execute("create temporary table t (n int)")
            with cursor.copy("copy t from stdin") as copy:
                for number in range(10_000):
                    copy.write_row((number,))
            assert cursor.execute("select sum(n) from t").fetchone() == (49_995_000,)
