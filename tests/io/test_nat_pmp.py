"""NAT-PMP (RFC 6886) off the wire; with a real router: `tests/interop/test_upnp.py`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastzt._core.endpoint import Endpoint
from fastzt.io import nat_pmp
from fastzt.io.port_mapping import NAT_PMP, PortMapping

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
ON_LINK = "eth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
DEFAULT = "eth0\t00000000\t0100007F\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
OUTSIDE = bytes((0, 128, 0, 0)) + bytes(4) + bytes((6, 77, 0, 2))
MAPPED = (
    bytes((0, 129, 0, 0))
    + bytes(4)
    + (9993).to_bytes(2, "big")
    + (40001).to_bytes(2, "big")
    + bytes((0, 0, 28, 32))
)


class Router(threading.Thread):
    """Answers what it is asked on loopback with the given datagrams, None: not at all."""

    def __init__(self, *answers: bytes | None) -> None:
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = int(self.sock.getsockname()[1])
        self.answers = list(answers)
        self.asked: list[bytes] = []

    def run(self) -> None:
        for answer in self.answers:
            data, sender = self.sock.recvfrom(64)
            self.asked.append(data)
            if answer is not None:
                self.sock.sendto(answer, sender)


@pytest.fixture(autouse=True)
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table whose default gateway is loopback."""
    path = tmp_path / "route"
    path.write_text(HEAD + ON_LINK + DEFAULT)
    monkeypatch.setattr(nat_pmp, "ROUTES", path)
    return path


@pytest.fixture
def routers() -> Iterator[list[Router]]:
    made: list[Router] = []
    yield made
    for router in made:
        router.sock.close()


def asked(routers: list[Router], *answers: bytes | None) -> Router:
    routers.append(Router(*answers))
    routers[-1].start()
    return routers[-1]


def test_a_port_is_mapped(routers: list[Router]) -> None:
    router = asked(routers, None, OUTSIDE, MAPPED)  # the first question is lost
    assert nat_pmp.map_port(9993, 9993, router.port) == Endpoint.parse("6.77.0.2", 40001)
    assert router.asked == [bytes(2), bytes(2), bytes.fromhex("0001 0000 2709 2709 00001c20")]


def test_a_mapping_is_given_back(routers: list[Router]) -> None:
    router = asked(routers, MAPPED)
    nat_pmp.unmap(9993, router.port)
    assert router.asked == [bytes.fromhex("0001 0000 2709 0000 00000000")]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "none of NAT-PMP"),
        (OUTSIDE[:3], "none of NAT-PMP"),
        (b"\x02" + OUTSIDE[1:], "none of NAT-PMP"),  # PCP
        (MAPPED, "none of NAT-PMP"),
        (OUTSIDE[:2] + b"\0\2" + OUTSIDE[4:], "result 2"),
        (OUTSIDE[:11], "too short"),
    ],
)
def test_answers_that_are_none(routers: list[Router], answer: bytes, why: str) -> None:
    router = asked(routers, answer)
    with pytest.raises(nat_pmp.Refused, match=why):
        nat_pmp.map_port(9993, 9993, router.port)


@pytest.mark.parametrize(
    "second",
    [MAPPED[:8] + bytes(2) + MAPPED[10:], MAPPED[:10] + bytes(2) + MAPPED[12:], MAPPED[:12] + bytes(4)],
)
def test_a_mapping_that_is_none(routers: list[Router], second: bytes) -> None:
    """Of another port, to none, for no time."""
    router = asked(routers, OUTSIDE, second)
    with pytest.raises(nat_pmp.Refused, match="maps nothing"):
        nat_pmp.map_port(9993, 9993, router.port)


def test_nobody_listens(routers: list[Router]) -> None:
    router = asked(routers)
    router.sock.close()
    with pytest.raises(nat_pmp.Refused, match=r"127\.0\.0\.1"):
        nat_pmp.map_port(9993, 9993, router.port)


@pytest.mark.parametrize(
    "text", ["", HEAD, HEAD + ON_LINK, HEAD + "nonsense\n", HEAD + DEFAULT.replace("0003", "0001")]
)
def test_without_a_gateway(routes: Path, text: str) -> None:
    routes.write_text(text)
    with pytest.raises(nat_pmp.Refused, match="no default gateway"):
        nat_pmp.gateway()


def test_a_node_without_router_goes_on(routes: Path) -> None:
    routes.write_text(HEAD)
    heard: list[Endpoint | None] = []
    mapping = PortMapping(9993, heard.append, (NAT_PMP,))
    mapping.start()
    mapping.close()
    assert heard == []
