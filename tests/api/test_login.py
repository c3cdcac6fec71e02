"""Networks that want a login (ERROR 09), and an address that another node owns (ERROR 04)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.nodes import Lab, lab

import fastzt
from fastzt.vl1.events import IdentityCollision, Online
from fastzt.vl2.events import Denied
from fastzt.vl2.status import Status

URL = "https://login.example/start?network=1"


@pytest.fixture(scope="module")
def house() -> Iterator[Lab]:
    with lab() as made:
        yield made


def with_login(house: Lab) -> str:
    """A network whose members have to log in; nothing but its controller's store says so."""
    nwid = house.network()

    def enable(core: Any, now: int) -> None:
        store = core.controller.store
        record = store.networks[int(nwid, 16)]
        record.update({"ssoEnabled": True, "authorizationEndpoint": URL})

    house.server.perform(enable)
    return nwid


def test_a_network_that_wants_a_login_says_where(house: Lab) -> None:
    nwid, node = with_login(house), house.node(1)
    house.authorize(nwid, node)
    with pytest.raises(fastzt.AuthenticationRequiredError) as caught:
        node.join(nwid)
    assert caught.value.url == URL
    assert caught.value.network_id == nwid
    assert URL in str(caught.value)
    assert isinstance(caught.value, PermissionError)
    denied = [event for event in node.events() if isinstance(event, Denied)]
    assert [(event.reason, event.url) for event in denied] == [(Status.AUTHENTICATION_REQUIRED, URL)]

    def log_in(core: Any, now: int) -> None:
        member = core.controller.store.members[int(nwid, 16)][int(node.id, 16)]
        member["authenticationExpiryTime"] = 1 << 60

    house.server.perform(log_in)
    assert node.join(nwid, wait=True, timeout=60).status == "OK"
    node.close()


def test_an_identity_that_collides_is_told_by_join(house: Lab) -> None:
    nwid, node = house.network(private=False), house.node(2)
    node._heard([IdentityCollision(int(node.id, 16))])
    with pytest.raises(fastzt.IdentityError, match=f"another node owns the address {node.id}"):
        node.join(nwid)
    assert node.networks == []
    node._heard([Online()])
    assert node.join(nwid).status == "OK"
    node.close()
