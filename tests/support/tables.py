"""Every table of a node whose size follows from what remotes send, with its cap: name, size, cap."""

from __future__ import annotations

from collections.abc import Iterator

from fastzt.netstack import datagrams, reassembly
from fastzt.netstack.stack import Stack
from fastzt.node.core import Core
from fastzt.node.roles import controller as authority
from fastzt.vl1 import context, probing, rate_gate, timing
from fastzt.vl1.peer import Peer
from fastzt.vl1.switch import Switch
from fastzt.vl2 import address_resolution, config_assembly, directory, membership, multicast, networks
from fastzt.vl2.network import Network

Table = tuple[str, int, int]


def tables(core: Core) -> Iterator[Table]:
    """The tables of a node, of its networks and of their IP stacks."""
    yield from of_switch(core.switch)
    held = core.networks.directory
    yield "directory.groups", len(held.groups), directory.MAX_GROUPS
    yield "directory.entries", sum(map(len, held.groups.values())), directory.MAX_ENTRIES
    yield "networks", len(core.networks.by_id), networks.MAX_NETWORKS
    for nwid in core.network_ids():
        network = core.network(nwid)
        yield from of_network(network)
        yield from of_stack(network.sink.stack)
    if core.controller is not None:
        yield "controller.seen", len(core.controller._seen), authority.MAX_SEEN
        yield "controller.pushes", len(core.controller._pushes), authority.MAX_SEEN
        yield "controller.held", len(core.controller._held), authority.MAX_HELD


def of_switch(switch: Switch) -> Iterator[Table]:
    """VL1."""
    state = switch.context
    peers = state.topology.peers
    paths = state.paths.all()
    yield "peers", len(peers), state.config.max_peers
    yield "strange paths", sum(not path.owner for path in paths), state.config.max_strange_paths
    yield "paths", len(paths), state.config.max_strange_paths + timing.MAX_PATHS * max(1, len(peers))
    yield "outbox", len(state.outbox), state.config.max_outbox
    yield "replies", len(state.replies.sent), timing.MAX_REPLIES
    yield "events", len(state.events), context.MAX_EVENTS
    yield "surfaces", len(state.surfaces.entries), timing.MAX_SURFACES
    yield "prefixes", len(state.identity_gate.prefixes), rate_gate.MAX_PREFIXES
    yield "jobs", len(state.jobs.running), timing.MAX_JOBS
    yield "whois.wanted", len(state.whois.wanted), state.config.max_waiting
    yield "whois.incoming", len(state.whois.incoming), state.config.max_waiting
    yield "whois.outgoing", len(state.whois.outgoing), state.config.max_waiting
    yield "deferred", len(state.deferred.queue), state.config.max_waiting
    yield "probing.running", len(state.probing.running), 4 * timing.MAX_WAITING
    yield "probing.doubted", len(state.probing.doubted), 4 * timing.MAX_WAITING
    yield "introduced", len(switch.control.relay.introduced), timing.MAX_INTRODUCED
    yield "moons", len(state.topology.worlds.moons), 16
    for peer in peers.values():
        yield from of_peer(peer)


def of_peer(peer: Peer) -> Iterator[Table]:
    """One peer of VL1, and the networks in which VL2 knows it."""
    yield "peer.paths", len(peer.paths), timing.MAX_PATHS
    yield "peer.tried", len(peer.tried), probing.MAX_TRIED
    if peer.token is not None:
        yield "peer.networks", len(peer.token.by_network), networks.MAX_NETWORKS


def of_network(network: Network) -> Iterator[Table]:
    """VL2 of one network."""
    members = network.membership.members
    yield "members", len(members), membership.MAX_MEMBERS
    for member in members.values():
        yield "member.tags", len(member.tags), membership.MAX_TAGS
        yield "member.capabilities", len(member.capabilities), membership.MAX_CAPABILITIES
        yield "member.ownerships", len(member.ownerships), membership.MAX_OWNERSHIPS
        yield "member.revocations", len(member.revocations), membership.MAX_REVOCATIONS
    yield "neighbors", len(network.resolution.neighbors), address_resolution.MAX_NEIGHBORS
    yield "resolution.pending", len(network.resolution.pending), address_resolution.MAX_PENDING
    yield "config updates", len(network.configs.assembly.updates), config_assembly.MAX_UPDATES
    yield "multicast.queues", len(network.multicast.queues), multicast.MAX_GROUPS
    yield "multicast.gathered", len(network.multicast.gathered_at), multicast.MAX_GROUPS
    for queue in network.multicast.queues.values():
        yield "multicast.queue", len(queue), multicast.MAX_QUEUED


def of_stack(stack: Stack) -> Iterator[Table]:
    """The IP stack of one network."""
    config = stack.config
    yield "flows", stack.flows.count, config.max_flows
    yield "half open", len(stack.half_open), config.max_half_open
    yield "time wait", len(stack.lingering), config.max_time_wait
    yield "ip replies", len(stack.replies), config.max_replies
    yield "reassembly", len(stack.datagrams.reassembly), reassembly.MAX_DATAGRAMS
    yield "reassembly.bytes", stack.datagrams.reassembly.held, reassembly.MAX_BYTES
    yield "datagrams.awaited", len(stack.datagrams.awaited), datagrams.MAX_NEIGHBORS


def excess(core: Core) -> list[Table]:
    """The tables above their cap."""
    return [(name, size, cap) for name, size, cap in tables(core) if size > cap]
