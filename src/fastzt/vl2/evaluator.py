"""The rule engine (PROTOCOL-VL2 7.2, 7.3): runs programs over one frame, without allocating.

Both ends of a frame evaluate the same list; decisions follow the reference to the letter, because two nodes
that judge one rule differently cut each other off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.slab import Slab
from .claims import Claims
from .frame_context import FrameContext
from .program import Program

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import be16, be32, be64, u8
    from .frame_context import ETHERTYPE_IPV4, ETHERTYPE_IPV6, ICMP, ICMPV6
    from .program import (
        ALTERNATIVE,
        FIRST,
        FLAGS,
        FOURTH,
        KIND,
        NEGATED,
        PER_PACKET,
        RECORD,
        SECOND,
        SMALL,
        THIRD,
    )

    # Outcomes of a rule list.
    NO_MATCH = 0
    DROP = 1
    ACCEPT = 2
    SUPER_ACCEPT = 3
    REDIRECT = 4

    # Outcomes of one match. The last three ignore the NOT bit; FORCED_TRUE_SKIP also spares the next DROP.
    FALSE = 0
    TRUE = 1
    FORCED_FALSE = 2
    FORCED_TRUE = 3
    FORCED_TRUE_SKIP = 4

    UNKNOWN_MATCHES = 0x8  # network config flag


def judge(base: Program, capabilities: list[Program], frame: FrameContext) -> int:
    """The outcome for one frame: the base rules, then, if they leave it open, the sender's capabilities.

    Returns DROP, ACCEPT, SUPER_ACCEPT or REDIRECT. A DROP inside a capability ends only that capability.
    When a capability decides, the copy that the base rules asked for is in `base_tee_*`, its own in `tee_*`.
    """
    outcome = run(base, frame)
    if outcome != NO_MATCH:
        return outcome
    frame.base_tee_to = frame.tee_to
    frame.base_tee_length = frame.tee_length
    frame.base_tee_watch = frame.tee_watch
    for program in capabilities:
        frame.tee_to = 0
        outcome = run(program, frame)
        if outcome > DROP:
            return outcome
    return DROP


def run(program: Program, frame: FrameContext) -> int:
    """One rule list over one frame: NO_MATCH, DROP, ACCEPT, SUPER_ACCEPT or REDIRECT.

    Leaves `redirect_to` and `tee_*` in the frame, and clears `cacheable` when a rule took part whose outcome
    may differ for the next packet of the same flow.
    """
    slab = program.slab
    matching = True
    skip_drop = False
    super_accept = False
    for i in range(program.count):
        o = i * RECORD
        kind = u8(slab, o + KIND)
        flags = u8(slab, o + FLAGS)
        if kind <= 15:
            if not matching:
                if frame.inbound and 2 <= kind <= 4 and be64(slab, o + FIRST) == frame.me:
                    super_accept = True
                matching = True
                continue
            if kind == 0 and skip_drop:
                skip_drop = False
                continue
            outcome = act(slab, o, kind, super_accept, frame)
            if outcome >= 0:
                return outcome
            continue
        if not matching and not flags & ALTERNATIVE:
            continue
        if flags & PER_PACKET:
            frame.cacheable = False
        result = evaluate(slab, o, kind, super_accept, frame)
        if result == FORCED_TRUE_SKIP:
            skip_drop = True
        if result <= TRUE:
            hit = (result == TRUE) != ((flags & NEGATED) != 0)
        else:
            hit = result != FORCED_FALSE
        if flags & ALTERNATIVE:
            matching = matching or hit
        else:
            matching = matching and hit
    return NO_MATCH


def act(slab: Slab, o: int, kind: int, super_accept: bool, frame: FrameContext) -> int:
    """An action whose matches hold; -1: go on with the next rule."""
    if kind == 0:
        return DROP
    if kind == 1:
        return SUPER_ACCEPT if super_accept else ACCEPT
    if kind == 5:
        return NO_MATCH
    if kind == 6:
        return ACCEPT
    if kind > 4:
        return -1
    return divert(slab, o, kind, frame)


def divert(slab: Slab, o: int, kind: int, frame: FrameContext) -> int:
    """TEE (2), WATCH (3) and REDIRECT (4): note the target unless it sees the frame anyway."""
    target = be64(slab, o + FIRST)
    if target == frame.source:
        return -1
    if target == frame.me:
        return SUPER_ACCEPT if frame.inbound else -1
    if target == frame.destination:
        return -1
    frame.cacheable = False
    if kind == 4:
        frame.redirect_to = target
        return REDIRECT
    cut = be16(slab, o + SMALL)
    frame.tee_to = target
    frame.tee_length = cut if 0 < cut < frame.length else frame.length
    frame.tee_watch = kind == 3
    return -1


def evaluate(slab: Slab, o: int, kind: int, super_accept: bool, frame: FrameContext) -> int:
    """One match, without its NOT bit."""
    if kind >= 31 and kind <= 34:
        return match_ip(slab, o, kind, frame)
    if kind == 36:
        if frame.transport < 0:
            return FORCED_FALSE
        return frame.protocol == be64(slab, o + FIRST)
    if kind == 37:
        return frame.ethertype == be64(slab, o + FIRST)
    if kind == 39 or kind == 40:
        return match_port(slab, o, 0 if kind == 39 else 2, frame)
    if kind == 41:
        return (frame.characteristics() & be64(slab, o + FIRST)) != 0
    if kind >= 44 and kind <= 48:
        return match_tags(slab, o, kind, super_accept, frame)
    if kind == 49 or kind == 50:
        return match_one_tag(slab, o, kind == 49, super_accept, frame)
    return match_rare(slab, o, kind, frame)


def match_rare(slab: Slab, o: int, kind: int, frame: FrameContext) -> int:
    """The matches that few rule sets use, and the unknown ones."""
    first = be64(slab, o + FIRST)
    if kind == 24:
        return frame.source == first
    if kind == 25:
        return frame.destination == first
    if kind == 26:
        return frame.vlan == first
    if kind == 27 or kind == 28:
        return first == 0
    if kind == 29:
        return frame.mac_source == first
    if kind == 30:
        return frame.mac_destination == first
    if kind == 35:
        return match_tos(slab, o, frame)
    if kind == 38:
        return match_icmp(slab, o, frame)
    if kind == 42:
        size = frame.length
        return first <= size <= be64(slab, o + SECOND)
    if kind == 43:
        return frame.next_random() <= first
    if kind == 51:
        return match_integer(slab, o, frame)
    return (frame.config_flags & UNKNOWN_MATCHES) != 0


def match_ip(slab: Slab, o: int, kind: int, frame: FrameContext) -> int:
    """IPV4_SOURCE, IPV4_DEST, IPV6_SOURCE, IPV6_DEST; host bits of an IPv6 rule never match."""
    at = frame.offset
    if not frame.ip_header:
        return FORCED_FALSE
    if kind <= 32:
        if frame.ethertype != ETHERTYPE_IPV4:
            return FORCED_FALSE
        at += 12 if kind == 31 else 16
        return (be32(frame.slab, at) & be64(slab, o + SECOND)) == be64(slab, o + FIRST)
    if frame.ethertype != ETHERTYPE_IPV6:
        return FORCED_FALSE
    at += 8 if kind == 33 else 24
    high = be64(frame.slab, at) & be64(slab, o + THIRD)
    low = be64(frame.slab, at + 8) & be64(slab, o + FOURTH)
    return high == be64(slab, o + FIRST) and low == be64(slab, o + SECOND)


def match_port(slab: Slab, o: int, at: int, frame: FrameContext) -> int:
    """A port range; plainly false on protocols without ports."""
    if frame.transport < 0:
        return FORCED_FALSE
    port = frame.port(at)
    if port < 0:
        return FALSE
    low: int = be64(slab, o + FIRST)
    high: int = be64(slab, o + SECOND)
    return low <= port <= high


def match_tos(slab: Slab, o: int, frame: FrameContext) -> int:
    """IPv4 type of service or IPv6 traffic class under a mask."""
    if not frame.ip_header:
        return FORCED_FALSE
    if frame.ethertype == ETHERTYPE_IPV4:
        tos = u8(frame.slab, frame.offset + 1)
    else:
        tos = (be16(frame.slab, frame.offset) >> 4) & 0xFF
    tos &= be64(slab, o + FIRST)
    return be64(slab, o + SECOND) <= tos <= be64(slab, o + THIRD)


def match_icmp(slab: Slab, o: int, frame: FrameContext) -> int:
    """Type, and with flag 1 the code; only the comparison of the code answers to the NOT bit."""
    wanted = ICMP if frame.ethertype == ETHERTYPE_IPV4 else ICMPV6
    if frame.transport < 0 or frame.protocol != wanted or frame.length < frame.transport + 2:
        return FORCED_FALSE
    at = frame.offset + frame.transport
    if u8(frame.slab, at) != be64(slab, o + FIRST):
        return FORCED_FALSE
    if not be64(slab, o + THIRD) & 1:
        return FORCED_TRUE
    return u8(frame.slab, at + 1) == be64(slab, o + SECOND)


def match_integer(slab: Slab, o: int, frame: FrameContext) -> int:
    """A number of `bits` bits: little endian at the index, big endian right-aligned in the 8 bytes there."""
    bits = be64(slab, o + THIRD)
    size = (bits + 7) // 8
    at = be16(slab, o + SMALL)
    little = be64(slab, o + FOURTH) != 0
    if not little:
        at += 8 - size
    value = 0
    if at + size <= frame.length:
        for i in range(size):
            step = size - 1 - i if little else i
            value = (value << 8) | u8(frame.slab, frame.offset + at + step)
    spare = size * 8 - bits
    if little:
        value >>= spare
    elif spare:
        value &= (FULL >> spare) >> (64 - size * 8)
    return be64(slab, o + FIRST) <= value <= be64(slab, o + SECOND)


def match_tags(slab: Slab, o: int, kind: int, super_accept: bool, frame: FrameContext) -> int:
    """TAGS_DIFFERENCE, AND, OR, XOR, EQUAL over our tag and theirs."""
    tag = be64(slab, o + FIRST)
    mine_or_none = frame.local.tags.get(tag)
    if mine_or_none is None:
        return FORCED_FALSE
    theirs_or_none = frame.remote.tags.get(tag)
    if theirs_or_none is None:
        return FORCED_FALSE if frame.inbound and not super_accept else FORCED_TRUE_SKIP
    mine: int = mine_or_none
    theirs: int = theirs_or_none
    value = be64(slab, o + SECOND)
    if kind == 44:
        return (mine - theirs if mine > theirs else theirs - mine) <= value
    if kind == 45:
        return (mine & theirs) == value
    if kind == 46:
        return (mine | theirs) == value
    if kind == 47:
        return (mine ^ theirs) == value
    return mine == value and theirs == value


def match_one_tag(slab: Slab, o: int, sender: bool, super_accept: bool, frame: FrameContext) -> int:
    """TAG_SENDER and TAG_RECEIVER: one of the two ends, which is local or remote by the frame's direction."""
    if super_accept:
        return FORCED_TRUE_SKIP
    claims: Claims = frame.remote if sender == frame.inbound else frame.local
    held = claims.tags.get(be64(slab, o + FIRST))
    if held is None:
        if sender == frame.inbound and not sender:
            return FORCED_TRUE_SKIP
        return FORCED_FALSE
    return held == be64(slab, o + SECOND)


FULL = 0xFFFFFFFFFFFFFFFF
