"""HTTP clients that block, through a network of a node with threads: TLS by a private authority, HTTP/2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from support.aio_nodes import AioPair
from support.authority import Authority
from support.http_clients import each
from support.nodes import LOOPBACK, SECRETS
from support.site import Site

import fastzt
from fastzt.integrations.requests import Adapter
from fastzt.integrations.urllib3 import Manager


@pytest.fixture(scope="module")
def net(pair: AioPair) -> Iterator[fastzt.Network]:
    """The network as a node with threads sees it."""
    with fastzt.Node(planet=pair.lab.planet, config=LOOPBACK, identity=SECRETS[3]) as node:
        pair.lab.authorize(pair.nwid, node)
        yield pair.run(asyncio.to_thread(node.join, pair.nwid))


@pytest.fixture
def ask(pair: AioPair, site: Site) -> Callable[[Callable[[], Any]], Any]:
    """Calls what blocks on a thread, while the site's event loop runs."""

    def call(work: Callable[[], Any]) -> Any:
        async def go() -> Any:
            result = await asyncio.to_thread(work)
            pair.errors[:] = [context for context in pair.errors if "handshake" not in context["message"]]
            return result

        return pair.run(go())

    return call


@pytest.fixture
def trust(site: Site, tmp_path: Path) -> str:
    """The file of the authority's certificate."""
    path = tmp_path / "authority.pem"
    site.authority.ca.cert_pem.write_to_path(str(path))
    return str(path)


@each
def test_httpx(net: Any, site: Site, ask: Any, library: Any, through: Any) -> None:
    def work() -> None:
        transport = through.Transport(net, verify=site.authority.client())
        with library.Client(transport=transport, timeout=60) as client:
            assert client.get(f"{site.http}/one").json()["path"] == "/one"
            assert client.post(f"{site.https}/two", content=bytes(300_000)).json()["received"] == 300_000
            with pytest.raises(library.ConnectError, match="refused"):
                client.get(f"http://{site.pair.host}:9/")
        transport = through.Transport(net, verify=site.authority.client(), http2=True)
        with library.Client(transport=transport, timeout=60) as client:
            answer = client.get(f"{site.http2}/three")
            assert (answer.text, answer.http_version) == ("/three", "HTTP/2")
        with (
            library.Client(transport=through.Transport(net), timeout=60) as client,
            pytest.raises(library.ConnectError, match="certificate"),
        ):
            client.get(site.https)

    ask(work)


def test_requests(net: Any, site: Site, ask: Any, trust: str) -> None:
    def work() -> None:
        with requests.Session() as session:
            session.mount("http://", Adapter(net))
            session.mount("https://", Adapter(net))
            for _ in range(2):
                told = session.get(f"{site.http}/one", timeout=60).json()
                assert (told["path"], told["client"][0]) == ("/one", str(net.addresses[0].ip))
            told = session.post(f"{site.https}/two", data=bytes(300_000), verify=trust, timeout=60).json()
            assert (told["scheme"], told["received"]) == ("https", 300_000)
            with pytest.raises(requests.exceptions.SSLError):
                session.get(site.https, timeout=60)
            with pytest.raises(requests.ConnectionError, match="refused"):
                session.get(f"http://{site.pair.host}:9/", timeout=60)
            with pytest.raises(requests.exceptions.ConnectTimeout):
                session.get("http://10.121.15.210/", timeout=0.1)

    ask(work)


def test_urllib3(net: Any, site: Site, ask: Any, trust: str) -> None:
    def work() -> None:
        with Manager(net, ca_certs=trust, retries=False, timeout=60) as manager:
            assert manager.request("GET", f"{site.http}/one").json()["path"] == "/one"
            answer = manager.request("GET", f"{site.https}/two", preload_content=False)
            assert answer.json()["scheme"] == "https"
            answer.release_conn()
            with pytest.raises(urllib3.exceptions.NewConnectionError, match="no route"):
                manager.request("GET", "http://192.0.2.7/")

    ask(work)


def test_another_authority_is_not_trusted(net: Any, site: Site, ask: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    Authority("192.0.2.1").ca.cert_pem.write_to_path(str(other))

    def work() -> None:
        with (
            Manager(net, ca_certs=str(other), retries=False, timeout=60) as manager,
            pytest.raises(urllib3.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            manager.request("GET", site.https)

    ask(work)
