"""What cannot be searched is refused before anything is written; broken files stop nobody; looking writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench.bounded_yaml import Unbounded
from bench.config import ConfigError, TuneConfig
from bench.tuning.best import of_space, read_best, readable
from bench.tuning.space import Dimension
from bench.tuning.study import Study, check
from tests.command_line import imbench
from tests.tuning.searches import QUICK, composed

NARROW = "strategy.class_weights.space.scheme=[inverse,sqrt]"


def test_a_refused_search_leaves_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A setting to begin with lies outside the space: whose it is, and how to do without, is said."""
    assert imbench("tune", "strategy=class_weights", NARROW, *QUICK, results=tmp_path / "r", debug=False) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "strategy.class_weights.scheme" in line
    assert "strategy.class_weights.neutral=null" in line
    assert not (tmp_path / "r").exists()
    check(composed("strategy=class_weights", NARROW, "strategy.class_weights.neutral=null"), TuneConfig())


def test_one_refused_study_stops_all_before_any_begins(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    grid = ("-m", "strategy=none,class_weights", NARROW, *QUICK)
    assert imbench("tune", *grid, results=tmp_path / "r", debug=False) == 2
    assert not (tmp_path / "r").exists()


def test_looking_at_studies_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is only for reading will do."""
    study = Study(composed("strategy=focal", "data=digits_lt"), TuneConfig(), tmp_path)
    study.owner.close()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert imbench("tune", "status", results=tmp_path, debug=False) == 0
    assert study.identity.name[:20] in capsys.readouterr().out.replace("\n", "")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


FOREIGN = ({"seed": 3}, {"data.test_fraction": 0.01}, {"train.lr": 5.0}, {"strategy.x.kind": "c"}, {"train.lr": None})
BROKEN = ("", "[]", "settings: 3", "a: [", "\x00", "settings: {}", "a: " + "9" * 5000, "a: &a [*a]")
UNREACHABLE = (
    "postgresql+psycopg2://me:hunter2@localhost:1/db",
    "nonsense://me:hunter2@x/y",
    "sqlite:////nowhere/x.db",
)
SPACE = (Dimension("train.lr", low=0.001, high=0.1), Dimension("strategy.x.kind", choices=("a", "b")))


@pytest.mark.parametrize("settings", FOREIGN)
def test_a_file_sets_only_what_was_searched(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"best\.yaml"):
        of_space(settings, SPACE, Path("best.yaml"))
    assert of_space({"train.lr": 0.01, "strategy.x.kind": "b"}, SPACE, Path("best.yaml"))


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_one_line_and_hides_no_other(text: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "tuned" / name).mkdir(parents=True)
    broken, good = (tmp_path / "tuned" / name / "best.yaml" for name in "ab")
    broken.write_text(text)
    content = dict.fromkeys(("study", "data", "target", "model", "strategy"), "x")
    whole = {
        **content,
        **dict.fromkeys(("trials", "fits", "steps", "seconds", "split"), 1),
        "objective": {},
        "settings": {},
    }
    good.write_text(yaml.safe_dump(whole))
    with pytest.raises(ConfigError, match="delete it and tune again") as caught:
        read_best(broken)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, Unbounded | None)
    found, problems = readable(tmp_path)
    assert (found, len(problems)) == ([whole], 1)


@pytest.mark.parametrize("url", UNREACHABLE)
def test_a_database_that_cannot_be_reached_is_one_line(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    storage = f"tune.storage='{url}'"
    assert imbench("tune", "strategy=none", *QUICK, storage, results=tmp_path, debug=False) == 2
    out, err = capfd.readouterr()
    assert len(err.splitlines()) == 1
    assert "tune.storage" in err
    assert "hunter2" not in out + err
