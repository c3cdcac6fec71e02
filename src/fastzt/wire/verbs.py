"""Verb and error numbers (PROTOCOL-VL1 5, 5.2)."""

from __future__ import annotations

from enum import IntEnum

VERB_MASK = 0x1F  # bits 5 and 6 of the verb byte are ignored by receivers
COMPRESSED = 0x80


class Verb(IntEnum):
    """What a packet asks or says."""

    NOP = 0x00
    HELLO = 0x01
    ERROR = 0x02
    OK = 0x03
    WHOIS = 0x04
    RENDEZVOUS = 0x05
    FRAME = 0x06
    EXT_FRAME = 0x07
    ECHO = 0x08
    MULTICAST_LIKE = 0x09
    NETWORK_CREDENTIALS = 0x0A
    NETWORK_CONFIG_REQUEST = 0x0B
    NETWORK_CONFIG = 0x0C
    MULTICAST_GATHER = 0x0D
    MULTICAST_FRAME = 0x0E
    PUSH_DIRECT_PATHS = 0x10
    ACK = 0x12
    QOS_MEASUREMENT = 0x13
    USER_MESSAGE = 0x14
    REMOTE_TRACE = 0x15
    PATH_NEGOTIATION_REQUEST = 0x16


class ErrorCode(IntEnum):
    """Why an ERROR was sent."""

    NONE = 0
    INVALID_REQUEST = 1
    BAD_PROTOCOL_VERSION = 2
    OBJECT_NOT_FOUND = 3
    IDENTITY_COLLISION = 4
    UNSUPPORTED_OPERATION = 5
    NEED_MEMBERSHIP_CERTIFICATE = 6
    NETWORK_ACCESS_DENIED = 7
    UNWANTED_MULTICAST = 8
    NETWORK_AUTHENTICATION_REQUIRED = 9
