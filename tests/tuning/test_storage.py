"""Where trials are kept: torn journals, dead owners, databases."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from bench.tuning.owner import Owner
from bench.tuning.storage import OWNER, RESULT, SETTINGS, open_storage, reap, repair


def filled_journal(folder: Path) -> tuple[Path, int]:
    """A journal with three complete trials; returns it and the start of its last line."""
    study = optuna.create_study(storage=open_storage(folder, None), study_name="s")
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=3)
    journal = folder / "journal.log"
    content = journal.read_bytes()
    return journal, content[:-1].rfind(b"\n") + 1


def test_a_journal_torn_at_any_byte_of_its_last_line_opens_and_goes_on(tmp_path: Path) -> None:
    journal, start = filled_journal(tmp_path)
    content = journal.read_bytes()
    for cut in range(start, len(content) + 1):
        journal.write_bytes(content[:cut])
        study = optuna.load_study(study_name="s", storage=open_storage(tmp_path, None))
        before = len(study.get_trials())
        study.ask()
        again = optuna.load_study(study_name="s", storage=open_storage(tmp_path, None))
        assert len(again.get_trials()) == before + 1
        for line in journal.read_bytes().splitlines():
            json.loads(line)


def test_repair_leaves_a_whole_journal_alone(tmp_path: Path) -> None:
    journal, _ = filled_journal(tmp_path)
    content = journal.read_bytes()
    assert repair(journal) == 0
    assert journal.read_bytes() == content
    assert repair(tmp_path / "absent") == 0


def die_with_a_trial(folder: str, result: list[float] | None) -> None:
    study = optuna.load_study(study_name="s", storage=open_storage(Path(folder), None))
    trial = study.ask()
    trial.set_user_attr(OWNER, Owner(Path(folder)).name)
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr(SETTINGS, trial.params)
    if result is not None:
        trial.set_user_attr(RESULT, result)
    os._exit(9)


def die(folder: Path, result: list[float] | None) -> None:
    """A process that asks for a trial and dies, with or without having its result."""
    process = multiprocessing.get_context("forkserver").Process(target=die_with_a_trial, args=(str(folder), result))
    process.start()
    process.join()


def test_a_trial_of_a_dead_process_is_given_back_once(tmp_path: Path) -> None:
    """Its parameters are enqueued again; the trials of living processes stay theirs."""
    study = optuna.create_study(storage=open_storage(tmp_path, None), study_name="s")
    die(tmp_path, None)
    owner = Owner(tmp_path)
    mine = study.ask()
    mine.set_user_attr(OWNER, owner.name)
    other = Owner(tmp_path)
    assert reap(study, other) == 1
    assert reap(study, other) == 0
    lost, kept, again = study.get_trials()
    assert (lost.state, kept.state, again.state) == (TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING)
    assert again.system_attrs["fixed_params"] == lost.params


@pytest.mark.long
def test_a_result_that_was_known_is_kept(tmp_path: Path) -> None:
    """A process that dies between a trial's end and the end of its batch has not worked for nothing."""
    study = optuna.create_study(storage=open_storage(tmp_path, None), study_name="s")
    die(tmp_path, [0.25])
    reap(study, Owner(tmp_path))
    (trial,) = study.get_trials()
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.25)
