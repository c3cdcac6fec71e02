"""Prometheus metrics of a node: a collector for a registry of the program's own (extra `metrics`).

    registry.register(fastzt.integrations.prometheus.NodeCollector(node))

Nothing is counted twice or kept here: each scrape asks the node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import fastzt

if TYPE_CHECKING:
    from ..api.node import Node


class NodeCollector(Collector):
    """The metrics of one node, its id in the label `node`; a closed one has `fastzt_up` 0 alone."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def describe(self) -> list[Metric]:
        """Nothing: what there is to tell is not known before it is asked for."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What the node tells now."""
        me = self.node.id
        try:
            status, peers = self.node.status(), self.node.peers()
        except OSError:
            yield gauge("up", "Whether the node runs.", {(me,): 0}, [])
            return
        yield gauge("up", "Whether the node runs.", {(me,): 1}, [])
        yield build(me, status)
        for name, text, value in (
            ("online", "Whether a root answers.", status["online"]),
            ("udp_blocked", "Whether no root answers over UDP.", status["udp_blocked"]),
            ("tcp_relay_in_use", "Whether packets go through a TCP relay.", status["tcp_relay"]),
        ):
            yield gauge(name, text, {(me,): value}, [])
        yield from networks(me, status["networks"])
        yield from reached(me, peers)
        sizes = {(me, way): size for way, size in status["buffers"].items()}
        yield gauge("udp_buffer_bytes", "Buffers of the UDP sockets.", sizes, ["direction"])
        for name, label, text in (
            ("dropped", "reason", "Packets dropped, by layer and reason."),
            ("evicted", "table", "Entries that full tables gave up."),
            ("counted", "event", "What else was counted."),
        ):
            yield counter(name, text, {(me, key): n for key, n in status[name].items()}, [label])


Values = Mapping[Any, Any]  # by the values of the labels


def gauge(name: str, text: str, values: Values, labels: list[str]) -> Metric:
    """One value for each set of labels, of which the node is the first."""
    family = GaugeMetricFamily(f"fastzt_{name}", text, labels=["node", *labels])
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def counter(name: str, text: str, values: Values, labels: list[str]) -> Metric:
    """As gauge, of what only grows."""
    family = CounterMetricFamily(f"fastzt_{name}", text, labels=["node", *labels])
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def build(me: str, status: dict[str, Any]) -> Metric:
    """Versions, as labels."""
    key = (me, fastzt.__version__, str(status["compiled"]).lower())
    return gauge("build_info", "Version and build.", {key: 1}, ["version", "compiled"])


def networks(me: str, found: list[dict[str, Any]]) -> Iterator[Metric]:
    """The networks joined."""
    ready = {(me, network["id"], network["name"]): network["status"] == "OK" for network in found}
    yield gauge("network_ready", "Whether the configuration is in use.", ready, ["network", "name"])
    held = {(me, network["id"]): len(network["addresses"]) for network in found}
    yield gauge("network_addresses", "Addresses on the network.", held, ["network"])


def reached(me: str, peers: list[dict[str, Any]]) -> Iterator[Metric]:
    """How many peers are reached how, and how far the roots are."""
    ways = Counter((me, peer["role"], peer["connection"]) for peer in peers)
    yield gauge("peers", "Peers known, by how they are reached.", dict(ways), ["role", "connection"])
    roots = [peer for peer in peers if peer["role"] == "root" and peer["latency_ms"] is not None]
    latencies = {(me, root["id"]): root["latency_ms"] / 1000 for root in roots}
    yield gauge("root_latency_seconds", "Round trip to the roots.", latencies, ["root"])
