"""Status of a network as its controller reports it (PROTOCOL-VL2 2.6)."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Numbers of the reference; 4 and 5 (port error, client too old) do not arise here."""

    REQUESTING = 0
    OK = 1
    DENIED = 2
    NOT_FOUND = 3
    AUTHENTICATION_REQUIRED = 6


# ERROR code of a config request -> status. The second group counts only in reply to a config request.
STATUS_OF_ERROR = {
    0x07: Status.DENIED,
    0x09: Status.AUTHENTICATION_REQUIRED,
    0x03: Status.NOT_FOUND,
    0x05: Status.NOT_FOUND,
}
ONLY_IN_REPLY_TO_REQUEST = frozenset({0x03, 0x05})
