"""A folder of the user's own that has the name of one of our packages: found on import, and said."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

_OURS = ("bench", "strategies")


def refuse_shadows(here: str) -> None:
    """Find out whether `bench` and `strategies` are ours. `here` is the folder of this package.

    Installed, the three lie side by side; in the repository this package lies in `bench`, and `strategies` beside that.

    Raises:
        ImportError: Python finds another one first; says which, and what to do.
    """
    parent = Path(here).parent
    in_repository = (parent / "errors.py").is_file() and not (parent / "bench").is_dir()
    places = {
        "bench": parent if in_repository else parent / "bench",
        "strategies": (parent.parent if in_repository else parent) / "strategies",
    }
    for name in _OURS:
        foreign = next((found for found in _found_at(name) if not same(found, places[name])), None)
        if foreign is not None:
            raise ImportError(
                f"imbench: expected its own package {name!r} from {places[name]}, but Python finds {foreign} first; "
                f"rename that, or run from another folder (scripts: python -P, or PYTHONSAFEPATH=1)",
                name=name,
            )


def _found_at(name: str) -> list[str]:
    """Where Python has or would import a package from: its folders, or the file of a plain module."""
    module = sys.modules.get(name)
    spec: ModuleSpec | None = module.__spec__ if module is not None else importlib.util.find_spec(name)
    if spec is None:
        return [f"a module without a file, {module!r}"] if module is not None else []
    return list(spec.submodule_search_locations or ()) or [spec.origin or f"{name!r} without a file"]


def same(found: str, ours: Path) -> bool:
    """Whether two paths are one folder."""
    try:
        return os.path.samefile(found, ours)
    except OSError:
        return False
