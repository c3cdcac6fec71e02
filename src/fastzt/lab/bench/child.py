"""One end of a measurement, a process under command: `python -m fastzt.lab.bench.child`.

Each line of stdin is a JSON command, {"do": name, "with": arguments}, for the method `do_<name>`, carried out
in the main thread; each line of stdout is its answer, {"ok": value} or {"error": text}. It ends with stdin.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any

from ..._core.endpoint import Endpoint
from ...api.node import Node
from ...errors import FastztError
from ...io.endpoints import UdpSockets
from ...node.config import NodeConfig
from ..network import HOST
from . import ceiling, crowd, echo, pingpong, stream, usage
from .sides import PATIENCE, Kernel, Overlay


class Child:
    """The commands."""

    def __init__(self) -> None:
        self.node: Node | None = None
        self.sides: dict[str, Overlay | Kernel] = {"kernel": Kernel()}
        self.listeners: dict[str, Any] = {}
        self.udp: UdpSockets | None = None
        self.spinner: usage.Spinner | None = None
        self.keeper: crowd.Keeper | None = None
        self.crowd: list[Any] = []

    def do_node(self, state: str, planet: str, config: dict[str, Any]) -> str:
        """Start the node; its id."""
        self.given = state, bytes.fromhex(planet), NodeConfig(bind=(HOST,), **config)
        self.node = Node(*self.given[:2], config=self.given[2])
        return self.node.id

    def do_join(self, network: str) -> str:
        """Join; the address on the network."""
        assert self.node is not None
        side = Overlay(self.node.join(network, timeout=PATIENCE))
        self.sides["overlay"] = side
        return side.host

    def do_meet(self, peer: str, host: str, port: int) -> int:
        """Connect once, wait for the direct path; the cipher suite of what is sent to the peer."""
        assert self.node is not None
        with self.sides["overlay"].connect(host, port) as probe:
            probe.sendall(b"?")
            probe.recv(1)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            known = next((found for found in self.node.peers() if found["id"] == peer), None)
            if known is not None and known["path"] is not None:
                return int(known["suite"])
            self.node.events(timeout=0.1)
        raise FastztError(f"no direct path to {peer}")

    def do_listen(self, side: str) -> int:
        """Listen on a side; the port."""
        self.listeners[side], port = self.sides[side].listen()
        return port

    def do_echo(self, side: str) -> int:
        """Listen on a side and send back whatever comes, one connection after another; the port."""
        listener, port = self.sides[side].listen()
        threading.Thread(target=echo.serve, args=(listener,), daemon=True).start()
        return port

    def do_receive(self, side: str, seed: int, flows: int) -> list[dict[str, Any]]:
        """Accept so many streams and receive them side by side."""

        def one(number: int, sock: Any) -> dict[str, Any]:
            return stream.receive(sock, seed + number)

        accepted = [self.listeners[side].accept()[0] for _ in range(flows)]
        numbers = [(sock.recv(1)[0], sock) for sock in accepted]
        return side_by_side(one, numbers)

    def do_send(
        self, side: str, host: str, port: int, seed: int, flows: int, seconds: float, write_size: int
    ) -> list[dict[str, Any]]:
        """Connect so many times and send a stream over each."""

        def one(number: int, sock: Any) -> dict[str, Any]:
            return stream.send(sock, seed + number, seconds, write_size)

        connected = [(number, self.sides[side].connect(host, port)) for number in range(flows)]
        for number, sock in connected:
            sock.sendall(bytes([number]))
        return side_by_side(one, connected)

    def do_ping(self, side: str, host: str, port: int, seconds: float) -> dict[str, float]:
        """Round trips over one connection."""
        with self.sides[side].connect(host, port) as sock:
            return pingpong.quantiles(pingpong.ping(sock, seconds))

    def do_connects(self, side: str, host: str, port: int, seconds: float) -> dict[str, float]:
        """Connections one after another."""
        chosen = self.sides[side]
        return pingpong.connects(lambda: chosen.connect(host, port), seconds)

    def do_udp_echo(self) -> int:
        """Echo datagrams with a socket of the system; its port."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((HOST, 0))
        threading.Thread(target=pingpong.udp_echo, args=(sock,), daemon=True).start()
        return int(sock.getsockname()[1])

    def do_udp_ping(self, port: int, seconds: float) -> dict[str, float]:
        """Round trips of datagrams."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((HOST, port))
            return pingpong.quantiles(pingpong.udp_ping(sock, seconds))

    def do_warm_start(self, network: str, host: str, port: int) -> float:
        """Stop the node; milliseconds from starting it anew to a connected socket."""
        assert self.node is not None
        self.node.close()
        begin = time.perf_counter()
        self.node = Node(*self.given[:2], config=self.given[2])
        side = self.sides["overlay"] = Overlay(self.node.join(network, timeout=PATIENCE))
        with side.connect(host, port):
            return (time.perf_counter() - begin) * 1000

    def do_usage(self) -> dict[str, float]:
        """What this process has cost."""
        return usage.usage()

    def do_raised(self) -> int:
        """How many packets errors of ours have cost the node."""
        return 0 if self.node is None else int(self.node.status()["dropped"].get("vl1.raised", 0))

    def do_spin(self, on: bool) -> None:
        """Start or stop a thread that computes."""
        if self.spinner is not None:
            self.spinner.stop()
        self.spinner = usage.Spinner() if on else None

    def do_switch_interval(self, seconds: float) -> None:
        """Set this interpreter's."""
        sys.setswitchinterval(seconds)

    def do_keep(self, side: str) -> int:
        """Accept connections and keep them; the port."""
        listener, port = self.sides[side].listen()
        self.keeper = crowd.Keeper(listener)
        return port

    def do_gather(self, side: str, host: str, port: int, count: int) -> float:
        """Open so many connections; seconds that it took."""
        chosen = self.sides[side]
        begin = time.perf_counter()
        self.crowd = crowd.gather(lambda: chosen.connect(host, port), count)
        return time.perf_counter() - begin

    def do_disperse(self) -> int:
        """Close the connections gathered or kept; how many."""
        if self.keeper is not None:
            return self.keeper.close()
        return crowd.close_all(self.crowd)

    def do_udp_open(self, receive_buffer: int | None) -> dict[str, Any]:
        """Open UDP sockets as the node has them; their port, and what the system grants."""
        self.udp = UdpSockets.open(bind=(HOST,), receive_buffer=receive_buffer)
        can = self.udp.capabilities
        return {
            "port": self.udp.port,
            "segment": can.segment,
            "coalesce": can.coalesce,
            "receive_buffer": can.receive_buffer,
        }

    def do_udp_flood(self, port: int, seconds: float) -> dict[str, Any]:
        assert self.udp is not None
        return ceiling.flood(self.udp, Endpoint.parse(HOST, port), seconds)

    def do_udp_absorb(self, seconds: float) -> dict[str, Any]:
        assert self.udp is not None
        return ceiling.absorb(self.udp, seconds)

    def do_udp_close(self) -> None:
        assert self.udp is not None
        self.udp.close()


def side_by_side(work: Any, arguments: list[tuple[int, Any]]) -> list[dict[str, Any]]:
    """`work(number, sock)` for each, at once where there are several; results in order, sockets closed."""
    results: dict[int, Any] = {}

    def run(number: int, sock: Any) -> None:
        try:
            sock.settimeout(PATIENCE)
            with sock:
                results[number] = work(number, sock)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in arguments[1:]]
    for thread in threads:
        thread.start()
    run(*arguments[0])
    for thread in threads:
        thread.join()
    for result in results.values():
        if isinstance(result, Exception):
            raise result
    return [results[number] for number in sorted(results)]


def obey(child: Child, command: dict[str, Any]) -> dict[str, Any]:
    """Carry out one command."""
    try:
        return {"ok": getattr(child, "do_" + command["do"])(**command["with"])}
    except Exception as error:
        if not isinstance(error, (OSError, FastztError)):
            traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def listen_to(commands: queue.SimpleQueue[str]) -> None:
    """Pass on the lines of stdin; with its end this process ends, whatever it is doing."""
    for line in sys.stdin:
        commands.put(line)
    os._exit(0)


def main() -> None:
    """Obey until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; a terminal interrupts both
    commands: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=listen_to, args=(commands,), daemon=True).start()
    child = Child()
    while True:
        answer = obey(child, json.loads(commands.get()))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
