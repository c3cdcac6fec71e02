"""Which pairs behind NATs (by nftables) meet directly: two nodes of fastzt, and fastzt with libzt."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netns
import pytest
from lab import PORT, Lab, Member, Pair, connect
from process import until
from requirement import unavailable

pytestmark = pytest.mark.interop

PATIENCE = 60.0
SETTLED = 9.0  # seconds after the last attempt to meet: its repetitions have been made
PORT_BASE = 7500

FILTER = """
table ip filter {
  chain input { type filter hook input priority 0; policy drop;
    iifname "lan" accept
    icmp type echo-request accept
  }
  chain forward { type filter hook forward priority 0; policy drop;
    iifname "lan" accept
    ct state established,related accept
    ct status dnat accept
  }
}
table ip nat {
  chain prerouting { type nat hook prerouting priority -100;
    %s
  }
  chain postrouting { type nat hook postrouting priority 100;
    %s
  }
}
"""


def port_restricted(outside: str, inside: str) -> str:
    """One outside port for each inside port; in come only those whom a datagram went to."""
    return FILTER % ("", 'oifname "eth0" masquerade')


def symmetric(outside: str, inside: str) -> str:
    """Another outside port for each destination."""
    return FILTER % ("", 'oifname "eth0" masquerade fully-random')


def one_to_one(outside: str, inside: str) -> str:
    """An outside address that is this host's alone, all ports of it."""
    return FILTER % (f'iifname "eth0" dnat to {inside}', f'oifname "eth0" snat to {outside}')


def full_cone(outside: str, inside: str) -> str:
    """A port that is forwarded for good: anybody comes in by it."""
    return FILTER % (f'iifname "eth0" udp dport {PORT} dnat to {inside}:{PORT}', 'oifname "eth0" masquerade')


NATS = {
    "full cone": full_cone,
    "1:1": one_to_one,
    "port-restricted": port_restricted,
    "symmetric": symmetric,
}
RELAYED = {frozenset({"symmetric"}), frozenset({"symmetric", "port-restricted"})}
FASTZT_PAIRS = list(itertools.combinations_with_replacement(NATS, 2))
LIBZT_PAIRS = list(itertools.product(NATS, NATS))


def expected(ours: str, theirs: str) -> str:
    """How the two talk in the end."""
    return "relayed" if frozenset({ours, theirs}) in RELAYED else "direct"


@dataclass
class Meeting:
    """An open connection of a pair, and what its client says of the way; `over`: attempts to meet were."""

    kinds: tuple[str, str]
    pair: Pair
    over: bool = False

    def talk(self) -> None:
        """A question and its answer."""
        for sender, source, receiver, sink in (
            (self.pair.client, self.pair.near, self.pair.server, self.pair.far),
            (self.pair.server, self.pair.far, self.pair.client, self.pair.near),
        ):
            sender.peer.call("write", handle=source, text="hello")
            assert receiver.peer.call("read", handle=sink) == "hello"

    def told(self) -> dict[str, Any]:
        """The client's report of the server."""
        found = self.pair.client.peer.call("peers")
        return dict(next(peer for peer in found if peer["id"] == self.pair.server.id))

    def is_settled(self) -> bool:
        """Whether it is as expected, and if that is the relay, attempts to meet have been over once.

        They begin anew each time that a node tells where it may be reached: in each pair at times of its own.
        """
        told = self.told()
        if told["tried"] and told["last_tried_s"] > SETTLED:
            self.over = True
        return told["connection"] == expected(*self.kinds) and (told["connection"] == "direct" or self.over)


def hold(meetings: list[Meeting]) -> None:
    """Keep all talking until each has come to what is expected of it."""

    def settled() -> bool:
        for meeting in meetings:
            meeting.talk()
        return all(meeting.is_settled() for meeting in meetings)

    try:
        until(settled, "all pairs", PATIENCE)
    except TimeoutError:
        wrong = [(m.kinds, m.told()) for m in meetings if not m.is_settled()]
        raise AssertionError(f"not as expected: {wrong}") from None


@pytest.fixture(scope="module")
def nat_lab(library: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A root in the open; hosts come with the tests."""
    try:
        segment = netns.Segment("n")
    except netns.Unavailable as error:
        unavailable(str(error))
    try:
        lab = Lab(segment, library, tmp_path_factory.mktemp("nat"))
        try:
            yield lab
        finally:
            lab.close()
    finally:
        segment.close()


def short(kind: str, role: str) -> str:
    """A name for a host: namespaces and interfaces have short ones."""
    return role + "".join(word[0] for word in kind.split("-"))


@pytest.fixture(scope="module")
def clients(nat_lab: Lab) -> dict[str, Member]:
    """A fastzt node behind each NAT."""
    return {
        kind: nat_lab.fastzt(short(kind, "a"), nat_lab.behind(short(kind, "a"), rules), PORT)
        for kind, rules in NATS.items()
    }


def meet(
    lab: Lab, clients: dict[str, Member], servers: dict[str, Member], pairs: list[tuple[str, str]]
) -> None:
    """Connect each pair on a new network and hold the connections until all is as expected."""
    nwid = lab.network(*clients.values(), *servers.values())
    for member in (*clients.values(), *servers.values()):
        member.join(nwid)
    scout = next(iter(clients.values()))
    for member in (*clients.values(), *servers.values()):
        host = member.address(nwid)
        # libzt announces its address some seconds after it has it.
        until(lambda host=host: scout.peer.call("whois", host=host), f"{member.name} to be found")  # type: ignore[misc]
    meetings = []
    for i, (ours, theirs) in enumerate(pairs):
        pair = connect(clients[ours], servers[theirs], nwid, PORT_BASE + i, timeout=30)
        meetings.append(Meeting((ours, theirs), pair))
    hold(meetings)
    for meeting in meetings:
        meeting.pair.end()


def test_the_documented_table_is_what_is_expected() -> None:
    """Each pair has one row in docs/nat.md, which says what is expected here."""
    text = (Path(__file__).parents[2] / "docs" / "nat.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"
    ]
    table = {tuple(row[:2]): row[2:] for row in rows if row[0] in NATS and row[1] in NATS}
    assert table == {pair: [expected(*pair)] * 2 for pair in FASTZT_PAIRS}


def test_two_fastzt_nodes(nat_lab: Lab, clients: dict[str, Member]) -> None:
    servers = {
        kind: nat_lab.fastzt(short(kind, "b"), nat_lab.behind(short(kind, "b"), rules), PORT)
        for kind, rules in NATS.items()
    }
    meet(nat_lab, clients, servers, FASTZT_PAIRS)


def test_fastzt_with_libzt(nat_lab: Lab, clients: dict[str, Member]) -> None:
    # With a second port, which no NAT here forwards, libzt may tell of that one alone, as the root sees it.
    servers = {
        kind: nat_lab.libzt(short(kind, "z"), nat_lab.behind(short(kind, "z"), rules), alone=True)
        for kind, rules in NATS.items()
    }
    meet(nat_lab, clients, servers, LIBZT_PAIRS)
