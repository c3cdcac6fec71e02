"""The life of a node in an event loop: its state, its threads, and ends that nobody prepared."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.aio_nodes import new_loop
from support.nodes import LOOPBACK, SECRETS, Lab, lab
from support.ports import free_port

import fastzt
from fastzt import aio

PORTS = free_port(), free_port()  # kept: others answer at a path that they knew for up to 20 s


@pytest.fixture(scope="module")
def made() -> Iterator[Lab]:
    with lab() as found:
        yield found


def test_state_is_kept(made: Lab, tmp_path: Path) -> None:
    nwid = made.network("10.121.20", private=False)

    secret = tmp_path / "identity.secret"
    secret.touch(0o600)
    secret.write_text(SECRETS[4])

    async def once() -> tuple[str, int, list[object]]:
        async with aio.Node(tmp_path, planet=made.planet, config=LOOPBACK) as node:
            with pytest.raises(fastzt.StateError):
                await aio.Node(tmp_path, planet=made.planet, config=LOOPBACK).start()
            network = await node.join(nwid)
            return node.id, node.port, list(network.addresses)

    first = asyncio.run(once())
    assert SECRETS[4].startswith(first[0])
    assert (tmp_path / "networks.d" / f"{nwid}.conf").exists()
    assert asyncio.run(once()) == first


def test_wrong_arguments_are_refused(made: Lab) -> None:
    async def go() -> None:
        with pytest.raises(fastzt.InputError):
            await aio.Node(planet=b"none").start()
        with pytest.raises(fastzt.InputError):
            await aio.Node(port=-1).start()
        async with aio.Node(planet=made.planet, config=LOOPBACK, identity=SECRETS[3]) as node:
            with pytest.raises(fastzt.InputError):
                await node.join("no network")
            with pytest.raises(fastzt.NotAuthorizedError, match=node.id):
                await node.join(made.network("10.121.21"))
            assert node.networks == []
            with pytest.raises(fastzt.ControllerUnreachableError):
                await node.join(f"{SECRETS[4][:10]}000001", timeout=0.05)
        assert node.closed
        assert repr(node) == f"<fastzt.aio.Node {node.id} closed>"
        with pytest.raises(OSError, match="closed"):
            await node.join("0000000000000001")
        await node.close()

    asyncio.run(go())
    assert aio.Node().closed
    assert repr(aio.Node()) == "<fastzt.aio.Node not started>"


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_the_loop_drives_alone(made: Lab, kind: str) -> None:
    """No thread of the project's is there while data moves, but the one that files are written by."""
    if kind == "uvloop":
        pytest.importorskip("uvloop")
    nwid = made.network("10.121.22", private=False)

    async def go() -> None:
        before = {thread.name for thread in threading.enumerate()}
        async with (
            aio.Node(planet=made.planet, config=LOOPBACK, identity=SECRETS[2], port=PORTS[1]) as b,
            aio.Node(planet=made.planet, config=LOOPBACK, identity=SECRETS[1], port=PORTS[0]) as a,
        ):
            net_a, net_b = await asyncio.gather(a.join(nwid), b.join(nwid))

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"hello")
                writer.close()

            async with await net_b.start_server(connected, 0) as server:
                reader, writer = await net_a.open_connection(str(net_b.addresses[0].ip), server.port)
                assert await reader.read() == b"hello"
                running = {thread.name for thread in threading.enumerate() if "fastzt" in thread.name}
                assert running - before <= {"fastzt-worker"}
                writer.close()

    loop = new_loop(kind)
    try:
        loop.run_until_complete(go())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


ENDS = {
    "loop closed": "loop.run_until_complete(node.start()); loop.close()",
    "server left": "loop.run_until_complete(serve()); loop.close()",
    "threads, loop closed": "loop.close(); loop = Blind(); loop.run_until_complete(serve()); loop.close()",
    "loop stopped": (
        "loop.call_later(0.2, loop.stop); loop.create_task(wait()); loop.run_forever(); close(loop)"
    ),
    "exit": "loop.close(); asyncio.run(leave())",
}
PROGRAM = """
import asyncio, logging, sys
from fastzt import aio
from fastzt.node.config import NodeConfig

# A busy machine makes callbacks slow, which the debug mode tells.
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))

class Blind(asyncio.SelectorEventLoop):
    def add_reader(self, fd, callback, *args):
        raise NotImplementedError

async def serve():
    asyncio.get_running_loop().slow_callback_duration = 3600
    await node.start()
    return await serve_in(node)

async def wait():
    await serve()
    async for event in node.events():
        pass

async def leave():
    asyncio.get_running_loop().slow_callback_duration = 3600
    async with node:
        await serve_in(node)
        sys.exit(0)

async def serve_in(node):
    net = await node.join("ff00160016000000")
    return await net.start_server(lambda r, w: None, 22)

def close(loop):
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

config = NodeConfig(bind=("127.0.0.1",))
loop = asyncio.new_event_loop()
loop.slow_callback_duration = 3600  # a busy machine's slow callbacks are not the subject
node = aio.Node(config=config, peers=[], identity=sys.argv[1])
"""


@pytest.mark.parametrize("end", ENDS)
def test_a_process_ends_whatever_became_of_the_loop(end: str) -> None:
    """Without a hang, a warning or a word."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM + ENDS[end], SECRETS[1]]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (found.returncode, found.stderr) == (0, "")
