"""Limits and times of an IP stack, in bytes and microseconds: an RFC's value or common practice."""

from __future__ import annotations

from dataclasses import dataclass

from .tcp.congestion.registry import DEFAULT

SECOND = 1_000_000


@dataclass(frozen=True)
class StackConfig:
    """One per Stack; immutable. Sizes are bytes, times microseconds."""

    receive_buffer: int = 1 << 20  # to begin with; they follow what the path takes
    send_buffer: int = 1 << 20
    max_receive_buffer: int = 16 << 20
    max_send_buffer: int = 16 << 20
    congestion: str = DEFAULT
    nodelay: bool = False
    min_rto: int = SECOND // 5  # RFC 6298 2.4 says 1 s; 200 ms more than the round trip is usual
    max_rto: int = 60 * SECOND  # RFC 6298 2.5
    connect_timeout: int = 180 * SECOND  # R2 of a SYN: RFC 9293 3.8.3
    retransmit_timeout: int = 900 * SECOND  # R2 of data: 15 minutes
    delayed_ack: int = SECOND // 25  # RFC 1122 4.2.3.2 allows 500 ms
    keepalive_idle: int = 7200 * SECOND  # RFC 9293 3.8.4
    keepalive_interval: int = 75 * SECOND
    keepalive_probes: int = 9
    time_wait: int = 60 * SECOND  # 2 MSL
    fin_wait_2: int = 60 * SECOND  # an orphan whose peer never closes
    orphan_timeout: int = 100 * SECOND  # R2 once the user has closed
    syn_ack_retries: int = 5
    max_flows: int = 65536
    max_half_open: int = 1024
    max_time_wait: int = 4096
    max_backlog: int = 4096
    max_replies: int = 256  # RST and ICMP answers waiting to leave
    challenge_acks_per_second: int = 100  # RFC 5961 section 7
    udp_receive_buffer: int = 1 << 20
    udp_send_buffer: int = 1 << 18
    max_udp_sockets: int = 4096
    max_pingers: int = 64
    icmp_errors_per_second: int = 100  # RFC 1812 4.3.2.8
