"""NetworkState: what a joined network knows of itself and its members; `Network` moves its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.slab import Slab
from ..vl1.peer import Peer
from ..vl1.switch import Switch
from ..wire.network_config import DEFAULT_MTU
from .claims import NO_CLAIMS, Claims
from .frame_context import FrameContext
from .member import Member, Memberships
from .membership import Membership, claims_of, is_allowed
from .program import Program
from .sink import DEAF, IpSink
from .status import Status

if TYPE_CHECKING:
    import cython

    from ..wire.com import Com
    from ..wire.network_config import NetworkConfig
    from .address_resolution import AddressResolution
    from .bridging import Bridging
    from .config_client import ConfigClient, Route
    from .credentials_push import CredentialsPush
    from .events import Address
    from .multicast import Multicast
    from .networks import Networks
else:
    from .. import _cython as cython


class NetworkState:
    """The fields of a Network. `ConfigClient` sets those that a config decides.

    `addresses`: (IP of 16 bytes, prefix length of its family). `routes`: (target, prefix length, via or None,
    metric). `generation` is bumped by every config.
    """

    if not cython.compiled:
        __slots__ = (
            "addresses",
            "authentication_url",
            "base",
            "bridges",
            "bridging",
            "claims",
            "config",
            "config_bytes",
            "config_flags",
            "config_timestamp",
            "configs",
            "context",
            "credentials",
            "emulated",
            "generation",
            "has_config",
            "is_public",
            "mac",
            "max_delta",
            "me",
            "membership",
            "mtu",
            "multicast",
            "multicast_limit",
            "nwid",
            "own_com",
            "owner",
            "resolution",
            "routes",
            "scratch",
            "sink",
            "stats",
            "status",
            "switch",
        )

    def __init__(self, owner: Networks, nwid: int, mac: int) -> None:
        self.owner = owner
        self.switch: Switch = owner.switch
        self.stats = owner.stats
        self.context: FrameContext = owner.context
        self.scratch: Slab = owner.scratch
        self.nwid = nwid
        self.me = owner.me
        self.mac = mac
        self.sink: IpSink = DEAF
        self.generation = 1
        self.has_config = False
        self.is_public = False
        self.base = Program(())
        self.claims: Claims = NO_CLAIMS
        self.own_com: Com | None = None
        self.config: NetworkConfig | None = None
        self.config_bytes = b""
        self.config_flags = 0
        self.config_timestamp = 0
        self.max_delta = 0
        self.mtu = DEFAULT_MTU
        self.multicast_limit = 0
        self.bridges: frozenset[int] = frozenset()
        self.emulated: tuple[bytes, ...] = ()
        self.addresses: tuple[Address, ...] = ()
        self.routes: tuple[Route, ...] = ()
        self.status = Status.REQUESTING
        self.authentication_url = ""
        self.membership = Membership(nwid, owner.verify)

    def attach(
        self,
        configs: ConfigClient,
        credentials: CredentialsPush,
        multicast: Multicast,
        resolution: AddressResolution,
        bridging: Bridging,
    ) -> None:
        """Give the network its cold services."""
        self.configs = configs
        self.credentials = credentials
        self.multicast = multicast
        self.resolution = resolution
        self.bridging = bridging

    def bind(self, sink: IpSink) -> None:
        """Deliver IP packets to `sink` from now on."""
        self.sink = sink

    # who is at the other end

    def member_of(self, peer: Peer) -> Member:
        """The peer's member on this network."""
        if peer.token is not None:
            token: Memberships = peer.token  # type: ignore[assignment]
            member = token.last
            if member.nwid == self.nwid and member.alive:
                return member
        return self.find_member(peer)

    def find_member(self, peer: Peer) -> Member:
        """As `member_of`, past the cache of one."""
        found: Member | None = None
        if peer.token is not None:
            token: Memberships = peer.token  # type: ignore[assignment]
            found = token.by_network.get(self.nwid)
        if found is None or not found.alive:
            found = self.membership.member(peer.address)
        if peer.token is not None:
            self.hold(peer, found)
        return found

    def hold(self, peer: Peer, member: Member) -> None:
        """Keep the member in the peer's token; VL1 does not forget a peer that has one."""
        if peer.token is None:
            peer.token = Memberships()
        token: Memberships = peer.token  # type: ignore[assignment]
        token.by_network[self.nwid] = member
        token.last = member

    def state_of(self, peer: Peer) -> int:
        """The generation of (network, member) that cached verdicts are compared with."""
        return self.generation + self.member_of(peer).generation

    def is_allowed(self, peer: Peer, member: Member) -> bool:
        """The membership gate (PROTOCOL-VL2 4.10), evaluated once for each state."""
        state = self.generation + member.generation
        if member.allowed_at == state:
            if peer.token is None:
                self.hold(peer, member)
            return True
        if not self.has_config:
            return False
        if not self.is_public and not is_allowed(member, self.own_com, peer.identity.public_hash()):
            return False
        member.allowed_at = state
        self.hold(peer, member)
        return True

    def claims_at(self, member: Member) -> Claims:
        """The member's currently valid claims."""
        state = self.generation + member.generation
        if member.claims_at != state:
            member.claims = claims_of(member, self.config_timestamp, self.max_delta)
            member.claims_at = state
        return member.claims
