"""Races between the addresses of one host, in virtual time (RFC 8305)."""

from __future__ import annotations

import errno
import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

import fastzt
from fastzt._core.endpoint import V4_PREFIX
from fastzt.api.happy_eyeballs import ATTEMPT_DELAY, MAX_ATTEMPTS, Race, order, precedence

from .lab import Lab as PlainLab
from .world import MS, SECOND, Link

if TYPE_CHECKING:
    from fastzt.netstack.tcp.connection import Connection

PORT = 80
FIELDS = {
    "routes": [{"target": "10.121.15.0/24", "via": None}, {"target": "2001:db8:1::/64", "via": None}],
    "ipAssignmentPools": [
        {"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.254"},
        {"ipRangeStart": "2001:db8:1::", "ipRangeEnd": "2001:db8:1:0:ffff:ffff:ffff:ffff"},
    ],
    "v6AssignMode": {"zt": True, "rfc4193": False, "6plane": False},
}


class Lab(PlainLab):
    """On a network with both families."""

    def make_network(self, *arguments: Any, **fields: Any) -> int:
        return super().make_network(*arguments, **{**FIELDS, **fields})


DEAD = ipaddress.ip_address("2001:db8:1::dead:1").packed


def packed(text: str) -> bytes:
    ip = ipaddress.ip_address(text)
    return ip.packed if ip.version == 6 else V4_PREFIX + ip.packed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:db8::1", 40),
        ("192.0.2.1", 35),
        ("fd27::1", 3),
        ("fca7::1", 3),
        ("2002::1", 30),
        ("::1", 50),
        ("::2", 1),
    ],
)
def test_precedence(text: str, expected: int) -> None:
    assert precedence(packed(text)) == expected


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("10.0.0.1 10.0.0.2 2001:db8::1 2001:db8::2", "2001:db8::1 10.0.0.1 2001:db8::2 10.0.0.2"),
        ("fd00::1 fd00::2 10.0.0.1", "10.0.0.1 fd00::1 fd00::2"),
        ("fd00::1 2001:db8::1 10.0.0.1 10.0.0.1", "2001:db8::1 10.0.0.1 fd00::1"),
        ("10.0.0.2 10.0.0.1", "10.0.0.2 10.0.0.1"),
        ("", ""),
    ],
)
def test_order(hosts: str, expected: str) -> None:
    assert order(map(packed, hosts.split())) == [packed(text) for text in expected.split()]


def test_the_order_is_capped() -> None:
    assert len(order(packed(f"10.0.{n}.1") for n in range(2 * MAX_ATTEMPTS))) == MAX_ATTEMPTS


class Runner:
    """A race of host a to addresses of the network; `seconds` until it was over, and how it ended."""

    def __init__(self, lab: Lab, hosts: list[bytes], port: int = PORT) -> None:
        self.lab = lab
        self.host = lab.members[0]
        self.race = Race(self.host.core, [(lab.nwid, ip) for ip in hosts], port)
        self.winner: Connection | None = None
        self.failure: OSError | None = None
        began = lab.now
        while self.winner is None and self.failure is None:
            self.look()
            lab.run_for(0.001)
        self.seconds = (lab.now - began) / SECOND
        self.host.act(lambda now: self.race.cancel(now, self.winner))

    def look(self) -> None:
        try:
            self.winner = self.host.act(self.race.step)
        except OSError as error:
            self.failure = error

    def open_connections(self) -> int:
        return self.host.core._lane(self.lab.nwid).stack.flows.count


@pytest.fixture
def lab() -> Lab:
    """Members a and b with addresses of both families; b listens, and both know each other."""
    made = Lab()
    a, b = made.members
    made.join(a, b)
    b.act(lambda now: b.core.listen(made.nwid, None, PORT, 16, now))
    for ip in ips(made):
        assert Runner(made, [ip]).winner
    return made


def ips(lab: Lab) -> list[bytes]:
    """b's addresses: IPv6, IPv4."""
    found = [ip for ip, _ in lab.members[1].core.network(lab.nwid).addresses]
    return sorted(found, key=lambda ip: ip.startswith(V4_PREFIX))


def test_the_first_address_wins_where_it_answers(lab: Lab) -> None:
    race = Runner(lab, ips(lab))
    assert race.winner is not None
    assert race.winner.remote == ips(lab)[0]
    assert race.seconds < ATTEMPT_DELAY


def test_the_next_begins_after_the_delay_and_the_loser_is_cancelled(lab: Lab) -> None:
    before = Runner(lab, ips(lab)[:1]).open_connections()
    race = Runner(lab, [DEAD, ips(lab)[1]])
    assert race.winner is not None
    assert race.winner.remote == ips(lab)[1]
    assert ATTEMPT_DELAY <= race.seconds < ATTEMPT_DELAY + 0.1
    assert race.open_connections() == before + 1
    lab.run_for(20)
    assert race.winner.connected


def test_a_refusal_lets_the_next_begin_at_once(lab: Lab) -> None:
    b = lab.members[1]
    four = ips(lab)[1]
    b.act(lambda now: b.core.listen(lab.nwid, four, 81, 16, now))
    race = Runner(lab, ips(lab), 81)
    assert race.winner is not None
    assert race.winner.remote == four
    assert race.seconds < ATTEMPT_DELAY


def test_when_all_fail_the_last_failure_is_told(lab: Lab) -> None:
    race = Runner(lab, [DEAD, *ips(lab)], 82)
    assert isinstance(race.failure, fastzt.HostUnreachableError)  # found out after the refusals
    race = Runner(lab, [packed("192.0.2.1"), ips(lab)[0]], 82)
    assert isinstance(race.failure, ConnectionRefusedError)
    assert "port 82" in str(race.failure)
    race = Runner(lab, [packed("192.0.2.1")])
    assert race.failure is not None
    assert race.failure.errno == errno.ENETUNREACH
    assert race.open_connections() == Runner(lab, [packed("192.0.2.1")]).open_connections()


def test_one_that_answers_late_may_still_win(lab: Lab) -> None:
    """The first attempt's answer takes longer than the delay, but comes before that of the second one."""
    lab.set_link("a", "b", Link(delay=200 * MS))
    race = Runner(lab, ips(lab))
    assert race.winner is not None
    assert race.winner.remote == ips(lab)[0]
    assert race.seconds > ATTEMPT_DELAY
