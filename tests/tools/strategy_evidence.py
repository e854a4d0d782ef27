"""What speaks for each strategy: what its paper found, which tests check it from outside, what the boards measured.

The first is the card's (`Published:` and `Here:`), the second the mark `oracle` on tests, the third `changes.csv` of
the published boards, so that nothing of it is written twice.
"""

from __future__ import annotations

import ast
import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

from bench.leaderboard.statistics.intervals import Interval, t_interval
from tests import ROOT

BOARDS = ("trees-and-nets", "v2", "catalogue")
ASPECTS = {"order": "order", "decisions": "decisions, default rule", "tuned": "decisions, tuned rule"}
"""Of `changes.csv`, the differences in which higher is better, and what stands over their columns."""
_Aspects: TypeAlias = "dict[str, dict[str, Interval]]"  # of a data set: by target and aspect
_SETS = 3  # so many give an interval over them; of fewer each has a line of its own


@dataclass(frozen=True)
class Witness:
    """A test that checks a strategy by something that is not its own code: where it is, and what that is."""

    path: str
    test: str
    by: str


@dataclass(frozen=True)
class Measured:
    """Differences to `none` on a board, by aspect: over several data sets, or on one and its target."""

    board: str
    model: str
    sets: str
    changes: Mapping[str, Interval]


@cache
def witnesses() -> Mapping[str, tuple[Witness, ...]]:
    """The tests that bear `@pytest.mark.oracle(strategy, by)`, by strategy, in the order of files and lines."""
    found: dict[str, list[Witness]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.oracle(" not in text:
            continue
        for node in ast.parse(text).body:
            for name, by in _marks(node):
                assert isinstance(node, ast.FunctionDef)
                found[name].append(Witness(path.relative_to(ROOT).as_posix(), node.name, by))
    return {name: tuple(tests) for name, tests in found.items()}


def _marks(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """The strategies and witnesses that a test's marks name."""
    for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "oracle":
            name, by = (ast.literal_eval(argument) for argument in mark.args)
            yield name, by


def published(card: str) -> str:
    """What the paper found, by the card; empty where it says nothing."""
    return _said(card, "Published", until="Here")


def here(card: str) -> str:
    """Why it shows here, or does not, by the card."""
    return _said(card, "Here", until="")


def _said(card: str, what: str, until: str) -> str:
    end = rf"(?= {until}: |$)" if until else "$"
    found = re.search(rf"(?:^| ){what}: (.*?){end}", " ".join(card.split()))
    return found[1].strip() if found else ""


def measured(strategy: str, root: Path = ROOT / "results" / "published") -> tuple[Measured, ...]:
    """What each board measured of a strategy by itself, models apart."""
    return tuple(one for board in BOARDS for one in _of_board(strategy, board, root))


def _of_board(strategy: str, board: str, root: Path) -> Iterator[Measured]:
    by_model: dict[str, dict[str, _Aspects]] = defaultdict(lambda: defaultdict(dict))
    for row in _rows(root / board / "changes.csv"):
        if row["strategy"] == strategy and row["difference"] and row["aspect"] in ASPECTS:
            ends = [float(row[end]) if row[end] else None for end in ("difference_low", "difference_high")]
            one = Interval(float(row["difference"]), *ends, 1)
            by_model[row["model"]].setdefault(row["data"], {}).setdefault(row["target"], {})[row["aspect"]] = one
    for model, by_data in sorted(by_model.items(), reverse=True):
        if len(by_data) >= _SETS:
            there = {aspect for by_target in by_data.values() for changes in by_target.values() for aspect in changes}
            over = {aspect: _over(by_data.values(), aspect) for aspect in ASPECTS if aspect in there}
            yield Measured(board, model, f"{len(by_data)} sets", over)
            continue
        for data, by_target in by_data.items():
            for target, changes in by_target.items():
                yield Measured(board, model, f"{data} {target}", changes)


def _over(sets: Iterable[_Aspects], aspect: str) -> Interval:
    """The mean over data sets and its t interval: a data set is one value, its targets averaged."""
    found = ([changes[aspect].mean for changes in by_target.values() if aspect in changes] for by_target in sets)
    return t_interval([sum(own) / len(own) for own in found if own])


@cache
def _rows(path: Path) -> tuple[Mapping[str, str], ...]:
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))
