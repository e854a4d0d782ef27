"""`imbench predict`: what it does not read it says, what it cannot read it refuses in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.data.errors import DataError
from bench.export.errors import ExportError
from bench.export.model_folder import load
from tests.command_line import imbench


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model", "new.csv"), "expected a model, a table and out=FILE"),
        (("model", "out=scored.csv"), "expected a model, a table and out=FILE"),
        (("no/such/model", "new.csv", "out=scored.csv"), "expected a model that imbench export wrote"),
        (("model", "new.csv", "out=scored.csv", "strict=perhaps"), "strict: expected true or false"),
        (("model", "new.csv", "out=scored.csv", "treshold=3"), "Unknown key of predict 'treshold'"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    assert main(["predict", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of orders, whose column names are Chinese, and rows to score."""
    folder, g = tmp_path_factory.mktemp("shop"), np.random.default_rng(0)
    n = 240
    city = g.choice(["北京", "上海", "广州"], n)
    frame = pd.DataFrame({"订单号": [f"A{i:04d}" for i in range(n)], "金额": g.gamma(2, 50, n).round(2), "城市": city})
    frame["退货"] = np.where(g.random(n) < 0.1 + 0.3 * (city == "广州"), "是", "否")
    frame.to_csv(folder / "orders.csv", index=False)
    own = (f"data.path={folder / 'orders.csv'}", "data.target=退货", "train.max_steps=40", "train.eval_every=20")
    cell = ("data=file", "model=linear", "strategy=class_weights", *own)
    assert imbench("run", *cell, results=folder / "results") == 0
    assert imbench("export", *cell, f"out={folder / 'model'}", results=folder / "results") == 0
    frame.drop(columns="退货").head(20).to_csv(folder / "new.csv", index=False)
    return folder


def scored(shop: Path, capsys: pytest.CaptureFixture[str], change: Any, *words: str) -> tuple[int, str]:
    """The exit code of predict on the rows as `change` makes them, and what it said."""
    change(pd.read_csv(shop / "new.csv")).to_csv(shop / "rows.csv", index=False)
    capsys.readouterr()
    code = main(["predict", str(shop / "model"), str(shop / "rows.csv"), f"out={shop / 'scored.csv'}", *words])
    out, err = capsys.readouterr()
    return code, " ".join((out + err).split())


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (lambda f: f.assign(退货="是"), (), "column '退货' is what the model predicts: its values are not read"),
        (lambda f: f.assign(新=1), ("strict=false",), "not read, because the training table had no such column: 新"),
        (
            lambda f: f.assign(城市=["成都", *f["城市"][1:]]), (),
            "column '城市': 1 row with a category that no two training rows had, such as '成都'; scored",
        ),
        (lambda f: f.assign(金额=""), (), "no value in any row, scored as missing: 金额"),
        (lambda f: f, ("new_prior=em",), "class shares estimated from 20 rows follow chance"),
        (lambda f: f.head(1), (), "1 row scored to"),
    ],
)  # fmt: skip
def test_what_is_not_read_or_guessed_is_said(
    shop: Path, capsys: pytest.CaptureFixture[str], change: Any, words: tuple[str, ...], said: str
) -> None:
    code, text = scored(shop, capsys, change, *words)
    assert code == 0
    assert said in text
    assert len(pd.read_csv(shop / "scored.csv")) == len(pd.read_csv(shop / "rows.csv"))


def test_of_rows_like_the_training_table_nothing_is_said_but_the_result(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = scored(shop, capsys, lambda f: f, "keep=订单号")
    assert (code, text.startswith("20 rows scored to")) == (0, True)


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (lambda f: f.drop(columns="城市"), (), "got none by the name of 城市. Add them, empty"),
        (lambda f: f.assign(新=1), (), "expected no column that the training table had not, got 新"),
        (lambda f: f.head(0), (), "expected rows, got only a header"),
        (lambda f: f.assign(金额="viel"), (), "(rows 1, 2, 3, 4, 5 and 15 more). Write numbers as the training table"),
        (lambda f: f.assign(金额="inf"), (), "got 20 infinite rows"),
        (lambda f: f.assign(decision="x"), ("strict=false", "keep=decision"), "a column of scores has that name"),
        (lambda f: f, ("keep=订单号,订单号",), "it is named twice"),
        (lambda f: f, ("new_prior=2",), "shares above 0 and below 1"),
    ],
)
def test_what_cannot_be_scored_says_why_in_a_line(
    shop: Path, capsys: pytest.CaptureFixture[str], change: Any, words: tuple[str, ...], said: str
) -> None:
    """And names no option that only training has."""
    code, text = scored(shop, capsys, change, *words)
    assert (code, said in text) == (2, True), text
    assert "data." not in text


def test_a_table_is_never_written_over(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under its own name, by another way there, or inside a folder of Parquet that is read."""
    before = (shop / "new.csv").read_bytes()
    (shop / "link.csv").symlink_to(shop / "new.csv")
    (shop / "parts").mkdir()
    pd.read_csv(shop / "new.csv").to_parquet(shop / "parts" / "one.parquet")
    for table, out in (("new.csv", "new.csv"), ("new.csv", "link.csv"), ("parts", "parts/two.parquet")):
        assert main(["predict", str(shop / "model"), str(shop / table), f"out={shop / out}"]) == 2
        assert "expected a file apart from the table that is read" in capsys.readouterr().err
    assert (shop / "new.csv").read_bytes() == before
    assert [path.name for path in (shop / "parts").iterdir()] == ["one.parquet"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"金额": [1.0]}, "expected a data frame of pandas with the columns 城市, 金额, got dict"),
        (np.zeros((2, 3)), "got ndarray"),
        (pd.DataFrame([[1.0, 2.0, "北京"]], columns=["金额", "金额", "城市"]), "each with a name of its own"),
    ],
)
def test_what_is_no_table_in_memory_is_refused(shop: Path, given: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(shop / "model").predict_proba(given)


@pytest.mark.parametrize("text", ["{}", '{"format": 1}', '{"format": 1, "files": {}}', '{"format": 1, "files": []}'])
def test_a_description_that_is_none_is_refused(shop: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ExportError, match="export it anew"):
        load(tmp_path)
