"""One custom for names: a leading underscore marks what only its own file uses, and nothing else."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT

FILES = [path for room in ("bench", "strategies") for path in sorted((ROOT / room).rglob("*.py"))]
READERS = [path for room in ("bench", "strategies", "tests", "conf") for path in (ROOT / room).rglob("*.*")]
READERS = [path for path in READERS if path.suffix in {".py", ".yaml"}]
READERS += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml", "Makefile")]
FOUND_BY_NAME = ("bench/cli/verbs", "bench/models", "bench/data/sources", "bench/leaderboard/plots", "strategies")
"""Folders of registries: an entry's class is found by its file, and named nowhere else."""


def words(path: Path) -> set[str]:
    """Every word of a file."""
    return set(re.findall(r"\w+", path.read_text(encoding="utf-8")))


def defined(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Functions, classes and constants of a module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node) for target in targets if isinstance(target, ast.Name))


def types_in_signatures(path: Path) -> set[str]:
    """Names in the annotations of what a module offers: who calls it meets them, though nobody writes them."""
    nodes = [node for name, outer in defined(path) if not name.startswith("_") for node in ast.walk(outer)]
    notes = [getattr(node, field, None) for node in nodes for field in ("annotation", "returns")]
    return {word for note in notes if note for word in re.findall(r"\w+", ast.unparse(note))}


USED_IN = Counter(word for path in {*READERS} for word in words(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_name_without_an_underscore_is_used_elsewhere(path: Path) -> None:
    """Entries of registries, types in public signatures, decorated entries and dunder names aside."""
    entries = str(path.parent.relative_to(ROOT)) in FOUND_BY_NAME
    met = types_in_signatures(path)
    found = [
        name
        for name, node in defined(path)
        if not name.startswith("_")
        and USED_IN[name] < 2
        and name not in met
        and not (isinstance(node, ast.ClassDef) and entries)
        and not getattr(node, "decorator_list", [])
    ]
    assert not found, f"only {path.name} uses {', '.join(found)}: begin with an underscore"


def test_nobody_reaches_for_a_private_name_of_another_file() -> None:
    """Neither by import nor as an attribute of a module."""
    private = {
        str(path.relative_to(ROOT)): {name for name, _ in defined(path) if re.match("_[^_]", name)} for path in FILES
    }
    modules = {str(Path(path).with_suffix("")).replace("/", "."): names for path, names in private.items()}
    wrong = []
    for path in READERS:
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                wrong += [
                    f"{path.name}: {a.name} of {node.module}" for a in node.names if a.name in modules[node.module]
                ]
    assert not wrong, "\n".join(wrong)
