"""Whole searches: equal budgets, the same proposals however often interrupted, workers that are killed."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.trial import TrialState
from rich.console import Console

from bench.config import read_options
from bench.records.store import Store
from bench.sweep.pool import Lost
from bench.sweep.worker import Began, Finished
from bench.tuning.best import read_best
from bench.tuning.driver import StudyDriver
from bench.tuning.storage import OWNER, RESULT
from bench.tuning.study import FINISHED, Study
from bench.tuning.trials import Failed, Results, Score, Trial, train_trials
from tests.command_line import TINY, call, ended, imbench, kill, kill_tree, spawn, until, workers_of
from tests.tuning.searches import QUICK, composed, studies


def finished(folder: Path) -> int:
    """Completed and pruned trials of all studies."""
    return sum(len(s.get_trials(states=FINISHED)) for s in studies(folder / "results").values())


def test_every_strategy_gets_the_same_number_of_trials_and_run_uses_the_best(tmp_path: Path) -> None:
    """`none` included; defaults, then neutral first; fresh seeds run at exactly the settings that were found."""
    grid = ("-m", "strategy=none,focal", "data=digits_lt", "strategy.focal.prior_bias=true")
    assert imbench("tune", *grid, *QUICK[1:], results=tmp_path) == 0
    for name, study in studies(tmp_path).items():
        done = study.get_trials(states=FINISHED)
        assert len(done) == 6
        origins = [t.user_attrs.get("origin") for t in done[:2]]
        assert origins == (["default", "neutral"] if "focal" in name else ["default", None])
        assert all(np.isfinite(t.value) for t in done if t.state == TrialState.COMPLETE)
        folder = tmp_path / "tuned" / name
        assert {"best.yaml", "trials.csv", "history.svg", "importance.svg"} <= {p.name for p in folder.iterdir()}
        assert len(pd.read_csv(folder / "trials.csv")) >= 6
    assert (next((tmp_path / "tuned").glob("*focal*")) / "contour.svg").read_text().lstrip().startswith("<?xml")
    run = ("run", "-m", "strategy=none,focal", *QUICK, "seed=10,11", "tuned=true")
    assert imbench(*run, results=tmp_path) == 0
    best = read_best(next((tmp_path / "tuned").glob("*focal*")) / "best.yaml")
    found = [r for r in Store(tmp_path) if r.strategy == "focal"]
    assert {r.seed for r in found} == {10, 11}
    for r in found:
        assert r.tuned
        assert r.config["train"]["lr"] == best["settings"]["train.lr"]
        assert r.config["strategies"][0][2]["gamma"] == best["settings"]["strategy.focal.gamma"]
        assert r.notes["tuning_trials"] == 6
        assert r.notes["tuning_steps"] > 0
    assert imbench("tune", "status", results=tmp_path, debug=False) == 0
    assert imbench("tune", "show", "strategy=focal", results=tmp_path, debug=False) == 0


def test_several_objectives_give_a_pareto_set(tmp_path: Path) -> None:
    objective = "tune.objective=[macro_f1,log_loss]"
    assert imbench("tune", "strategy=focal", *QUICK, objective, results=tmp_path) == 0
    (study,) = studies(tmp_path).values()
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    best = read_best(next((tmp_path / "tuned").glob("*/best.yaml")))
    assert set(best["objective"]) == {"tuned/macro_f1", "recalibrated/log_loss"}
    assert best["trial"] in [t.number for t in study.best_trials]


def test_an_undefined_score_fails_its_trial_and_the_search_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Optuna would complete a trial of infinite score; a failed one does not count."""
    monkeypatch.setattr("bench.tuning.trials.judged", lambda *_: {"tuned/macro_f1": float("nan")})
    assert imbench("tune", "strategy=none", *QUICK, results=tmp_path) == 1
    (study,) = studies(tmp_path).values()
    assert {t.state for t in study.get_trials()} <= {TrialState.FAIL, TrialState.WAITING}
    assert "undefined on the validation rows" in capsys.readouterr().out


def test_proposals_do_not_depend_on_how_often_a_search_was_interrupted(tmp_path: Path) -> None:
    """Six trials at once, and three then three more: the same settings and scores."""
    assert imbench("tune", "strategy=focal", *QUICK, results=tmp_path / "a") == 0
    assert imbench("tune", "strategy=focal", *QUICK, "tune.trials=3", results=tmp_path / "b") == 0
    assert imbench("tune", "strategy=focal", *QUICK, results=tmp_path / "b") == 0
    one, two = (next(iter(studies(tmp_path / x).values())).get_trials() for x in "ab")
    assert [(t.params, t.values) for t in one] == [(t.params, t.values) for t in two]


def test_a_batch_is_shared_among_workers(tmp_path: Path) -> None:
    """Singly until the first result says what pays; then equal shares."""
    options = read_options(composed("strategy=focal", *TINY, "run.workers=2", "tune.batch=8"))
    study = Study(composed("strategy=focal", *TINY), options.tune, tmp_path)
    driver = StudyDriver([study], options, Console())
    assert driver.begin(study)
    batch = driver.batches[study.identity.name]

    def sizes(times: int) -> list[int]:
        return [len(driver.next_trials()) for _ in range(times)]

    assert sizes(2) == [1, 1]
    driver.worth_together[study.identity.name] = 100
    assert sizes(2) == [4, 2]
    assert sorted(driver.sent) == sorted(batch.key(i) for i in range(8))
    driver.queue.extend((batch, i) for i in range(4, 8))
    driver.worth_together[study.identity.name] = 3
    assert sizes(2) == [3, 1]
    study.owner.close()


def test_a_lost_trial_fails_with_its_reason_and_the_others_count(tmp_path: Path) -> None:
    """What the pool gives up, whatever of; results are told in the order in which trials were asked."""
    raw = composed("strategy=none", *TINY, "tune.batch=3", "tune.trials=3")
    options = read_options(raw)
    study = Study(raw, options.tune, tmp_path)
    driver = StudyDriver([study], options, Console(quiet=True))
    assert driver.begin(study)
    batch = driver.batches[study.identity.name]
    first, second, third = (driver.next_trials()[0] for _ in range(3))
    driver.heard(Began(first.key))
    driver.heard(Finished(third.key, (Score((0.75,), 1, 40, 0.1), 1)))
    driver.heard(Lost(second, "crashed", "its worker process died"))
    assert not batch.complete
    driver.heard(Finished(first.key, (Failed("no rows"), 1)))
    assert batch.complete
    assert driver.sent == {}
    known = [t for t in study.study.get_trials() if t.state == TrialState.RUNNING and RESULT in t.user_attrs]
    assert [t.user_attrs[RESULT] for t in known] == [[0.75]]
    driver.tell(batch)
    found = study.study.get_trials(states=(TrialState.COMPLETE, TrialState.FAIL))
    assert [t.state for t in found] == [TrialState.FAIL, TrialState.FAIL, TrialState.COMPLETE]
    assert [t.user_attrs.get("reason") for t in found] == ["no rows", "its worker process died", None]
    assert len(driver.failures[study.identity.name]) == 2
    assert found[2].values == [0.75]
    study.owner.close()


def test_an_interrupt_keeps_finished_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Raised between two trials of a batch: exit code 130; the same command ends with exactly the trials asked for."""
    command, calls = ("tune", "strategy=none", *QUICK, "tune.stack=off"), list[int]()

    def interrupted(batch: Sequence[Trial]) -> Results:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return train_trials(batch)

    with monkeypatch.context() as patch:
        patch.setattr("bench.tuning.trials.train_trials", interrupted)
        assert imbench(*command, results=tmp_path) == 130
    assert "finished trials are kept" in capsys.readouterr().out
    (study,) = studies(tmp_path).values()
    assert len(study.get_trials(states=FINISHED)) == 3
    assert imbench(*command, results=tmp_path) == 0
    (study,) = studies(tmp_path).values()
    assert len(study.get_trials(states=FINISHED)) == 6
    assert not study.get_trials(states=(TrialState.RUNNING,))


@pytest.mark.long
def test_a_killed_worker_costs_its_trials_a_second_try(tmp_path: Path) -> None:
    """kill -9 of one worker in mid-training: every trial is finished, and none has failed."""
    longer = ("train.max_steps=300", "train.patience=1000", "tune.trials=8", "tune.batch=8", "tune.prune=false")
    process = spawn("tune", "strategy=focal", *TINY[:2], *longer, "run.workers=2", cwd=tmp_path)

    def a_result_is_known() -> bool:
        found = studies(tmp_path / "results").values()
        return any(RESULT in t.user_attrs for s in found for t in s.get_trials()) and bool(workers_of(process.pid))

    assert until(process, a_result_is_known), ended(process)
    kill(workers_of(process.pid)[0])
    out = ended(process)
    assert process.returncode == 0, out
    (study,) = studies(tmp_path / "results").values()
    assert [t.state for t in study.get_trials()] == [TrialState.COMPLETE] * 8


@pytest.mark.long
def test_trials_that_take_too_long_fail_and_the_search_ends(tmp_path: Path) -> None:
    """`run.timeout` counts for each fit of a trial; here none would ever end."""
    endless = ("train.max_steps=10000000", "train.patience=10000000", "tune.prune=false", "run.timeout=0.1")
    command = ("tune", "strategy=none", *TINY, *endless, "tune.trials=2", "tune.batch=2", "tune.seeds=[0,1]")
    done = call(*command, "run.workers=1", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("took longer than run.timeout=0.1 seconds for each of its 2 fits") == 2
    (study,) = studies(tmp_path / "results").values()
    assert [t.state for t in study.get_trials(states=(TrialState.FAIL, *FINISHED))] == [TrialState.FAIL] * 2


@pytest.mark.long
def test_ctrl_c_keeps_finished_trials_and_ends_the_workers(tmp_path: Path) -> None:
    """As from a terminal, to the whole process group: exit code 130, nobody goes on, the same command finishes."""
    command = ("tune", "strategy=none", *TINY, "tune.batch=2", "run.workers=2")
    process = spawn(*command, "tune.trials=100000", cwd=tmp_path)
    assert until(process, lambda: finished(tmp_path) >= 2 and bool(workers_of(process.pid))), ended(process)
    workers = workers_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out = ended(process)
    assert process.returncode == 130, out
    assert "finished trials are kept" in out
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    kept = finished(tmp_path)
    assert call(*command, f"tune.trials={kept + 3}", cwd=tmp_path).returncode == 0
    assert finished(tmp_path) == kept + 3


@pytest.mark.long
def test_a_search_killed_again_and_again_ends_with_exactly_its_trials(tmp_path: Path) -> None:
    """kill -9 of the process and its workers at random lengths of the journal; then the same command finishes."""
    command = ("tune", "strategy=focal", *TINY, "tune.trials=12", "tune.batch=4")
    rng = random.Random(0)

    def written() -> int:
        return sum(path.stat().st_size for path in (tmp_path / "results" / "tuned").glob("*/journal.log"))

    for _ in range(4):
        process, more = spawn(*command, cwd=tmp_path), written() + rng.randrange(6000)
        until(process, lambda enough=more: written() > enough)  # type: ignore[misc]
        kill_tree(process.pid)
        ended(process)
    done = call(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    (study,) = studies(tmp_path / "results").values()
    assert len(study.get_trials(states=FINISHED)) == 12
    assert not study.get_trials(states=(TrialState.RUNNING,))
    origins = [t.user_attrs.get("origin") for t in study.get_trials(states=FINISHED)]
    assert (origins.count("default"), origins.count("neutral")) == (1, 1)


@pytest.mark.long
def test_two_processes_on_one_study_share_its_trials(tmp_path: Path) -> None:
    """Both take part for as long as it takes until each has finished some; then the number asked for is met exactly."""
    command = ("tune", "strategy=none", *TINY, "tune.batch=2", "run.workers=1")

    def owners() -> set[str]:
        found = studies(tmp_path / "results").values()
        return {t.user_attrs[OWNER] for s in found for t in s.get_trials(states=FINISHED)}

    both = [spawn(*command, "tune.trials=100000", cwd=tmp_path) for _ in range(2)]
    assert until(both[0], lambda: len(owners()) == 2)
    for process in both:
        os.killpg(process.pid, signal.SIGINT)
        ended(process)
    wanted = finished(tmp_path) + 6
    both = [spawn(*command, f"tune.trials={wanted}", cwd=tmp_path) for _ in range(2)]
    outs = [ended(process) for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    assert finished(tmp_path) == wanted


def test_a_strategy_that_does_not_apply_is_skipped_in_tuning_and_in_the_tuned_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No source label to transfer from: no failure, and `tuned=true` leaves a skipped record beside the others."""
    grid = ("-m", "strategy=none,transfer", *QUICK)
    assert imbench("tune", *grid, results=tmp_path) == 0
    assert "skipped: transfer: this target has no other label" in capsys.readouterr().out
    assert imbench("run", *grid, "tuned=true", results=tmp_path) == 0
    assert {r.strategy: r.status for r in Store(tmp_path)} == {"none": "done", "transfer": "skipped"}
    assert imbench("tune", "show", "strategy=transfer", results=tmp_path, debug=False) == 0
