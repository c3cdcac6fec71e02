"""The agent: its clients use a Node whose sockets are descriptors that it passed."""

from __future__ import annotations

import hashlib
import os
import random
import select
import socket
import subprocess
import sys
from typing import Any

import pytest
from support.agents import PATIENCE, Scene, beside, until

import fastzt
from fastzt.api.agent_node import AgentNode
from fastzt.api.agent_wire import socket_path

VOLUME = (16 if fastzt.is_compiled() else 1) << 20
DATA = random.Random(11).randbytes(VOLUME)
ROOM = (socket.SOL_SOCKET, socket.SO_SNDBUF)


def test_facts(scene: Scene) -> None:
    assert isinstance(scene.node, AgentNode)
    assert scene.node.id == scene.said["node"]
    assert scene.net.id == scene.house.network
    assert scene.net.status == "OK"
    assert [network.id for network in scene.node.networks] == [scene.net.id]
    assert scene.node.status()["id"] == scene.node.id
    assert scene.node.whois(scene.far_ip, PATIENCE) == scene.other.id
    assert scene.other.id in {peer["id"] for peer in scene.node.peers()}
    assert scene.net.ping(scene.far_ip, count=2, interval=0.01, timeout=PATIENCE).received == 2
    assert [str(ip) for ip in scene.net.resolve(scene.far_ip)] == [scene.far_ip]
    mode = socket_path(scene.house.state(1)).stat().st_mode
    assert mode & 0o777 == 0o600


def test_a_connection_out(scene: Scene) -> None:
    with scene.far.listen(0) as listener:
        near = scene.net.connect((scene.far_ip, listener.port), timeout=PATIENCE)
        far, address = listener.accept()
    with near, far:
        assert near.getpeername() == (scene.far_ip, listener.port)
        assert near.getsockname() == address
        assert (near.peer_id, near.family) == (scene.other.id, socket.AF_UNIX)
        assert near.gettimeout() == PATIENCE
        found: list[str] = []
        thread = beside(lambda: found.append(digest(far)))
        near.sendall(DATA)
        near.shutdown(socket.SHUT_WR)
        thread.join(PATIENCE)
        assert found == [hashlib.sha256(DATA).hexdigest()]
        thread = beside(lambda: (far.sendall(DATA), far.shutdown(socket.SHUT_WR)))
        assert select.select([near], [], [], PATIENCE)[0] == [near]
        assert digest(near) == found[0]
        thread.join(PATIENCE)
        assert near.recv(10) == b""


def digest(sock: Any) -> str:
    found, buffer = hashlib.sha256(), bytearray(1 << 16)
    while n := sock.recv_into(buffer):
        found.update(memoryview(buffer)[:n])
    return found.hexdigest()


def test_timeouts(scene: Scene) -> None:
    with scene.far.listen(0) as listener:
        near = scene.net.connect((scene.far_ip, listener.port), timeout=PATIENCE)
        far, _ = listener.accept()
    with near, far:
        assert near.is_readable() is False
        near.settimeout(0.05)
        with pytest.raises(TimeoutError):
            near.recv(10)
        with pytest.raises(TimeoutError):
            near.sendall(bytes(64 << 20))
        near.setblocking(False)
        with pytest.raises(BlockingIOError):
            near.recv_into(bytearray(10))
        far.sendall(b"x")
        until(near.is_readable, "data")
        assert near.recv(10) == b"x"


def test_a_connection_in(scene: Scene) -> None:
    with scene.net.listen(0) as listener, scene.far.listen(0) as other:
        listener.settimeout(PATIENCE)
        far = scene.far.connect((scene.ip, listener.port), timeout=PATIENCE)
        near, address = listener.accept()
        with far, near:
            assert address == far.getsockname() == near.getpeername()
            assert near.getsockname() == (scene.ip, listener.port)
            assert near.peer_id == scene.other.id
            with scene.net.connect((scene.far_ip, other.port), timeout=PATIENCE) as out:
                assert near.getsockopt(*ROOM) == out.getsockopt(*ROOM)
            near.sendall(b"hello")
            assert far.recv(10) == b"hello"
            with near.makefile("rw") as file:
                file.write("line\n")
                file.flush()
                assert far.recv(10) == b"line\n"


def test_errors_are_those_of_a_node(scene: Scene) -> None:
    with pytest.raises(ConnectionRefusedError, match=scene.far_ip):
        scene.net.connect((scene.far_ip, 1), timeout=PATIENCE)
    with pytest.raises(fastzt.NoRouteError, match="no route to 192"):
        scene.net.connect(("192.0.2.1", 1), timeout=PATIENCE)
    with pytest.raises(TimeoutError):
        scene.node.join("0123456789abcdef", timeout=0.2)
    with pytest.raises(fastzt.InputError):
        scene.node.join("nonsense")
    with pytest.raises(fastzt.InputError):
        scene.net.connect(("10.0.0.1", 70000))
    with pytest.raises(fastzt.InputError, match="already"):
        fastzt.Node(agent=scene.house.state(1), port=1)
    with pytest.raises(fastzt.StateError, match="no agent answers"):
        fastzt.Node(agent=scene.house.state(3))


def test_a_reset_is_told(scene: Scene) -> None:
    with scene.far.listen(0) as listener:
        near = scene.net.connect((scene.far_ip, listener.port), timeout=PATIENCE)
        far, _ = listener.accept()
    with near:
        far.sendall(b"last words")
        assert near.recv(100) == b"last words"
        near.sendall(b"never read")
        until(far.is_readable, "data at the far end")
        far.close()
        with pytest.raises(ConnectionResetError):
            near.recv(100)
        with pytest.raises(OSError, match=r"reset|Broken"):
            near.sendall(bytes(1 << 20))


def test_two_nodes_of_one_state_share_the_agent(scene: Scene) -> None:
    with fastzt.Node(state=scene.house.state(1)) as again, fastzt.Node(scene.house.state(1)) as third:
        assert isinstance(again, AgentNode)
        assert again.id == third.id == scene.node.id
    with pytest.raises(fastzt.StateError):
        fastzt.Node(state=scene.house.state(1), port=0, planet=scene.house.lab.planet)


def test_the_default_node_is_the_agents(scene: Scene) -> None:
    code = (
        "import fastzt, sys\n"
        "s = fastzt.connect((sys.argv[1], int(sys.argv[2])), network=sys.argv[3], timeout=60)\n"
        "s.sendall(b'hi'); s.shutdown(1); print(s.recv(10), s.peer_id)\n"
    )
    with scene.far.listen(0) as listener:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
        command += [scene.far_ip, str(listener.port), scene.net.id]
        environment = {**os.environ, "FASTZT_STATE": str(scene.house.state(1))}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            listener.settimeout(PATIENCE)
            far, _ = listener.accept()
            with far:
                assert far.recv(10) == b"hi"
                far.sendall(b"ho")
            out, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, f"b'ho' {scene.other.id}\n")


def test_datagrams(scene: Scene) -> None:
    with scene.net.udp(0) as near, scene.far.udp(0) as far:
        near.settimeout(PATIENCE)
        far.settimeout(PATIENCE)
        near.sendto(b"one" * 1000, (scene.far_ip, far.port))
        data, source = far.recvfrom(9000)
        assert (data, source) == (b"one" * 1000, (scene.ip, near.port))
        far.sendto(b"two", source)
        assert near.recvfrom(100) == (b"two", (scene.far_ip, far.port))
        near.connect((scene.far_ip, far.port))
        near.send(b"three")
        assert far.recv(100) == b"three"
        far.sendto(b"", source)
        assert near.recv(100) == b""
        with pytest.raises(OSError, match="too long"):
            near.send(bytes(70000))
        port = near.port
    until(lambda: can_bind(scene, port), "the port of a closed UDP socket is free")


def can_bind(scene: Scene, port: int) -> bool:
    try:
        scene.net.udp(port).close()
    except OSError:
        return False
    return True


def test_a_dead_client_frees_what_it_held(scene: Scene) -> None:
    code = (
        "import fastzt, sys\n"
        "node = fastzt.Node(agent=sys.argv[1]); net = node.join(sys.argv[2], timeout=60)\n"
        "l = net.listen(7077); u = net.udp(7078)\n"
        "s = net.connect((sys.argv[3], int(sys.argv[4])), timeout=60)\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    with scene.far.listen(0) as listener:
        command = [sys.executable, "-c", code, str(scene.house.state(1)), scene.net.id, scene.far_ip]
        command.append(str(listener.port))
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        listener.settimeout(PATIENCE)
        far, _ = listener.accept()
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(OSError, match="in use"):
            scene.net.listen(7077)
        process.kill()
        process.communicate()
        far.settimeout(PATIENCE)
        assert far.recv(10) == b""
        far.close()
    until(lambda: can_bind(scene, 7078), "the UDP port is free")

    def can_listen() -> bool:
        try:
            scene.net.listen(7077).close()
        except OSError:
            return False
        return True

    until(can_listen, "the port is free")


def test_workers_share_a_listener(scene: Scene) -> None:
    """Forked workers accept by the system's own means; the last one that has the socket keeps the port."""
    listener = scene.net.listen(0)
    code = (
        "import socket, sys\n"
        "s = socket.socket(fileno=int(sys.argv[1]))\n"
        "while True:\n"
        "    c, _ = s.accept()\n"
        "    c.sendall(b'%d' % __import__('os').getpid() + c.recv(10)); c.close()\n"
    )
    fd = listener.fileno()
    processes = [subprocess.Popen([sys.executable, "-c", code, str(fd)], pass_fds=[fd]) for _ in range(2)]
    try:

        def ask() -> int:
            with scene.far.connect((scene.ip, listener.port), timeout=PATIENCE) as sock:
                sock.sendall(b"!")
                sock.settimeout(PATIENCE)
                with sock.makefile("rb") as file:
                    return int(file.read().rstrip(b"!"))

        pids = {process.pid for process in processes}
        listener.close()
        until(lambda: ask() == processes[0].pid, "an answer of the first worker")
        processes[0].kill()
        processes[0].wait()
        assert {ask() for _ in range(4)} == {processes[1].pid}
        assert {ask() for _ in range(4)} < pids
    finally:
        for process in processes:
            process.kill()
            process.wait()

    def refuses() -> bool:
        try:
            scene.far.connect((scene.ip, listener.port), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return True
        return False

    until(refuses, "the port is free once nobody has the socket")


def test_a_closed_listener_wakes_who_accepts(scene: Scene) -> None:
    listener = scene.net.listen(0)
    raised: list[BaseException] = []

    def accept() -> None:
        try:
            listener.accept()
        except OSError as error:
            raised.append(error)

    thread = beside(accept)
    until(lambda: listener._accepting == 1, "a blocked accept")
    listener.close()
    thread.join(PATIENCE)
    assert len(raised) == 1


def test_a_restarted_agent_is_found_again(scene: Scene) -> None:
    house = scene.house
    first, _ = house.agent(4)
    node: Any = fastzt.Node(agent=house.state(4))
    net = node.join(house.network, timeout=PATIENCE)
    ip = str(net.addresses[0].ip)
    with scene.far.listen(0) as listener, net.listen(7099) as own:
        own.settimeout(PATIENCE)
        net.connect((scene.far_ip, listener.port), timeout=PATIENCE).close()
        first.process.kill()
        first.process.wait()
        with pytest.raises(fastzt.StateError, match="agent"):
            net.connect((scene.far_ip, listener.port), timeout=PATIENCE)
        house.agent(4)
        net.connect((scene.far_ip, listener.port), timeout=PATIENCE).close()

        def reached() -> bool:
            try:
                scene.far.connect((ip, 7099), timeout=PATIENCE).close()
            except OSError:
                return False
            return True

        until(reached, "the listener at the new agent")
        own.accept()[0].close()
    node.close()
