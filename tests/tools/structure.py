"""The structure of the code: rooms (packages), arrows between them, circles, files over 300 lines.

    python -m tests.tools.structure [ROOT]

ROOT is any checkout of the project, so that two can be held side by side.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests import ROOT

PACKAGES = ("bench", "strategies")
LONG = 300  # lines, above which a file needs a reason


@dataclass(frozen=True)
class Tree:
    """The Python files of a checkout's packages, and what they import of one another."""

    root: Path

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """Dotted module name -> file."""
        paths = sorted(path for package in PACKAGES for path in (self.root / package).rglob("*.py"))
        return {".".join(p.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}

    def imported(self, module: str, *, deferred: bool = True) -> frozenset[str]:
        """Names that a module imports when it runs, absolute; `deferred`: also inside functions.

        `from a import b` gives `a.b` where that is a module. Imports for the type checker alone do not count.
        """
        tree = ast.parse(self.files[module].read_text(encoding="utf-8"))
        return frozenset(self._imports(tree, module, deferred))

    def _imports(self, node: ast.AST, module: str, deferred: bool) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                level = child.level - (self.files[module].name == "__init__.py") if child.level else 0
                package = module.split(".")[: len(module.split(".")) - level] if child.level else []
                base = ".".join([*package, *([child.module] if child.module else [])])
                for alias in child.names:
                    yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in self.files else base
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for other in child.orelse:
                    yield from self._imports(ast.Module([other], []), module, deferred)
            elif deferred or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from self._imports(child, module, deferred)

    def room(self, module: str) -> str:
        """The package that a module is in; files that lie directly at `bench/` are rooms of their own."""
        package = module if self.files[module].name == "__init__.py" else module.rpartition(".")[0]
        return module if package == "bench" else package

    @cached_property
    def rooms(self) -> Mapping[str, frozenset[str]]:
        """Room -> the other rooms that its files import from, deferred imports included."""
        arrows: dict[str, set[str]] = {self.room(module): set() for module in self.files}
        for module in self.files:
            own = self.room(module)
            arrows[own] |= {self.room(n) for n in self.imported(module) if n in self.files} - {own}
        return {room: frozenset(to) for room, to in arrows.items()}

    def circle(self) -> list[str]:
        """Modules of a circle of imports at module level, the first of them again at the end; empty without one."""
        graph = {m: {n for n in self.imported(m, deferred=False) if n in self.files and n != m} for m in self.files}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            return list(error.args[1])
        return []

    def lines(self, module: str) -> int:
        """Lines of a file."""
        return len(self.files[module].read_text(encoding="utf-8").splitlines())


def report(tree: Tree) -> Iterator[str]:
    """The structure as Markdown."""
    arrows = sum(len(to) for to in tree.rooms.values())
    deferred = sum(len(tree.imported(m) - tree.imported(m, deferred=False)) for m in tree.files)
    mutual = sorted({tuple(sorted((a, b))) for a, to in tree.rooms.items() for b in to if a in tree.rooms[b]})
    yield f"{len(tree.files)} files in {len(tree.rooms)} rooms, {arrows} arrows, {deferred} deferred imports"
    yield f"circle of imports: {' > '.join(tree.circle()) or 'none'}"
    yield f"rooms that import each other: {', '.join(f'{a} and {b}' for a, b in mutual) or 'none'}"
    yield "\n| room | files | lines | imports from |\n|---|--:|--:|---|"
    for room, to in sorted(tree.rooms.items()):
        own = [m for m in tree.files if tree.room(m) == room]
        yield f"| {room} | {len(own)} | {sum(map(tree.lines, own))} | {', '.join(sorted(to))} |"
    yield f"\nFiles over {LONG} lines:"
    for module in sorted(tree.files, key=tree.lines, reverse=True):
        if tree.lines(module) > LONG:
            yield f"- {module}: {tree.lines(module)}"


if __name__ == "__main__":
    print("\n".join(report(Tree(Path(sys.argv[1]) if sys.argv[1:] else ROOT))))
