"""The link emulator does to packets what it was told, no more, and the same for the same seed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import netns
import pytest
from emulated_link import ADDRESSES, EmulatedLink, LinkSettings
from requirement import unavailable

SINK = """
import json, socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind((sys.argv[1], 5000))
    print("ready", flush=True)
    s.settimeout(20)
    numbers = []
    try:
        while True:
            numbers.append(int.from_bytes(s.recv(2048)[:4], "big"))
            s.settimeout(1)
    except TimeoutError:
        print(json.dumps(numbers))
"""
SOURCE = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    for i in range(int(sys.argv[2])):
        s.sendto(i.to_bytes(4, "big") + bytes(int(sys.argv[3]) - 32), (sys.argv[1], 5000))
"""


def cross(settings: LinkSettings, count: int, size: int = 200) -> tuple[list[int], dict[str, Any]]:
    """Send numbered packets of `size` bytes from the second end to the first: what arrived, the report."""
    try:
        link = EmulatedLink(settings)
    except netns.Unavailable as error:
        unavailable(str(error))
    with link:
        near, far = link.namespaces
        enter = ["ip", "netns", "exec"]
        sink = subprocess.Popen(
            [*enter, near, sys.executable, "-c", SINK, ADDRESSES[0]], stdout=subprocess.PIPE, text=True
        )
        assert sink.stdout is not None
        assert sink.stdout.readline() == "ready\n"
        subprocess.run(
            [*enter, far, sys.executable, "-c", SOURCE, ADDRESSES[0], str(count), str(size)],
            check=True,
            timeout=60,
        )
        printed, _ = sink.communicate(timeout=60)
        report = link.close()
    assert report["dropped"] == 0
    return json.loads(printed), report


def test_a_link_without_faults_has_none() -> None:
    arrived, report = cross(LinkSettings(delay=5000), 300)
    assert arrived == list(range(300))
    assert report["directions"][1]["delivered"] == report["directions"][1]["packets"] == 300
    assert report["directions"][1]["lost"] == report["directions"][1]["reordered"] == 0


def test_losses_are_those_of_the_seed() -> None:
    settings = LinkSettings(delay=5000, loss=0.2, seed=7)
    first, report = cross(settings, 400)
    again, _ = cross(settings, 400)
    other, _ = cross(LinkSettings(delay=5000, loss=0.2, seed=8), 400)
    assert first == again
    assert first != other
    assert first == sorted(first)
    assert 250 < len(first) < 390
    assert report["directions"][1]["lost"] == 400 - len(first)


def test_what_is_held_back_is_overtaken() -> None:
    arrived, report = cross(LinkSettings(delay=1000, reorder=0.1, held=50_000), 300)
    assert sorted(arrived) == list(range(300))
    assert arrived != sorted(arrived)
    assert 10 < report["directions"][1]["reordered"] < 60


@pytest.mark.parametrize(("size", "passing"), [(1500, 10), (150, 100)])
def test_the_queue_drops_what_does_not_fit(size: int, passing: int) -> None:
    """Ten full packets wait for the rate, or as many bytes in small ones."""
    count = 10 * passing
    arrived, report = cross(LinkSettings(rate=1e6, queue=10), count, size)
    assert arrived[:passing] == list(range(passing))
    assert len(arrived) < 5 * passing
    assert report["directions"][1]["queue_drops"] == count - len(arrived)
