"""UPnP, NAT-PMP: a node behind a symmetric NAT is reached, for miniupnpd in the router forwards its port."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import netns
import pytest
from lab import PORT, Lab, connect
from process import Process, until
from test_nat import Meeting, symmetric

pytestmark = pytest.mark.interop

# miniupnpd forwards nothing where the address outside is private or reserved for documentation.
OUTSIDE = "6.77.0"
PATIENCE = 60.0
TABLE = """
table inet miniupnpd {
  chain forward { type filter hook forward priority -1; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -101; policy accept; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority 99; policy accept; jump postrouting_miniupnpd; }
  chain postrouting_miniupnpd { }
}
"""
CONFIG = """
ext_ifname=eth0
listening_ip=lan
enable_upnp={upnp}
enable_natpmp={nat_pmp}
secure_mode=yes
notify_interval=60
uuid=3cb4b1a0-6f47-4a43-9fc5-0d4d4a0ab5aa
upnp_table_name=miniupnpd
upnp_nat_table_name=miniupnpd
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 0.0.0.0/0 1024-65535
"""


@pytest.fixture
def daemon() -> str:
    """The miniupnpd program; the test is left out where it is missing."""
    found = shutil.which("miniupnpd") or shutil.which("miniupnpd", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("miniupnpd is not installed")
    return found


@pytest.mark.parametrize("way", ["UPNP", "NAT_PMP"])
def test_a_mapped_port_lets_a_symmetric_nat_in(
    daemon: str, segment: Callable[..., netns.Segment], library: tuple[Path, Path], tmp_path: Path, way: str
) -> None:
    if way == "UPNP" and importlib.util.find_spec("miniupnpc") is None:
        pytest.skip("miniupnpc is not installed")
    made = segment()
    lab = Lab(made, library, tmp_path)
    try:
        hosts = {name: lab.behind(name, symmetric) for name in ("mapped", "other")}
        router = f"{made.prefix}-mapped-nat"
        made.move(router, f"{netns.SUBNET}.2", f"{OUTSIDE}.2")
        netns.ip("-n", router, "route", "add", f"{netns.SUBNET}.0/24", "dev", "eth0")
        for host in ("root", "other-nat"):
            netns.ip("-n", f"{made.prefix}-{host}", "route", "add", f"{OUTSIDE}.0/24", "dev", "eth0")
        netns.nft(router, "-f", "-", text=TABLE)
        config = tmp_path / "miniupnpd.conf"
        on = {name.lower(): "yes" if name == way else "no" for name in ("UPNP", "NAT_PMP")}
        config.write_text(CONFIG.format(**on))
        upnp = Process(router, [daemon, "-d", "-f", str(config)], tmp_path / "miniupnpd.log")
        try:
            mapped = lab.fastzt("mapped", hosts["mapped"], PORT, **{f"FASTZT_{way}": "1"})
            other = lab.fastzt("other", hosts["other"], PORT)
            place = f"{OUTSIDE}.2/{PORT}"
            until(lambda: place in mapped.peer.call("node_status")["reachable_at"], "the mapping", PATIENCE)
            nwid = lab.network(mapped, other)
            for member in (mapped, other):
                member.join(nwid)
            for member in (mapped, other):
                member.address(nwid)
            meeting = Meeting(("", ""), connect(other, mapped, nwid, 7600))

            def direct() -> bool:
                meeting.talk()
                return meeting.told()["path"] == place

            until(direct, "a direct path to the mapped port", PATIENCE)
            meeting.pair.end()
            mapped.peer.stop()
            listing = netns.nft(router, "list", "chain", "inet", "miniupnpd", "prerouting_miniupnpd")
            assert "dnat" not in listing
        finally:
            upnp.stop()
    finally:
        lab.close()
