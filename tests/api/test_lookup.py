"""What is asked about a name and how long it is waited for (RFC 8305 section 3), in virtual time."""

from __future__ import annotations

import ipaddress
import random

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from fastzt.api.lookup import (
    MAX_STRAY,
    NEGATIVE_TTL,
    RESOLUTION_DELAY,
    TRIES,
    Lookup,
)

NAME = "files.office.example"
A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA
TEXT = {A: "192.0.2.7", AAAA: "2001:db8::7"}
V4 = bytes(10) + b"\xff\xff" + ipaddress.ip_address(TEXT[A]).packed
V6 = ipaddress.ip_address(TEXT[AAAA]).packed
START = 1000.0


def answer(data: bytes, positive: bool = True, code: int = dns.rcode.NOERROR, flags: int = 0) -> bytes:
    """What a server says to a question."""
    query = dns.message.from_wire(data)
    made = dns.message.make_response(query)
    made.set_rcode(code)
    made.flags |= flags
    asked = query.question[0]
    if positive and code == dns.rcode.NOERROR:
        made.answer.append(dns.rrset.from_text(asked.name, 60, "IN", asked.rdtype, TEXT[asked.rdtype]))
    return made.to_wire()


class Run:
    """A lookup under way, and its questions by kind."""

    def __init__(self, delay: float | None = RESOLUTION_DELAY) -> None:
        self.lookup = Lookup(NAME, START, delay)
        sent = self.lookup.questions(START)
        self.asked = {dns.message.from_wire(data).question[0].rdtype: data for data in sent}
        assert list(self.asked) == [AAAA, A]

    def hear(self, kind: int, at: float, **how: object) -> None:
        self.lookup.take(answer(self.asked[kind], **how), START + at)  # type: ignore[arg-type]

    def over(self, at: float) -> bool:
        return self.lookup.is_over(START + at)

    def found(self) -> list[bytes]:
        return self.lookup.result()[0]


@pytest.mark.parametrize("order", [(A, AAAA), (AAAA, A)])
def test_both_are_asked_at_once_and_taken_in_either_order(order: tuple[int, int]) -> None:
    run = Run()
    assert run.lookup.questions(START + 0.01) == []
    run.hear(order[0], 0.01)
    assert not run.over(0.01)
    run.hear(order[1], 0.02)
    assert run.over(0.02)
    assert run.lookup.result() == ([V4, V6], 60.0)
    assert run.lookup.missing() == []


def test_ipv6_may_be_late_by_the_delay() -> None:
    run = Run()
    run.hear(A, 0.01)
    assert run.lookup.until() == pytest.approx(START + 0.01 + RESOLUTION_DELAY)
    assert not run.over(0.01 + RESOLUTION_DELAY - 0.001)
    assert run.over(0.01 + RESOLUTION_DELAY + 0.001)
    assert run.lookup.result() == ([V4], NEGATIVE_TTL)
    assert run.lookup.missing() == []


def test_a_repetition_does_not_prolong_the_delay() -> None:
    run = Run()
    run.hear(A, 0.01)
    run.hear(A, 0.05)
    assert run.over(0.01 + RESOLUTION_DELAY + 0.001)


def test_ipv4_is_waited_for_as_long_as_the_tries_last() -> None:
    """What leads nowhere over IPv6 needs it."""
    run = Run()
    run.hear(AAAA, 0.01)
    assert not run.over(TRIES[0])
    [again] = run.lookup.questions(START + TRIES[0])
    assert again == run.asked[A]
    assert not run.over(sum(TRIES) - 0.01)
    assert run.over(sum(TRIES) + 0.01)
    assert run.found() == [V6]


def test_without_a_delay_both_are_waited_for() -> None:
    run = Run(delay=None)
    run.hear(A, 0.01)
    assert not run.over(TRIES[0])
    assert run.lookup.questions(START + TRIES[0]) == [run.asked[AAAA]]
    run.hear(AAAA, 0.5)
    assert run.over(0.5)
    assert run.found() == [V4, V6]


def test_no_ipv4_address_is_no_reason_to_hurry() -> None:
    run = Run()
    run.hear(A, 0.01, positive=False)
    assert not run.over(0.3)
    run.hear(AAAA, 0.31)
    assert run.over(0.31)
    assert run.found() == [V6]


def test_silence_ends_with_both_over_tcp() -> None:
    run = Run()
    assert len(run.lookup.questions(START + TRIES[0])) == 2
    assert run.lookup.questions(START + TRIES[0] + 0.1) == []
    assert run.over(sum(TRIES) + 0.01)
    assert [kind for kind, _ in run.lookup.missing()] == [AAAA, A]


def test_what_is_too_long_is_asked_over_tcp() -> None:
    run = Run()
    run.hear(A, 0.01)
    run.hear(AAAA, 0.02, flags=dns.flags.TC)
    assert run.over(0.02)
    [(kind, query)] = run.lookup.missing()
    assert kind == AAAA
    run.lookup.accept(kind, dns.message.from_wire(answer(query.to_wire())))
    assert run.found() == [V4, V6]
    assert run.lookup.missing() == []


@pytest.mark.parametrize("refusing", [A, AAAA])
def test_a_refusal_counts_where_nothing_else_is_found(refusing: int) -> None:
    other = A if refusing == AAAA else AAAA
    run = Run()
    run.hear(refusing, 0.01, code=dns.rcode.SERVFAIL)
    run.hear(other, 0.02)
    assert run.over(0.02)
    assert run.lookup.result() == ([V4 if other == A else V6], NEGATIVE_TTL)
    run = Run()
    run.hear(refusing, 0.01, code=dns.rcode.SERVFAIL)
    run.hear(other, 0.02, positive=False)
    assert run.over(0.02)
    with pytest.raises(ValueError, match="SERVFAIL"):
        run.lookup.result()


def test_a_name_that_is_not_there() -> None:
    run = Run()
    for kind in (A, AAAA):
        run.hear(kind, 0.01, code=dns.rcode.NXDOMAIN)
    assert run.over(0.01)
    assert run.lookup.result() == ([], NEGATIVE_TTL)


def test_what_is_no_answer_is_passed_over_but_not_without_end() -> None:
    run = Run()
    noise = random.Random(3)
    for _ in range(MAX_STRAY - 1):
        run.lookup.take(noise.randbytes(40), START)
    run.lookup.take(answer(Run().asked[A]), START + 0.01)  # another question of the same name
    assert run.over(0.01)
    assert run.found() == []
