"""Lookup: what a DNS server is asked about one name: both families at once (RFC 8305 section 3).

It neither waits nor reads a clock. Needs `fastzt[dns]`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from .._core.endpoint import V4_PREFIX

if TYPE_CHECKING:
    from dns.message import QueryMessage

RESOLUTION_DELAY = 0.05  # seconds that the IPv6 addresses may come later than the others (RFC 8305 section 8)
TRIES = (0.4, 0.8)  # seconds for the answers over UDP, before TCP is tried
MAX_STRAY = 16  # datagrams that are no answer
MAX_ANSWERS = 16
MAX_TTL = 300.0  # seconds
NEGATIVE_TTL = 5.0  # of what is not there, and of what may be incomplete
MAX_DATAGRAM = 1232  # an answer that the path takes unfragmented: what is usual for EDNS (RFC 6891 6.2.5)
TRUNCATED = 0x0200  # the flag TC (RFC 1035 4.1.1)


class Lookup:
    """The questions about a name, begun at `now` (seconds). `delay`: how long the IPv6 addresses are waited
    for once there are others; None: as long as the tries last.
    """

    def __init__(self, name: str, now: float, delay: float | None = RESOLUTION_DELAY) -> None:
        import dns.rdatatype

        self._delay = delay
        self._queries = {kind: question(name, kind) for kind in (dns.rdatatype.AAAA, dns.rdatatype.A)}
        self._first, self._second = self._queries
        self._found: dict[Any, tuple[list[bytes], float]] = {}
        self._truncated: set[Any] = set()
        self._problem: ValueError | None = None
        self._tries = 0
        self._strays = 0
        self._due = now  # of the next try, or the end of the last
        self._patience = float("inf")  # when what has been found is enough

    def questions(self, now: float) -> list[bytes]:
        """The datagrams to send now."""
        if now < self._due or self._tries >= len(TRIES):
            return []
        self._due = now + TRIES[self._tries]
        self._tries += 1
        return [query.to_wire() for kind, query in self._queries.items() if kind not in self._answered()]

    def until(self) -> float:
        """When to look again if nothing comes."""
        return min(self._due, self._patience)

    def is_over(self, now: float) -> bool:
        """Whether there is nothing more to wait for over UDP."""
        if len(self._answered()) == len(self._queries) or self._strays >= MAX_STRAY:
            return True
        return now >= self._patience or (now >= self._due and self._tries >= len(TRIES))

    def take(self, data: bytes, now: float) -> None:
        """A datagram of the server's; what is no answer is passed over (RFC 5452 9.1)."""
        for kind, query in self._queries.items():
            try:
                answer = answer_to(query, data)
            except ValueError:
                continue
            if answer.flags & TRUNCATED:
                self._truncated.add(kind)
            else:
                self.accept(kind, answer)
            if kind == self._second and self._delay is not None and self._addresses(kind):
                self._patience = min(self._patience, now + self._delay)
            return
        self._strays += 1

    def missing(self) -> list[tuple[Any, QueryMessage]]:
        """What is to be asked for over TCP: what was too long, and all while there is nothing."""
        left = self._truncated if self.is_positive() else self._queries
        return [(kind, self._queries[kind]) for kind in left if kind not in self._found]

    def accept(self, kind: Any, answer: QueryMessage) -> None:
        """The whole answer to a question; a refusal counts only if the other question finds nothing."""
        try:
            self._found[kind] = addresses_of(answer, kind)
        except ValueError as error:
            self._problem = error
            self._found[kind] = [], NEGATIVE_TTL

    def is_positive(self) -> bool:
        """Whether there are addresses."""
        return any(self._addresses(kind) for kind in self._queries)

    def result(self) -> tuple[list[bytes], float]:
        """The 16-byte addresses, IPv4 first, and for how many seconds they hold; raises ValueError."""
        found = [*self._addresses(self._second), *self._addresses(self._first)]
        if not found and self._problem is not None:
            raise self._problem
        lives = [ttl for addresses, ttl in self._found.values() if addresses]
        complete = len(self._found) == len(self._queries) and self._problem is None
        return found, min([*lives, MAX_TTL]) if found and complete else NEGATIVE_TTL

    def _answered(self) -> set[Any]:
        return self._truncated.union(self._found)

    def _addresses(self, kind: Any) -> list[bytes]:
        return self._found.get(kind, ([], 0.0))[0][:MAX_ANSWERS]


def question(name: str, kind: Any) -> QueryMessage:
    """The message that asks for a record."""
    import dns.message

    return dns.message.make_query(name, kind, use_edns=0, payload=MAX_DATAGRAM)


def answer_to(query: QueryMessage, data: bytes) -> QueryMessage:
    """A message as the answer to a question; raises ValueError when it is none."""
    import dns.exception
    import dns.message

    try:
        answer = dns.message.from_wire(data)
    except dns.exception.DNSException as error:
        raise ValueError(f"malformed answer ({error})") from None
    if not query.is_response(answer):
        raise ValueError("an answer to another question")
    return answer  # type: ignore[return-value]


def addresses_of(answer: QueryMessage, kind: Any) -> tuple[list[bytes], float]:
    """The addresses of an answer behind its aliases, and for how long they hold; raises ValueError."""
    import dns.exception
    import dns.rcode

    if answer.rcode() == dns.rcode.NXDOMAIN:
        return [], NEGATIVE_TTL
    if answer.rcode() != dns.rcode.NOERROR:
        raise ValueError(f"the server answers {dns.rcode.to_text(answer.rcode())}")
    try:
        chain = answer.resolve_chaining()
    except dns.exception.DNSException as error:
        raise ValueError(f"malformed answer ({error})") from None
    if chain.answer is None:
        return [], NEGATIVE_TTL
    packed = [ipaddress.ip_address(record.address).packed for record in chain.answer if record.rdtype == kind]
    return [ip if len(ip) == 16 else V4_PREFIX + ip for ip in packed], float(chain.minimum_ttl)
