"""A root, a controller with one network, and members, in simulation."""

from __future__ import annotations

from typing import Any

from fastzt.netstack.tcp.connection import Connection

from .world import LOSSLESS, Host, Link, Net

POOL = ("10.121.15.1", "10.121.15.99", "10.121.15.0/24")


class Lab(Net):
    """`root`, `controller` and members `a`, `b`; `nwid` is a private network with the members authorized."""

    def __init__(self, seed: int = 1, link: Link = LOSSLESS, members: str = "ab", **config: Any) -> None:
        super().__init__(seed, link)
        self.root = self.add("root", root=True)
        self.controller = self.add("controller", controller=True)
        self.members = [self.add(name, **config) for name in members]
        self.nwid = self.make_network()

    def make_network(self, authorized: bool = True, pool: tuple[str, str, str] = POOL, **fields: Any) -> int:
        """A network of the controller."""
        service = self.controller.core.controller
        first, last, target = pool
        record = service.create_network(
            {
                "name": "lab",
                "private": True,
                "ipAssignmentPools": [{"ipRangeStart": first, "ipRangeEnd": last}],
                "routes": [{"target": target, "via": None}],
                "v4AssignMode": {"zt": True},
                **fields,
            },
            self.now,
        )
        nwid = int(record["id"], 16)
        if authorized:
            for member in self.members:
                service.authorize(nwid, member.core.address, self.now)
        return nwid

    def join(self, *hosts: Host, nwid: int = 0, limit: float = 20.0) -> None:
        """Join hosts and wait until they are configured."""
        nwid = nwid or self.nwid
        for host in hosts:
            host.act(lambda now, host=host: host.core.join(nwid, now))
        self.run_until(lambda: all(host.core.is_usable(nwid) for host in hosts), limit)

    def ip(self, host: Host, nwid: int = 0) -> bytes:
        """A host's first address."""
        return host.core.network(nwid or self.nwid).addresses[0][0]

    def connect(
        self, client: Host, server: Host, port: int = 80, limit: float = 20.0
    ) -> tuple[Connection, Connection]:
        """A connection from client to server and its other end."""
        listener = server.act(lambda now: server.core.listen(self.nwid, None, port, 16, now))
        near = client.act(lambda now: client.core.connect(self.nwid, self.ip(server), port, now))
        self.run_until(lambda: near.connected or near.error, limit)
        assert near.error == 0
        far = self.run_until(listener.accept, limit)
        return near, far
