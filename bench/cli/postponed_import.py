"""An import that waits for its first use: commands read strategies and models, and mostly train elsewhere."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any


class _Postponed(ModuleType):
    """Stands for a module until an attribute of it is asked for; then it becomes that module."""

    def __getattr__(self, attribute: str) -> Any:
        spec = self.__spec__
        assert spec is not None
        assert spec.loader is not None
        # From here on an ordinary module, also to what it imports while it is executed.
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__path__ = spec.submodule_search_locations  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, attribute)


def postpone(name: str) -> None:
    """From now on `import name` costs nothing; the package is loaded when something of it is first used.

    Planning looks at names, versions and fields of strategies, whose files import torch: a second for nothing. Where
    a user's own strategy uses torch while it is imported, torch is loaded then, and all is as it would have been.

    Raises:
        ModuleNotFoundError: there is no such package.
    """
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    del module.__path__  # asked for by an import of a submodule or of a name: these load the package first
    module.__class__ = _Postponed
    sys.modules[name] = module
