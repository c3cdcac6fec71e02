"""Put a Python program on a ZeroTier network, in user space.

`fastzt.connect(("10.121.15.99", 5380), network="9ad07d01093a69e3")` joins the network with the default node
and returns a connected socket.
"""

from __future__ import annotations

import os

if os.environ.get("FASTZT_PURE", "") not in ("", "0"):
    from ._pure import interpret

    interpret(__name__)

from .errors import (
    AuthenticationRequiredError,
    ControllerUnreachableError,
    FastztError,
    ForkedError,
    HostUnreachableError,
    IdentityError,
    InputError,
    NameResolutionError,
    NetworkNotFoundError,
    NoRouteError,
    NotAuthorizedError,
    StateError,
)

TYPE_CHECKING = False  # typing's own costs several times what all the rest of this import does
if TYPE_CHECKING:
    from typing import Any

    from . import aio
    from ._core.slab import is_compiled
    from .api.berkeley import BerkeleySocket
    from .api.datagram import DatagramSocket
    from .api.default import connect
    from .api.listener import Listener
    from .api.network import Network
    from .api.node import Node
    from .api.patched import patched
    from .api.socket import Socket

__version__ = "0.1.0"

# Loaded on first use, so that `import fastzt` costs milliseconds.
_LAZY = {
    "BerkeleySocket": "fastzt.api.berkeley",
    "DatagramSocket": "fastzt.api.datagram",
    "Listener": "fastzt.api.listener",
    "Network": "fastzt.api.network",
    "Node": "fastzt.api.node",
    "Socket": "fastzt.api.socket",
    "connect": "fastzt.api.default",
    "patched": "fastzt.api.patched",
    "is_compiled": "fastzt._core.slab",
}

__all__ = [
    "AuthenticationRequiredError",
    "BerkeleySocket",
    "ControllerUnreachableError",
    "DatagramSocket",
    "FastztError",
    "ForkedError",
    "HostUnreachableError",
    "IdentityError",
    "InputError",
    "Listener",
    "NameResolutionError",
    "Network",
    "NetworkNotFoundError",
    "NoRouteError",
    "Node",
    "NotAuthorizedError",
    "Socket",
    "StateError",
    "__version__",
    "aio",
    "connect",
    "is_compiled",
    "patched",
]


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None and name != "aio":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = (
        importlib.import_module("fastzt.aio")
        if module is None
        else getattr(importlib.import_module(module), name)
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
