"""The parts of the benchmark: each adds its measurements to a record, once a run."""

from __future__ import annotations

import time
from collections.abc import Callable

from . import throughput
from .armoring import armoring
from .process import Member
from .record import Record
from .rig import Rig

Tell = Callable[[str], None]
Part = Callable[[Rig, Record, Tell], None]
REFERENCE_SECONDS = 2.0  # UDP alone needs no more
MEGA = 1e6


def armor(rig: Rig, record: Record, tell: Tell) -> None:
    """The cipher suites by packet size, in this process."""
    tell("armor and dearmor")
    for operation, suites in armoring().items():
        for suite, sizes in suites.items():
            for size, rate in sizes.items():
                record.add(f"{operation}.{suite}.{size}", rate)


def tcp(rig: Rig, record: Record, tell: Tell) -> None:
    """One stream (or several) beside the kernel's own, unencrypted, and beside UDP alone."""
    settings = rig.settings
    seconds = min(settings.seconds, REFERENCE_SECONDS)
    tell("UDP alone")
    batched = throughput.udp(rig.bare(), seconds, settings.receive_buffer)
    tell("UDP alone, one datagram a call")
    plain = throughput.udp(rig.plain(), seconds, settings.receive_buffer)
    tell("the kernel's TCP")
    kernel = throughput.gbit_s(rig, "kernel")
    tell("a TCP flow")
    ours = throughput.gbit_s(rig, "overlay")
    record.add("udp_gbit_s", batched["gbit_s"])
    record.add("udp_one_a_call_gbit_s", plain["gbit_s"])
    record.add("kernel_tcp_gbit_s", kernel)
    record.add("tcp_gbit_s", ours)
    record.ratio("tcp_to_kernel", "tcp_gbit_s", "kernel_tcp_gbit_s")
    record.ratio("tcp_to_udp", "tcp_gbit_s", "udp_gbit_s")
    if settings.flows > 1:
        tell("one TCP flow alone")
        record.add("one_flow_gbit_s", throughput.gbit_s(rig, "overlay", 1))
        record.ratio("flows_to_one", "tcp_gbit_s", "one_flow_gbit_s")
    record.fact("receive_buffer", batched["receive_buffer"])
    record.fact("offload", {"segment": batched["segment"], "coalesce": batched["coalesce"]})


def rtt(rig: Rig, record: Record, tell: Tell) -> None:
    """Round trips of 64 bytes beside those of plain UDP and of the kernel's TCP."""
    seconds = min(rig.settings.seconds, REFERENCE_SECONDS)
    near, _ = rig.pair()
    tell("round trips over UDP")
    port = rig.udp_echo()
    add_trips(record, "udp_rtt_us", near.call("udp_ping", port=port, seconds=seconds))
    tell("round trips over the kernel's TCP")
    add_trips(record, "kernel_tcp_rtt_us", trips(rig, "kernel", seconds))
    tell("round trips")
    add_trips(record, "rtt_us", trips(rig, "overlay", rig.settings.seconds))
    record.ratio("rtt_to_udp", "rtt_us_p50", "udp_rtt_us_p50")


def trips(rig: Rig, side: str, seconds: float) -> dict[str, float]:
    """Quantiles of round trips over one connection."""
    near, _ = rig.pair()
    near.start("ping", side=side, host=rig.hosts[side], port=rig.echo(side), seconds=seconds)
    found: dict[str, float] = near.result(seconds)
    return found


def add_trips(record: Record, name: str, found: dict[str, float]) -> None:
    """Median and 99th percentile."""
    for quantile in ("p50", "p99"):
        record.add(f"{name}_{quantile}", found[quantile])


def connects(rig: Rig, record: Record, tell: Tell) -> None:
    """Connect, 64 bytes each way, close, one after another."""
    near, _ = rig.pair()
    seconds = rig.settings.seconds
    for side, name in (("kernel", "kernel_connects_per_s"), ("overlay", "connects_per_s")):
        tell(f"connections one after another, {side}")
        arguments = {"side": side, "host": rig.hosts[side], "port": rig.echo(side), "seconds": seconds}
        near.start("connects", **arguments)
        found = near.result(seconds)
        record.add(name, found["per_second"])
        record.add(name.replace("per_s", "failed"), found["failed"])


def warm(rig: Rig, record: Record, tell: Tell) -> None:
    """From a stopped node with stored state to a connected socket."""
    near, _ = rig.pair()
    tell("warm start")
    host, port = rig.hosts["overlay"], rig.echo("overlay")
    record.add("warm_start_ms", near.call("warm_start", network=rig.network, host=host, port=port))
    rig.meet()


def idle(rig: Rig, record: Record, tell: Tell) -> None:
    """A node that has joined and is left alone."""
    near, _ = rig.pair()
    seconds = rig.settings.seconds
    tell("idle")
    before = near.call("usage")
    time.sleep(seconds)
    after = near.call("usage")
    record.add("idle_cpu_percent", (after["cpu"] - before["cpu"]) / seconds * 100)
    record.add("idle_wakeups_per_s", (after["wakeups"] - before["wakeups"]) / seconds)
    record.add("resident_mb", after["rss"] / MEGA)


def crowd(rig: Rig, record: Record, tell: Tell) -> None:
    """A flow without and beside many idle connections; what each of those costs."""
    near, far = rig.pair()
    count = rig.settings.crowd
    tell("a TCP flow before the crowd")
    alone = throughput.gbit_s(rig, "overlay")
    before = [member.call("usage")["rss"] for member in (near, far)]
    tell(f"{count} connections")
    port = far.call("keep", side="overlay")
    near.start("gather", side="overlay", host=rig.hosts["overlay"], port=port, count=count)
    taken = near.result(count / 100)
    after = [member.call("usage")["rss"] for member in (near, far)]
    tell(f"a TCP flow beside {count} connections")
    beside = throughput.gbit_s(rig, "overlay")
    closed = [member.call("disperse") for member in (near, far)]
    record.add("crowd_connects_per_s", count / taken)
    for name, end, start in zip(("connecting", "accepting"), after, before, strict=True):
        record.add(f"crowd_resident_mb_{name}", end / MEGA)
        record.add(f"crowd_bytes_a_connection_{name}", (end - start) / count)
    record.add("crowd_tcp_gbit_s", beside)
    record.add("crowd_tcp_to_alone", beside / alone)
    record.add("crowd_closed", min(closed))


def busy(rig: Rig, record: Record, tell: Tell) -> None:
    """A flow and round trips beside a thread in each process that computes in Python."""
    pair = rig.pair()
    seconds = rig.settings.seconds
    if rig.settings.switch_interval is not None:
        switch_interval(rig, rig.settings.switch_interval)
    set_spinning(pair, True)
    try:
        tell("a TCP flow beside busy threads")
        record.add("busy_tcp_gbit_s", throughput.gbit_s(rig, "overlay"))
        tell("the kernel's TCP beside busy threads")
        record.add("busy_kernel_tcp_gbit_s", throughput.gbit_s(rig, "kernel"))
        tell("round trips beside busy threads")
        add_trips(record, "busy_rtt_us", trips(rig, "overlay", seconds))
        add_trips(record, "busy_kernel_tcp_rtt_us", trips(rig, "kernel", seconds))
    finally:
        set_spinning(pair, False)


def set_spinning(pair: tuple[Member, Member], on: bool) -> None:
    """Start or stop the busy threads."""
    for member in pair:
        member.call("spin", on=on)


def switch_interval(rig: Rig, seconds: float) -> None:
    """Set how long a thread may keep the interpreter from the others."""
    for member in rig.bare():
        member.call("switch_interval", seconds=seconds)


PARTS: dict[str, Part] = {
    "armor": armor,
    "tcp": tcp,
    "rtt": rtt,
    "connects": connects,
    "warm": warm,
    "idle": idle,
    "crowd": crowd,
    "busy": busy,
}
USUAL = ("armor", "tcp", "rtt", "connects", "warm", "idle")
