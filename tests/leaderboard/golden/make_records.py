"""Writes records.json: a small results folder whose tables are checked by hand (see ../test_golden.py).

Run it from the repository root. The numbers are typed in, not simulated.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.records.record import Record, Status, digest

HERE = Path(__file__).parent
AP = {
    "none": [0.30, 0.32, 0.34, 0.32, 0.32],
    "focal": [0.33, 0.36, 0.37, 0.36, 0.33],
    "oversample": [0.22, 0.25, 0.24, 0.23, 0.26],
    "transfer": [0.31, 0.33, 0.36],
}
LOG_LOSS = {"none": 0.150, "focal": 0.152, "oversample": 0.171, "transfer": 0.149}
ECE = {"none": 0.012, "focal": 0.145, "oversample": 0.231, "transfer": 0.011}
RATIO = {"none": 1.02, "focal": 3.4, "oversample": 5.87, "transfer": 1.01}
REPEATS = {
    "none": [0.410, 0.382, 0.455, 0.431, 0.398, 0.440, 0.417, 0.375, 0.462, 0.424],
    "class_weights": [0.452, 0.431, 0.489, 0.480, 0.436, 0.487, 0.455, 0.420, 0.506, 0.462],
    "focal": [0.418, 0.391, 0.449, 0.447, 0.401, 0.452, 0.409, 0.388, 0.470, 0.428],
    "undersample": [0.371, 0.349, 0.402, 0.397, 0.352, 0.401, 0.371, 0.340, 0.419, 0.388],
}
FURTHER = {
    "none": [0.418, 0.371],
    "class_weights": [0.449, 0.428],
    "focal": [0.411, 0.397],
    "undersample": [0.380, 0.336],
}
"""One more seed on splits 0 and 1."""

MACRO_F1 = {"none": [0.44, 0.45, 0.46], "class_weights": [0.44, 0.46, 0.45]}


def record(
    data: str, target: str, strategy: str, seed: int, status: Status = "done", *, split: int = 0, **fields: Any
) -> Record:
    """One cell; its key is the hash of its configuration, as in the harness."""
    stack = [[strategy, 1, {"gamma": 2.0} if strategy == "focal" else {}]]
    config = {
        "data": {"name": data, "target": target, "fingerprint": digest([data, target])},
        "model": {"name": "mlp", "width": 64},
        "train": {"lr": 0.001, "max_steps": 2000},
        "strategies": stack,
        "split": split,
        "seed": seed,
        "schema": 1,
    }
    names: dict[str, Any] = {"data": data, "target": target, "model": "mlp", "strategy": strategy}
    return Record(
        key=digest(config),
        status=status,
        config=config,
        split=split,
        seed=seed,
        created="2025-01-01",
        **names,
        **fields,
    )


def records() -> list[Record]:
    """A binary board with every kind of gap, a multi-class one on three seeds, and one over splits with verdicts."""
    traits = {"n_train": 6000, "n_test": 2000, "n_classes": 2, "train_counts": [5739, 261]}
    found = []
    for strategy, values in AP.items():
        for seed, value in enumerate(values):
            metrics = {
                "raw/average_precision": value,
                "raw/auroc": round(0.90 + value / 10, 4),
                "raw/recall_at_5pct": None if (strategy, seed) == ("transfer", 1) else round(value + 0.1, 4),
                "tuned/f1": round(value + 0.05, 4),
                "corrected/log_loss": LOG_LOSS[strategy],
                "recalibrated/log_loss": LOG_LOSS[strategy] - 0.001,
                "raw/ece": ECE[strategy],
                "raw/predicted_observed": RATIO[strategy],
                "corrected/predicted_observed": 1.0,
            }
            cost: dict[str, float | None] = {
                "fits": 2 if strategy == "transfer" else 1,
                "steps": 1200 + 100 * seed,
                "train_seconds": 4.2 + seed,
                "peak_mb": 512.0,
            }
            undefined = {"raw/recall_at_5pct": "ties at the cut"} if metrics["raw/recall_at_5pct"] is None else {}
            found.append(
                record(
                    "womens",
                    "one_star",
                    strategy,
                    seed,
                    traits=traits,
                    metrics=metrics,
                    undefined=undefined,
                    cost=cost,
                    uses_extra=strategy == "transfer",
                )
            )
    found += [
        record("womens", "one_star", "transfer", 3, "diverged", reason="the loss is NaN at step 40", uses_extra=True),
        *(
            record("womens", "one_star", "self_supervised", seed, "skipped", reason="the data have no text | none")
            for seed in range(5)
        ),
    ]
    traits = {"n_train": 6000, "n_test": 2000, "n_classes": 6, "train_counts": [1000] * 6}
    for strategy, values in MACRO_F1.items():
        for seed, value in enumerate(values):
            metrics = {
                "tuned/macro_f1": value,
                "default/macro_f1": round(value - 0.02, 4),
                "tuned/tail_recall": 0.2,
                "raw/auroc": 0.88,
                "recalibrated/log_loss": 0.9,
                "raw/ece": 0.03,
            }
            cost = {"fits": 1, "steps": 2000, "train_seconds": 10.0, "peak_mb": None}
            found.append(record("womens", "class", strategy, seed, traits=traits, metrics=metrics, cost=cost))
    return found + over_splits()


def over_splits() -> list[Record]:
    """Ten repeats over splits, and one more seed on two of them: the only board here with verdicts."""
    traits = {"n_train": 6000, "n_val": 1400, "n_test": 1500, "n_classes": 2, "split_by": "drawn"}
    traits |= {"train_counts": [5700, 300], "val_counts": [1330, 70], "test_counts": [1425, 75]}
    cost = {"fits": 1, "steps": 2000, "train_seconds": 10.0, "peak_mb": None}
    found = []
    for strategy, values in REPEATS.items():
        units = [(r, r, value) for r, value in enumerate(values)]
        units += [(r, 10 + r, value) for r, value in enumerate(FURTHER[strategy])]
        for split, seed, value in units:
            metrics = {
                "raw/average_precision": value,
                "corrected/log_loss": 0.2,
                "recalibrated/log_loss": 0.19,
                "raw/predicted_observed": 1.0 if strategy == "none" else 3.5,
                "corrected/predicted_observed": 3.1 if strategy == "focal" else 1.0,
            }
            fitted = {"prior_exact": float(strategy != "focal")}
            found.append(
                record(
                    "womens",
                    "recommended",
                    strategy,
                    seed,
                    split=split,
                    traits=traits,
                    metrics=metrics,
                    cost=cost,
                    fitted=fitted,
                )
            )
    return found


if __name__ == "__main__":
    text = json.dumps([asdict(r) for r in records()], indent=1, sort_keys=True, allow_nan=False)
    (HERE / "records.json").write_text(text + "\n", encoding="utf-8")
