"""What the transports of httpx and httpx2 have in common: a pool of connections through a network."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar

from .http_streams import Errors

NetworkT = TypeVar("NetworkT")


class Pooled(Generic[NetworkT]):
    """Comes before a library's transport, which takes no backend: makes the pool that it would make."""

    library: ClassVar[Any]  # httpx or httpx2
    pool: ClassVar[Any]  # of httpcore or httpcore2
    backend: ClassVar[Any]  # gives the pool its streams through a network
    errors: ClassVar[Errors]

    def __init__(
        self,
        network: NetworkT,
        *,
        verify: ssl.SSLContext | str | bool = True,
        cert: Any = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Any = None,
        retries: int = 0,
        socket_options: Iterable[Any] | None = None,
    ) -> None:
        """The arguments are those of the library's transport; `limits` None: its defaults."""
        kind = type(self)
        limits = limits or kind.library.Limits(max_connections=100, max_keepalive_connections=20)
        self._pool = kind.pool(
            ssl_context=kind.library.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            socket_options=socket_options,
            network_backend=kind.backend(network, kind.errors),
        )
