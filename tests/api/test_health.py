"""Metrics, health and readiness over HTTP."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from support.nodes import LOOPBACK, SECRETS, Pair, lab, planet_of
from support.ports import free_port

from fastzt import InputError, Node
from fastzt.integrations.health import MAX_REQUESTS, StatusServer
from fastzt.integrations.prometheus import NodeCollector

TOKEN = "not to be guessed"


@pytest.fixture
def served(pair: Pair) -> Iterator[tuple[Pair, str]]:
    with StatusServer(pair.a) as server:
        yield pair, f"http://127.0.0.1:{server.port}"


def get(url: str, **more: object) -> httpx.Response:
    return httpx.get(url, timeout=60, trust_env=False, **more)  # type: ignore[arg-type]


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """By name and labels, those of the node left out."""
    return {
        (sample.name, frozenset((k, v) for k, v in sample.labels.items() if k != "node")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics(served: tuple[Pair, str]) -> None:
    pair, url = served
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        noise.sendto(b"short", ("127.0.0.1", pair.a.port))
    near, far = pair.sockets()  # what came before has been counted
    with near, far:
        answer = get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = samples(answer.text)
    none: frozenset[tuple[str, str]] = frozenset()
    assert found["fastzt_up", none] == found["fastzt_online", none] == 1
    assert found["fastzt_udp_blocked", none] == 0
    assert found["fastzt_network_ready", frozenset({("network", pair.nwid), ("name", "")})] == 1
    assert found["fastzt_network_addresses", frozenset({("network", pair.nwid)})] >= 1
    assert found["fastzt_dropped_total", frozenset({("reason", "vl1.short")})] >= 1
    assert found["fastzt_peers", frozenset({("role", "root"), ("connection", "direct")})] == 1
    assert found["fastzt_root_latency_seconds", frozenset({("root", pair.lab.server.id)})] > 0
    assert found["process_open_fds", none] > 0


def test_a_collector_for_a_registry_of_ones_own(pair: Pair) -> None:
    registry = CollectorRegistry()
    for node in (pair.a, pair.b):
        registry.register(NodeCollector(node))
    for node in (pair.a, pair.b):
        assert registry.get_sample_value("fastzt_up", {"node": node.id}) == 1
    with Node(identity=SECRETS[5], planet=pair.lab.planet, config=LOOPBACK) as ended:
        pass
    registry.register(NodeCollector(ended))
    assert registry.get_sample_value("fastzt_up", {"node": ended.id}) == 0


def test_health_and_readiness(served: tuple[Pair, str]) -> None:
    pair, url = served
    for path in ("/healthz", "/readyz"):
        answer = get(url + path)
        assert answer.status_code == 200
        assert answer.json()["status"] == "ok"
        assert answer.json()["node"] == pair.a.id
    assert httpx.head(f"{url}/healthz", trust_env=False).content == b""


def test_alive_but_not_ready() -> None:
    planet = planet_of(SECRETS[0], free_port())  # nobody is there
    with Node(identity=SECRETS[1], planet=planet, config=LOOPBACK) as node, StatusServer(node) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert get(f"{url}/healthz").status_code == 200
        answer = get(f"{url}/readyz")
        assert answer.status_code == 503
        assert answer.json()["missing"] == ["no root answers"]
        node.close()
        assert get(f"{url}/healthz").status_code == 503
        assert get(f"{url}/readyz").status_code == 503
        assert "fastzt_up" in get(f"{url}/metrics").text


def test_not_ready_while_not_authorized() -> None:
    with lab() as made:
        nwid = made.network()
        node = made.node(1)
        node.perform(lambda core, now: core.join(int(nwid, 16), now))
        with StatusServer(node) as server:
            answer = get(f"http://127.0.0.1:{server.port}/readyz")
            assert answer.status_code == 503
            assert any(text.startswith(f"network {nwid}: ") for text in answer.json()["missing"])


def test_a_host_that_others_reach_needs_a_token(pair: Pair) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com"):
        with pytest.raises(InputError, match="token"):
            StatusServer(pair.a, host)
    with StatusServer(pair.a, "0.0.0.0", token=TOKEN) as server:
        url = f"http://127.0.0.1:{server.port}/metrics"
        assert get(url).status_code == 401
        assert "basic" in get(url).headers["www-authenticate"].lower()
        for wrong in ("Bearer wrong", f"Bearer {TOKEN}x", f"Token {TOKEN}", "Basic !", "Basic"):
            assert get(url, headers={"Authorization": wrong}).status_code == 401
        assert get(url, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert get(url, auth=("anybody", TOKEN)).status_code == 200
        basic = base64.b64encode(b"no colon").decode()
        assert get(url, headers={"Authorization": f"Basic {basic}"}).status_code == 401


def test_ipv6(pair: Pair) -> None:
    with StatusServer(pair.a, "::1") as server:
        assert get(f"http://[::1]:{server.port}/healthz").status_code == 200


def test_what_is_not_there(served: tuple[Pair, str]) -> None:
    assert get(f"{served[1]}/secret").status_code == 404
    assert httpx.post(f"{served[1]}/metrics", trust_env=False).status_code == 501


def test_clients_that_say_nothing_do_not_keep_others_out_for_ever(pair: Pair) -> None:
    """There is room for 16; one that goes away makes room."""
    with StatusServer(pair.a) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MAX_REQUESTS)]
        extra = socket.create_connection(("127.0.0.1", server.port))
        extra.settimeout(60)
        assert extra.recv(1) == b""  # turned away
        for sock in (*idle, extra):
            sock.close()
        for _ in range(1000):
            try:
                assert get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200
                return
            except httpx.TransportError:
                continue
        pytest.fail("no room")


def test_a_port_in_use() -> None:
    """A second server on a port in use is refused by the system."""
    with lab() as running, StatusServer(running.server) as server, pytest.raises(OSError, match="in use"):
        StatusServer(running.server, port=server.port)
