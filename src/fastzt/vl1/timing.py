"""Times of VL1 in microseconds, and its caps (PROTOCOL-VL1 1.1, 1.2).

Compiled modules repeat in their .pxd the ones they use.
"""

from __future__ import annotations

MILLISECOND = 1_000
SECOND = 1_000_000
NEVER = 2**62

PATH_FRESH = SECOND  # last datagram younger than this: no question whether it works
PATH_PATIENCE = 1_500 * MILLISECOND  # a doubted path that has not answered for this long is broken
OVERDUE = 200 * MILLISECOND  # and two round trips: another path that is fresh is taken meanwhile
PATH_ALIVE = 19 * SECOND  # last datagram younger than this: the path is alive
PATH_EXPIRY = 243 * SECOND  # since the last authenticated direct packet
DOUBT_RETRY = 400 * MILLISECOND  # between questions on a doubted path, above the gate of ECHO
DOUBT_SLOWEST = 5 * SECOND
PATH_CHOICE = SECOND  # how long a choice between paths holds
PATH_HEARTBEAT = 14 * SECOND  # ECHO when nothing was heard or sent for this long
HELLO_PERIOD = 60 * SECOND  # full HELLO to each active peer
ROOT_PERIOD = 20 * SECOND  # keep-alive to roots: below the usual 30 s of UDP NAT mappings
SEED_PERIOD = 10 * SECOND  # between questions for a moon that is wanted
HELLO_RETRY = 2_500 * MILLISECOND  # more than the 2 s of the reference's gate for unknown identities
HELLO_GAP = 2_100 * MILLISECOND
PROBE_RETRY = 2_500 * MILLISECOND
CONFIRM_INTERVAL = SECOND  # between confirmation HELLOs on one unconfirmed path
TRUST_EXPIRY = 600 * SECOND
ACTIVITY_TIMEOUT = 500 * SECOND  # a peer without VL2 traffic for this long is not kept alive
ONLINE_TIMEOUT = 60 * SECOND  # no root heard for this long: offline (roots are asked each 22 s)
PEER_EXPIRY = 500 * SECOND
UDP_PATIENCE = 10 * SECOND  # roots asked over UDP and silent for this long: a TCP relay is wanted

ECHO_GATE = 166 * MILLISECOND
WHOIS_GATE = 100 * MILLISECOND
WHOIS_RETRY = 500 * MILLISECOND
QUEUE_TIMEOUT = 5 * SECOND
SECOND_OFFER = 500 * MILLISECOND
PUSH_INTERVAL_RELAYED = 31 * SECOND  # the receive gate of the reference: pauses over 30 s
PUSH_INTERVAL_DIRECT = 120 * SECOND
PUSH_GATE = 30 * SECOND
PUSH_GATE_COUNT = 8
INTRODUCTION_INTERVAL = 30 * SECOND
INTRODUCTION_REPEAT = 5 * SECOND  # the first three, in case one is lost or comes too early
SURFACE_TIMEOUT = 600 * SECOND
HOUSEKEEPING = 30 * SECOND

MAX_PEERS = 4096
MAX_PATHS = 64  # direct paths of one peer
MAX_STRANGE_PATHS = 4096  # endpoints heard of that are nobody's path
MAX_WAITING = 64  # packets waiting for an identity, each way
MAX_OUTBOX = 1024  # datagrams
MAX_REPLIES = 8192  # ids of packets sent that may be answered
MAX_INTRODUCED = 4096
MAX_SURFACES = 64
MAX_JOBS = 64
MAX_HOPS = 3

DEFAULT_MTU = 1432  # UDP payload
MIN_MTU = 548  # UDP payload of the smallest datagram that every IPv4 host takes (RFC 791: 576)
FRAGMENT_HEADER = 16
MAX_FRAGMENTS = 7
MAX_PACKET = 10024
