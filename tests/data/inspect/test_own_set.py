"""A table of one's own as a data set: its file says all that was asked for, and reads the same table again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.cli.compose import compose_one
from bench.config import read_data
from bench.data.errors import DataError
from bench.data.inspect.own_set import save_own_set
from tests.data.asked import asked

N = 400


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    y = rng.random(N) < 0.2
    frame = pd.DataFrame(
        {
            "金额": [f"¥{v:,.2f}" for v in rng.lognormal(6, 1, N)],
            "day": pd.date_range("2024-01-01", periods=N).strftime("%Y/%m/%d"),
            "O'Brien ID": rng.integers(0, 60, N),
            "是否退货": np.where(y, "是", "否"),
        }
    )
    frame.to_csv(tmp_path / "订单 (1).csv", index=False, encoding="gb18030")
    return tmp_path / "订单 (1).csv"


def test_a_saved_set_reads_the_same_table(orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "data check", orders.name, "data.target=是否退货", "data.encoding=gb18030", "data.formats={金额: currency}",
        "data.time=day", "data.name=orders",
    ]  # fmt: skip
    assert main([*words[0].split(), *words[1:], "save=true"]) == 0
    assert "data=orders is this table from now on" in capsys.readouterr().out
    saved = read_data(compose_one(["data=orders"])["data"]).load()
    given = asked(
        "file", path=orders.name, target="是否退货", encoding="gb18030", formats={"金额": "currency"}, time="day"
    ).load()
    assert (saved.fingerprint, saved.name) == (given.fingerprint, "orders")
    assert main(["plan", "data=orders"]) == 0


def test_every_verb_knows_a_saved_set(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Searched for, run at the settings that were found, advised on and published, by its name."""
    assert main(["data", "check", orders.name, "data.target=是否退货", "data.encoding=gb18030", "data.name=orders",
                 "save=true"]) == 0  # fmt: skip
    short = ["data=orders", "model=linear", "train.max_steps=20", "train.eval_every=10", "tune.batch=1", "debug=true"]
    assert main(["tune", *short, "strategy=focal", "tune.trials=1"]) == 0
    assert main(["run", *short, "strategy=focal", "tuned=true"]) == 0
    assert main(["run", *short]) == 0
    assert main(["advise", "board.data=orders"]) == 0
    assert main(["publish", "board.data=orders"]) == 0
    assert "orders" in capfd.readouterr().out


def test_a_name_that_is_taken_or_none_is_refused(orders: Path, tmp_path: Path) -> None:
    config = asked("file", path=str(orders), target="是否退货", encoding="gb18030", name="orders")
    path = save_own_set(config, config.load(), tmp_path)
    assert path == save_own_set(config, config.load(), tmp_path)
    path.write_text("else", encoding="utf-8")
    with pytest.raises(DataError, match="expected no data set of that name, got another"):
        save_own_set(config, config.load(), tmp_path)
    unnamed = asked("file", path=str(orders), target="是否退货", encoding="gb18030")
    with pytest.raises(DataError, match=r"data.name: expected a name for the data set .* got '订单 \(1\)'"):
        save_own_set(unnamed, unnamed.load(), tmp_path)
    renamed = orders.rename(orders.with_name("orders_2.csv"))
    config = asked("file", path=str(renamed), target="是否退货", encoding="gb18030")
    assert save_own_set(config, config.load(), tmp_path).name == "orders_2.yaml"
