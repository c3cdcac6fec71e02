"""One flow through agents at both ends, beside nodes in the programs: `python benchmarks/agent.py`.

Each figure is the receiver's bytes over its time, with public `sendall` and `recv_into` between two
processes, gate and rules on. A CPU-bound thread spins in the receiving or sending program, or in a process
beside it. Prints medians and the ratios that have bars; `--check` exits with 1 when one is below its bar.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.nodes import LOOPBACK, SECRETS, lab

import fastzt

BLOCK = 1 << 18
BARS = {"agents / own nodes": 0.6, "spinning thread / process": 0.8}
SPIN = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end:\n    sum(range(1000))"
# (agents, where it spins): "" nowhere
CASES: dict[str, tuple[bool, str]] = {
    "own nodes": (False, ""),
    "agents": (True, ""),
    "agents, spinning thread in the receiver": (True, "receive thread"),
    "agents, spinning process beside the receiver": (True, "receive process"),
    "agents, spinning thread in the sender": (True, "send thread"),
    "agents, spinning process beside the sender": (True, "send process"),
}


def spin_here() -> None:
    while True:
        sum(range(1000))


def program(role: str, how: dict[str, Any]) -> None:
    """One end of the flow, in a process of its own."""
    if how["agent"]:
        node: Any = fastzt.Node(agent=how["state"])
    else:
        node = fastzt.Node(state=how["state"], planet=how["planet"], config=LOOPBACK)
    beside = None
    if how["spin"] == f"{role} thread":
        threading.Thread(target=spin_here, daemon=True).start()
    elif how["spin"] == f"{role} process":
        beside = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        net = node.join(how["network"], timeout=60)
        (receive if role == "receive" else send)(net, how)
    finally:
        if beside is not None:
            beside.kill()
            beside.wait()
        node.close()


def receive(net: Any, how: dict[str, Any]) -> None:
    buffer = bytearray(BLOCK)
    with net.listen(7200) as listener:
        print(net.addresses[0].ip, flush=True)
        sock, _ = listener.accept()
    with sock:
        total = sock.recv_into(buffer)
        begun = time.monotonic()
        while n := sock.recv_into(buffer):
            total += n
        seconds = time.monotonic() - begun
    print(json.dumps({"bytes": total, "gbit_s": total * 8 / seconds / 1e9}), flush=True)


def send(net: Any, how: dict[str, Any]) -> None:
    block = bytes(range(256)) * (BLOCK // 256)
    with net.connect((how["address"], 7200), timeout=60) as sock:
        end, total = time.monotonic() + how["seconds"], 0
        while time.monotonic() < end:
            sock.sendall(block)
            total += BLOCK
        sock.shutdown(1)
        while sock.recv(1):
            pass
    print(json.dumps({"bytes": total}), flush=True)


def run(scene: Any, directory: Path, network: str, case: tuple[bool, str], seconds: float) -> float:
    """Gbit/s of one case."""
    through_agents, spin = case
    states = [prepared(directory, number, scene.planet) for number in (1, 2)]
    planet = str(directory / "planet")
    how = {"agent": through_agents, "planet": planet, "network": network, "spin": spin, "seconds": seconds}
    with agents(states) if through_agents else contextlib.nullcontext():
        return flow(states, how)


@contextlib.contextmanager
def agents(states: list[str]) -> Iterator[None]:
    """Agents of the state directories for the length of a block."""
    started: list[subprocess.Popen[str]] = []
    try:
        for state in states:
            command = [sys.executable, "-m", "fastzt", "agent", "--json", "--state", state]
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in started:
            process.terminate()
            process.communicate()


def flow(states: list[str], how: dict[str, Any]) -> float:
    """Gbit/s of a flow from the first to the second."""
    receiver = begin("receive", {**how, "state": states[1]})
    assert receiver.stdout is not None
    address = receiver.stdout.readline().strip()
    sender = begin("send", {**how, "state": states[0], "address": address})
    told = json.loads(receiver.communicate(timeout=120)[0])
    sent = json.loads(sender.communicate(timeout=120)[0])
    assert told["bytes"] == sent["bytes"]
    return float(told["gbit_s"])


def begin(role: str, how: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--role", role, "--how", json.dumps(how)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def prepared(directory: Path, number: int, planet: bytes) -> str:
    """A state directory with the numbered identity."""
    state = directory / f"m{number}"
    if not state.exists():
        state.mkdir(mode=0o700)
        (state / "identity.secret").write_text(SECRETS[number])
        (state / "identity.secret").chmod(0o600)
        (state / "planet").write_bytes(planet)
    return str(state)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--role")
    parser.add_argument("--how", type=json.loads)
    given = parser.parse_args()
    if given.role:
        program(given.role, given.how)
        return 0
    found: dict[str, list[float]] = {name: [] for name in CASES}
    with tempfile.TemporaryDirectory(prefix="agent-") as temporary, lab() as scene:
        directory = Path(temporary)
        (directory / "planet").write_bytes(scene.planet)
        network = scene.network(private=False)
        for _ in range(given.runs):
            for name, case in CASES.items():
                found[name].append(run(scene, directory, network, case, given.seconds))
    figures = {name: statistics.median(values) for name, values in found.items()}
    for name, value in figures.items():
        print(f"{value:6.2f} Gbit/s  {name}  ({' '.join(f'{each:.2f}' for each in found[name])})")
    return judge(figures, given.check)


def judge(figures: dict[str, float], check: bool) -> int:
    """Print the ratios; 1 when one is below its bar and that counts."""
    names = list(CASES)
    ratios = {
        "agents / own nodes": figures[names[1]] / figures[names[0]],
        "spinning thread / process": min(
            figures[names[2]] / figures[names[3]], figures[names[4]] / figures[names[5]]
        ),
    }
    for name, ratio in ratios.items():
        print(f"{ratio:6.2f}           {name}, bar {BARS[name]}")
    return int(check and any(ratio < BARS[name] for name, ratio in ratios.items()))


if __name__ == "__main__":
    sys.exit(main())
