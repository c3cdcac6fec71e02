"""The exceptions of fastzt: each is a FastztError and the builtin that a caller already catches."""

from __future__ import annotations

import errno
import socket


class FastztError(Exception):
    """Anything that fastzt itself reports."""


class InputError(FastztError, ValueError):
    """Something a person gave is malformed: a planet, identity, network id, address or URL."""


class IdentityError(InputError):
    """An identity is unreadable, malformed or does not validate; it is never replaced silently."""


class StateError(FastztError, OSError):
    """The state directory cannot be used: not writable, or held by another process."""


class NotAuthorizedError(FastztError, PermissionError):
    """The controller knows the network but has not authorized this node (ERROR 07)."""

    def __init__(self, node_id: str, network_id: str) -> None:
        super().__init__(
            errno.EACCES,
            f"node {node_id} is not authorized on network {network_id}: authorize it on the controller",
        )
        self.node_id = node_id
        self.network_id = network_id


class AuthenticationRequiredError(FastztError, PermissionError):
    """The network wants an interactive login first (ERROR 09)."""

    def __init__(self, url: str, network_id: str = "") -> None:
        super().__init__(
            errno.EACCES, f"network {network_id} requires authentication: log in at {url or '?'}"
        )
        self.url = url
        self.network_id = network_id


class NetworkNotFoundError(FastztError, LookupError):
    """The controller does not have this network (ERROR 03 or 05)."""

    def __init__(self, network_id: str) -> None:
        super().__init__(f"network {network_id} does not exist on its controller {network_id[:10]}")
        self.network_id = network_id


class ControllerUnreachableError(FastztError, TimeoutError):
    """The controller of a network did not answer in time."""


class HostUnreachableError(FastztError, OSError):
    """No node of the network answers for this address (EHOSTUNREACH)."""

    def __init__(self, message: str = "no route to host") -> None:
        super().__init__(errno.EHOSTUNREACH, message)


class NoRouteError(FastztError, OSError):
    """No joined network has a route to this address (ENETUNREACH)."""

    def __init__(self, message: str = "network is unreachable") -> None:
        super().__init__(errno.ENETUNREACH, message)


class NameResolutionError(FastztError, socket.gaierror):
    """The DNS servers of a network know no host of this name, or do not answer."""


class ForkedError(FastztError, OSError):
    """A node inherited from the parent process was used after a fork."""

    def __init__(self) -> None:
        super().__init__(
            errno.EBADF,
            "this node belongs to the parent process: make a new Node in the child, "
            "or share one identity between processes through `fastzt agent`",
        )
