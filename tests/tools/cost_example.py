"""What treatments and rules cost in money on Give Me Some Credit, from records, against brute force.

    imbench data get give_me_some_credit
    imbench run -m data=give_me_some_credit data.costs=true 'data.cost={fp: cost_fp, fn: cost_fn}' \\
        strategy=none,class_weights,undersample model=lightgbm 'split=range(0,2)' results=R
    python -m tests.tools.cost_example R

Every figure is added up row by row from the stored predictions, in a loop that shares no code with the metrics, and
held against the record's; the least cost of any threshold of the test rows says how much the rule leaves on the table.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import mean

import numpy as np

from bench.evaluation.views import Floats, Ints
from bench.records.predictions import said_of, unpack
from bench.records.record import Record
from bench.records.store import Store

_SAME = 1e-9


def figures(store: Store, record: Record) -> dict[str, float]:
    """Cost of a borrower under each rule, and what share of them each refuses.

    Raises:
        ValueError: the record says otherwise.
    """
    frame = store.predictions(record)
    _, y, logits = unpack(frame, "test")
    costs, fitted = said_of(frame, "test")["costs"], record.fitted
    prior, natural = (np.array(record.per_class[name], dtype=float) for name in ("prior", "natural"))
    refused: dict[str, list[bool]] = defaultdict(list)
    for z, own in zip(logits, costs, strict=True):
        raw = float(z[1] - z[0])
        odds = raw + math.log(natural[1] / natural[0]) - math.log(prior[1] / prior[0])
        odds = odds / fitted["temperature"] + fitted["bias"]
        refused["default"].append(raw > 0)
        refused["tuned"].append(raw > fitted["threshold"])
        refused["cost"].append(odds - math.log(own[1] / own[2]) > fitted["cost_threshold"])
        refused["nobody"].append(False)
        refused["everybody"].append(True)
    found = {}
    for rule, decisions in refused.items():
        total = 0.0
        for no, bad, own in zip(decisions, y, costs, strict=True):
            total += float(own[1]) if no and not bad else float(own[2]) if bad and not no else 0.0
        found[rule] = total / len(y)
        found[f"{rule}, refused"] = mean(decisions)
    for rule in ("default", "tuned", "cost"):
        said = record.metrics[f"{rule}/expected_cost"]
        if said is None or abs(said - found[rule]) > _SAME * max(1.0, abs(said)):
            raise ValueError(f"record {record.key[:12]}, {rule}: expected {said} a row, added up {found[rule]}")
    found["any threshold"] = _least(_recalibrated(logits, prior, natural, fitted), y, costs)
    return found


def _recalibrated(logits: Floats, prior: Floats, natural: Floats, fitted: Mapping[str, float]) -> Floats:
    """Log odds (n,)."""
    odds = logits[:, 1] - logits[:, 0] + math.log(natural[1] / natural[0]) - math.log(prior[1] / prior[0])
    return np.asarray(odds / fitted["temperature"] + fitted["bias"])


def _least(odds: Floats, y: Ints, costs: Floats) -> float:
    """The cost of a row under the threshold above break-even that costs least on the test rows themselves."""
    order = np.argsort(-(odds - np.log(costs[:, 1] / costs[:, 2])))
    saved = np.where(y[order] == 1, -costs[order, 2], costs[order, 1])
    nobody = float(costs[y == 1, 2].sum())
    return (nobody + min(0.0, float(np.cumsum(saved).min()))) / len(y)


def main(root: Path) -> None:
    """Print the table of a folder's records."""
    store, rows = Store(root), defaultdict(list)
    for record in store:
        if record.status == "done" and record.data == "give_me_some_credit" and "cost/expected_cost" in record.metrics:
            rows[record.model, record.strategy].append((record, figures(store, record)))
    print("| model | treatment | argmax | highest F1 | least cost | refused | saved | any threshold | AP |")
    print("| :--- | :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    every = list[dict[str, float]]()
    for (model, strategy), runs in sorted(rows.items()):
        own = [found for _, found in runs]
        every += own
        money = {rule: mean(found[rule] for found in own) for rule in own[0]}
        ap = mean(float(record.metrics["raw/average_precision"] or 0) for record, _ in runs)
        saved = mean(float(record.metrics["cost/savings"] or 0) for record, _ in runs)
        print(
            f"| {model} | {strategy} | {money['default']:.0f} | {money['tuned']:.0f} | **{money['cost']:.0f}** | "
            f"{money['cost, refused']:.0%} | {saved:.1%} | {money['any threshold']:.0f} | {ap:.3f} |"
        )
    nobody, everybody = (mean(found[rule] for found in every) for rule in ("nobody", "everybody"))
    print(f"\nA borrower costs {nobody:.0f} where nobody is refused, and {everybody:.0f} where everybody is.")
    print(f"{len(every)} records; costs equal those that are added up row by row.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
