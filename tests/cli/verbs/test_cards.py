"""Cards of strategies, models and data sets: docstring, settings with defaults, what tune searches."""

from __future__ import annotations

from pathlib import Path

import pytest

import strategies
from bench.__main__ import main
from bench.cli.verbs.parts.cards import settings_of, space_in_words
from bench.models.registry import MODELS
from strategies.registry import STRATEGIES


def test_spaces_are_said_as_the_files_write_them() -> None:
    assert space_in_words({"low": 0.01, "high": 30, "log": True, "also": [None, 0.0]}) == (
        "0.01 to 30 (log), also null, also 0.0"
    )
    both = {"binary": {"low": 0, "high": 1}, "multiclass": [None, "auto", True]}
    assert space_in_words(both) == "0 to 1 (two classes); null, auto, true (several)"


def test_settings_of_a_model_whose_file_sets_other_sections_too() -> None:
    found = dict(settings_of(MODELS, "model", "linear"))
    assert found["model.l2=0.3"] == "1/C of scikit-learn's LogisticRegression; tune: 0.01 to 30.0 (log)"
    assert "train.lr=0.1" in found
    assert not any(key.startswith("model.name") for key in found)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["strategies"], ["focal", "class_weights"]),
        (
            ["strategies", "focal", "none"],
            ["strategy.focal.gamma=2.0", "tune: 0.0 to 5.0", "Lin et al.", "no settings"],
        ),
        (["models", "mlp"], ["model.dropout=0.3", "tune: 0.0 to 0.6"]),
        (["data", "list"], ["womens", "one_star", "CC0"]),
        (["data", "show", "womens"], ["licence: CC0", "not_recommended", "data.min_class_rows=43", "data.shift=1.0"]),
        (["data", "show", "impressions"], ["data.prevalence=0.02", "expected share of the target"]),
    ],
)
def test_what_is_printed(words: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert [text for text in expected if text not in out] == []


def test_a_strategy_without_yaml_shows_the_fields_of_its_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of another package may be, whose YAML only Hydra's search path knows."""
    text = '"""A card."""\nfrom dataclasses import dataclass\n@dataclass(frozen=True)\nclass Bare:\n'
    (tmp_path / "bare.py").write_text(text + '    name = "bare"\n    power: float = 0.5\n', encoding="utf-8")
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    assert settings_of(STRATEGIES, "strategy", "bare") == [("strategy.bare.power=0.5", "")]
