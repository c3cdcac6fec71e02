"""DatagramTransport does for a protocol what asyncio's does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from support.aio_nodes import AioPair, aio_pair

import fastzt


@pytest.fixture(scope="module", params=["asyncio", "uvloop", "threads"])
def pair(request: pytest.FixtureRequest) -> Iterator[AioPair]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with aio_pair(request.param) as made:
        yield made


class Recorder(asyncio.DatagramProtocol):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, Any]] = []
        self.errors: list[Exception] = []
        self.heard: list[str] = []
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.heard.append("made")

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.append((data, addr))

    def error_received(self, exc: Exception) -> None:
        self.errors.append(exc)

    def pause_writing(self) -> None:
        self.heard.append("pause")

    def resume_writing(self) -> None:
        self.heard.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


def test_datagrams_go_both_ways(pair: AioPair) -> None:
    async def go() -> None:
        far, far_protocol = await pair.net_b.create_datagram_endpoint(Recorder, 9000)
        assert far.get_extra_info("sockname") == ("0.0.0.0", 9000)
        near, near_protocol = await pair.net_a.create_datagram_endpoint(Recorder)
        near.sendto(b"question", (pair.host, 9000))
        await pair.until(lambda: bool(far_protocol.received))
        data, source = far_protocol.received[0]
        assert (data, source[0]) == (b"question", str(pair.net_a.addresses[0].ip))
        far.sendto(b"answer", source)
        await pair.until(lambda: bool(near_protocol.received))
        assert near_protocol.received == [(b"answer", (pair.host, 9000))]
        near.close()
        far.abort()
        assert await near_protocol.lost is None
        assert await far_protocol.lost is None
        near.sendto(b"nowhere", (pair.host, 9000))
        await pair.settled()

    pair.run(go())


def test_a_connected_endpoint(pair: AioPair) -> None:
    async def go() -> None:
        far, far_protocol = await pair.net_b.create_datagram_endpoint(Recorder)
        port = far.get_extra_info("sockname")[1]
        near, near_protocol = await pair.net_a.create_datagram_endpoint(
            Recorder, remote_addr=(pair.host, port)
        )
        assert near.get_extra_info("peername") == (pair.host, port)
        near.sendto(b"x")
        await pair.until(lambda: bool(far_protocol.received))
        with pytest.raises(ValueError, match="not the address"):
            near.sendto(b"x", (pair.host, port + 1))
        far.close()
        while not near_protocol.errors:  # nobody listens there any more
            near.sendto(b"x")
            await asyncio.sleep(0.01)
        assert isinstance(near_protocol.errors[0], ConnectionRefusedError)
        near.close()
        await pair.settled()

    pair.run(go())


def test_what_cannot_be_sent(pair: AioPair) -> None:
    async def go() -> None:
        near, protocol = await pair.net_a.create_datagram_endpoint(Recorder)
        with pytest.raises(fastzt.InputError, match="name"):
            near.sendto(b"x", ("a-name", 9))
        near.sendto(bytes(70_000), (pair.host, 9))
        near.sendto(b"x", ("192.0.2.1", 9))
        near.sendto(b"x")
        assert [type(error) for error in protocol.errors] == [OSError, fastzt.NoRouteError, OSError]
        near.close()
        with pytest.raises(fastzt.NoRouteError):
            await pair.net_a.create_datagram_endpoint(Recorder, remote_addr=("192.0.2.1", 9))
        await pair.settled()

    pair.run(go())


def test_a_full_buffer_pauses_the_protocol(pair: AioPair) -> None:
    """What is for a neighbor that is still looked for waits; nobody answers, and there is room again."""

    async def go() -> None:
        near, protocol = await pair.net_a.create_datagram_endpoint(Recorder, remote_addr=("10.121.15.203", 9))
        near.set_write_buffer_limits(high=5000, low=1000)
        while "pause" not in protocol.heard:
            near.sendto(bytes(1000))
        assert near.get_write_buffer_size() > 5000
        await pair.until(lambda: "resume" in protocol.heard)
        assert {type(error) for error in protocol.errors} == {fastzt.HostUnreachableError}
        near.abort()
        assert await protocol.lost is None
        await pair.settled()

    pair.run(go())
