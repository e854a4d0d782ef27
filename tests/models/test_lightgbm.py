"""Trees as one model among the others: every strategy, through runs, searches and boards."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import bench.models.lightgbm as module
from bench.config import ConfigError, read_model
from bench.models.lightgbm import LightGBM
from bench.models.registry import refusal, takes, train_keys
from strategies.registry import STRATEGIES
from strategies.spec import Inapplicable, Takes
from strategies.stack import Chain
from tests.command_line import imbench, records
from tests.conftest import Toy, outcomes

TREES = ("model=lightgbm", "model.max_trees=20")
SHORT = LightGBM(max_trees=20)
APPLY = ("none", "class_weights", "oversample", "undersample", "focal", "logit_adjustment", "negative_downsample")
REFUSED = ("crt", "importance_weighted", "ldam", "self_supervised", "transfer")


def test_the_module_does_not_hide_the_package() -> None:
    """They have one name, and each finds itself."""
    import lightgbm

    assert lightgbm.__version__ == version("lightgbm")
    assert module.__name__ == "bench.models.lightgbm"


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_strategy_trains_or_says_before_training_why_not(name: str, binary: Toy, multi: Toy) -> None:
    """Those that need a representation are refused from the classes alone, without data."""
    strategy = STRATEGIES.get(name)()
    reason = refusal(LightGBM, strategy)
    for toy in (binary, multi):
        (found,) = outcomes([Chain((strategy,)).train(toy.recipe(model=SHORT))])
        if reason:
            assert isinstance(found, Inapplicable | NotImplementedError), found  # the latter: of an encoding
        else:
            assert not isinstance(found, Exception), found
            assert found.logits(toy.val.x).shape == (len(toy.val), toy.val.n_classes)
    assert not (reason and name in APPLY)
    assert reason or name not in REFUSED


def test_what_it_takes_and_what_settings_of_training_mean_to_it() -> None:
    assert takes(LightGBM) == Takes(missing="kept", categories="frequent first", text="terms")
    assert train_keys(LightGBM) == frozenset()


def test_wrong_settings_and_a_missing_package_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    section = {"name": "lightgbm"}
    with pytest.raises(ConfigError, match=r"expected learning_rate and feature_fraction in \(0, 1\], got"):
        read_model(section | {"feature_fraction": 0.0})
    with pytest.raises(ConfigError, match=r"expected num_leaves and max_bin >= 2"):
        read_model(section | {"num_leaves": 1})
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"the package lightgbm, which is not installed; pip install 'imbench\[trees\]'"
    ):
        LightGBM()


@pytest.mark.long
def test_trees_go_through_a_sweep_and_onto_a_board(tmp_path: Path) -> None:
    """Beside a network's: records of what applies, reasons for the rest; nothing of `train` in the key."""
    sweep = (
        "run",
        "-m",
        f"strategy={','.join((*APPLY[:4], 'focal', *REFUSED))}",
        "data=womens",
        "data.target=one_star",
    )
    assert imbench(*sweep, *TREES, results=tmp_path / "results") == 0
    found: dict[str, Any] = {name: record for (name, _), record in records(tmp_path / "results").items()}
    done = {name for name, record in found.items() if record.status == "done"}
    assert done == {*APPLY[:4], "focal"}
    assert {r.status for name, r in found.items() if name in REFUSED} == {"skipped"}
    assert "has none; use model=mlp" in found["transfer"].reason
    none = found["none"]
    assert none.config["train"] == {}
    assert none.traits["model"] == {"lightgbm": version("lightgbm")}
    assert none.cost["steps"] == none.curve[-1][0] == 20
    assert none.cost["train_seconds"] > 0
    assert none.notes["trees"] == none.notes["best_step"] <= 20
    assert none.metrics["raw/average_precision"] > 0.1  # of 3.6% positives
    assert imbench(*sweep, *TREES, "train.lr=0.5", "train.max_steps=7", results=tmp_path / "results") == 0
    assert len(records(tmp_path / "results")) == len(found)
    assert imbench("publish", results=tmp_path / "results") == 0


def test_trees_are_tuned_over_their_own_space(tmp_path: Path) -> None:
    search = ("data=digits_lt", "strategy=focal", "tune.trials=3", "tune.batch=3", *TREES)
    assert imbench("tune", *search, results=tmp_path / "results") == 0
    (tuned,) = (tmp_path / "results" / "tuned").rglob("*.yaml")
    text = tuned.read_text(encoding="utf-8")
    assert all(key in text for key in ("num_leaves", "feature_fraction", "gamma"))
    assert not any(key in text for key in ("lr:", "weight_decay"))
    assert imbench("run", *search, "tuned=true", results=tmp_path / "results") == 0
    ((record,),) = [tuple(records(tmp_path / "results").values())]
    assert record.status == "done"
    assert record.notes["tuning_trials"] == 3
