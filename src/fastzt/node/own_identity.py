"""The identity of a node: given, stored, imported or generated; validated before use, never replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import IdentityError
from ..identity.identity import Identity
from .store import MAX_SECRET, MemoryStore

IdentitySource = str | os.PathLike[str] | Callable[[], str] | None


def given_text(source: IdentitySource) -> str | None:
    """The identity text that `identity=` stands for: the text itself, a file, or a callable's answer."""
    if source is None:
        return None
    if callable(source):
        return str(source()).strip()
    text = os.fspath(source)
    if ":" in text and not os.path.exists(text):
        return text.strip()
    try:
        with Path(text).open("rb") as file:
            return file.read(MAX_SECRET).decode("ascii").strip()
    except OSError as error:
        raise IdentityError(f"cannot read identity file {text}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise IdentityError(f"identity file {text} is not text") from None


def parse(text: str, vouched: Callable[[str], bool]) -> Identity:
    """An identity with its secret, validated unless it is vouched for; raises IdentityError."""
    identity = Identity.parse(text)
    if not identity.has_secret:
        raise IdentityError(f"identity {identity.address:010x} has no secret part")
    if not vouched(identity.to_text()) and not identity.validate():
        raise IdentityError(
            f"identity {identity.address:010x} is invalid: its address does not follow from its key"
        )
    return identity


def parse_given(source: IdentitySource) -> Identity | None:
    """The identity that the caller supplies; raises IdentityError. Touches no store."""
    text = given_text(source)
    return None if text is None else parse(text, lambda _: False)


def own_identity(store: MemoryStore, given: Identity | None, entropy: Callable[[int], bytes]) -> Identity:
    """The node's identity: `given`, else the stored or imported one, else a new one, which is stored.

    A given identity is not written. Raises IdentityError when the stored one is unusable or is another one.
    """
    text = store.secret()
    if text is None:
        if given is not None:
            return given
        identity = Identity.generate(entropy)
    else:
        try:
            identity = parse(text, store.vouched)
        except IdentityError as error:
            where = store.path or "memory"
            raise IdentityError(f"the identity stored in {where} will not be replaced: {error}") from None
        if given is not None and given.address != identity.address:
            found, wanted = f"{identity.address:010x}", f"{given.address:010x}"
            raise IdentityError(f"state directory {store.path} holds identity {found}, not {wanted}")
    store.save_identity(identity.to_text(secret=True), identity.to_text())
    return identity
