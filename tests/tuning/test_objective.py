"""Objectives by name, and the rows that they are judged on: no test row among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.config import ConfigError, read_cell
from bench.data.errors import DataError
from bench.data.loaded import loaded_table
from bench.sweep import plan
from bench.tuning.objective import objectives, tuning_data
from tests.command_line import TINY
from tests.tuning.searches import composed


def test_objectives_by_name() -> None:
    assert objectives("auto", 2) == ("raw/average_precision",)
    assert objectives("auto", 5) == ("tuned/macro_f1",)
    assert objectives(("average_precision", "log_loss", "seconds"), 2) == (
        "raw/average_precision",
        "recalibrated/log_loss",
        "seconds",
    )
    with pytest.raises(ConfigError, match="Did you mean 'average_precision'"):
        objectives("average_precison", 2)
    with pytest.raises(ConfigError, match="calibration_slope"):
        objectives("calibration_slope", 2)


def test_test_rows_are_never_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in the test rows changes nothing in what tuning sees, and there are none to look at."""
    raw = composed("strategy=none", *TINY)
    config = read_cell(raw).data
    clean = tuning_data(config, 0, 0, 0, 0)
    whole = loaded_table(config)
    test = clean.partition.test
    spoiled = whole.frame.copy()
    spoiled.iloc[test] = 1e9
    monkeypatch.setattr(plan, "loaded_table", lambda _: replace(whole, frame=spoiled))
    dirty = tuning_data(config, 0, 0, 0, 0)
    assert len(clean.test) == len(dirty.test_y) == 0
    for part in ("train", "val"):
        for name, value in getattr(clean, part).x.columns.items():
            assert (value == getattr(dirty, part).x.columns[name]).all()


def test_folds_cover_training_and_validation_rows_once_and_no_test_row() -> None:
    config = read_cell(composed(*TINY, "data.imbalance=1")).data
    parts = [tuning_data(config, 0, 0, 3, fold).partition for fold in range(3)]
    whole = tuning_data(config, 0, 0, 0, 0).partition
    pool = np.sort(np.concatenate([whole.train, whole.val]))
    assert np.array_equal(np.sort(np.concatenate([p.val for p in parts])), pool)
    for p in parts:
        assert np.array_equal(np.sort(np.concatenate([p.train, p.val])), pool)
        assert not set(p.train) & set(p.val)


def test_folds_of_rows_with_an_imposed_imbalance_are_refused() -> None:
    """Thinned training rows and whole validation rows shuffled together have the prior of neither."""
    with pytest.raises(DataError, match="an imbalance of 20 that was imposed on the training rows"):
        tuning_data(read_cell(composed(*TINY)).data, 0, 0, 3, 0)
