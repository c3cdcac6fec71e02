"""What becomes of nodes in a forked child: they belong to the parent, so they are dead here."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import BaseNode

_nodes: weakref.WeakSet[BaseNode[Any, Any]] = weakref.WeakSet()
in_forked_child = False


def watch(node: BaseNode[Any, Any]) -> None:
    """From now on a fork kills this node in the child."""
    _nodes.add(node)


def after_in_child() -> None:
    """Close the descriptors of every inherited node; its sockets raise ForkedError from now on."""
    global in_forked_child
    in_forked_child = True
    for node in list(_nodes):
        node._abandon()
    _nodes.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_in_child)
