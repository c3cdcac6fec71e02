"""EndpointCache: one Endpoint for each socket address seen, and the other way round; both ways capped."""

from __future__ import annotations

from typing import Any

from .endpoint import Endpoint

MAX_ENDPOINTS = 4096  # socket addresses are what remotes choose


class EndpointCache:
    """Interned endpoints by socket address; the oldest entry goes first, `evicted` counts."""

    __slots__ = ("by_address", "by_endpoint", "evicted")

    def __init__(self) -> None:
        self.by_address: dict[Any, Endpoint] = {}
        self.by_endpoint: dict[Endpoint, tuple[str, int]] = {}
        self.evicted = 0

    def endpoint(self, address: Any) -> Endpoint:
        """The endpoint of a socket address as the socket module gives it: (host, port, ...)."""
        found = self.by_address.get(address)
        if found is None:
            found = Endpoint.parse(address[0], address[1])
            if len(self.by_address) >= MAX_ENDPOINTS:
                del self.by_address[next(iter(self.by_address))]
                self.evicted += 1
            self.by_address[address] = found
        return found

    def address(self, endpoint: Endpoint) -> tuple[str, int]:
        """The socket address to send to an endpoint."""
        found = self.by_endpoint.get(endpoint)
        if found is None:
            found = (str(endpoint.address), endpoint.port)
            if len(self.by_endpoint) >= MAX_ENDPOINTS:
                del self.by_endpoint[next(iter(self.by_endpoint))]
                self.evicted += 1
            self.by_endpoint[endpoint] = found
        return found
