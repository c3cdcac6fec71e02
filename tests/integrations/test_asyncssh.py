"""asyncssh through a network: a server on a ZeroTier address, a client with keys, a command, a transfer."""

from __future__ import annotations

import asyncio

import asyncssh
import pytest
from support.aio_nodes import AioPair

import fastzt
from fastzt.integrations.asyncssh import Tunnel

SIZE = 1 << 20 if fastzt.is_compiled() else 1 << 16
USER = "somebody"


def test_a_session(pair: AioPair) -> None:
    async def shell(process: asyncssh.SSHServerProcess[str]) -> None:
        data = await process.stdin.read()
        process.stdout.write(f"{process.command}: {len(data)}")
        process.exit(7)

    async def go() -> None:
        host, user, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
        keys = asyncssh.import_authorized_keys(user.export_public_key().decode())
        server = await asyncssh.listen(
            "",
            22,
            tunnel=Tunnel(pair.net_b),
            server_host_keys=[host],
            authorized_client_keys=keys,
            process_factory=shell,
        )
        known = f"{pair.host} {host.export_public_key().decode()}".encode()
        options = {"username": USER, "known_hosts": known, "config": None}
        for tunnel in (Tunnel(pair.net_a), Tunnel(pair.a)):
            async with asyncssh.connect(
                pair.host, tunnel=tunnel, client_keys=[user], **options
            ) as connection:
                done = await connection.run("count", input="x" * SIZE)
                assert (done.exit_status, done.stdout) == (7, f"count: {SIZE}")
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(pair.host, tunnel=Tunnel(pair.net_a), client_keys=[other], **options)
        strange = f"{pair.host} {other.export_public_key().decode()}"
        options["known_hosts"] = strange.encode()
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            await asyncssh.connect(pair.host, tunnel=Tunnel(pair.net_a), client_keys=[user], **options)
        with pytest.raises(ConnectionRefusedError):
            await asyncssh.connect(pair.host, 9, tunnel=Tunnel(pair.net_a), **options)
        server.close()
        await server.wait_closed()
        await pair.until(lambda: not pair.tasks())

    pair.run(go())


def test_listening_on_a_node_says_which_network(pair: AioPair) -> None:
    async def go() -> None:
        with pytest.raises(TypeError, match="networks"):
            await Tunnel(pair.a).create_server(asyncio.Protocol, "", 22)

    pair.run(go())
