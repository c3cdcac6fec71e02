"""What differs between two configs of a network, by the names that events use."""

from __future__ import annotations

from collections.abc import Callable

from ..wire.network_config import NetworkConfig

View = Callable[[NetworkConfig], object]

VIEWS: dict[str, View] = {
    "access": lambda config: config.is_public,
    "addresses": lambda config: config.static_ips,
    "capabilities": lambda config: {item.id: item.rules for item in config.capabilities},
    "dns": lambda config: (config.dns_domain, config.dns_servers),
    "flags": lambda config: config.flags,
    "mtu": lambda config: config.mtu,
    "multicast_limit": lambda config: config.multicast_limit,
    "name": lambda config: config.name,
    "routes": lambda config: config.routes,
    "rules": lambda config: config.rules,
    "specialists": lambda config: config.specialists,
    "tags": lambda config: {tag.id: tag.value for tag in config.tags},
}


def changes(before: NetworkConfig | None, after: NetworkConfig) -> frozenset[str]:
    """The names of VIEWS that give something else; of a first config all. Certificates count for nothing."""
    if before is None:
        return frozenset(VIEWS)
    return frozenset(name for name, view in VIEWS.items() if view(before) != view(after))
