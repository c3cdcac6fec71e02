"""Programs that know only the system's sockets reach the network of an agent."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from support.agents import PATIENCE, Scene, beside

import fastzt


def test_patched(scene: Scene) -> None:
    """Programs that know only the system's sockets reach the agent's network."""

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection(scene.far_ip, port)
        writer.write(b"hello")
        data = await asyncio.wait_for(reader.readexactly(5), PATIENCE)
        writer.close()
        await writer.wait_closed()
        return data

    def echo() -> None:
        for _ in range(3):
            conn, _ = listener.accept()
            with conn:
                conn.sendall(conn.recv(5))

    with scene.far.listen(0) as listener, fastzt.patched(scene.net, f"{scene.far_ip}/32"):
        thread = beside(echo)
        with socket.create_connection((scene.far_ip, listener.port), PATIENCE) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            assert sock.getpeername() == (scene.far_ip, listener.port)
            assert sock.peer_id == scene.other.id
            sock.sendall(b"hello")
            assert sock.recv(5) == b"hello"
        assert asyncio.run(ask(listener.port)) == b"hello"
        with contextlib.closing(pytest.importorskip("uvloop").new_event_loop()) as loop:
            assert loop.run_until_complete(ask(listener.port)) == b"hello"
        thread.join(PATIENCE)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((scene.far_ip, 9), PATIENCE)


def test_patched_datagrams(scene: Scene) -> None:
    """As connections: to any address by one socket, or to one that it is connected to."""

    def echo() -> None:
        for _ in range(4):
            data, there = server.recvfrom(100)
            server.sendto(data.upper(), there)

    with scene.far.udp() as server, fastzt.patched(scene.net):
        server.settimeout(PATIENCE)
        place = (scene.far_ip, server.port)
        thread = beside(echo)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            for text in (b"one", b"two"):
                assert sock.sendto(text, place) == 3
                assert sock.recvfrom(100) == (text.upper(), place)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(place)
            assert sock.getpeername() == place
            for text in (b"three", b"four"):
                sock.send(text)
                assert sock.recv(100) == text.upper()
        thread.join(PATIENCE)


def test_a_patched_connect_can_be_given_up(scene: Scene) -> None:
    async def main() -> None:
        task = asyncio.create_task(asyncio.open_connection("10.121.15.97", 80))
        done, _ = await asyncio.wait([task], timeout=0.05)
        assert not done
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with fastzt.patched(scene.net):
        asyncio.run(main())
