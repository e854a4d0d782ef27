"""Sources and cleaning: what each target must not see, duplicates, classes."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from bench.data.errors import DataError
from bench.data.sources.registry import SOURCES, DataConfig, load_table
from bench.data.tables.schema import Table
from tests import ROOT

CONF = ROOT / "conf" / "data"
GIVES_AWAY = {
    "one_star": {"Rating", "Recommended IND"},
    "not_recommended": {"Rating", "Recommended IND"},
    "class": {"Class Name", "Clothing ID", "Department Name", "Division Name"},
}


def womens(target: str, **options: Any) -> Table:
    return load_table(DataConfig(source="womens", target=target, min_class_rows=43, **options))


@pytest.mark.parametrize("target", sorted(GIVES_AWAY))
def test_columns_that_give_the_target_away_are_absent(target: str) -> None:
    table = womens(target)
    assert set(table.ignored) == GIVES_AWAY[target]
    assert not GIVES_AWAY[target] & set(table.frame)
    for name, other in table.other.items():
        assert set(other.drops) == GIVES_AWAY[name] & set(table.frame)
        assert len(other.y) == len(table)


def test_womens_targets_are_as_published() -> None:
    one_star, classes, not_recommended = (womens(t) for t in ("one_star", "class", "not_recommended"))
    assert one_star.classes == not_recommended.classes == ("0", "1")
    assert one_star.y.mean() == pytest.approx(0.036, abs=0.001)
    assert not_recommended.y.mean() == pytest.approx(0.178, abs=0.01)
    assert len(classes.classes) == 18
    assert not {"Chemises", "Casual bottoms"} & set(classes.classes)
    assert any("Chemises (1)" in line for line in classes.log)
    assert any("dropped 6 rows without target" in line for line in classes.log)
    assert (one_star.other["class"].y == -1).any()
    sources = [t.transfer_source for t in (one_star, classes, not_recommended)]
    assert sources == ["class", "one_star", "class"]
    assert "Clothing ID" in one_star.names("categorical")
    assert "positive class: 1 (3.6%)" in one_star.log


def test_fingerprints_are_recorded() -> None:
    """Results are keyed by these: a change of cleaning that alters them raises the source's version."""
    recorded = {
        "one_star": "c7fdd3e703a9b863",
        "class": "7928590f8add16e7",
        "not_recommended": "8269ca4753b9a345",
    }
    assert {t: womens(t).fingerprint[:16] for t in recorded} == recorded


def test_sample_is_a_megabyte() -> None:

    path = ROOT / "bench/data/embedded/womens.parquet"
    assert path.stat().st_size < 1_000_000
    assert len(pd.read_parquet(path)) == 10_000


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda p: p.stem)
def test_yaml_holds_allowed_keys_and_names_its_source(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sets that must be fetched first say how; what they hold is tested with the recorded fingerprints."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    values = yaml.safe_load(path.read_text())
    assert values["source"] == path.stem
    assert set(values) <= {f.name for f in dataclasses.fields(DataConfig)}
    config = DataConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    public = SOURCES[path.stem].fetchable()
    if public is not None:
        with pytest.raises(DataError, match=f"imbench data get {public.name}"):
            load_table(config)
    elif path.stem != "file":
        table = load_table(config)
        assert table.source == path.stem
        assert table.target in SOURCES[path.stem].targets
        assert table.version == SOURCES[path.stem].version


def test_every_source_has_a_yaml() -> None:
    assert {p.stem for p in CONF.glob("*.yaml")} == set(SOURCES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "women"}, r"Unknown data source 'women'. Did you mean 'womens'\? Known: womens, digits_lt, file"),
        ({"source": "womens", "target": "onestar"}, "Did you mean 'one_star'"),
        ({"source": "womens", "path": "x.csv"}, "data.path: expected unset"),
        ({"source": "womens", "ignore": ("Titel",)}, "Did you mean 'Title'"),
        ({"source": "digits_lt", "target": "x"}, "expected 'digit'"),
        ({"source": "womens", "rows": 1000}, "data.rows: expected unset for source 'womens'"),
        ({"source": "keel", "name": "yeast44"}, "Did you mean 'yeast4'"),
        ({"source": "womens", "given": "a", "folds": 5}, "data.given and data.folds: expected one way to split"),
        ({"source": "womens", "folds": 1}, "data.folds: expected 2 or more"),
        ({"source": "womens", "shift": 0.0}, "data.shift: expected a factor above 0"),
        ({"source": "womens", "hashed": {"Age": 1}}, "data.hashed.Age: expected 2 buckets"),
        ({"source": "womens", "crosses": (("Age",),)}, "data.crosses: expected groups of two"),
        ({"source": "impressions", "prevalence": 1.0}, "data.prevalence"),
        ({"source": "womens", "test_fraction": 1.0}, "data.test_fraction: expected a number between 0 and 1"),
        ({"source": "womens", "test_fraction": 0.6, "val_fraction": 0.4}, "expected less than 1"),
        ({"source": "womens", "imbalance": 0.5}, "data.imbalance"),
        ({"source": "womens", "vocabulary": 0}, "data.vocabulary"),
        ({"source": "womens", "min_class_rows": -1}, "data.min_class_rows"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_table(DataConfig(**options))


def test_configurations_have_hashes_that_see_every_key() -> None:
    """Tables and encoded parts are kept by configuration: two that differ anywhere must not be one."""
    changes: dict[str, Any] = {"kinds": {"a": "numeric"}, "hashed": {"a": 8}, "formats": {"a": "percent"}, "folds": 5}
    configs = [DataConfig(source="womens"), *(DataConfig(source="womens", **{k: v}) for k, v in changes.items())]
    assert len({hash(c) for c in configs}) == len(set(configs)) == 5
    assert hash(DataConfig(source="womens", hashed={"a": 8, "b": 9})) == hash(
        DataConfig(source="womens", hashed={"b": 9, "a": 8})
    )


def test_options_enter_the_run_key_only_when_they_are_on() -> None:
    assert DataConfig(source="womens").key() == {}
    on = DataConfig(source="womens", hashed={"a": 8}, folds=5, shift=2.0, missing="drop", outliers="clip")
    assert on.key() == {"hashed": {"a": 8}, "folds": 5, "shift": 2.0, "missing": "drop", "outliers": ["clip", 3.0]}


def file(tmp_path: Path, frame: pd.DataFrame, **options: Any) -> Table:
    frame.to_csv(tmp_path / "t.csv", index=False)
    return load_table(DataConfig(source="file", path=str(tmp_path / "t.csv"), target="y", **options))


def test_duplicates_go_and_the_first_stays(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"a": [1.5, 1.5, 2.5, None, None, 3, 4, 1.5], "c": list("xxyzzxyx"), "y": [0, 0, 1, 1, 1, 0, 0, 1]}
    )
    table = file(tmp_path, frame)
    assert table.rows.tolist() == [0, 2, 3, 5, 6, 7]
    assert "dropped 2 duplicate rows (25.0%)" in table.log
    assert any(
        line.startswith("kept 1 groups of rows with equal features but different labels (2") for line in table.log
    )
    assert table.frame.index.tolist() == list(range(len(table)))


def test_ignored_columns_do_not_hide_duplicates(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6] * 2, "row": range(12), "y": [0, 1, 0, 1, 0, 1] * 2})
    assert len(file(tmp_path, frame, ignore=("row",))) == 6


def test_rows_without_target_and_small_classes_are_dropped_and_logged(tmp_path: Path) -> None:
    y = [None, "b", "b", "b", "a", "a", "a", "a", "c", "c", None, "b"]
    table = file(tmp_path, pd.DataFrame({"a": np.arange(12) * 1.5, "y": y}), min_class_rows=3)
    assert table.rows.tolist() == [1, 2, 3, 4, 5, 6, 7, 11]
    assert "dropped 2 rows without target" in table.log
    assert "dropped classes with fewer than 3 rows: c (2); 2 rows" in table.log


@pytest.mark.parametrize(
    ("labels", "positive", "classes"),
    [
        (["yes"] * 3 + ["no"] * 5, None, ("no", "yes")),
        (["yes"] * 5 + ["no"] * 3, None, ("yes", "no")),
        (["yes"] * 5 + ["no"] * 3, "yes", ("no", "yes")),
        ([0, 1] * 4, None, ("0", "1")),
        ([1.0] * 5 + [0.0] * 4, None, ("1", "0")),
        ([True] * 5 + [False] * 4, "True", ("false", "true")),
        ([10, 9, 2] * 4, None, ("2", "9", "10")),
    ],
)
def test_class_order(tmp_path: Path, labels: list[Any], positive: str | None, classes: tuple[str, ...]) -> None:
    """Of two the positive is last: by default the rarer, of equals the later; more go by number or name."""
    frame = pd.DataFrame({"a": np.arange(len(labels)) * 1.5, "y": labels})
    table = file(tmp_path, frame, positive=positive)
    assert table.classes == classes
    for index, label in zip(table.y, labels, strict=True):
        shown = table.classes[index]
        assert (shown == str(label).lower()) if not isinstance(label, float) else (float(shown) == label)


def test_a_copy_of_the_target_is_warned_of(tmp_path: Path) -> None:
    y = np.arange(40) % 2
    table = file(tmp_path, pd.DataFrame({"a": np.arange(40) * 1.5, "leak": np.where(y, "p", "q"), "y": y}))
    warnings = [line for line in table.log if line.startswith("warning")]
    assert len(warnings) == 1
    assert "'leak' is a copy of target 'y'" in warnings[0]


def test_the_registry_is_imported_without_torch_and_scikit_learn() -> None:
    """Listing, planning and checking data must not wait for them."""
    code = (
        "import sys; from bench.data.inspect import check, report; from bench.data.tables import large; "
        "from bench.data.sources import impressions, registry; "
        "print([m for m in ('torch', 'sklearn', 'scipy', 'pytorch_lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
