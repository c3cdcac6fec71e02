"""The parts of the benchmark: each adds its measurements to a record, once a run."""

from __future__ import annotations

from collections.abc import Callable

from . import throughput
from .record import Record
from .rig import Rig

Tell = Callable[[str], None]
REFERENCE_SECONDS = 2.0  # UDP alone needs no more


def tcp(rig: Rig, record: Record, tell: Tell) -> None:
    """One stream (or several) beside the kernel's own, unencrypted, and beside UDP alone."""
    settings = rig.settings
    seconds = min(settings.seconds, REFERENCE_SECONDS)
    tell("UDP alone")
    batched = throughput.udp(rig.bare(), seconds, settings.receive_buffer)
    tell("UDP alone, one datagram a call")
    plain = throughput.udp(rig.plain(), seconds, settings.receive_buffer)
    tell("the kernel's TCP")
    kernel = throughput.tcp(rig, "kernel", settings.seed)
    tell("a TCP flow")
    ours = throughput.tcp(rig, "overlay", settings.seed)
    record.add("udp_gbit_s", batched["gbit_s"])
    record.add("udp_one_a_call_gbit_s", plain["gbit_s"])
    record.add("kernel_tcp_gbit_s", kernel)
    record.add("tcp_gbit_s", ours)
    record.add("tcp_to_kernel", ours / kernel)
    record.add("tcp_to_udp", ours / batched["gbit_s"])
    record.fact("receive_buffer", batched["receive_buffer"])
    record.fact("offload", {"segment": batched["segment"], "coalesce": batched["coalesce"]})


PARTS: dict[str, Callable[[Rig, Record, Tell], None]] = {"tcp": tcp}
