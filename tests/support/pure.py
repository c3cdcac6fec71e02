"""The interpreted twin of the package in the same process, for differential tests."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from fastzt._pure import SourceOnlyFinder

TWIN = "fastzt_pure"


def twin(name: str) -> ModuleType:
    """The module `fastzt.x.y` loaded a second time from its source, as `fastzt_pure.x.y`."""
    if TWIN not in sys.modules:
        root = Path(importlib.util.find_spec("fastzt").origin)  # type: ignore[union-attr,arg-type]
        sys.meta_path.insert(0, SourceOnlyFinder(TWIN))
        spec = importlib.util.spec_from_file_location(
            TWIN, root, submodule_search_locations=[str(root.parent)]
        )
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        sys.modules[TWIN] = module
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    return importlib.import_module(TWIN + name.removeprefix("fastzt"))
