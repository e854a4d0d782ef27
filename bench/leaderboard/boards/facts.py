"""What records tell of their data: traits, classes, and a line of facts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from bench.evaluation.registry import METRICS
from bench.leaderboard.boards.model import MetricColumn
from bench.leaderboard.statistics.intervals import FEWEST
from bench.leaderboard.text.words import list_of, plural
from bench.records.columns import RecordTable


def traits_of(records: RecordTable, done: Sequence[int]) -> list[dict[str, Any]]:
    """What the data are like, once for each distinct answer, the most frequent first."""
    coded = records.texts["traits"]
    counts = Counter(coded.codes[np.array(done, np.int64)].tolist())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], coded.values[item[0]]))
    return [json.loads(coded.values[code]) for code, _ in ordered]


def facts_of(traits: Sequence[Mapping[str, Any]], score: MetricColumn) -> str:
    """Rows and share of positives, as far as the records tell (medians), and what the order is by."""
    parts = []
    for key, text in (("n_train", "training rows"), ("n_test", "test rows")):
        found = [t[key] for t in traits if isinstance(t.get(key), int | float)]
        if found:
            parts.append(f"{np.median(found):,.0f} {text}")
    counts = [list(t.get("train_counts") or ()) for t in traits]
    if any(len(pair) == 2 for pair in counts):
        parts.append(_prevalence(traits))
    elif counts and len(counts[0]) > 2 and min(counts[0]) > 0:
        parts.append(f"{len(counts[0])} classes, largest/smallest {max(counts[0]) / min(counts[0]):,.0f}")
        parts.append(_rarest(traits))
    if columns := sorted({str(t["weight_column"]) for t in traits if t.get("weight_column")}):
        parts.append(f"weighted by {', '.join(columns)}")
    way = "higher" if score.higher_is_better else "lower"
    parts.append(f"ordered by {score.label}{f', {score.view}' if score.view else ''} ({way} is better)")
    return " · ".join(parts)


_PARTS: Final = (("training", "train_counts"), ("validation", "val_counts"), ("test", "test_counts"))


def _rarest(traits: Sequence[Mapping[str, Any]]) -> str:
    """`smallest class: 73 training, 16 validation, 23 test rows` (medians); what is not recorded is said."""
    found = {part: [min(t[key]) for t in traits if t.get(key)] for part, key in _PARTS}
    known = list_of(f"{np.median(rows):,.0f} {part}" for part, rows in found.items() if rows)
    absent = [part for part, rows in found.items() if not rows]
    return f"smallest class: {known} rows" + (f" ({list_of(absent)} not recorded)" if absent else "")


def _prevalence(traits: Sequence[Mapping[str, Any]]) -> str:
    """`positive: 3.57% of training, 3.60% of validation, 3.55% of test rows`; what is not recorded is said."""
    found: dict[str, str] = {}
    for part, key in _PARTS:
        pairs = [list(t.get(key) or ()) for t in traits]
        shares = [pair[1] / sum(pair) for pair in pairs if len(pair) == 2 and sum(pair)]
        found[part] = f"{np.median(shares):.2%}" if shares else "unknown"
    known = {text for text in found.values() if text != "unknown"}
    if len(known) == 1:
        (text,) = known
        absent = [part for part, own in found.items() if own == "unknown"]
        where = list_of(part for part in found if part not in absent)
        return f"{text} positive in {where}" + (f" ({list_of(absent)} not recorded)" if absent else "")
    return "positive: " + list_of(f"{text} of {part}" for part, text in found.items())


def too_few_rows(traits: Sequence[Mapping[str, Any]], n_classes: int) -> tuple[str, str]:
    """Why nobody may be judged, and what to note; empty where test parts are large enough.

    Fewer than `FEWEST` test rows of the rarer of two classes, or of most of many: one row could make a winner.
    """
    counts = [list(t["test_counts"]) for t in traits if t.get("test_counts")]
    if not counts:
        return "", (
            "How many test rows each class has is not recorded, so whether there are enough of them is unknown."
            if traits
            else ""
        )
    if n_classes == 2:
        rows = min(min(pair) for pair in counts)
        what = f"{plural(int(rows), 'row')} of the rarer class"
        few = rows < FEWEST
    else:
        small = max(sum(rows < FEWEST for rows in line) for line in counts)
        what = f"fewer than {FEWEST} rows of {small} of {n_classes} classes"
        few = 2 * small > n_classes
    if not few:
        return "", ""
    held = f"test parts hold {what}" + (f", fewer than {FEWEST}" if n_classes == 2 else "")
    return (
        f"Nobody is judged: {held}, so that a single row could make a winner. More rows would help, a larger "
        "data.test_fraction, or data.folds over several splits.",
        "",
    )


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


def split_by(traits: Sequence[Mapping[str, Any]]) -> str:
    """How the test rows came about: `given` by a column, by `time`, or `drawn`; the last where records do not tell."""
    return next((str(t["split_by"]) for t in traits if t.get("split_by")), "drawn")


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


def origin_of(records: RecordTable) -> str:
    """Versions, devices and dates behind some records, in a sentence."""
    coded = records.texts["environment"]
    found = [json.loads(coded.values[code]) for code in sorted(set(coded.codes.tolist()))]
    versions = sorted({f"imbench {e['imbench']}" for e in found if "imbench" in e})
    devices = sorted({f"{e.get('device')} ({e.get('processor')})" for e in found if "device" in e})
    created = records.texts["created"]
    dates = sorted({created.values[code][:10] for code in set(created.codes.tolist())} - {""})
    span = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else ""
    return " · ".join(filter(None, (", ".join(versions[:3]), ", ".join(devices[:3]), span)))
