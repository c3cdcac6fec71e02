"""Fork, forkserver and spawn: inherited nodes are dead in the child, whose default node is its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.nodes import lab

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
TESTS = Path(__file__).parent.parent

CHILD = """
import json, multiprocessing, os, sys
import fastzt
from fastzt.api.default import default_node

NETWORK, PORT, METHOD = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def fresh(queue):
    node = default_node()
    net = node.join(NETWORK, timeout=30)
    queue.put([node.id, [str(address) for address in net.addresses], fastzt.api.fork.in_forked_child])


def inherited(node, net, sock, queue):
    found = []
    for action in (node.status, lambda: net.addresses, lambda: sock.send(b"x"), lambda: sock.recv(1)):
        try:
            action()
        except fastzt.ForkedError as error:
            found.append(str(error).count("agent"))
    node.close()
    sock.close()
    fresh(queue)
    queue.put(found)


if __name__ == "__main__":
    import fastzt.api.fork

    node = default_node()
    net = node.join(NETWORK, timeout=30)
    listener = net.listen(0)
    ip = str(net.addresses[0].ip)
    sock = net.connect((sys.argv[4], PORT), timeout=30)
    context = multiprocessing.get_context(METHOD)
    queue = context.Queue()
    if METHOD == "fork":
        child = context.Process(target=inherited, args=(node, net, sock, queue))
    else:
        child = context.Process(target=fresh, args=(queue,))
    child.start()
    other = queue.get(timeout=90)
    errors = queue.get(timeout=90) if METHOD == "fork" else None
    child.join(30)
    sock.sendall(b"parent")
    print(json.dumps({"parent": node.id, "child": other, "errors": errors, "exit": child.exitcode}))
    sock.close()
    fastzt.api.default.close()
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_child_process_has_a_node_of_its_own(tmp_path: Path, method: str) -> None:
    with lab() as house:
        nwid = house.network(private=False)
        server = house.server.join(nwid)
        planet = tmp_path / "planet.bin"
        planet.write_bytes(house.planet)
        script = tmp_path / "child.py"
        script.write_text(CHILD)
        with server.listen(0) as listener:
            listener.settimeout(90)
            command = [
                sys.executable,
                str(script),
                nwid,
                str(listener.port),
                method,
                str(server.addresses[0].ip),
            ]
            environment = {
                **os.environ,
                "FASTZT_STATE": str(tmp_path / "state"),
                "FASTZT_PLANET": str(planet),
            }
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            try:
                far, _ = listener.accept()
                far.settimeout(90)
                assert far.recv(100) == b"parent"
                out, err = process.communicate(timeout=90)
            finally:
                process.kill()
                process.wait()
    assert process.returncode == 0, err
    report = json.loads(out.splitlines()[-1])
    child_id, child_addresses, forked = report["child"]
    assert report["exit"] == 0
    assert child_id != report["parent"]
    assert child_addresses
    assert forked is (method == "fork")
    if method == "fork":
        assert report["errors"] == [1, 1, 1, 1]
