"""Claims: what one node may assert by currently valid credentials: tags, owned addresses, capabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .program import Program

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


class Claims:
    """An immutable snapshot, made anew when a credential, a revocation or the config changes.

    `tags`: id -> value. `owned`: IPs as 16 bytes (IPv4 mapped) and MACs as 6 bytes. `capabilities`: programs
    in the order in which they are tried.
    """

    if not cython.compiled:
        __slots__ = ("capabilities", "owned", "tags")

    def __init__(
        self, tags: dict[int, int], owned: frozenset[bytes], capabilities: Sequence[Program]
    ) -> None:
        self.tags = tags
        self.owned = owned
        self.capabilities = list(capabilities)


NO_CLAIMS = Claims({}, frozenset(), ())
