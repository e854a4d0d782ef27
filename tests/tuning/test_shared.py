"""Studies that several processes work on, or that a kill cut short: distinct proposals, and nothing told twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from bench.config import TuneConfig
from bench.tuning.owner import Owner
from bench.tuning.space import Dimension
from bench.tuning.storage import GIVEN_BACK, open_storage, settle, told
from bench.tuning.study import FINISHED, Study
from tests.tuning.searches import composed

TUNE = TuneConfig(trials=24, batch=8)
RAW = ("strategy=focal", "data=digits_lt", "train.max_steps=40")


def proposals(study: Study) -> list[dict[str, Any]]:
    """The settings of its trials, by number, of those that have a place."""
    trials = [t for t in study.study.get_trials() if GIVEN_BACK not in t.user_attrs and "settings" in t.user_attrs]
    return [t.user_attrs["settings"] for t in trials]


def test_processes_that_share_a_study_never_draw_alike(tmp_path: Path) -> None:
    """Three that ask before anything is finished: 24 trials, 24 settings; and one that asks alone gives the same."""
    raw = composed(*RAW)
    several = [Study(raw, TUNE, tmp_path / "a") for _ in range(3)]
    for study in several:
        assert len(study.ask()) == 8
    found = proposals(several[0])
    assert len(found) == 24
    assert len({repr(sorted(one.items())) for one in found}) == 24
    alone = Study(raw, TUNE, tmp_path / "b")
    for _ in range(3):
        alone.ask()
    assert proposals(alone) == found
    for study in (*several, alone):
        study.owner.close()


def test_a_failed_trial_keeps_its_place(tmp_path: Path) -> None:
    """What comes after it is not what has been."""
    study = Study(composed(*RAW), TUNE, tmp_path)
    batch = study.ask()
    told(study.study, batch[3][0].number, state=TrialState.FAIL)
    study.ask()
    found = [repr(sorted(one.items())) for one in proposals(study)]
    assert len(found) == len(set(found)) > 8
    study.owner.close()


@pytest.mark.parametrize("at", [1, 2, 5, 9, 14])
def test_a_kill_within_a_proposal_changes_no_proposal(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between any two parameters, and asked again by the next process: the same batch."""
    raw = composed(*RAW)
    whole = Study(raw, TUNE, tmp_path / "whole")
    whole.ask()
    cut, suggest, calls = Study(raw, TUNE, tmp_path / "cut"), Dimension.suggest, list[int]()

    def killed(self: Dimension, trial: optuna.Trial) -> Any:
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return suggest(self, trial)

    with monkeypatch.context() as patch:
        patch.setattr(Dimension, "suggest", killed)
        with pytest.raises(KeyboardInterrupt):
            cut.ask()
    cut.owner.close()
    again = Study(raw, TUNE, tmp_path / "cut")
    again.ask()
    assert sorted(map(repr, proposals(again))) == sorted(map(repr, proposals(whole)))
    for study in (whole, again):
        study.owner.close()


def test_what_another_process_has_told_stays(tmp_path: Path) -> None:
    study = optuna.create_study(storage=open_storage(tmp_path, None), study_name="s")
    other = optuna.load_study(study_name="s", storage=open_storage(tmp_path, None))
    number = study.ask().number
    assert settle(study, number, [0.5])
    assert not settle(other, number, [0.25])
    assert not told(other, number, state=TrialState.FAIL)
    (trial,) = other.get_trials(states=FINISHED)
    assert trial.value == 0.5


def test_on_a_database_the_living_are_seen_from_other_folders(tmp_path: Path) -> None:
    """Their locks are not: what counts is the heartbeat that the database keeps, by its own clock."""
    url = f"sqlite:///{tmp_path}/trials.db"
    tune = TuneConfig(trials=24, batch=4, storage=url)
    here, there = (Study(composed(*RAW), tune, tmp_path / name) for name in "ab")
    (mine, *_) = here.ask()
    there.ask()
    states = [t.state for t in there.study.get_trials()]
    assert states.count(TrialState.RUNNING) == 8
    assert there.owner.alive(there.study.get_trials()[mine[0].number], there.study)
    import sqlalchemy

    with sqlalchemy.create_engine(url).begin() as connection:  # as if nobody had said anything for a day
        connection.execute(
            sqlalchemy.text("UPDATE trial_heartbeats SET heartbeat = datetime('now', '-1 day') WHERE trial_id = :id"),
            {"id": mine[0]._trial_id},
        )
    assert not there.owner.alive(there.study.get_trials()[mine[0].number], there.study)
    for study in (here, there):
        study.owner.close()


def test_of_another_machine_the_file_that_is_touched_lives(tmp_path: Path) -> None:
    import os

    study = optuna.create_study(storage=open_storage(tmp_path, None), study_name="s")
    mine, other = Owner(tmp_path), Owner(tmp_path)
    trial = study.ask()
    trial.set_user_attr("owner", f"{other.name.partition('@')[0]}@elsewhere")
    (seen,) = study.get_trials()
    assert mine.alive(seen, study)
    os.utime(other.path, (1, 1))
    assert not mine.alive(seen, study)
    mine.close()
    other.close()
