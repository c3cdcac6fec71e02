"""Joining a network: wait for its configuration, or for the error that says why there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import (
    AuthenticationRequiredError,
    ControllerUnreachableError,
    FastztError,
    IdentityError,
    InputError,
    NetworkNotFoundError,
    NotAuthorizedError,
)
from ..io.threaded import NODE, ThreadedDriver
from ..io.waiter import TimedOut
from ..vl2 import adhoc
from ..vl2.status import Status

if TYPE_CHECKING:
    from ..node.core import Core
    from ..node.store import SavedNetwork


class Default(float):
    """A default that can be told from the same number given by the caller."""


DEFAULT_TIMEOUT = Default(30.0)


def refusal(core: Core, nwid: int, node_id: str) -> FastztError | None:
    """The error of a network whose controller has refused; None while it has not."""
    network = core.network(nwid)
    name = f"{nwid:016x}"
    if network.status == Status.DENIED:
        return NotAuthorizedError(node_id, name)
    if network.status == Status.AUTHENTICATION_REQUIRED:
        return AuthenticationRequiredError(network.authentication_url, name)
    if network.status == Status.NOT_FOUND:
        return NetworkNotFoundError(name)
    return None


def join(
    driver: ThreadedDriver,
    nwid: int,
    node_id: str,
    saved: SavedNetwork | None,
    timeout: float | None,
    wait: bool,
    token: str | None,
    collided: Callable[[], bool],
) -> None:
    """Join and wait until the network can be used; a join that fails is undone. Raises as Node.join does."""
    core = driver.core
    if adhoc.is_adhoc(nwid) and not adhoc.is_known(nwid):
        raise InputError(
            f"{nwid:016x} names no ad-hoc network: ff, two ports, 000000, or ff, one byte, ..., 01"
        )
    known = driver.run(lambda now: core.has_network(nwid))
    driver.run(lambda now: core.join(nwid, now, saved.config if saved else None, token))

    def attempt(now: int) -> bool | None:
        if core.is_usable(nwid):
            return True
        if collided():
            raise IdentityError(
                f"a root says that another node owns the address {node_id}: this node needs a new identity"
            )
        error = refusal(core, nwid, node_id)
        if error is not None and (not wait or isinstance(error, NetworkNotFoundError)):
            raise error
        return None

    try:
        wait_for(driver, attempt, nwid, node_id, timeout, wait)
    except BaseException:
        if not known and not driver.closed and not driver.forked:
            driver.run(lambda now: core.leave(nwid, now))
        raise


def wait_for(
    driver: ThreadedDriver, attempt: object, nwid: int, node_id: str, timeout: float | None, wait: bool
) -> None:
    """Wait for `attempt`; when time is up, say whether the controller has refused or never answered."""
    start = time.monotonic()
    while True:
        try:
            driver.wait(NODE, attempt, timeout)  # type: ignore[arg-type]
            return
        except TimedOut:
            error = driver.run(lambda now: refusal(driver.core, nwid, node_id))
            if error is not None and wait and timeout is DEFAULT_TIMEOUT:
                timeout = None
                continue
            if error is not None:
                raise error from None
            name, seconds = f"{nwid:016x}", time.monotonic() - start
            raise ControllerUnreachableError(
                f"controller {name[:10]} of network {name} did not answer within {seconds:.0f} s"
            ) from None
