"""Network namespaces on a bridge of their own: the host's interfaces stay untouched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

SUBNET = "10.77.0"
PATIENCE = 120.0  # namespaces that are made and deleted elsewhere hold the kernel's lock of links for seconds
INSIDE = "10.78"  # third byte: the number of the router


class Unavailable(Exception):
    """Namespaces cannot be had here; the text says why."""


def ip(*arguments: str) -> None:
    """Run `ip`; raises Unavailable with its last line."""
    try:
        result = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    except FileNotFoundError:
        raise Unavailable("the ip command (iproute2) is not installed") from None
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unavailable(f"ip {' '.join(arguments)}: {reason}")


def run_in(namespace: str, *command: str, text: str = "") -> str:
    """Run a program in a namespace, `text` being its input; its output. Raises Unavailable."""
    full = ["ip", "netns", "exec", namespace, *command]
    result = subprocess.run(full, input=text, capture_output=True, text=True, timeout=PATIENCE)
    if result.returncode:
        raise Unavailable(f"{command[0]}: {result.stderr.strip()}")
    return result.stdout


def nft(namespace: str, *arguments: str, text: str = "") -> str:
    """Run nft in a namespace; its output. Raises Unavailable."""
    if shutil.which("nft") is None:
        raise Unavailable("nft (nftables) is not installed")
    return run_in(namespace, "nft", *arguments, text=text)


class Segment:
    """One Ethernet segment: a bridge in a namespace, and hosts (namespaces with a veth each) on it."""

    def __init__(self, name: str, mtu: int = 1500) -> None:
        self.prefix = f"fzt{os.getpid()}{name}"
        self.mtu = mtu
        self.switch = f"{self.prefix}-sw"
        self.namespaces: list[str] = []
        try:
            self._namespace(self.switch)
            self._ip(self.switch, "link", "add", "br0", "type", "bridge")
            self._ip(self.switch, "link", "set", "br0", "up", "mtu", str(mtu))
        except BaseException:
            self.close()
            raise

    def _namespace(self, name: str) -> None:
        ip("netns", "add", name)
        self.namespaces.append(name)
        self._ip(name, "link", "set", "lo", "up")

    @staticmethod
    def _ip(namespace: str, *arguments: str) -> None:
        ip("-n", namespace, *arguments)

    def host(self, name: str, number: int) -> str:
        """Add a host with the address 10.77.0.`number`; its namespace."""
        namespace = f"{self.prefix}-{name}"
        port = f"p{number}"
        self._namespace(namespace)
        mtu = str(self.mtu)
        peer = ["peer", "name", "eth0", "netns", namespace, "mtu", mtu]
        self._ip(self.switch, "link", "add", port, "mtu", mtu, "type", "veth", *peer)
        self._ip(self.switch, "link", "set", port, "master", "br0", "up")
        self._ip(namespace, "addr", "add", f"{SUBNET}.{number}/24", "dev", "eth0")
        self._ip(namespace, "link", "set", "eth0", "up")
        return namespace

    def behind(self, name: str, number: int, rules: str) -> tuple[str, str]:
        """Add a router with the address 10.77.0.`number` and a host behind it: the host's namespace and IP.

        `rules` is a script for nft in the router, whose interfaces are eth0 (outside) and lan.
        """
        router = self.host(f"{name}-nat", number)
        inside = f"{self.prefix}-{name}"
        self._namespace(inside)
        mtu = str(self.mtu)
        peer = ["peer", "name", "eth0", "netns", inside, "mtu", mtu]
        self._ip(router, "link", "add", "lan", "mtu", mtu, "type", "veth", *peer)
        for namespace, device, address in (
            (router, "lan", f"{INSIDE}.{number}.1"),
            (inside, "eth0", f"{INSIDE}.{number}.2"),
        ):
            self._ip(namespace, "addr", "add", f"{address}/24", "dev", device)
            self._ip(namespace, "link", "set", device, "up")
        self._ip(inside, "route", "add", "default", "via", f"{INSIDE}.{number}.1")
        run_in(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        nft(router, "-f", "-", text=rules)
        return inside, f"{INSIDE}.{number}.2"

    def move(self, namespace: str, old: str, new: str) -> None:
        """Give a host on the segment another address."""
        self._ip(
            namespace, "addr", "del", f"{old}/24", "dev", "eth0"
        )  # first: it would take the new one along
        self._ip(namespace, "addr", "add", f"{new}/24", "dev", "eth0")

    def add_ipv6(self, namespace: str, number: int) -> str:
        """Give a host on the segment an IPv6 address too; it."""
        address = f"fd77::{number:x}"
        self._ip(namespace, "addr", "add", f"{address}/64", "dev", "eth0", "nodad")
        return address

    def filter(self, *rules: str) -> None:
        """Replace the bridge's packet filter with nftables rules; raises Unavailable where nft is missing."""
        lines = [
            "add table bridge fastzt",
            "flush table bridge fastzt",
            "add chain bridge fastzt forward { type filter hook forward priority 0; }",
            *(f"add rule bridge fastzt forward {rule}" for rule in rules),
        ]
        self._nft("-f", "-", text="\n".join(lines))

    def matched(self) -> list[int]:
        """How many packets each rule of the filter with a `counter` has matched, in their order."""
        listing = json.loads(self._nft("-j", "list", "chain", "bridge", "fastzt", "forward"))
        rules = [item["rule"] for item in listing["nftables"] if "rule" in item]
        parts = [part for rule in rules for part in rule["expr"]]
        return [int(part["counter"]["packets"]) for part in parts if "counter" in part]

    def _nft(self, *arguments: str, text: str = "") -> str:
        return nft(self.switch, *arguments, text=text)

    def close(self) -> None:
        """Delete the namespaces, and the interfaces with them."""
        while self.namespaces:
            subprocess.run(["ip", "netns", "del", self.namespaces.pop()], capture_output=True, timeout=20)
