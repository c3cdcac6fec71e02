"""Join a real network through the public roots and fetch a URL from one of its members (docs/e2e.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NETWORK = os.environ.get("FASTZT_E2E_NETWORK", "")
URL = os.environ.get("FASTZT_E2E_URL", "")
TIMEOUT = float(os.environ.get("FASTZT_E2E_TIMEOUT", "120"))

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(TIMEOUT + 120),
    pytest.mark.skipif(not (NETWORK and URL), reason="FASTZT_E2E_NETWORK and FASTZT_E2E_URL are not set"),
]


def test_fetch_from_a_member(tmp_path: Path) -> None:
    import httpx

    import fastzt
    from fastzt.integrations.httpx import Transport

    with fastzt.Node(state=os.environ.get("FASTZT_E2E_STATE") or tmp_path / "state") as node:
        print(f"node {node.id}: authorize it on network {NETWORK} within {TIMEOUT:.0f} s")
        net = node.join(NETWORK, timeout=TIMEOUT, wait=True)
        assert net.addresses
        with httpx.Client(transport=Transport(net), timeout=30) as client:
            response = client.get(URL)
        assert response.status_code < 500
