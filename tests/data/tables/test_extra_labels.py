"""Columns that are other labels: no features, in strategies' hands, in the key, refused where they make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from bench.data.errors import DataError
from bench.data.features.load import load_encoded
from bench.data.sources import file as file_source
from bench.data.tables.schema import Table
from strategies.multi_task import MultiTask
from strategies.transfer import Transfer
from tests.conftest import Toy
from tests.data.asked import asked
from tests.strategies.fits import run


def shop(folder: Path, **changes: Any) -> Path:
    """Impressions: clicks by the price, some of them unknown, purchases among clicks."""
    g, n = np.random.default_rng(0), 400
    price = g.normal(size=n)
    clicked = (g.random(n) < 1 / (1 + np.exp(price))).astype(float)
    bought = (clicked == 1) & (g.random(n) < 0.3)
    clicked[:20] = np.nan
    frame = pd.DataFrame({"price": price, "city": g.choice(list("abc"), n), "clicked": clicked, "bought": bought})
    frame.assign(**changes).to_csv(folder / "shop.csv", index=False)
    return folder / "shop.csv"


def load(path: Path, **options: Any) -> Table:
    return asked("file", path=str(path), target="bought", **options).load()


def test_they_are_no_features_and_what_is_learnt_from_first(tmp_path: Path) -> None:
    table = load(shop(tmp_path), extra_labels=("clicked",))
    assert [c.name for c in table.columns] == ["city", "price"]
    assert table.ignored["clicked"] == "another label (data.extra_labels)"
    assert table.transfer_source == "clicked"
    assert table.other["clicked"].classes == ("1", "0")  # the rarer last
    assert (table.other["clicked"].y < 0).sum() == 20
    assert "clicked" in {c.name for c in load(shop(tmp_path)).columns}


def test_their_content_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    table = load(shop(tmp_path), extra_labels=("clicked",))
    assert load(shop(tmp_path), extra_labels=("clicked",)).fingerprint == table.fingerprint
    flipped = pd.read_csv(tmp_path / "shop.csv")["clicked"].to_numpy().copy()
    flipped[200] = 1 - flipped[200]
    assert load(shop(tmp_path, clicked=flipped), extra_labels=("clicked",)).fingerprint != table.fingerprint
    assert load(shop(tmp_path), ignore=("clicked",)).fingerprint != table.fingerprint


def test_strategies_learn_from_them_row_by_row(tmp_path: Path) -> None:
    """Each label is that of its row, rows without one are left out, and both strategies train."""
    config = asked("file", path=str(shop(tmp_path)), target="bought", extra_labels=("clicked",))
    data = load_encoded(config, 0, 0)
    train, val = data.extra["clicked"]
    for own, part, rows in ((train, data.train, data.partition.train), (val, data.val, data.partition.val)):
        assert own.places is not None
        assert torch.equal(own.y, torch.from_numpy(data.table.other["clicked"].y[rows])[own.places])
        assert torch.equal(own.x.columns["numeric"], part.x.columns["numeric"][own.places])  # type: ignore[index,arg-type]
        clicked = own.y == data.table.other["clicked"].classes.index("1")
        assert bool(clicked[part.y[own.places] == 1].all())  # nothing is bought without a click
    recipe = Toy(data.train, data.val, data.extra).recipe(default_source="clicked")
    assert run([Transfer()], recipe).cost.fits == 2
    assert run([MultiTask()], recipe).cost.fits == 1


@pytest.mark.parametrize(
    ("name", "options", "got"),
    [
        ("clickd", {}, "none by that name"),
        ("bought", {}, "the target"),
        ("city", {"report_by": "city"}, "data.report_by"),
        ("city", {"ignore": ("city",)}, "data.ignore"),
    ],
)
def test_what_is_no_other_label_is_refused(name: str, options: dict[str, Any], got: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"data.extra_labels {name!r}: expected a column of shop.csv .* got {got}"):
        load(shop(tmp_path), extra_labels=(name,), **options)
    with pytest.raises(DataError, match="Regression is not supported"):
        load(shop(tmp_path), extra_labels=("price",))


def test_a_file_too_large_for_memory_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.parquet"
    pd.read_csv(shop(tmp_path)).to_parquet(path)
    monkeypatch.setattr(file_source, "LARGE_ROWS", 10)
    with pytest.raises(DataError, match="expected a file that is read as a whole"):
        load(path, extra_labels=("clicked",))
