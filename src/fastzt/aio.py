"""A ZeroTier node in an asyncio event loop, without a thread.

`async with fastzt.aio.Node(...) as node: net = await node.join(nwid)`, then
`reader, writer = await net.open_connection(host, port)`.
"""

from __future__ import annotations

from .api.aio.datagram import DatagramTransport
from .api.aio.events import Events
from .api.aio.network import Network
from .api.aio.node import Node
from .api.aio.server import Server
from .api.aio.streams import StreamReader, StreamWriter
from .api.aio.tls import start_tls
from .api.aio.transport import StreamTransport

__all__ = [
    "DatagramTransport",
    "Events",
    "Network",
    "Node",
    "Server",
    "StreamReader",
    "StreamTransport",
    "StreamWriter",
    "start_tls",
]
