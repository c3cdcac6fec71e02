"""The counters of VL1: why a datagram was dropped, which caps were hit, and what a root did for others."""

from __future__ import annotations

from .._core.stats import register

SHORT = register("vl1.short")
BEACON = register("vl1.beacon")
OWN_SOURCE = register("vl1.own_source")
NOT_OURS = register("vl1.not_ours")
BAD_FRAGMENT = register("vl1.bad_fragment")
UNKNOWN_SOURCE = register("vl1.unknown_source")
FORGED = register("vl1.forged")
MALFORMED = register("vl1.malformed")
REPLAYED = register("vl1.replayed")
UNHANDLED = register("vl1.unhandled")
UNEXPECTED_OK = register("vl1.unexpected_ok")
GATED = register("vl1.gated")
COLLISION = register("vl1.collision")
INVALID_IDENTITY = register("vl1.invalid_identity")
TOO_MANY_JOBS = register("vl1.too_many_jobs")
TOO_LONG = register("vl1.too_long")
TOO_MANY_HOPS = register("vl1.too_many_hops")
NO_RELAY_PATH = register("vl1.no_relay_path")
WAITED_TOO_LONG = register("vl1.waited_too_long")
QUEUE_FULL = register("vl1.queue_full")
NOT_A_ROOT = register("vl1.not_a_root")
RAISED = register("vl1.raised")
RELAYED = register("vl1.relayed", drop=False)
INTRODUCED = register("vl1.introduced", drop=False)
