"""Names of hosts: which are a network's own, and whom to ask for the others."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from .._core.endpoint import V4_PREFIX
from ..errors import NameResolutionError
from . import addresses
from .lookup import RESOLUTION_DELAY
from .resolver import Resolver, check_name

if TYPE_CHECKING:
    from ..vl2.network import Network as VirtualNetwork

TIMEOUT = 5.0  # seconds for all servers, when the caller gives no less


class Dns(NamedTuple):
    """The search domain (empty: every name is the network's) and the servers' 16-byte addresses."""

    domain: str
    servers: tuple[bytes, ...]

    def full_name(self, host: str) -> str | None:
        """The name by which the network's servers know a host; None when it is none of theirs."""
        if not self.servers:
            return None
        name = host.rstrip(".").lower()
        if not self.domain:
            return name
        if "." not in name and not host.endswith("."):
            return f"{name}.{self.domain}"
        return name if name == self.domain or name.endswith(f".{self.domain}") else None


NONE = Dns("", ())


def dns_of(network: VirtualNetwork) -> Dns:
    """What a network's configuration says about DNS."""
    config = network.config
    if config is None:
        return NONE
    servers = tuple(
        address.ip if len(address.ip) == 16 else V4_PREFIX + address.ip
        for address in config.dns_servers
        if address.ip
    )
    return Dns(config.dns_domain.strip(".").lower(), servers)


def resolve(
    dns_now: Callable[[], Dns],
    resolver: Resolver,
    host: str,
    timeout: float | None,
    delay: float | None = RESOLUTION_DELAY,
) -> list[bytes]:
    """The addresses of a host: a literal's own, else from the network's servers, else from the system.

    The system is asked for what is not the network's, and for a single label or, where the network has no
    domain, any name that the network does not know. `delay`: as of Lookup.

    Raises InputError, NameResolutionError, socket.gaierror.
    """
    ip = addresses.literal(host)
    if ip is not None:
        return [ip]
    dns = dns_now()
    name = dns.full_name(host)
    if name is None:
        return system(host)
    found = resolver.lookup(dns.servers, check_name(name), patience(timeout), delay)
    return found or (system(host) if goes_on(dns, host, name) else [])


def patience(timeout: float | None) -> float:
    """Seconds for all servers together."""
    return TIMEOUT if timeout is None else min(timeout, TIMEOUT)


def goes_on(dns: Dns, host: str, name: str) -> bool:
    """The network does not know the name: whether the system may; else raises NameResolutionError."""
    if dns.domain and name == host.rstrip(".").lower():
        raise NameResolutionError(socket.EAI_NONAME, f"the network's DNS knows no host {host}")
    return True


def system(host: str) -> list[bytes]:
    """A literal's own address, or what the system knows; blocks meanwhile. Raises socket.gaierror."""
    ip = addresses.literal(host)
    if ip is not None:
        return [ip]
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(addresses.ip16(str(info[4][0]).partition("%")[0]) for info in found))
