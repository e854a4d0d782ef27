"""From an unknown CSV to predictions in four commands, as the documents show them; what each took is printed (-s)."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.command_line import call
from tests.export.rows import orders

OPTIONS = ("data.formats={paid: currency}", "data.dates=[bought]")


@pytest.mark.long
def test_from_an_unknown_file_to_predictions(tmp_path: Path) -> None:
    """As a user types them, each a process of its own; the message of each says what comes next."""
    orders(600).to_csv(tmp_path / "orders.csv", index=False)
    new = orders(200, seed=9)
    new.drop(columns="late").to_csv(tmp_path / "new.csv", index=False)
    commands = [
        ("data", "check", "orders.csv", "data.target=late", *OPTIONS, "data.name=orders", "save=true"),
        ("run", "-m", "data=orders", "strategy=none,class_weights", "model=linear", "repeats=2", "train.max_steps=200"),
        ("export", "data=orders", "model=linear"),
    ]
    took = list[float]()

    def typed(*words: str) -> str:
        began = time.perf_counter()
        done = call(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        took.append(time.perf_counter() - began)
        return done.stdout

    said = [typed(*command) for command in commands]
    following = re.search(r"next: imbench (predict \S+ new.csv out=scored.parquet)", said[-1])
    assert following is not None
    assert "200 rows scored to scored.parquet" in typed(*following[1].split(), "keep=order")
    print(f"\nfrom a file to predictions: {sum(took):.1f} s ({', '.join(f'{seconds:.1f}' for seconds in took)})")
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    assert scored["order"].tolist() == new["order"].tolist()
    late = new["late"].to_numpy() == "yes"
    assert scored["recalibrated/yes"][late].mean() > 2 * scored["recalibrated/yes"][~late].mean()
    assert set(scored["decision"]) <= {"yes", "no"}
    assert np.isfinite(scored.select_dtypes("number").to_numpy()).all()
