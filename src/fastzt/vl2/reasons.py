"""The counters of VL2: why a packet came to nothing, and which caps were hit."""

from __future__ import annotations

from .._core.stats import register

MALFORMED = register("vl2.malformed")
UNKNOWN_NETWORK = register("vl2.unknown_network")
NOT_A_MEMBER = register("vl2.not_a_member")
FILTERED_IN = register("vl2.filtered_in")
FILTERED_OUT = register("vl2.filtered_out")
WRONG_ETHERTYPE = register("vl2.wrong_ethertype")
WRONG_MAC = register("vl2.wrong_mac")
NO_BRIDGE = register("vl2.no_bridge")
GATED = register("vl2.gated")
REFUSED_CONFIG = register("vl2.refused_config")
REFUSED_CREDENTIAL = register("vl2.refused_credential")
UNTRUSTED_ERROR = register("vl2.untrusted_error")
QUEUE_FULL = register("vl2.queue_full")
TOO_LONG = register("vl2.too_long")
UNHANDLED = register("vl2.unhandled")
MULTICAST_OFF = register("vl2.multicast_off")
