"""Load a package from its `.py` files even where compiled modules lie beside them (FASTZT_PURE=1)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class SourceOnlyFinder:
    """A meta path finder that sees only the source files of one package."""

    def __init__(self, package: str) -> None:
        self.prefix = package + "."

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the package by its source file, whatever extension module stands beside it."""
        if not name.startswith(self.prefix) or path is None:
            return None
        for directory in path:
            spec = FileFinder(directory, (SourceFileLoader, [".py"])).find_spec(name)
            if spec is not None:
                return spec
        return None


def interpret(package: str) -> None:
    """Make every later import of the package's modules take the source file."""
    sys.meta_path.insert(0, SourceOnlyFinder(package))
