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
from ..io.driver import Driver
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


class Joining:
    """A join under way: what it waits for, and what to do when that does not come.

    `wait`: a controller that refuses may change its mind.
    """

    def __init__(
        self, driver: Driver, nwid: int, node_id: str, collided: Callable[[], bool], wait: bool
    ) -> None:
        self.driver = driver
        self.nwid = nwid
        self.node_id = node_id
        self.collided = collided
        self.wait = wait
        self.known = True
        self.start = time.monotonic()

    def begin(self, saved: SavedNetwork | None, token: str | None) -> None:
        """Join; raises InputError for an ad-hoc network that cannot be."""
        core, nwid = self.driver.core, self.nwid
        if adhoc.is_adhoc(nwid) and not adhoc.is_known(nwid):
            raise InputError(
                f"{nwid:016x} names no ad-hoc network: ff, two ports, 000000, or ff, one byte, ..., 01"
            )
        self.known = self.driver.run(lambda now: core.has_network(nwid))
        self.driver.run(lambda now: core.join(nwid, now, saved.config if saved else None, token))

    def attempt(self, now: int) -> bool | None:
        """True once the network can be used; raises what Node.join raises."""
        core = self.driver.core
        if core.is_usable(self.nwid):
            return True
        if self.collided():
            raise IdentityError(
                f"a root says that another node owns the address {self.node_id}: "
                "this node needs a new identity"
            )
        error = refusal(core, self.nwid, self.node_id)
        if error is not None and (not self.wait or isinstance(error, NetworkNotFoundError)):
            raise error
        return None

    def late(self, timeout: float | None) -> FastztError | None:
        """Time is up: why. None when the default time was up, which is for controllers that are silent."""
        error = self.driver.run(lambda now: refusal(self.driver.core, self.nwid, self.node_id))
        if error is not None:
            return None if self.wait and timeout is DEFAULT_TIMEOUT else error
        name, seconds = f"{self.nwid:016x}", time.monotonic() - self.start
        return ControllerUnreachableError(
            f"controller {name[:10]} of network {name} did not answer within {seconds:.0f} s"
        )

    def undo(self) -> None:
        """A join that failed leaves nothing behind."""
        driver = self.driver
        if not self.known and not driver.closed and not driver.forked:
            driver.run(lambda now: driver.core.leave(self.nwid, now))


def join(driver: ThreadedDriver, joining: Joining, timeout: float | None) -> None:
    """Wait until a network that was begun can be used; a join that fails is undone."""
    try:
        while True:
            try:
                driver.wait(NODE, joining.attempt, timeout)
                return
            except TimedOut:
                error = joining.late(timeout)
                if error is not None:
                    raise error from None
                timeout = None
    except BaseException:
        joining.undo()
        raise
