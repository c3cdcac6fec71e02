"""A program whose threads wait in every kind of call while something is killed.

Its arguments: the state directories, two networks (it is let into the first), the peer's address and port,
and how it ends. It says when it has connected, begins what nobody will answer at the next line of its input,
says so, ends at the line after that, and says `hung` for each thread that outlives the end.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastzt
from support.killable import PATIENCE, say
from support.nodes import LOOPBACK

NOBODY = ("10.121.15.250", 80)  # whom nobody on the network is


class Program:
    """What it has open, and its threads by the call in which each waits."""

    def __init__(self, states: Path, network: str, other: str, remote: tuple[str, int]) -> None:
        self.states, self.network, self.other, self.remote = states, network, other, remote
        self.node = fastzt.Node(states / "2", config=LOOPBACK)
        self.net = self.node.join(network, timeout=PATIENCE)
        self.nodes = [self.node]
        self.threads: list[threading.Thread] = []
        self.open: list[Any] = []
        self.daemon = False
        self.started = threading.Semaphore(0)

    def begin(self, **calls: Callable[[], Any]) -> None:
        """Make each call on a thread of its own."""
        for name, call in calls.items():
            thread = threading.Thread(target=self.work, args=(call,), name=name, daemon=self.daemon)
            thread.start()
            self.threads.append(thread)
        for _ in calls:
            self.started.acquire()

    def work(self, call: Callable[[], Any]) -> None:
        self.started.release()
        with contextlib.suppress(OSError):
            call()

    def keep(self, made: Any) -> Any:
        self.open.append(made)
        return made

    def connected(self, net: fastzt.Network | None = None) -> fastzt.Socket:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                made = self.keep((net or self.net).connect(self.remote, PATIENCE))
                made.settimeout(None)
                return made  # type: ignore[no-any-return]
            except fastzt.HostUnreachableError:  # a machine that is too busy to answer in time
                if time.monotonic() > end:
                    raise

    def wrapped(self) -> ssl.SSLSocket:
        """TLS that is about to shake hands."""
        context = ssl.create_default_context()
        return self.keep(  # type: ignore[no-any-return]
            context.wrap_socket(
                self.keep(self.connected().to_socket()),
                server_hostname="host.lab",
                do_handshake_on_connect=False,
            )
        )

    def lingering(self) -> fastzt.Node:
        """A node whose peer will never take what it has been sent."""
        node = fastzt.Node(self.states / "4", config=LOOPBACK)
        self.nodes.append(node)
        conn = self.connected(node.join(self.network, timeout=PATIENCE))
        conn.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            conn.sendall(bytes(256 << 20))
        conn.close()
        return node

    def newcomer(self) -> fastzt.Node:
        """A node that knows nobody yet."""
        node = fastzt.Node(self.states / "3", config=LOOPBACK)
        self.nodes.append(node)
        return node

    def close_sockets(self) -> None:
        for made in self.open:
            if isinstance(made, socket.socket):
                with contextlib.suppress(OSError):
                    made.shutdown(socket.SHUT_RDWR)  # what wakes a thread that waits for one of the system
            if not hasattr(made, "readline"):  # its thread holds the file's own lock
                made.close()

    def close(self) -> None:
        for node in self.nodes:
            node.close(linger=0.1)
        end = time.monotonic() + PATIENCE
        for thread in self.threads:
            thread.join(max(end - time.monotonic(), 0.1))
            if thread.is_alive():
                say(hung=thread.name)
        for made in self.open:
            made.close()


def talking(program: Program) -> None:
    """Waits of what is connected, and of what hears nothing."""
    net = program.net
    reader, writer, buffered, bridged = (program.connected() for _ in range(4))
    lines = program.keep(buffered.makefile("rb"))
    outer = program.keep(bridged.to_socket())
    listener = program.keep(net.listen(0))
    datagrams = program.keep(net.udp())
    forwarded = program.keep(net.forwarded(*program.remote))
    local = program.keep(socket.create_connection(forwarded.address))
    program.begin(
        recv=lambda: reader.recv(1),
        sendall=lambda: writer.sendall(bytes(256 << 20)),
        readline=lines.readline,
        bridged=lambda: outer.recv(1),
        accept=listener.accept,
        recvfrom=lambda: datagrams.recvfrom(10),
        forwarded=lambda: local.recv(1),
    )


def asking(program: Program, lingering: fastzt.Node, wrapped: ssl.SSLSocket) -> None:
    """Waits for what root and peer, who are silent by now, would have to answer."""
    net, node = program.net, program.node
    connecting, newcomer = program.keep(net.socket()), program.newcomer()
    program.begin(
        hello=lambda: newcomer.join(program.network, timeout=None),
        join=lambda: node.join(program.other, timeout=None, wait=True),
        arp=lambda: connecting.connect(NOBODY),
        syn=lambda: net.connect(program.remote, None).close(),
        tls=wrapped.do_handshake,
        lookup=lambda: net.resolve("host.lab", None),
        whois=lambda: node.whois(NOBODY[0], PATIENCE),
        events=lambda: node.events(PATIENCE),
        linger=lambda: lingering.close(2 * PATIENCE),
    )


def interrupted(program: Program) -> None:
    """The main thread, in one call after another, each ended by Ctrl-C."""
    net, node, remote = program.net, program.node, program.remote
    reader, listener, datagrams = program.connected(), program.keep(net.listen(0)), program.keep(net.udp())
    connecting = program.keep(net.socket())
    program.begin(beside=listener.accept)  # it leads now and then
    calls: dict[str, Callable[[], Any]] = {
        "recv": lambda: reader.recv(1),
        "sendall": lambda: reader.sendall(bytes(256 << 20)),
        "accept": listener.accept,
        "recvfrom": lambda: datagrams.recvfrom(10),
        "arp": lambda: connecting.connect(NOBODY),
        "syn": lambda: net.connect(remote, None),
        "join": lambda: node.join(program.other, timeout=None, wait=True),
        "lookup": lambda: net.resolve("host.lab", None),
        "whois": lambda: node.whois(NOBODY[0], PATIENCE),
        "events": lambda: [node.events(PATIENCE) for _ in range(1000)],
    }
    say(ready=True)
    sys.stdin.readline()  # now they are silent
    for name, call in calls.items():
        ringing = threading.Thread(target=ring, args=(node,))
        ringing.start()
        try:
            call()
            say(hung=f"{name} was over")
        except KeyboardInterrupt:
            pass
        finally:
            ringing.join()


def ring(node: fastzt.Node) -> None:
    """Ctrl-C once the main thread waits beside the one that does all the time."""
    end = time.monotonic() + PATIENCE
    while len(node._driver.waiters) < 2 and time.monotonic() < end:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)


def main(states: str, network: str, other: str, ip: str, port: str, ending: str) -> None:
    faulthandler.dump_traceback_later(2.5 * PATIENCE, exit=True)  # a hang tells where
    program = Program(Path(states), network, other, (ip, int(port)))
    program.daemon = ending == "exit"
    if ending == "interrupt":
        interrupted(program)
    else:
        talking(program)
        lingering, wrapped = program.lingering(), program.wrapped()
        say(ready=True)
        sys.stdin.readline()  # now they are silent
        asking(program, lingering, wrapped)
    say(ready=True)
    sys.stdin.readline()  # now one is dead, perhaps
    if ending == "exit":
        return
    if ending == "engine":
        for node in program.nodes:
            node._driver.close()  # as if it had broken down: nobody has closed anything
    if ending == "sockets":
        program.close_sockets()
    program.close()
    say(done=True)
    if ending == "interrupt":
        raise KeyboardInterrupt


if __name__ == "__main__":
    main(*sys.argv[1:])
