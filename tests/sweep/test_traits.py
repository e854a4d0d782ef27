"""What weights, groups and known truth leave in a record, through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import main
from bench.records.record import Record
from bench.records.store import Store

SHORT = ["model=linear", "strategy=none", "train.max_steps=60", "debug=true"]


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> list[Record]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    assert main(["run", *overrides, *SHORT]) == 0
    return list(Store("results"))


def test_records_hold_regret_and_metrics_by_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = run(tmp_path, monkeypatch, "data=impressions", "data.rows=4000", "data.prevalence=0.1")
    truth = record.traits["truth"]
    assert set(truth) == {"bayes", "raw", "corrected"}
    assert all(value >= 0 for view in ("raw", "corrected") for value in truth[view].values())
    assert truth["bayes"]["auroc"] > 0.7
    groups = record.traits["groups"]
    assert "DE" in groups
    assert all(g["positives"] >= 20 for g in groups.values())  # others are too small to be reported
    assert record.traits["n_groups_few"] == record.traits["n_groups"] - len(groups) > 0


def test_records_hold_how_much_better_training_rows_are_ranked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gap is the stored area of training rows less that of test rows, and stays so when evaluated again."""
    (record,) = run(tmp_path, monkeypatch, "data=impressions", "data.rows=4000", "data.prevalence=0.1")
    own, test = record.per_class["train/auroc"][1], record.metrics["raw/auroc"]
    assert own is not None
    assert test is not None
    gap = record.metrics["raw/auroc_gap"]
    assert gap == pytest.approx(own - test)
    assert 0 < own <= 1
    assert main(["results", "evaluate", "overwrite=true"]) == 0
    (again,) = Store("results")
    assert again.metrics["raw/auroc_gap"] == pytest.approx(gap)


def test_options_are_part_of_the_key_and_defaults_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run(tmp_path, monkeypatch, "data=digits_lt")
    again = run(tmp_path, monkeypatch, "data=digits_lt", "data.folds=null", "data.fence=2.0", "data.given=null")
    assert [r.key for r in again] == [r.key for r in before]
    (first,) = before
    assert set(first.config["data"]) == {
        "source", "version", "target", "fingerprint", "imbalance", "test_fraction", "val_fraction", "vocabulary",
    }  # fmt: skip
    shaped = run(tmp_path, monkeypatch, "data=digits_lt", "data.imbalance_shape=step", "data.outliers=clip")
    assert len(shaped) == 2
    new = next(r for r in shaped if r.key != first.key)
    assert new.traits["train_counts"] != first.traits["train_counts"]
    assert any("clipped numbers" in line for line in new.traits["log"])


def test_a_split_without_positives_is_refused_when_planning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{i},{i * 7 % 50},{int(i < 30)}" for i in range(400))
    (tmp_path / "shop.csv").write_text(f"day,a,buys\n{rows}\n")
    wanted = ["data=file", "data.path=shop.csv", "data.target=buys", "data.time=day"]
    assert main(["plan", *wanted]) == 2
    assert "got '1': train 30, validation 0, test 0" in capsys.readouterr().err
    assert main(["run", *wanted, *SHORT]) == 2
    assert not list(tmp_path.glob("results/runs/*"))


def test_mappings_and_lists_can_be_given_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{i % 7},c{i % 5},{i % 3} %,{int(i % 4 == 0)},{i}" for i in range(300))
    (tmp_path / "shop.csv").write_text(f"a,city,share,buys,n\n{rows}\n")
    options = ["data.kinds={a: categorical}", "data.hashed={city: 8}", "data.formats={share: percent}"]
    options += ["data.crosses=[[a,city]]", "data.target_encode=[city]"]
    (record,) = run(tmp_path, monkeypatch, "data=file", "data.path=shop.csv", "data.target=buys", *options)
    assert record.traits["columns"] == {"numeric": 1, "categorical": 3, "text": 0}
    assert record.config["data"]["hashed"] == {"city": 8}
