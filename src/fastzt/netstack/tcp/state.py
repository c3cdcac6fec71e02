"""The TCP state machine as data (RFC 9293 section 3.3.2): every change of state is a row of TRANSITIONS.

No other module knows which state follows which; they name an event and take what `step` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    CLOSED = 0
    LISTEN = 1
    SYN_SENT = 2
    SYN_RECEIVED = 3
    ESTABLISHED = 4
    FIN_WAIT_1 = 5
    FIN_WAIT_2 = 6
    CLOSE_WAIT = 7
    CLOSING = 8
    LAST_ACK = 9
    TIME_WAIT = 10

    ACTIVE_OPEN = 0  # the user connects
    PASSIVE_OPEN = 1  # a listener took a SYN
    SYN = 2  # a SYN without ACK came (simultaneous open)
    SYN_ACK = 3  # a SYN that acknowledges ours came
    SYN_ACKED = 4  # our SYN is acknowledged
    CLOSE = 5  # the user ends our direction
    FIN = 6  # the peer's FIN is in order
    FIN_ACKED = 7  # our FIN is acknowledged
    FAIL = 8  # RST, abort, time-out
    QUIET = 9  # 2 MSL have passed

NAMES = (
    "CLOSED",
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)

# A CLOSE in SYN-RECEIVED waits until the handshake is complete (RFC 9293 3.10.4).
TRANSITIONS: dict[tuple[int, int], int] = {
    (CLOSED, ACTIVE_OPEN): SYN_SENT,
    (CLOSED, PASSIVE_OPEN): SYN_RECEIVED,
    (SYN_SENT, SYN): SYN_RECEIVED,
    (SYN_SENT, SYN_ACK): ESTABLISHED,
    (SYN_SENT, CLOSE): CLOSED,
    (SYN_RECEIVED, SYN_ACKED): ESTABLISHED,
    (ESTABLISHED, CLOSE): FIN_WAIT_1,
    (ESTABLISHED, FIN): CLOSE_WAIT,
    (FIN_WAIT_1, FIN): CLOSING,
    (FIN_WAIT_1, FIN_ACKED): FIN_WAIT_2,
    (FIN_WAIT_2, FIN): TIME_WAIT,
    (CLOSE_WAIT, CLOSE): LAST_ACK,
    (CLOSING, FIN_ACKED): TIME_WAIT,
    (LAST_ACK, FIN_ACKED): CLOSED,
    (TIME_WAIT, QUIET): CLOSED,
    **{(state, FAIL): CLOSED for state in range(SYN_SENT, TIME_WAIT + 1)},
}


def step(state: int, event: int) -> int:
    """The state that follows; raises ValueError for an event that the state does not have."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"no event {event} in state {NAMES[state]}") from None
