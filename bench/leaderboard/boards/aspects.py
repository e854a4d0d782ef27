"""What treatments change, aspect by aspect: the order of rows, decisions, probabilities.

A board is ordered by one metric, and most of what rebalancing does is not seen in it: it moves the threshold of
decisions, and the probabilities with it. So every board says of each aspect by itself who is better and who is worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bench.leaderboard.boards.aggregate import CellValues
from bench.leaderboard.boards.columns import metric_column
from bench.leaderboard.boards.model import Aspect, MetricColumn
from bench.leaderboard.statistics.design import Design
from bench.leaderboard.statistics.intervals import t_interval
from bench.leaderboard.statistics.verdicts import Comparison, judge
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import both, list_of, opponent, plural
from bench.records.columns import TRUTH

TITLES: Final = {
    "order": "Order",
    "truth": "Order, by the truth",
    "decisions": "Decisions, default",
    "tuned": "Decisions, tuned",
    "probabilities": "Probabilities, raw",
    "recalibrated": "Probabilities, recalibrated",
}
"""The aspects in the order of tables, and what stands over their columns."""

_BY_THE_TRUTH: Final = MetricColumn(f"{TRUTH}raw/auroc", "AUROC regret", "quality", higher_is_better=False, ideal=0.0)
_TWO_CLASSES: Final = {
    "order": "raw/average_precision",
    "truth": _BY_THE_TRUTH.key,
    "decisions": "default/f1",
    "tuned": "tuned/f1",
    "probabilities": "raw/log_loss",
    "recalibrated": "recalibrated/log_loss",
}
_MORE_CLASSES: Final = {
    **_TWO_CLASSES,
    "order": "raw/auroc",
    "decisions": "default/macro_f1",
    "tuned": "tuned/macro_f1",
}
_MOST: Final = 8
"""So many names in a list of a sentence; the table has all."""


def aspects_of(
    cells: CellValues,
    baseline: str | None,
    judged: Mapping[str, Comparison],
    *,
    design: Design,
    n_classes: int,
    rope: float,
    allowed: bool,
) -> tuple[Aspect, ...]:
    """The aspects of a board that its records have a metric of, each judged by itself, by the one rule.

    `judged`: comparisons that are there already, by metric.
    Several aspects are several questions: Holm's adjustment is over the strategies within one. On given test rows
    there are differences without verdicts, because only the ranking metric is resampled over rows. Where the true
    probabilities are known, the order is judged by them, too: distances from the best one, free of the labels' noise.
    """
    found = []
    for name, key in (_TWO_CLASSES if n_classes == 2 else _MORE_CLASSES).items():
        column = _BY_THE_TRUTH if name == "truth" else metric_column(key)
        values = cells.by_unit(key, column.heading, [])
        if not values:
            continue
        upwards = bool(column.higher_is_better)
        comparison = judged.get(key) or judge(
            values, baseline, higher_is_better=upwards, design=design, rope=rope, allowed=allowed
        )
        counted = {label: design.values(by_unit) for label, by_unit in values.items()}
        means = {label: t_interval(v, inflation=design.inflation).mean for label, v in counted.items() if v}
        found.append(Aspect(name, column, means, comparison))
    return tuple(found)


@dataclass(frozen=True)
class Verdicts:
    """What was shown of one aspect: who is better than the baseline, by how much, and who is worse."""

    metric: str
    better: Mapping[str, float] = field(default_factory=dict)
    worse: Sequence[str] = ()


def verdicts_of(aspect: Aspect) -> Verdicts:
    """The verdicts on one aspect of a board."""
    found = aspect.comparison
    better = {name: abs(found.differences[name].mean) for name in found.with_verdict("better")}
    return Verdicts(aspect.column.label, better, found.with_verdict("worse"))


def effects_of(shown: Mapping[str, Verdicts], against: str) -> str:
    """What treatments do to decisions and probabilities, and to the order of rows where the truth is known, in a
    sentence each; empty where nobody was judged."""
    parts = []
    if "truth" in shown:
        known = shown["truth"]
        parts.append(_order(replace(known, metric=known.metric.removesuffix(" regret")), against))
    if {"decisions", "tuned"} <= shown.keys():
        parts.append(_decisions(shown["decisions"], shown["tuned"], against))
    if {"probabilities", "recalibrated"} <= shown.keys():
        parts.append(_probabilities(shown["probabilities"], shown["recalibrated"]))
    return " ".join(filter(None, parts))


def _order(shown: Verdicts, against: str) -> str:
    """Who orders rows better, measured by their true probabilities."""
    if not shown.better:
        return f"By the true probabilities, nobody was shown to order rows better than {against}{_and_worse(shown)}."
    return f"By the true probabilities, {_who_is_better('orders rows', shown, against)}."


def _decisions(default: Verdicts, tuned: Verdicts, against: str) -> str:
    """Who decides better as models come, and what is left of it where the rule is chosen on validation rows."""
    if not default.better and not tuned.better:
        parts = [
            f"Nobody was shown to decide better than {against}, by the default rule or one tuned on validation rows"
        ]
        parts += [f"{_names(default.worse)} {both(len(default.worse))} worse by the default rule"] * bool(default.worse)
        parts += [f"{_names(tuned.worse)} {both(len(tuned.worse))} worse by the tuned one"] * bool(tuned.worse)
        return f"{'; '.join(parts)}."
    second = _who_decides(tuned, against) if tuned.better else f"nobody was shown to{_and_worse(tuned)}"
    return f"By the default rule {_who_decides(default, against)}; with the rule tuned on validation rows, {second}."


def _who_decides(shown: Verdicts, against: str) -> str:
    if not shown.better:
        return f"nobody was shown to decide better than {against}{_and_worse(shown)}"
    return _who_is_better("decides", shown, against)


def _who_is_better(does: str, shown: Verdicts, against: str) -> str:
    best = max(shown.better, key=lambda name: shown.better[name])
    others = [name for name in shown.better if name != best]
    also = f", and so {'does' if len(others) == 1 else 'do'} {_names(others)}" if others else ""
    gain = number(shown.better[best], 3)
    return f"{best} {does} better than {against}, by {gain} {shown.metric}{also}{_and_worse(shown)}"


def _and_worse(shown: Verdicts) -> str:
    return f" ({_names(shown.worse)}: worse)" if shown.worse else ""


def _probabilities(raw: Verdicts, recalibrated: Verdicts) -> str:
    """Whose probabilities are worse or better as they come, and after recalibration."""
    if not (raw.better or raw.worse or recalibrated.better or recalibrated.worse):
        return ""
    first = _whose(raw, "the probabilities", "nobody's probabilities")
    second = _whose(recalibrated, "those", "nobody's")
    return f"As they come, {first} ({raw.metric.lower()}); recalibrated, {second}."


def _whose(shown: Verdicts, some: str, nobody: str) -> str:
    sides = [(list(shown.better), "better"), (shown.worse, "worse")]
    parts = [f"of {_names(names)} are {word}" for names, word in sides if names]
    return f"{some} {' and those '.join(parts)}" if parts else f"{nobody} were shown to differ"


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return list_of(map(opponent, names[:_MOST])) + (f" and {plural(more, 'other')}" if more > 0 else "")
