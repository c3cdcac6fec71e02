"""Network namespaces on a bridge of their own: the host's interfaces stay untouched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

SUBNET = "10.77.0"


class Unavailable(Exception):
    """Namespaces cannot be had here; the text says why."""


def ip(*arguments: str) -> None:
    """Run `ip`; raises Unavailable with its last line."""
    try:
        result = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        raise Unavailable("the ip command (iproute2) is not installed") from None
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unavailable(f"ip {' '.join(arguments)}: {reason}")


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

    def filter(self, *rules: str) -> None:
        """Replace the bridge's packet filter with nftables rules; raises Unavailable where nft is missing."""
        if shutil.which("nft") is None:
            raise Unavailable("nft (nftables) is not installed")
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
        command = ["ip", "netns", "exec", self.switch, "nft", *arguments]
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=20)
        if result.returncode:
            raise Unavailable(f"nft: {result.stderr.strip()}")
        return result.stdout

    def close(self) -> None:
        """Delete the namespaces, and the interfaces with them."""
        while self.namespaces:
            subprocess.run(["ip", "netns", "del", self.namespaces.pop()], capture_output=True, timeout=20)
