"""Ad-hoc networks, whose ids begin with ff and say all there is to know: nobody is asked (PROTOCOL-VL2 1.6).

Two kinds: `ff SSSS EEEE 000000`, IPv6 with TCP ports SSSS to EEEE open, and `ff AA hhhhhhhhhh 01`, IPv4 in
AA.0.0.0/8 and IPv6, everything open.
"""

from __future__ import annotations

from ..wire.address import SIXPLANE_BITS, sixplane
from ..wire.inetaddress import InetAddress
from ..wire.network_config import NDP_EMULATION, NetworkConfig, Specialist
from ..wire.rules import ACCEPT, DROP, Kind, Rule, encode_rules

CREDENTIAL_DELTA = 7_200_000  # ms; no credentials are issued
REVISION = 1
MULTICAST_LIMIT = 1024
ETHERTYPE_IPV6 = 0x86DD
ICMPV6, UDP, TCP = 58, 17, 6
SYN, ACK = 0x02, 0x10


def is_adhoc(nwid: int) -> bool:
    """Whether a network has no controller; of most such ids nothing is known, either."""
    return nwid >> 56 == 0xFF


def port_range(nwid: int) -> tuple[int, int] | None:
    """The ports that an id of the first kind opens; None for other ids."""
    if not is_adhoc(nwid) or nwid & 0xFFFFFF:
        return None
    return nwid >> 40 & 0xFFFF, nwid >> 24 & 0xFFFF


def is_ipv4(nwid: int) -> bool:
    """Whether the id is of the second kind."""
    return is_adhoc(nwid) and nwid & 0xFF == 1


def is_known(nwid: int) -> bool:
    """Whether the id is of one of the two kinds."""
    return port_range(nwid) is not None or is_ipv4(nwid)


def config(nwid: int, address: int, now_ms: int) -> NetworkConfig | None:
    """What a node has on an ad-hoc network; None for an id that stands for none."""
    ports = port_range(nwid)
    static = InetAddress(sixplane(address, nwid), SIXPLANE_BITS)
    if ports is not None and ports[0] <= ports[1]:
        return _config(
            nwid, address, now_ms, f"adhoc-{ports[0]:04x}-{ports[1]:04x}", (static,), _rules(*ports)
        )
    if not is_ipv4(nwid):
        return None
    block = nwid >> 48 & 0xFF
    ipv4 = InetAddress(bytes([block]) + (address & 0xFFFFFF).to_bytes(3, "big"), 8)
    hub = nwid >> 8 & 0xFFFFFFFFFF
    hubs = (Specialist(hub),) if hub else ()
    return _config(
        nwid, address, now_ms, f"adhoc-{block}.0.0.0", (static, ipv4), [ACCEPT], MULTICAST_LIMIT, hubs
    )


def is_refused(nwid: int) -> bool:
    """Whether the id is of the first kind, but names no ports: the network does not exist."""
    ports = port_range(nwid)
    return ports is not None and ports[0] > ports[1]


def _config(
    nwid: int,
    address: int,
    now_ms: int,
    name: str,
    static_ips: tuple[InetAddress, ...],
    rules: list[Rule],
    multicast_limit: int = 0,
    specialists: tuple[Specialist, ...] = (),
) -> NetworkConfig:
    return NetworkConfig(
        nwid=nwid,
        issued_to=address,
        timestamp=now_ms,
        credential_max_delta=CREDENTIAL_DELTA,
        revision=REVISION,
        flags=NDP_EMULATION,
        multicast_limit=multicast_limit,
        is_public=True,
        name=name,
        specialists=specialists,
        static_ips=static_ips,
        rules=encode_rules(rules),
    )


def _rules(low: int, high: int) -> list[Rule]:
    """IPv6 only; ICMPv6, UDP and TCP to the ports, and what opens no TCP connection."""
    return [
        Rule(Kind.MATCH_ETHERTYPE, (ETHERTYPE_IPV6,), negated=True),
        DROP,
        Rule(Kind.MATCH_IP_PROTOCOL, (ICMPV6,)),
        ACCEPT,
        Rule(Kind.MATCH_IP_PROTOCOL, (UDP,)),
        Rule(Kind.MATCH_IP_PROTOCOL, (TCP,), alternative=True),
        Rule(Kind.MATCH_IP_DEST_PORT_RANGE, (low, high)),
        ACCEPT,
        Rule(Kind.MATCH_CHARACTERISTICS, (SYN,), negated=True),
        ACCEPT,
        Rule(Kind.MATCH_CHARACTERISTICS, (SYN,)),
        Rule(Kind.MATCH_CHARACTERISTICS, (ACK,)),
        ACCEPT,
        DROP,
    ]
