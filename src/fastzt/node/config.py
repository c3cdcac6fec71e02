"""NodeConfig: what a node is beyond an ordinary member, where it binds, and what it says that it speaks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..netstack.tcp.congestion.registry import DEFAULT, check
from ..wire.hello import PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """`root`: relay and introduce; `controller`: serve networks; `bind`: IPs to bind, none for every one.

    `congestion`: the congestion control of TCP connections that do not choose another (bbr, cubic, newreno).
    `receive_buffer`: SO_RCVBUF of the UDP sockets in bytes as the system counts them, default as much as it
    gives. `protocol`: the VL1 version that the node speaks; one of less than 12 neither sends nor is sent
    cipher suite 3 (AES-GMAC-SIV), but suite 1. `tcp_relay`: the relay ("ip/port") to go through while
    UDP is blocked, empty for none, default the public one if the planet is the public one.
    `secondary_port`: a second UDP port, 0 for any; none by default, for it costs a system call in each turn.
    `upstream_proxy`: the proxy (socks5://[user:password@]host:port, http://...) that leads to the relay.
    `upnp`: have the router forward the UDP port (needs the extra `upnp`); `nat_pmp`: the same by NAT-PMP.
    `pcap`: a capture file (pcapng) of all packets in the clear and the frames inside. `trace`: log first
    packets and drops by peer under `fastzt.trace`; default what the environment's FASTZT_TRACE says.
    """

    root: bool = False
    controller: bool = False
    bind: tuple[str, ...] = ()
    congestion: str = DEFAULT
    receive_buffer: int | None = None
    protocol: int = PROTOCOL_VERSION
    tcp_relay: str | None = None
    secondary_port: int | None = None
    upstream_proxy: str | None = field(default=None, repr=False)
    upnp: bool = False
    nat_pmp: bool = False
    pcap: str | os.PathLike[str] | None = None
    trace: bool | None = None

    def __post_init__(self) -> None:
        check(self.congestion)
