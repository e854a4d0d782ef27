"""A study: its identity, its best settings, and who may use them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench.config import ConfigError, TuneConfig
from bench.tuning.best import read_best
from bench.tuning.space import apply, value_at
from bench.tuning.study import Study, tuned
from tests.command_line import imbench
from tests.tuning.searches import QUICK, composed


def test_settings_of_one_split_are_refused_for_another(tmp_path: Path) -> None:
    raw = composed("strategy=none", *QUICK, f"results={tmp_path}")
    tune = TuneConfig(trials=6, batch=3)
    with pytest.raises(ConfigError, match="none were searched for"):
        tuned(raw, tune, tmp_path)
    assert imbench("tune", "strategy=none", *QUICK, results=tmp_path) == 0
    settings_found, budget = tuned(raw, tune, tmp_path)
    assert budget["tuning_trials"] == 6
    assert settings_found["train"]["lr"] != raw["train"]["lr"] or settings_found == raw or budget
    with pytest.raises(ConfigError, match="settings for split 0: refused"):
        tuned({**raw, "split": 1}, tune, tmp_path)
    with pytest.raises(ConfigError, match="another search"):
        tuned(apply(raw, {"train.max_steps": 41}), tune, tmp_path)


def test_the_study_is_extended_not_begun_anew(tmp_path: Path) -> None:
    raw = composed("strategy=none", *QUICK)
    small, large = (Study(raw, TuneConfig(trials=n, batch=3), tmp_path) for n in (3, 9))
    assert small.identity == large.identity
    other = Study(raw, TuneConfig(trials=3, batch=3, seeds=(0, 1)), tmp_path)
    assert other.identity.name != small.identity.name


def test_best_settings_are_plain_yaml(tmp_path: Path) -> None:
    assert imbench("tune", "strategy=oversample", *QUICK, results=tmp_path) == 0
    (path,) = (tmp_path / "tuned").glob("*/best.yaml")
    content = yaml.safe_load(path.read_text())
    assert (
        value_at(apply(composed("strategy=oversample"), content["settings"]), "strategy.oversample.ratio") is not None
    )
    path.write_text("- not\n- settings\n")
    with pytest.raises(ConfigError, match="expected tuned settings"):
        read_best(path)
