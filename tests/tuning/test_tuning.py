"""Tuning: spaces, budgets, resuming after any kill, and no look at test rows."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from rich.console import Console

from bench.cli.compose import compose, hydra_loader
from bench.config import ConfigError, TuneConfig, cell
from bench.config import settings as settings_of_run
from bench.data.features import prepare as prepare_module
from bench.records.store import Store
from bench.training import measured_speed
from bench.tuning import objective as objective_module
from bench.tuning.driver import Driver
from bench.tuning.objective import objectives, tuning_data
from bench.tuning.pruning import Pruning
from bench.tuning.space import Dimension, apply, dimension, dimensions, parameters, starts, value_at
from bench.tuning.storage import OWNER, RESULT, Owner, open_storage, reap, repair
from bench.tuning.study import FINISHED, Study, read_best, tuned
from bench.tuning.trials import Done, Failed, Job, Score, run
from strategies.registry import STRATEGIES
from tests.command_line import TINY, imbench, kill_tree, spawn, workers_of
from tests.conftest import tell_of_stacks

QUICK = (*TINY, "tune.trials=6", "tune.batch=3")


def composed(*overrides: str) -> dict[str, Any]:
    with hydra_loader() as loader:
        return compose(loader, [overrides])[0]


def studies(results: Path) -> dict[str, optuna.Study]:
    """Studies of a results folder, read as anybody would."""
    folders = sorted(p.parent for p in (results / "tuned").glob("*/journal.log"))
    return {f.name: optuna.load_study(study_name=f.name, storage=open_storage(f, None)) for f in folders}


# Spaces ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["one_star", "class"])
@pytest.mark.parametrize("model", ["mlp", "linear"])
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_defaults_and_neutral_settings_are_in_their_space(name: str, model: str, target: str) -> None:
    """So that every study can start with both; what Optuna suggests builds a cell."""
    raw = composed(f"strategy={name}", f"model={model}", f"data.target={target}")
    space = dimensions(raw, 2 if target == "one_star" else 18)
    for values in starts(raw, space).values():
        assert set(parameters(space, values)) >= {d.path for d in space if d.choices}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(8):
        trial = study.ask()
        cell(apply(raw, {d.path: d.suggest(trial) for d in space}))


def test_focal_searches_alpha_and_gamma_with_none_and_zero_included() -> None:
    space = {d.path: d for d in dimensions(composed("strategy=focal"), 2)}
    gamma, alpha = space["strategy.focal.gamma"], space["strategy.focal.alpha"]
    assert (gamma.low, gamma.high) == (0.0, 5.0)
    assert 0 < alpha.low < alpha.high < 1
    assert alpha.also == (None,)


def test_spaces_of_a_stack_merge() -> None:
    paths = [d.path for d in dimensions(composed("strategy=[undersample,focal]"), 2)]
    assert {"strategy.undersample.ratio", "strategy.focal.gamma", "train.lr", "model.dropout"} <= set(paths)
    assert len(paths) == len(set(paths))


@given(low=st.floats(0.001, 1), size=st.floats(0.01, 10), log=st.booleans(), share=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_a_point_survives_the_way_through_optuna(low: float, size: float, log: bool, share: float) -> None:
    d = Dimension("a.b", (), low, low + size, log, (None, 0.0))
    for value in (min(low + share * size, low + size), None, 0.0):
        study = optuna.create_study()
        study.enqueue_trial(d.parameters(value))
        assert d.suggest(study.ask()) == value


@pytest.mark.parametrize(
    "entry", [[], {"low": 1}, {"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}, 3, "text"]
)
def test_a_malformed_space_is_named(entry: object) -> None:
    with pytest.raises(ConfigError, match=r"a\.b: expected a space"):
        dimension("a.b", entry, 2)


def test_objectives_by_name() -> None:
    assert objectives("auto", 2) == ("raw/average_precision",)
    assert objectives("auto", 5) == ("tuned/macro_f1",)
    assert objectives(("average_precision", "log_loss", "seconds"), 2) == (
        "raw/average_precision", "recalibrated/log_loss", "seconds",
    )  # fmt: skip
    with pytest.raises(ConfigError, match="Did you mean 'average_precision'"):
        objectives("average_precison", 2)
    with pytest.raises(ConfigError, match="calibration_slope"):
        objectives("calibration_slope", 2)


# A whole search --------------------------------------------------------------------------------------------------


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


def test_test_rows_are_never_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in the test rows changes nothing in what tuning sees, and there are none to look at."""
    raw = composed("strategy=none", *TINY)
    config = cell(raw).data
    tuning_data.cache_clear()
    clean = tuning_data(config, 0, 0, 0, 0)
    whole = objective_module.kept_table(config)
    test = clean.partition.test
    spoiled = whole.frame.copy()
    spoiled.iloc[test] = 1e9
    monkeypatch.setattr(prepare_module, "kept_table", lambda _: replace(whole, frame=spoiled))
    tuning_data.cache_clear()
    dirty = tuning_data(config, 0, 0, 0, 0)
    tuning_data.cache_clear()
    assert len(clean.test) == len(dirty.test_y) == 0
    for part in ("train", "val"):
        for name, value in getattr(clean, part).x.columns.items():
            assert (value == getattr(dirty, part).x.columns[name]).all()


def test_folds_cover_training_and_validation_rows_once_and_no_test_row() -> None:
    config = cell(composed(*TINY, "data.imbalance=1")).data
    tuning_data.cache_clear()
    parts = [tuning_data(config, 0, 0, 3, fold).partition for fold in range(3)]
    whole = tuning_data(config, 0, 0, 0, 0).partition
    pool = np.sort(np.concatenate([whole.train, whole.val]))
    assert np.array_equal(np.sort(np.concatenate([p.val for p in parts])), pool)
    for p in parts:
        assert np.array_equal(np.sort(np.concatenate([p.train, p.val])), pool)
        assert not set(p.train) & set(p.val)


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


# Trials together -------------------------------------------------------------------------------------------------


def job(*settings_of: dict[str, Any], stack: Any = "auto", objective: str = "tuned/macro_f1", **changes: Any) -> Job:
    """Trials of focal on digits that differ in these settings; no pruning."""
    raw = composed("strategy=focal", *TINY)
    trials = tuple((cell(apply(raw, one)), None) for one in settings_of)
    made = Job(trials, (0, 1), 0, (objective,), 1, "cpu", stack, max(2, len(trials)))
    return replace(made, **changes)


GAMMAS = tuple({"strategy.focal.gamma": g, "train.lr": lr} for g, lr in ((0.5, 0.01), (2.0, 0.003), (4.0, 0.02)))


def scored(done: Done) -> list[tuple[Any, ...]]:
    """All that does not depend on the clock."""
    return [(r.values, r.fits, r.steps, r.pruned) if isinstance(r, Score) else (r.reason,) for r in done.results]


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many members each training of this process had; stacks of any size are worth it."""
    monkeypatch.setattr(measured_speed, "MEASURED", {})
    monkeypatch.setattr(measured_speed, "measured", lambda *_: 1.0)
    sizes: list[int] = []
    tell_of_stacks(monkeypatch, lambda recipes: sizes.append(len(recipes)))
    return sizes


def test_trials_trained_together_score_what_they_score_alone(stacks: list[int]) -> None:
    """To the last bit, over two seeds, one of them twice; auto stacks what is exact, and a number stacks anyway."""
    wanted = (*GAMMAS, GAMMAS[0])
    alone = [scored(run(job(one, stack="off")))[0] for one in wanted]
    assert stacks == [1] * 8
    stacks.clear()
    together = run(job(*wanted))
    assert scored(together) == alone
    if together.room == 1:
        pytest.skip("this machine's batched products round differently from single ones: nothing is trained together")
    assert together.room == len(wanted)
    assert stacks == [3, 3]  # equal trials are trained once


def test_where_seconds_count_nothing_is_trained_together(stacks: list[int]) -> None:
    assert run(job(*GAMMAS, stack=3, objective="seconds")).room == 1
    assert set(stacks) == {1}


def test_a_trial_that_fails_or_diverges_or_is_pruned_disturbs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before training, within it, and by its curve; the others score what they do alone."""
    expected = [scored(run(job(one, stack="off")))[0] for one in GAMMAS[:2]]

    def prune(where: Any) -> Any:
        def watch(made: Any, step: int, loss: float) -> None:
            raise optuna.TrialPruned(step)

        return watch

    monkeypatch.setattr("bench.tuning.trials.watcher", prune)
    made = job(*GAMMAS, {"train.lr": 1e30}, stack=4)
    unfit = cell(composed("strategy=self_supervised", *TINY, "model=linear"))
    hopeless = (made.trials[2][0], Pruning("", None, "", 0, maximize=True))
    done = run(replace(made, trials=(made.trials[0], (unfit, None), hopeless, made.trials[3], made.trials[1])))
    first, inapplicable, pruned, diverged, last = done.results
    assert [(r.values, r.fits, r.steps, r.pruned) for r in (first, last) if isinstance(r, Score)] == expected
    assert isinstance(inapplicable, Failed)
    assert inapplicable.inapplicable
    assert isinstance(pruned, Score)
    assert (pruned.pruned, pruned.fits, pruned.steps) == (True, 1, 20)
    assert isinstance(diverged, Failed)
    assert "no longer finite" in diverged.reason


def test_a_search_is_the_same_whether_batches_train_together_or_not(tmp_path: Path, stacks: list[int]) -> None:
    """Proposals, scores, states, curves and steps of every trial; the pruner has ended some."""
    longer = ("train.max_steps=400", "train.batch_size=32", "tune.trials=16", "tune.batch=8")
    found = []
    for stack in ("off", "auto"):
        stacks.clear()
        command = ("tune", "strategy=focal", "data=digits_lt", "model=mlp", "model.dim=8", *longer)
        assert imbench(*command, f"tune.stack={stack}", results=tmp_path / stack) == 0
        assert stack == "auto" or set(stacks) == {1}
        (study,) = studies(tmp_path / stack).values()
        kept = ("settings", "steps", "fits")
        found.append(
            [
                (t.number, t.params, t.values, t.state, t.intermediate_values, *(t.user_attrs[k] for k in kept))
                for t in study.get_trials()
            ]
        )
    assert found[0] == found[1]
    assert any(state == TrialState.PRUNED for _, _, _, state, *_ in found[0])


def test_a_batch_is_shared_among_workers_and_the_lost_go_alone(tmp_path: Path) -> None:
    """Singly until the first result says what pays; then equal shares, and by itself what a worker died on."""
    options = settings_of_run(composed("strategy=focal", *TINY, "run.workers=2", "tune.batch=8"))
    study = Study(composed("strategy=focal", *TINY), options.tune, tmp_path)
    driver = Driver([study], options, Console())
    assert driver.begin(study)
    batch = driver.batches[study.identity.name]
    assert [driver.next()[1], driver.next()[1]] == [[0], [1]]
    driver.rooms[study.identity.name] = 100
    driver.deaths[study.identity.name, batch.asked[4][0].number] = 1
    assert [driver.next()[1] for _ in range(3)] == [[2, 3], [4], [5, 6, 7]]
    driver.queue.extend((batch, i) for i in range(4, 8))
    driver.deaths.clear()
    driver.rooms[study.identity.name] = 3
    assert [driver.next()[1] for _ in range(2)] == [[4, 5, 6], [7]]
    study.owner.close()


def test_a_killed_worker_costs_its_trials_a_second_try(tmp_path: Path) -> None:
    """kill -9 of one worker in mid-training: every trial is finished, and none has failed."""
    command = ("tune", "strategy=focal", *TINY[:2], "train.max_steps=300", "train.patience=1000", "tune.trials=8",
               "tune.batch=8", "tune.prune=false", "run.workers=2")  # fmt: skip
    process = spawn(*command, cwd=tmp_path)
    victims: list[int] = []
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not victims and process.poll() is None:
        time.sleep(0.2)
        done = [t for s in studies(tmp_path / "results").values() for t in s.get_trials() if RESULT in t.user_attrs]
        victims = workers_of(process.pid) if done else []
    os.kill(victims[0], signal.SIGKILL)
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    (study,) = studies(tmp_path / "results").values()
    assert [t.state for t in study.get_trials()] == [TrialState.COMPLETE] * 8


# Faults ----------------------------------------------------------------------------------------------------------


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


def test_a_result_that_was_known_is_kept(tmp_path: Path) -> None:
    """A process that dies between a trial's end and the end of its batch has not worked for nothing."""
    study = optuna.create_study(storage=open_storage(tmp_path, None), study_name="s")
    die(tmp_path, [0.25])
    reap(study, Owner(tmp_path))
    (trial,) = study.get_trials()
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.25)


@pytest.mark.slow
def test_a_search_killed_again_and_again_ends_with_exactly_its_trials(tmp_path: Path) -> None:
    """kill -9 of the process and its workers at random instants; then the same command finishes."""
    command = ("tune", "strategy=focal", *TINY, "tune.trials=12", "tune.batch=4")
    rng = random.Random(0)
    for _ in range(4):
        process = spawn(*command, cwd=tmp_path)
        time.sleep(rng.uniform(3.0, 7.0))
        kill_tree(process.pid)
        process.communicate()
    out, _ = (process := spawn(*command, cwd=tmp_path)).communicate(timeout=240)
    assert process.returncode == 0, out
    (study,) = studies(tmp_path / "results").values()
    assert len(study.get_trials(states=FINISHED)) == 12
    assert not study.get_trials(states=(TrialState.RUNNING,))
    origins = [t.user_attrs.get("origin") for t in study.get_trials(states=FINISHED)]
    assert (origins.count("default"), origins.count("neutral")) == (1, 1)


def test_two_processes_on_one_study_share_its_trials(tmp_path: Path) -> None:
    command = ("tune", "strategy=none", *TINY, "tune.trials=10", "tune.batch=2", "run.workers=1")
    both = [spawn(*command, cwd=tmp_path) for _ in range(2)]
    outs = [p.communicate(timeout=240)[0] for p in both]
    assert [p.returncode for p in both] == [0, 0], outs
    (study,) = studies(tmp_path / "results").values()
    done = study.get_trials(states=FINISHED)
    assert len(done) == 10
    assert len({t.user_attrs[OWNER] for t in done}) == 2


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


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of a real server from the system's packages, on a socket of its own; no port is opened."""
    pytest.importorskip("psycopg2", reason="needs psycopg2")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("needs a PostgreSQL server (Debian: postgresql)")
    program = programs[-1].parent
    user = "postgres" if os.getuid() == 0 else None  # the server refuses to run as root
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path must be short
    if user is not None:
        shutil.chown(home, user)
    command = [program / "initdb", "-D", home / "data", "-U", "imbench", "--auth=trust", "--no-sync"]
    subprocess.run(command, user=user, check=True, capture_output=True, cwd=home)
    server = subprocess.Popen(
        [program / "postgres", "-D", home / "data", "-k", home, "-h", ""],
        user=user,
        cwd=home,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            if subprocess.run([program / "pg_isready", "-h", home], check=False, capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        yield f"postgresql+psycopg2://imbench@/postgres?host={home}"
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: does not wait for our connections
        server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def test_a_postgresql_server_holds_a_study(tmp_path: Path, postgresql: str) -> None:
    """Completed to the asked number, extended by a second command."""
    for trials in (3, 6):
        search = (*TINY, f"tune.trials={trials}", "tune.batch=3", f"tune.storage='{postgresql}'")
        assert imbench("tune", "strategy=none", *search, results=tmp_path) == 0
    (name,) = optuna.get_all_study_names(postgresql)
    assert len(optuna.load_study(study_name=name, storage=postgresql).get_trials(states=FINISHED)) == 6


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


def test_any_optuna_url_holds_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    assert imbench("tune", "strategy=none", *QUICK, f"tune.storage='{url}'", results=tmp_path) == 0
    (name,) = optuna.get_all_study_names(url)
    assert len(optuna.load_study(study_name=name, storage=url).get_trials(states=FINISHED)) == 6
    assert imbench("tune", "status", f"tune.storage='{url}'", results=tmp_path, debug=False) == 0
    assert "0.8" in capsys.readouterr().out
