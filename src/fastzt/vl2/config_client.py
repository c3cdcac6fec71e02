"""ConfigClient: gets a network its config, judges what arrives and puts it into use (PROTOCOL-VL2 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.endpoint import V4_PREFIX
from ..wire.address import RFC4193_BITS, SIXPLANE_BITS, controller_of, is_reserved, rfc4193, sixplane
from ..wire.config_chunk import ConfigChunk
from ..wire.config_request import ConfigRequest, Metadata, platform_text
from ..wire.error_body import ErrorBody
from ..wire.inetaddress import InetAddress, Scope, scope_of
from ..wire.network_config import NetworkConfig
from ..wire.reader import Malformed
from ..wire.verbs import Verb
from . import adhoc, reasons
from .claims import Claims
from .config_assembly import ConfigAssembly
from .config_changes import changes
from .config_request import ConfigPolling
from .events import Address, AddressChanged, ConfigChanged, Denied, Joined
from .membership import owned_things, program_of
from .program import Program
from .status import ONLY_IN_REPLY_TO_REQUEST, STATUS_OF_ERROR, Status

if TYPE_CHECKING:
    from ..vl1.packet import Packet
    from .network import Network

ACCEPTED, IGNORED, DEFERRED = 1, 0, 3  # vl1.sink
FAST_PROPAGATE = 0x01
NOT_OURS_TO_USE = (Scope.NONE, Scope.MULTICAST, Scope.LOOPBACK, Scope.LINK_LOCAL)

I64_MAX = (1 << 63) - 1  # of times and limits, as the reference computes with them
FLAGS = 0xFFFF_FFFF

Route = tuple[bytes, int, "bytes | None", int]


def readable(dictionary: bytes) -> NetworkConfig:
    """A config that can be put into use; raises Malformed."""
    config = NetworkConfig.parse(dictionary)
    if config.timestamp > I64_MAX:
        raise Malformed(f"a config of the time {config.timestamp}")
    program_of(config.rules)
    return config


class ConfigClient:
    """The client's side of one network's config; `token` is a pre-authorization to show the controller."""

    def __init__(self, network: Network, token: str | None) -> None:
        self.network = network
        self.controller = controller_of(network.nwid)
        self.metadata = Metadata(platform=platform_text(), token=token or "").to_bytes()
        self.assembly = ConfigAssembly()
        self.polling = ConfigPolling()

    def due_at(self) -> int:
        """When `poll` has something to do (microseconds)."""
        return self.polling.due_at()

    def poll(self, now: int) -> None:
        """Ask the controller if it is time; ourselves without a packet when we are the controller."""
        if now < self.polling.due_at():
            return
        self.polling.sent(now)
        network = self.network
        authority = network.owner.authority
        if self.controller == network.me:
            if authority is not None and authority.controls(network.nwid):
                self.take_own(authority.configure(network.nwid, self.metadata, now), now)
            return
        if is_reserved(self.controller):
            self.invent(now)
            return
        held = network.config
        revision, timestamp = (held.revision, held.timestamp) if held is not None else (0, 0)
        request = ConfigRequest(network.nwid, self.metadata, revision, timestamp)
        network.switch.send(
            self.controller, Verb.NETWORK_CONFIG_REQUEST, request.to_bytes(), now, compress=True
        )

    def invent(self, now: int) -> None:
        """The config of an ad-hoc network, which follows from its id; once made it stays as it is."""
        network = self.network
        now_ms = now // 1000 + network.owner.wall_offset_ms
        made = adhoc.config(network.nwid, network.me, now_ms) if network.config is None else network.config
        if made is not None:
            self.take(made.to_bytes(), True, now)
        elif adhoc.is_refused(network.nwid):
            self.refused(Status.NOT_FOUND, "", now)

    def take_own(self, answer: bytes | int, now: int) -> None:
        """The answer of the controller role of this very node."""
        if isinstance(answer, int):
            self.refused(STATUS_OF_ERROR.get(answer, Status.DENIED), "", now)
        else:
            self.take(answer, True, now)

    def load(self, saved: bytes, now: int) -> None:
        """Use a stored config at once; one that cannot be used is passed over."""
        try:
            config = readable(saved)
        except Malformed:
            return
        if config.nwid == self.network.nwid and config.issued_to == self.network.me:
            self.apply(config, saved, now)

    def chunk(self, packet: Packet, now: int) -> int:
        """A chunk from OK(NETWORK_CONFIG_REQUEST) or NETWORK_CONFIG; VL1's verdict.

        What the controller itself answers to our request is taken; what was pushed, or came through somebody
        else, only if it is not older than the config held.
        """
        network = self.network
        if is_reserved(self.controller):
            return IGNORED
        chunk = ConfigChunk.parse(packet.payload)
        from_controller = packet.peer.address == self.controller
        is_answer = packet.verb == Verb.OK
        if chunk.is_legacy:
            if not from_controller:
                network.stats.drop(reasons.REFUSED_CONFIG)
                return IGNORED
            return self.take(chunk.data, is_answer, now)
        if not self.assembly.is_new(chunk):
            return ACCEPTED
        valid = network.owner.verify(self.controller, chunk.signed_bytes, chunk.signature)
        if valid is None:
            network.switch.want(self.controller, now)
            return DEFERRED
        if not valid:
            network.stats.drop(reasons.REFUSED_CONFIG)
            return IGNORED
        if chunk.flags & FAST_PROPAGATE:
            self.propagate(packet, now)
        dictionary = self.assembly.add(chunk, now)
        if dictionary is None:
            return ACCEPTED
        verdict = self.take(dictionary, is_answer and from_controller, now)
        if not is_answer:
            self.acknowledge(packet, chunk.update_id, now)
        return verdict

    def propagate(self, packet: Packet, now: int) -> None:
        """Hand a chunk on, as it is, to the members that we talk to."""
        network = self.network
        but = (packet.peer.address, self.controller, network.me)
        for member in list(network.membership.members.values()):
            if member.com is None or member.address in but:
                continue
            if network.switch.peer(member.address) is not None:
                network.switch.send(member.address, Verb.NETWORK_CONFIG, packet.payload, now, compress=True)

    def acknowledge(self, packet: Packet, update_id: int, now: int) -> None:
        """Confirm a pushed config, under the verb that the reference uses: ECHO."""
        head = bytes([Verb.ECHO]) + packet.packet_id.to_bytes(8, "big")
        body = self.network.nwid.to_bytes(8, "big") + update_id.to_bytes(8, "big")
        self.network.switch.send(packet.peer.address, Verb.OK, head + body, now)

    def take(self, dictionary: bytes, is_answer: bool, now: int) -> int:
        """Judge a whole config and put it into use; the one held stays when this one is refused."""
        network = self.network
        try:
            config = readable(dictionary)
        except Malformed:
            network.stats.drop(reasons.REFUSED_CONFIG)
            return IGNORED
        held = network.config
        if config.nwid != network.nwid or config.issued_to != network.me:
            network.stats.drop(reasons.REFUSED_CONFIG)
            return IGNORED
        if held is not None and not is_answer and config.timestamp < held.timestamp:
            network.stats.drop(reasons.REFUSED_CONFIG)
            return IGNORED
        if is_answer:
            self.polling.configured(now)
        if held is None or dictionary != network.config_bytes or network.status != Status.OK:
            self.apply(config, dictionary, now)
        return ACCEPTED

    def apply(self, config: NetworkConfig, dictionary: bytes, now: int) -> None:
        """Replace the config in use."""
        network = self.network
        before = network.config
        was = network.status
        placed = network.addresses, network.routes
        network.config = config
        network.config_bytes = dictionary
        network.status = Status.OK
        network.authentication_url = ""
        self.set_rules(config)
        self.set_addresses(config)
        network.credentials.build(config)
        network.has_config = True
        network.generation += 1
        self.report(was, changes(before, config))
        if (network.addresses, network.routes) != placed:
            network.sink.addresses_changed(now)
        network.multicast.subscribe(now)
        network.owner.wake(now)

    def set_rules(self, config: NetworkConfig) -> None:
        """What the gate and the rule engine work with."""
        network = self.network
        network.is_public = config.is_public
        network.own_com = config.com
        network.config_flags = config.flags & FLAGS
        network.config_timestamp = config.timestamp
        network.max_delta = min(config.credential_max_delta, I64_MAX)
        network.mtu = config.mtu
        network.multicast_limit = min(config.multicast_limit, I64_MAX)
        network.base = program_of(config.rules)
        network.bridges = frozenset(s.address for s in config.specialists if s.is_active_bridge)
        tags = {tag.id: tag.value for tag in config.tags}
        capabilities = sorted(config.capabilities, key=lambda capability: capability.id)
        programs = [program for c in capabilities if (program := usable(c.rules)) is not None]
        network.claims = Claims(tags, owned_things(list(config.ownerships)), programs)

    def set_addresses(self, config: NetworkConfig) -> None:
        """Own addresses, routes, and the prefixes in which neighbours' addresses need not be asked for."""
        network = self.network
        network.addresses = tuple(address for ip in config.static_ips if (address := address_of(ip)))
        routes: list[Route] = []
        for route in config.routes:
            target = address_of(route.target, any_scope=True)
            via = address_of(route.via, any_scope=True)
            # A gateway does not go through itself.
            if target is not None and (via is None or all(via[0] != own for own, _ in network.addresses)):
                routes.append((target[0], target[1], via[0] if via else None, route.metric))
        network.routes = tuple(routes)
        plans = {RFC4193_BITS: rfc4193(0, network.nwid)[:11], SIXPLANE_BITS: sixplane(0, network.nwid)[:5]}
        network.emulated = tuple(
            plan for ip, bits in network.addresses if (plan := plans.get(bits)) and ip.startswith(plan)
        )

    def report(self, was: Status, changed: frozenset[str]) -> None:
        """Events for what changed."""
        network = self.network
        owner = network.owner
        revision = network.config.revision if network.config is not None else 0
        if was != Status.OK:
            owner.emit(Joined(network.nwid, network.addresses))
        owner.emit(ConfigChanged(network.nwid, network.config_bytes, revision, changed))
        if "addresses" in changed and (was != Status.REQUESTING or network.addresses):
            owner.emit(AddressChanged(network.nwid, network.addresses))

    def error(self, packet: Packet, body: ErrorBody, now: int) -> int:
        """An ERROR that speaks of the config: believed only from the controller (2.6)."""
        status = STATUS_OF_ERROR.get(body.code)
        if status is None or packet.peer.address != self.controller:
            self.network.stats.drop(reasons.UNTRUSTED_ERROR)
            return IGNORED
        if body.code in ONLY_IN_REPLY_TO_REQUEST and packet.in_re_verb != Verb.NETWORK_CONFIG_REQUEST:
            return IGNORED
        url = body.authentication.place if status == Status.AUTHENTICATION_REQUIRED else ""
        self.refused(status, url, now)
        return ACCEPTED

    def revoked(self, now: int) -> None:
        """The controller has voided our certificate: ask at once what we are now."""
        self.polling.doubted()
        self.network.owner.wake(max(now, self.polling.due_at()))

    def refused(self, status: Status, url: str, now: int) -> None:
        """Change the status; config and data plane stay until the other members cut us off (2.6)."""
        network = self.network
        self.polling.refused()
        changed = network.status != status or network.authentication_url != url
        network.status = status
        network.authentication_url = url
        if changed:
            network.owner.emit(Denied(network.nwid, status, url))
        network.owner.wake(now)


def usable(rules: bytes) -> Program | None:
    """The program of a capability, or None when its rules are malformed."""
    try:
        return program_of(rules)
    except Malformed:
        return None


def address_of(address: InetAddress, any_scope: bool = False) -> Address | None:
    """(IP of 16 bytes, prefix length of its family), or None for nil and for what no network may assign."""
    if not address.ip:
        return None
    limit = 32 if len(address.ip) == 4 else 128
    ip = V4_PREFIX + address.ip if limit == 32 else address.ip
    if address.bits > limit or (not any_scope and scope_of(ip) in NOT_OURS_TO_USE):
        return None
    return ip, address.bits
