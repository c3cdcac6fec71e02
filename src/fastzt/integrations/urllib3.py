"""urllib3 through a ZeroTier network: `fastzt.integrations.urllib3.Manager(net).request("GET", url)`.

Needs the extra `fastzt[requests]`.
"""

from __future__ import annotations

import socket
from typing import Any

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .http_streams import Dialer


class Through:
    """Where a connection of urllib3 makes its socket: a system socket that the node carries into `network`.

    urllib3 and `ssl` want a descriptor to poll and to wrap.
    """

    network: Dialer

    def _new_conn(self: Any) -> socket.socket:
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
        try:
            sock = self.network.connect((self.host.strip("[]"), self.port), timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host}: {error}") from error
        except (OSError, ValueError) as error:
            raise NewConnectionError(self, f"no connection to {self.host}: {error}") from error
        made: socket.socket = sock.to_socket()
        made.settimeout(timeout)
        return made


def pool_classes(network: Dialer) -> dict[str, type[HTTPConnectionPool]]:
    """What makes a PoolManager's connections go through `network`."""

    class PlainConnection(Through, HTTPConnection):
        """HTTP."""

    class TlsConnection(Through, HTTPSConnection):
        """HTTPS."""

    class PlainPool(HTTPConnectionPool):
        """HTTP connections to one host."""

        ConnectionCls = PlainConnection

    class TlsPool(HTTPSConnectionPool):
        """HTTPS connections to one host."""

        ConnectionCls = TlsConnection

    PlainConnection.network = TlsConnection.network = network
    return {"http": PlainPool, "https": TlsPool}


class Manager(PoolManager):
    """urllib3.PoolManager whose connections go through `network` (a fastzt.Network or fastzt.Node)."""

    def __init__(self, network: Dialer, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.pool_classes_by_scheme = pool_classes(network)
