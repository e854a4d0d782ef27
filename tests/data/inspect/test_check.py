"""`data check`: copies of the target are found whatever their coding, and innocent columns are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.__main__ import main
from bench.cli.verbs.data_check import file_overrides
from bench.data.inspect.check import COPY, Findings, check, kolmogorov_smirnov, total_variation
from bench.data.inspect.report import print_findings
from bench.data.tables.schema_file import parse_schema
from tests import ROOT
from tests.data.asked import asked

WOMENS = ROOT / "bench" / "data" / "sources" / "embedded" / "womens.parquet"
N = 3000


def shop(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = (rng.random(N) < 0.05).astype(int)
    frame = pd.DataFrame(
        {
            "price": rng.normal(20, 5, N),
            "city": rng.choice([f"c{i}" for i in range(30)], N),
            "user_id": rng.integers(10000, 10400, N),
            "helps": y + rng.normal(0, 1, N),
            "buys": y,
        }
    )
    return frame.assign(**{name: make(y, rng) for name, make in columns.items()})


def findings(tmp_path: Path, frame: pd.DataFrame, **options: Any) -> Findings:
    frame.to_parquet(tmp_path / "shop.parquet", index=False)
    config = asked("file", path=str(tmp_path / "shop.parquet"), target="buys", **options)
    return check(config.load())


@pytest.mark.parametrize(
    "leak",
    [
        lambda y, rng: np.where(y, "yes", "no"),
        lambda y, rng: y * 2.0 + rng.uniform(0, 1, N),  # a number whose range tells
        lambda y, rng: -np.abs(y - 0.5 + rng.normal(0, 0.01, N) * 0) * 1.0 * np.where(y, 1, -1),
        lambda y, rng: np.where(y, rng.choice(["won", "paid"], N), rng.choice(["open", "lost", "new"], N)),
        lambda y, rng: np.where(y, None, rng.normal(0, 1, N)).astype(float),  # missing for buyers
        lambda y, rng: np.where(rng.random(N) < 0.01, 1 - y, y),  # with some noise
        lambda y, rng: np.sin(y * np.pi / 2) * 7 + rng.choice([0, 3], N) * (1 - y) + 1,  # not monotone
    ],
)
def test_copies_of_the_target_are_found(tmp_path: Path, leak: Any) -> None:
    found = findings(tmp_path, shop(leak=leak))
    assert [c.name for c in found.copies()] == ["leak"]
    assert found.columns[0].name == "leak"
    assert "is it the target?" in found.columns[0].suspicions()


def test_innocent_columns_are_left_alone(tmp_path: Path) -> None:
    found = {c.name: c for c in findings(tmp_path, shop()).columns}
    assert not any("target" in s for c in found.values() for s in c.suspicions())
    assert all((found[name].skill or 0) < 0.3 for name in ("price", "city", "user_id"))
    assert 0.2 < (found["helps"].skill or 0) < 0.7
    assert all(not c.drift for c in found.values())
    assert found["user_id"].suspicions() == ["group?"]


def test_an_id_that_gives_the_class_away_is_found() -> None:
    table = asked("file", path=str(WOMENS), target="Class Name", min_class_rows=43).load()
    found = check(table)
    assert [c.name for c in found.copies()] == ["Clothing ID"]
    assert next(c for c in found.columns if c.name == "Department Name").skill == pytest.approx(0.29, abs=0.05)


def test_drift_is_seen_when_the_split_is_by_time(tmp_path: Path) -> None:
    frame = shop().assign(day=np.arange(N), price=lambda f: f["price"] + np.arange(N) / 300)
    frame["city"] = np.where(np.arange(N) > 2400, "new town", frame["city"])
    drifted = {c.name: c.drift for c in findings(tmp_path, frame, time="day").columns}
    assert (drifted["price"] or 0) > 0.3
    assert (drifted["city"] or 0) > 0.5
    assert drifted["helps"] == 0
    assert not any(c.drift for c in findings(tmp_path, frame, ignore=("day",)).columns)


def test_distances_between_distributions() -> None:
    assert kolmogorov_smirnov(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == 0.5
    assert kolmogorov_smirnov(np.array([1.0, np.nan]), np.array([1.0, 1.0])) == 0.5
    one, other = np.repeat([1, 2], [80, 20]), np.repeat([1, 2], [50, 50])
    assert total_variation(one, other)[0] == pytest.approx(0.3)


def test_a_table_that_cannot_be_split_is_shown_all_the_same(tmp_path: Path) -> None:
    frame = shop().assign(day=np.arange(N)).sort_values("buys", kind="stable")
    frame["day"] = np.arange(N)[::-1]
    found = findings(tmp_path, frame, time="day")
    assert "expected rows of each class in each part" in found.refused
    assert found.columns


def test_the_report_fits_80_columns(tmp_path: Path) -> None:
    frame = shop(leak=lambda y, rng: y).rename(columns={"price": "a very long name of a column, isn't it? " * 2})
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_findings(findings(tmp_path, frame), console)
    text = console.export_text()
    table = text[: text.index("\n· ")]
    assert max(map(len, table.splitlines())) <= 80
    assert "imbalance ratio" in table
    assert "data.ignore=[leak]" in text


def test_check_writes_a_schema_that_can_be_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop().to_csv(tmp_path / "my shop.csv", index=False)
    monkeypatch.chdir(tmp_path)
    assert main(["data", "check", "my shop.csv", "data.target=buys"]) == 0
    path = tmp_path / "results" / "schemas" / "my-shop-buys.yaml"
    kinds, strict = parse_schema(path.read_text(), "x")
    assert kinds == {"price": "numeric", "city": "categorical", "user_id": "categorical", "helps": "numeric"}
    assert strict
    assert "shop: " in capsys.readouterr().out
    path.write_text(path.read_text().replace("city: categorical", "city: ignored"))
    schema = f"data.schema_file={path}"
    assert main(["data", "check", "my shop.csv", "data.target=buys", schema]) == 0
    assert "city: ignored" in path.read_text()
    table = asked("file", path="my shop.csv", target="buys", schema_file=str(path)).load()
    assert "city" in table.ignored
    assert main(["data", "check", "my shop.csv", "data.target=buys"]) == 0  # the edited one stays
    assert "city: ignored" in path.read_text()
    assert "city: categorical" in path.with_suffix(".new.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "check", "none.csv", "data.target=x"], "expected a file, but there is none"),
        (["data", "check", "data=file"], "data.path: expected a CSV or Parquet file"),
        (
            ["data", "get"],
            "or of a text encoder, got none. Sets: caravan, caravan_islr, cdnow",
        ),
        (["data", "get", "womens"], "this one needs none: use data=womens"),
        (["data", "get", "cdnw"], "Did you mean 'cdnow'"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_paths_are_quoted_for_hydra() -> None:
    assert file_overrides(["a b,c='d'.csv", "seed=1"])[:2] == ["data=file", """data.path="a b,c='d'.csv\""""]
    assert file_overrides(["data=womens"]) == ["data=womens"]
    assert file_overrides(["x/k=v.csv"])[1] == 'data.path="x/k=v.csv"'


def test_copy_threshold_leaves_room_for_noise() -> None:
    assert 0.8 < COPY < 0.98
