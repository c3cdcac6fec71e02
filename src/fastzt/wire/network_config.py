"""NetworkConfig: all that a controller tells a member about a network (PROTOCOL-VL2 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from .address import ADDRESS_MAX
from .capability import Capability
from .com import Com
from .inetaddress import NIL, InetAddress
from .ownership import Ownership
from .tag import Tag

ENABLE_BROADCAST = 0x2
NDP_EMULATION = 0x4
UNKNOWN_MATCHES = 0x8
NO_COMPRESSION = 0x10
ACTIVE_BRIDGE = 0x0000020000000000
ANCHOR = 0x0000040000000000
MULTICAST_REPLICATOR = 0x0000080000000000
MIN_MTU, DEFAULT_MTU, MAX_MTU = 1280, 2800, 10000
MAX_RULES = 1024
MAX_CAPABILITIES = 128
MAX_TAGS = 128
MAX_OWNERSHIPS = 4
MAX_SPECIALISTS = 256
MAX_STATIC_IPS = 32
MAX_ROUTES = 128
MAX_DNS_SERVERS = 4


@dataclass(frozen=True, slots=True)
class Specialist:
    """A node with a role: address and role bits in one u64."""

    value: int

    @property
    def address(self) -> int:
        """The node."""
        return self.value & ADDRESS_MAX

    @property
    def is_active_bridge(self) -> bool:
        """Whether it may send for MACs that are not its own."""
        return bool(self.value & ACTIVE_BRIDGE)

    @property
    def is_anchor(self) -> bool:
        """Whether it is kept connected."""
        return bool(self.value & ANCHOR)

    @property
    def is_multicast_replicator(self) -> bool:
        """Whether it sends multicasts on for others."""
        return bool(self.value & MULTICAST_REPLICATOR)


@dataclass(frozen=True, slots=True)
class Route:
    """`target` with its prefix length as port; `via` is nil when on-link."""

    target: InetAddress
    via: InetAddress = NIL
    flags: int = 0
    metric: int = 0


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """How to log in, when `enabled`; version 0 has url and expiry (ms), version 1 the OpenID fields."""

    version: int = 0
    enabled: bool = False
    url: str = ""
    expiry: int = 0
    issuer_url: str = ""
    central_endpoint_url: str = ""
    nonce: str = ""
    state: str = ""
    client_id: str = ""
    provider: str = "default"


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Times in ms of the controller's clock; `rules` in wire form; IPs with their prefix length as port."""

    nwid: int
    issued_to: int
    timestamp: int = 0
    credential_max_delta: int = 0
    revision: int = 0
    trace_target: int = 0
    trace_level: int = 0
    flags: int = 0
    multicast_limit: int = 0
    is_public: bool = False
    name: str = ""
    mtu: int = DEFAULT_MTU
    com: Com | None = None
    capabilities: tuple[Capability, ...] = ()
    tags: tuple[Tag, ...] = ()
    ownerships: tuple[Ownership, ...] = ()
    specialists: tuple[Specialist, ...] = ()
    routes: tuple[Route, ...] = ()
    static_ips: tuple[InetAddress, ...] = ()
    rules: bytes = b""
    dns_domain: str = ""
    dns_servers: tuple[InetAddress, ...] = ()
    sso: SingleSignOn = SingleSignOn()

    @classmethod
    def parse(cls, data: bytes) -> NetworkConfig:
        """From a dictionary; Malformed when it cannot be used. Only bad capabilities and tags are dropped."""
        from .network_config_codec import parse

        return parse(data)

    def to_bytes(self) -> bytes:
        """The dictionary, in the reference's order; ValueError above the limits of PROTOCOL-VL2 0."""
        from .network_config_codec import encode

        return encode(self)

    @property
    def enable_broadcast(self) -> bool:
        """Whether broadcasts other than ARP travel."""
        return bool(self.flags & ENABLE_BROADCAST)

    @property
    def ndp_emulation(self) -> bool:
        """Whether neighbor solicitations are answered from the address plan."""
        return bool(self.flags & NDP_EMULATION)

    @property
    def unknown_matches(self) -> bool:
        """Whether match rules of unknown type are true."""
        return bool(self.flags & UNKNOWN_MATCHES)

    @property
    def disable_compression(self) -> bool:
        """Whether multicast frames go uncompressed."""
        return bool(self.flags & NO_COMPRESSION)
