"""What records tell of their data: traits, classes, and a line of facts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.evaluation.registry import METRICS
from bench.leaderboard.boards.model import MetricColumn
from bench.records.columns import RecordTable


def traits_of(records: RecordTable, done: Sequence[int]) -> list[dict[str, Any]]:
    """What the data are like, once for each distinct answer, the most frequent first."""
    coded = records.texts["traits"]
    counts = Counter(coded.codes[np.array(done, np.int64)].tolist())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], coded.values[item[0]]))
    return [json.loads(coded.values[code]) for code, _ in ordered]


def facts_of(traits: Sequence[Mapping[str, Any]], score: MetricColumn) -> str:
    """Rows and share of positives, as far as the records tell (medians), and what the ranks are by."""
    parts = []
    for key, text in (("n_train", "training rows"), ("n_test", "test rows")):
        found = [t[key] for t in traits if isinstance(t.get(key), int | float)]
        if found:
            parts.append(f"{np.median(found):,.0f} {text}")
    counts = [list(t.get("train_counts") or ()) for t in traits]
    shares = [pair[1] / sum(pair) for pair in counts if len(pair) == 2]
    if shares:
        parts.append(f"{np.median(shares):.2%} positive")
    elif counts and len(counts[0]) > 2 and min(counts[0]) > 0:
        parts.append(f"{len(counts[0])} classes, largest/smallest {max(counts[0]) / min(counts[0]):,.0f}")
    if columns := sorted({str(t["weight_column"]) for t in traits if t.get("weight_column")}):
        parts.append(f"weighted by {', '.join(columns)}")
    way = "higher" if score.higher_is_better else "lower"
    parts.append(f"ranked by {score.label}{f', {score.view}' if score.view else ''} ({way} is better)")
    return " · ".join(parts)


def n_classes_of(records: RecordTable, done: Sequence[int], traits: Sequence[Mapping[str, Any]]) -> int:
    """From the traits, else from which metrics were computed; 2 where nothing finished."""
    for found in traits:
        for key in ("n_classes", "classes"):
            value = found.get(key)
            value = len(value) if isinstance(value, list | tuple) else value
            if isinstance(value, int) and value >= 2:
                return value
    names = {c.partition("/")[2] for i in done[:1] for c in records.numbers if records.number(c, i) is not None}
    return 3 if any(name in METRICS and not METRICS[name].binary for name in names) else 2


def test_ratio(records: RecordTable, done: Sequence[int]) -> float | None:
    """Mean n_test / n_train of the finished cells, where the records tell it."""
    coded = records.texts["traits"]
    counts = Counter(coded.codes[np.array(done, np.int64)].tolist())
    total, n = 0.0, 0
    for code, count in sorted(counts.items(), key=lambda c: coded.values[c[0]]):
        traits = json.loads(coded.values[code])
        if traits.get("n_test") and traits.get("n_train"):
            total, n = total + count * traits["n_test"] / traits["n_train"], n + count
    return total / n if n else None
