"""The words of the rule language and the kinds of rules that they stand for."""

from __future__ import annotations

from ...wire.rules import Kind

# Words that open a block, which a semicolon closes.
ACTIONS = {
    "drop": Kind.ACTION_DROP,
    "accept": Kind.ACTION_ACCEPT,
    "tee": Kind.ACTION_TEE,
    "watch": Kind.ACTION_WATCH,
    "redirect": Kind.ACTION_REDIRECT,
    "break": Kind.ACTION_BREAK,
    "priority": Kind.ACTION_PRIORITY,
}
DEFINITIONS = ("macro", "tag", "cap")
OPENING = frozenset({*ACTIONS, *DEFINITIONS})

# Matches with one kind each; `ipsrc` and `ipdest` have one for each family of addresses.
MATCHES = {
    "ztsrc": Kind.MATCH_SOURCE_ZEROTIER_ADDRESS,
    "ztdest": Kind.MATCH_DEST_ZEROTIER_ADDRESS,
    "vlan": Kind.MATCH_VLAN_ID,
    "vlanpcp": Kind.MATCH_VLAN_PCP,
    "vlandei": Kind.MATCH_VLAN_DEI,
    "ethertype": Kind.MATCH_ETHERTYPE,
    "macsrc": Kind.MATCH_MAC_SOURCE,
    "macdest": Kind.MATCH_MAC_DEST,
    "iptos": Kind.MATCH_IP_TOS,
    "ipprotocol": Kind.MATCH_IP_PROTOCOL,
    "icmp": Kind.MATCH_ICMP,
    "sport": Kind.MATCH_IP_SOURCE_PORT_RANGE,
    "dport": Kind.MATCH_IP_DEST_PORT_RANGE,
    "chr": Kind.MATCH_CHARACTERISTICS,
    "framesize": Kind.MATCH_FRAME_SIZE_RANGE,
    "random": Kind.MATCH_RANDOM,
    "tand": Kind.MATCH_TAGS_BITWISE_AND,
    "tor": Kind.MATCH_TAGS_BITWISE_OR,
    "txor": Kind.MATCH_TAGS_BITWISE_XOR,
    "tdiff": Kind.MATCH_TAGS_DIFFERENCE,
    "teq": Kind.MATCH_TAGS_EQUAL,
    "tseq": Kind.MATCH_TAG_SENDER,
    "treq": Kind.MATCH_TAG_RECEIVER,
    "integer": Kind.INTEGER_RANGE,  # no word of ZeroTier's own language
}
IP_MATCHES = {
    "ipsrc": {4: Kind.MATCH_IPV4_SOURCE, 6: Kind.MATCH_IPV6_SOURCE},
    "ipdest": {4: Kind.MATCH_IPV4_DEST, 6: Kind.MATCH_IPV6_DEST},
}
TAG_MATCHES = frozenset({"tand", "tor", "txor", "tdiff", "teq", "tseq", "treq"})

RESERVED = frozenset(
    {*OPENING, *MATCHES, *IP_MATCHES, "default", "type", "enum", "class", "define", "import", "include"}
    | {"log", "not", "xor", "or", "and", "set", "var", "let"}
)

ETHERTYPES = {
    "ipv4": 0x0800,
    "arp": 0x0806,
    "wol": 0x0842,
    "rarp": 0x8035,
    "atalk": 0x809B,
    "aarp": 0x80F3,
    "ipx_a": 0x8137,
    "ipx_b": 0x8138,
    "ipv6": 0x86DD,
}
PROTOCOLS = {
    "icmp": 1,
    "icmp4": 1,
    "icmpv4": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "igp": 9,
    "udp": 17,
    "rdp": 27,
    "esp": 50,
    "ah": 51,
    "icmp6": 58,
    "icmpv6": 58,
    "l2tp": 115,
    "sctp": 132,
    "udplite": 136,
}
# Bits of a frame's characteristics, the lowest 0.
CHARACTERISTICS = {
    "inbound": 63,
    "multicast": 62,
    "broadcast": 61,
    "ipauth": 60,
    "macauth": 59,
    "tcp_rs0": 11,
    "tcp_rs1": 10,
    "tcp_rs2": 9,
    "tcp_ns": 8,
    "tcp_cwr": 7,
    "tcp_ece": 6,
    "tcp_urg": 5,
    "tcp_ack": 4,
    "tcp_psh": 3,
    "tcp_rst": 2,
    "tcp_syn": 1,
    "tcp_fin": 0,
}
