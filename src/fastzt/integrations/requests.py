"""requests through a ZeroTier network: `session.mount("http://", fastzt.integrations.requests.Adapter(net))`.

The same for "https://". Needs the extra `fastzt[requests]`.
"""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter

from .http_streams import Dialer
from .urllib3 import Manager


class Adapter(HTTPAdapter):
    """requests' HTTPAdapter whose connections go through `network` (a fastzt.Network or fastzt.Node)."""

    def __init__(self, network: Dialer, *arguments: Any, **options: Any) -> None:
        self._network = network
        super().__init__(*arguments, **options)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        """What makes the connections."""
        self.poolmanager = Manager(
            self._network, num_pools=connections, maxsize=maxsize, block=block, **pool_kwargs
        )
