"""httpx2 through a ZeroTier network: `httpx2.Client(transport=fastzt.integrations.httpx2.Transport(net))`.

`httpx2.AsyncClient(transport=AsyncTransport(net))` with a network of `fastzt.aio` or, under trio too, of
`fastzt.Node`. Needs the extra `fastzt[httpx2]`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import httpcore2
import httpx2

from .http_async_streams import AnyNetwork, AsyncBackend
from .http_pool import Pooled
from .http_streams import Backend, Dialer, Errors

ERRORS = Errors(httpcore2)


class Transport(Pooled[Dialer], httpx2.HTTPTransport):
    """httpx2.HTTPTransport whose connections go through `network` (a fastzt.Network or fastzt.Node)."""

    library: ClassVar[Any] = httpx2
    pool: ClassVar[Any] = httpcore2.ConnectionPool
    backend: ClassVar[Any] = Backend
    errors: ClassVar[Errors] = ERRORS


class AsyncTransport(Pooled[AnyNetwork], httpx2.AsyncHTTPTransport):
    """httpx2.AsyncHTTPTransport whose connections go through `network`."""

    library: ClassVar[Any] = httpx2
    pool: ClassVar[Any] = httpcore2.AsyncConnectionPool
    backend: ClassVar[Any] = AsyncBackend
    errors: ClassVar[Errors] = ERRORS
