"""Regret over the rows and the prevalence that a generator was asked for: boards of one generator, side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bench.leaderboard.boards.model import Board
from bench.leaderboard.statistics.intervals import Interval
from bench.leaderboard.text.words import list_of, opponent, plural, short
from bench.records.record import canonical, digest

Axis = Literal["rows", "prevalence"]
AXES: Final[tuple[Axis, ...]] = ("rows", "prevalence")

METRICS: Final = {
    "raw/log_loss": "Log loss regret, raw",
    "corrected/log_loss": "Log loss regret, corrected",
    "raw/auroc": "AUROC regret",
}
"""Distances from the best possible model: 0 is perfect, lower is better."""

Point = tuple[float, float]
"""(rows, prevalence) as the generator was asked."""


@dataclass(frozen=True)
class Family:
    """Boards that differ in nothing but rows and prevalence; by strategy and point, regrets with t intervals.

    `inexact` are the strategies of which prior correction does not undo what they do to probabilities. `better` and
    `worse` count the points at which a strategy was shown to order rows better, or worse, by the truth.
    """

    data: str
    target: str
    model: str
    variant: Mapping[str, Any]  # what sets this family apart from others of the same data and model
    baseline: str | None
    splits: int
    points: Mapping[str, Mapping[Point, Mapping[str, Interval]]]
    slug: str
    inexact: frozenset[str] = frozenset()
    better: Mapping[str, int] = field(default_factory=dict)
    worse: Mapping[str, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Data, target, model, and what sets the family apart."""
        apart = (f"{name}={value}" for name, value in self.variant.items())
        return " · ".join(("Regret", *(short(name, 80) for name in (self.data, self.target, self.model)), *apart))

    @property
    def sentence(self) -> str:
        """Who orders rows better or worse by the truth, and at how many points; empty without a baseline."""
        if self.baseline is None:
            return ""
        points = plural(len({point for by_point in self.points.values() for point in by_point}), "point")
        against = opponent(self.baseline)
        if self.better:
            ahead = list_of(f"{opponent(name)} (at {n} of {points})" for name, n in self.better.items())
            said = f"{ahead} {'orders' if len(self.better) == 1 else 'order'} rows better than {against}"
        else:
            said = f"nobody was shown to order rows better than {against} at any of {points}"
        behind = list_of(f"{opponent(name)} (at {n})" for name, n in self.worse.items())
        return f"By the true probabilities, {said}{f'; worse by {behind}' if behind else ''}."

    def values(self, axis: Axis) -> list[float]:
        """The distinct rows or prevalences, rising."""
        return sorted({point[AXES.index(axis)] for by_point in self.points.values() for point in by_point})

    def lines(self, label: str, metric: str, axis: Axis) -> dict[float, list[tuple[float, Interval]]]:
        """Of one strategy, a line over `axis` for each value of the other axis; those of one point are left out."""
        at = AXES.index(axis)
        found: dict[float, list[tuple[float, Interval]]] = defaultdict(list)
        for point, regrets in sorted(self.points.get(label, {}).items()):
            if metric in regrets:
                found[point[1 - at]].append((point[at], regrets[metric]))
        return {level: line for level, line in sorted(found.items()) if len(line) > 1}


def families(boards: Sequence[Board]) -> list[Family]:
    """The families with regrets at two values or more of rows or of prevalence, in the order of the boards."""
    grouped: dict[str, list[Board]] = defaultdict(list)
    for board in boards:
        asked = board.traits.get("generated") or {}
        if all(axis in asked for axis in AXES) and any(row.regrets for row in board.rows):
            grouped[canonical([board.data, board.target, board.model, _fixed(board)])].append(board)
    found = []
    for key, members in grouped.items():
        if len({canonical(board.traits["generated"]) for board in members}) < len(members):
            continue  # two tables for one point: they differ in what records do not tell
        points: dict[str, dict[Point, Mapping[str, Interval]]] = defaultdict(dict)
        for board in members:
            asked = board.traits["generated"]
            for row in board.rows:
                if row.regrets:
                    points[row.label][float(asked["rows"]), float(asked["prevalence"])] = row.regrets
        truths = [a.comparison for board in members for a in board.aspects if a.name == "truth"]
        better, worse = (Counter(n for c in truths for n in c.with_verdict(side)) for side in ("better", "worse"))
        first = members[0]
        variant = {k: v for k, v in first.variant.items() if k not in ("data.rows", "data.prevalence")}
        family = Family(
            first.data,
            first.target,
            first.model,
            variant,
            first.baseline,
            max(board.design.splits for board in members),
            points,
            f"regret-{digest(key)[:8]}",
            frozenset(row.label for board in members for row in board.rows if row.prior_exact is False),
            dict(better.most_common()),
            dict(worse.most_common()),
        )
        if any(family.lines(label, metric, axis) for label in points for metric in METRICS for axis in AXES):
            found.append(family)
    return found


def _fixed(board: Board) -> dict[str, Any]:
    """All settings but rows, prevalence, and the fingerprint that they decide."""
    settings = {name: value for name, value in board.settings.items() if name != "data.fingerprint"}
    asked = {name: value for name, value in board.traits["generated"].items() if name not in AXES}
    return {**settings, **asked, "tuned": board.variant.get("tuned", False)}


def entries(family: Family) -> Iterator[dict[str, Any]]:
    """Every point as an entry for data files: strategy, rows, prevalence, metric, mean and 95% t interval."""
    for label, by_point in family.points.items():
        for (rows, prevalence), regrets in sorted(by_point.items()):
            for metric in METRICS:
                if (interval := regrets.get(metric)) is not None:
                    yield {
                        "data": family.data,
                        "target": family.target,
                        "model": family.model,
                        "settings": "; ".join(f"{key}={value}" for key, value in family.variant.items()),
                        "strategy": label,
                        "rows": rows,
                        "prevalence": prevalence,
                        "regret": metric,
                        "mean": interval.mean,
                        "low": interval.low,
                        "high": interval.high,
                        "n": interval.n,
                        "prior_exact": False if label in family.inexact else None,
                    }
