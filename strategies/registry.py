"""Which strategies there are: one module of this package each, plus the entry points `imbench.strategies`.

Names come from file names, so that listing them imports nothing; a strategy is imported when it is asked for.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import strategies

if TYPE_CHECKING:
    from strategies.spec import Strategy

CONTRACT = frozenset({"spec", "features", "registry"})
GROUP = "imbench.strategies"


class UnknownStrategy(ValueError):
    """No strategy of that name."""


@cache
def plugged() -> dict[str, EntryPoint]:
    """Strategies that other packages offer, by entry point name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """All registered names, sorted. Imports nothing."""
    own = {module.name for module in pkgutil.iter_modules(strategies.__path__)} - CONTRACT
    return tuple(sorted(own | set(plugged())))


def get(name: str) -> type[Strategy]:
    """The strategy class of a name.

    Raises:
        UnknownStrategy: there is none; suggests the nearest.
        TypeError: the module or entry point does not hold exactly one strategy of that name.
    """
    if name not in names():
        raise UnknownStrategy(unknown("strategy", name, names()))
    from strategies.spec import Strategy  # noqa: PLC0415 - torch comes with it, and listing names must stay quick

    if name in plugged():
        found = plugged()[name].load()
        candidates = [found] if isinstance(found, type) else []
    else:
        module = importlib.import_module(f"strategies.{name}")
        candidates = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    mine = [c for c in candidates if issubclass(c, Strategy) and c.__dict__.get("name") == name]
    if len(mine) != 1:
        raise TypeError(f"strategy {name!r}: expected one Strategy subclass with name = {name!r}, got {len(mine)}")
    return mine[0]


def card(name: str) -> str:
    """The docstring of the strategy's module, read without importing it; for an entry point, of its class."""
    if name in plugged():
        return (plugged()[name].load().__doc__ or "").strip()
    spec = importlib.util.find_spec(f"strategies.{name}")
    if spec is None or spec.origin is None:
        raise UnknownStrategy(unknown("strategy", name, names()))
    return ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """`Unknown strategy 'focl'. Did you mean 'focal'? Known: …`."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"Unknown {what} {name!r}.{hint} Known: {', '.join(known)}."
