"""How anything of the project is found: by the file that holds it. `STRATEGIES` are those of this folder.

An entry is a file that holds one class whose `name` is the file's name; what entries share lies beside them without
such a class, or in a folder `parts`. Names come from source text and cards from docstrings, so that listing imports
nothing; an entry is imported when it is asked for. Other packages add entries by entry points.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from strategies.strategy import Strategy

T = TypeVar("T")


class RegistryError(ValueError):
    """An entry cannot be had: unknown, offered twice, or not what its name promises."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The entries of one kind: those of the folder of `package`, and the entry points of `group`.

    `kind` is what messages call an entry. Spaces of a name are underscores in the name of its file.
    """

    kind: str
    package: str
    group: str = ""

    def names(self) -> tuple[str, ...]:
        """All names, sorted. Imports no entry."""
        return tuple(sorted({*self.own(), *self.plugged()}))

    def own(self) -> dict[str, Path]:
        """The entries of the folder: name -> file."""
        found: dict[str, Path] = {}
        for folder in importlib.import_module(self.package).__path__:
            for module in pkgutil.iter_modules([folder]):
                path = Path(folder, f"{module.name}.py")
                name = None if module.ispkg else outline(path, path.stat().st_mtime_ns).name
                if name is not None:
                    found[name] = path
        return found

    def plugged(self) -> dict[str, EntryPoint]:
        """What other packages offer: name -> entry point."""
        return _points(self.group) if self.group else {}

    def get(self, name: str) -> type[T]:
        """The class of a name.

        Raises:
            RegistryError: there is none (suggests the nearest), two offer it, or its file or entry point does not hold
                exactly one class of that name.
        """
        return cast("type[T]", _found(self, name))

    def find(self, name: str) -> type[T]:
        """What `get` returns from then on."""
        own, plugged = self.own(), self.plugged()
        if name not in own and name not in plugged:
            raise RegistryError(unknown(self.kind, name, self.names()))
        if name in own and name in plugged:
            raise RegistryError(
                f"{self.kind} {name!r}: expected one, got the built-in one and the entry point {plugged[name].value}; "
                "rename the entry point"
            )
        if name in plugged:
            loaded = plugged[name].load()
            candidates = [loaded] if isinstance(loaded, type) else []
        else:
            module = importlib.import_module(f"{self.package}.{own[name].stem}")
            candidates = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
        mine = [c for c in candidates if c.__dict__.get("name") == name]
        if len(mine) != 1:
            raise RegistryError(f"{self.kind} {name!r}: expected one class with name = {name!r}, got {len(mine)}")
        return mine[0]

    def card(self, name: str) -> str:
        """The docstring of an entry's file, read without importing it; of an entry point, that of its class.

        Raises:
            RegistryError: there is no such entry; suggests the nearest.
        """
        own = self.own()
        if name in own:
            return outline(own[name], own[name].stat().st_mtime_ns).card
        if name in self.plugged():
            return (self.plugged()[name].load().__doc__ or "").strip()
        raise RegistryError(unknown(self.kind, name, self.names()))


@dataclass(frozen=True)
class Outline:
    """What the text of a file says of its entry: the name, None where it holds none, and the card."""

    name: str | None
    card: str


@cache
def outline(path: Path, _changed: int) -> Outline:
    """The outline of a file, read once for each of its states."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = (value for node in tree.body if isinstance(node, ast.ClassDef) for value in _names(node.body))
    name = next((value for value in named if value.replace(" ", "_") == path.stem), None)
    return Outline(name, ast.get_docstring(tree) or "")


def _names(body: Iterable[ast.stmt]) -> Iterable[str]:
    """The texts that a class gives to `name`, with an annotation or without."""
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = [t.id for t in targets if isinstance(t, ast.Name)] == ["name"]
            if named and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                yield node.value.value


@cache
def _found(registry: Registry[Any], name: str) -> type[Any]:
    return registry.find(name)


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - help takes half as long without

    return {point.name: point for point in entry_points(group=group)}


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """`Unknown strategy 'focl'. Did you mean 'focal'? Known: …`."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"Unknown {what} {name!r}.{hint} Known: {', '.join(known)}."
        if known
        else f"Unknown {what} {name!r}: there is none."
    )


STRATEGIES: Registry[Strategy] = Registry("strategy", "strategies", "imbench.strategies")
