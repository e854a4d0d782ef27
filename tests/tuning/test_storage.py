"""Where trials are kept: torn journals, dead owners, databases."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from bench.tuning.owner import Owner
from bench.tuning.storage import OWNER, RESULT, SETTINGS, open_storage, reap, repair
from bench.tuning.study import FINISHED
from tests.command_line import LAST_RESORT, TINY, imbench
from tests.tuning.searches import QUICK


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
        give_up = time.monotonic() + LAST_RESORT
        while subprocess.run([program / "pg_isready", "-h", home], check=False, capture_output=True).returncode:
            assert server.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.05)
        yield f"postgresql+psycopg2://imbench@/postgres?host={home}"
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: does not wait for our connections
        server.wait(LAST_RESORT)
        shutil.rmtree(home, ignore_errors=True)


def test_a_postgresql_server_holds_a_study(tmp_path: Path, postgresql: str) -> None:
    """Completed to the asked number, extended by a second command."""
    for trials in (3, 6):
        search = (*TINY, f"tune.trials={trials}", "tune.batch=3", f"tune.storage='{postgresql}'")
        assert imbench("tune", "strategy=none", *search, results=tmp_path) == 0
    (name,) = optuna.get_all_study_names(postgresql)
    assert len(optuna.load_study(study_name=name, storage=postgresql).get_trials(states=FINISHED)) == 6


def test_any_optuna_url_holds_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    assert imbench("tune", "strategy=none", *QUICK, f"tune.storage='{url}'", results=tmp_path) == 0
    (name,) = optuna.get_all_study_names(url)
    assert len(optuna.load_study(study_name=name, storage=url).get_trials(states=FINISHED)) == 6
    assert imbench("tune", "status", f"tune.storage='{url}'", results=tmp_path, debug=False) == 0
    assert "0.8" in capsys.readouterr().out
