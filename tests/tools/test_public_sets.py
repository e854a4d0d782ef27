"""The table of public sets says what the records say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.records.predictions import pack
from bench.records.record import Record
from bench.records.store import Store
from tests.tools.public_sets import markdown, spread


def record(key: str, source: str, target: str, model: str, **fields: Any) -> Record:
    traits = {"rows": 5000, "n_classes": 2, "train_counts": [90, 10], "licence": "free | to use"}
    config = {"data": {"source": source}}
    base = {"status": "done", "data": source, "strategy": "none", "split": 0, "seed": 0}
    return Record(
        **(base | {"key": key * 64, "target": target, "model": model, "config": config, "traits": traits} | fields)
    )


def test_metrics_are_means_over_splits_and_the_coil_score_counts_buyers(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key, split, auroc in (("1", 0, 0.6), ("2", 1, 0.8)):
        metrics = {"raw/auroc": auroc, "raw/average_precision": None if split else 0.25}
        store.put(record(key, "lending_club", "bad_loan", "linear", split=split, metrics=metrics))
    y = (np.arange(4000) < 238).astype(int)
    logits = np.stack([np.zeros(4000), -np.arange(4000.0)], axis=1)  # best first: all buyers among the first 800
    frame = pack({"test": (np.arange(4000), y, logits)}, record("3", "caravan", "purchase", "mlp").key)
    stored = store.put_predictions("3" * 64, frame)
    metrics = {"raw/auroc": 1.0, "raw/average_precision": 1.0}
    store.put(record("3", "caravan", "purchase", "mlp", metrics=metrics, predictions=stored))
    store.put(record("4", "keel", "positive", "mlp", data="yeast4", metrics=metrics))
    store.put(record("5", "cdnow", "buys_30d", "mlp", status="failed"))
    lines = markdown(tmp_path).splitlines()
    (loans,) = (line for line in lines if line.startswith("| lending_club"))
    assert ".700 ± .141 / .250 (1 undefined) | – | LR .748 / .149 | 2 × 1 |" in loans
    assert "free \\| to use" in loans
    assert "2, 10.00%" in loans
    assert "| none | mlp | no | 238.0 | 238 to 238 | 1.000 | 1 |" in lines
    assert "| yeast4 | 5,000 | 10 | 10.00% | – | 1.000 / 1.000 | 1 |" in lines
    assert "Not run: cdnow/buys_30d." in lines
    assert "1 cells without result." in lines


@pytest.mark.parametrize(("values", "text"), [([0.5], ".500"), ([None], "undefined"), ([1.0, 1.0], "1.000 ± .000")])
def test_a_spread_needs_two_values(values: list[float | None], text: str) -> None:
    assert spread(values) == text
