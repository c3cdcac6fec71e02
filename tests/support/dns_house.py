"""A network with DNS servers of its own: a node that answers, and one that asks."""

from __future__ import annotations

import contextlib
import ipaddress
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

import fastzt

from .nodes import Pair

DOMAIN = "office.example"
V4 = bytes(10) + b"\xff\xff"


class Server:
    """Answers from `records` ({name: [(type, text)]}), one thread a connection; keeps the questions.

    Over UDP while there is a `socket`; `by_tcp` counts what was asked over TCP. `at_once`: so many questions
    have to come over UDP before any is answered, the last one first.
    """

    def __init__(self, net: fastzt.Network) -> None:
        self.records: dict[str, list[tuple[str, str]]] = {}
        self.asked: list[str] = []
        self.answer = self.correct
        self.net = net
        self.by_tcp = 0
        self.truncates = False
        self.at_once = 1
        self.socket: fastzt.DatagramSocket | None = None
        self.listener = net.listen(53)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def serve_udp(self) -> None:
        """Answer datagrams, too, until `stop_udp`."""
        self.socket = self.net.udp(53)
        threading.Thread(target=self.answer_datagrams, args=(self.socket,), daemon=True).start()

    def stop_udp(self) -> None:
        if self.socket is not None:
            self.socket.close()

    def answer_datagrams(self, near: fastzt.DatagramSocket) -> None:
        held: list[tuple[bytes, tuple[str, int]]] = []
        while True:
            try:
                data, source = near.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(data)
            self.note(query)
            answer = self.answer(query)
            if answer is None:
                continue
            if self.truncates:
                made = dns.message.make_response(query)
                made.flags |= dns.flags.TC
                answer = made.to_wire()
            held.append((answer, source))
            if len(held) >= self.at_once:
                for data, to in reversed(held):
                    near.sendto(b"noise", to)
                    near.sendto(data, to)
                held.clear()

    def note(self, query: dns.message.Message) -> None:
        self.asked.append(f"{query.question[0].name} {dns.rdatatype.to_text(query.question[0].rdtype)}")

    def converse(self, connection: fastzt.Socket) -> None:
        with connection, contextlib.suppress(ConnectionResetError):  # which may be how its client ends
            stream = connection.makefile("rb")
            while head := stream.read(2):
                query = dns.message.from_wire(stream.read(int.from_bytes(head, "big")))
                self.note(query)
                self.by_tcp += 1
                data = self.answer(query)
                if data is None:
                    return
                # In two parts, as a stream may bring it.
                connection.sendall(len(data).to_bytes(2, "big") + data[:5])
                connection.sendall(data[5:])

    def correct(self, query: dns.message.Message) -> bytes | None:
        made = dns.message.make_response(query)
        made.flags |= dns.flags.RA
        question = query.question[0]
        name = question.name
        for _ in range(4):
            records = self.records.get(name.to_text(omit_final_dot=True))
            if records is None:
                if not made.answer:
                    made.set_rcode(dns.rcode.NXDOMAIN)
                break
            for kind, text in records:
                if kind in ("CNAME", dns.rdatatype.to_text(question.rdtype)):
                    made.answer.append(dns.rrset.from_text(name, 60, "IN", kind, text))
            if records[0][0] != "CNAME":
                break
            name = dns.name.from_text(records[0][1])
        return made.to_wire()


class House:
    """A network with DNS: `server` on node b, asked from node a."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.server = Server(pair.net_b)
        self.ip = str(pair.net_b.addresses[0].ip)

    def configure(self, domain: str, *servers: str) -> None:
        """Change the network's DNS and wait until node a has it."""
        nwid = int(self.pair.nwid, 16)
        self.pair.lab.server.perform(
            lambda core, now: core.controller.update_network(
                nwid, {"dns": {"domain": domain, "servers": list(servers)}}, now
            )
        )
        wanted = (domain, tuple(V4 + ipaddress.ip_address(text).packed for text in servers))
        for _ in range(100):
            if tuple(self.pair.net_a.dns) == wanted:
                return
            self.pair.a.events(timeout=0.3)
        raise AssertionError(self.pair.net_a.dns)
