"""Studies that processes with folders of their own share through a database: in turns, and none in vain."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import optuna
import pytest
import sqlalchemy

from bench.config import TuneConfig
from bench.records.files import ResultsError
from bench.tuning.database import open_database, said_of_database
from bench.tuning.study import FINISHED, Study
from tests.command_line import TINY, ended, imbench, spawn, until
from tests.tuning.searches import QUICK, composed, studies
from tests.tuning.test_shared import RAW, proposals

DATABASES = ("sqlite", "postgresql")
SEARCH = ("tune", "strategy=focal", *TINY, "tune.trials=18", "tune.batch=3", "run.workers=1")


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that is there and holds nothing yet."""
    return f"sqlite:///{tmp_path}/trials.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")


def test_who_asks_at_once_is_proposed_different_settings(url: str, tmp_path: Path) -> None:
    """Four at the same moment, from four folders, on a database without tables: as one alone would have been."""
    tune, raw, together = TuneConfig(trials=24, batch=6, storage=url), composed(*RAW), Barrier(4)

    def ask(name: str) -> list[dict[str, Any]]:
        together.wait()
        study = Study(raw, tune, tmp_path / name)
        try:
            together.wait()
            study.ask()
            together.wait()
            return proposals(study)
        finally:
            study.owner.close()

    with ThreadPoolExecutor(4) as pool:
        found, *others = pool.map(ask, "abcd")
    assert len(found) == 24
    assert all(other == found for other in others)
    alone = Study(raw, TuneConfig(trials=24, batch=6), tmp_path / "alone")
    for _ in range(4):
        alone.ask()
    alone.owner.close()
    assert sorted(map(repr, found)) == sorted(map(repr, proposals(alone)))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["journal", *DATABASES])
def test_commands_that_share_a_study_share_its_work(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Three at once: as many trials as were asked for, all different, and each command ends well with the best."""
    if kind == "journal":
        stores = [("results=shared",)] * 3
    else:
        own = f"sqlite:///{tmp_path}/trials.db" if kind == "sqlite" else request.getfixturevalue("postgresql")
        stores = [(f"results={name}", f"tune.storage='{own}'") for name in "abc"]
    commands = [spawn(*SEARCH, *store, cwd=tmp_path) for store in stores]
    said = [ended(command) for command in commands]
    assert [command.returncode for command in commands] == [0, 0, 0], said
    best = {path.read_text() for path in tmp_path.glob("*/tuned/*/best.yaml")}
    assert len({text.partition("optuna")[0] for text in best}) == 1
    if kind == "journal":
        (study,) = studies(tmp_path / "shared").values()
    else:
        (name,) = optuna.get_all_study_names(own)
        study = optuna.load_study(study_name=name, storage=own)
    finished = study.get_trials(states=FINISHED)
    assert len(finished) == len(study.get_trials()) == 18
    assert len({repr(sorted(t.user_attrs["settings"].items())) for t in finished}) == 18


@pytest.mark.long
def test_a_server_that_goes_away_is_one_line(tmp_path: Path, postgresql: str) -> None:
    """What is finished stays there; the command says what happened, and ends."""
    process = spawn(*SEARCH, "tune.trials=400", f"tune.storage='{postgresql}'", cwd=tmp_path)
    (server,) = Path(postgresql.partition("host=")[2]).glob("data/postmaster.pid")
    assert until(process, lambda: any(t.state in FINISHED for t in _trials(postgresql)))
    os.kill(int(server.read_text().split()[0]), signal.SIGINT)
    out = ended(process)
    assert process.returncode == 2, out
    assert "Traceback" not in out
    assert "imbench: tune.storage: expected a database that can be reached" in out


def _trials(url: str) -> list[optuna.trial.FrozenTrial]:
    names = optuna.get_all_study_names(url)
    return optuna.load_study(study_name=names[0], storage=url).get_trials(deepcopy=False) if names else []


def test_a_database_that_fails_in_the_middle_is_one_line(tmp_path: Path) -> None:
    """Its tables are gone, say: whatever Optuna and SQLAlchemy raise then."""
    url = f"sqlite:///{tmp_path}/trials.db"
    study = optuna.create_study(storage=open_database(url))
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE trials"))
    with pytest.raises(ResultsError, match=r"tune.storage: expected a database .* no such table"), said_of_database():
        study.ask()
    with pytest.raises(ValueError, match="other"), said_of_database():
        raise ValueError("other")


def test_any_optuna_url_holds_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    assert imbench("tune", "strategy=none", *QUICK, f"tune.storage='{url}'", results=tmp_path) == 0
    (name,) = optuna.get_all_study_names(url)
    assert len(optuna.load_study(study_name=name, storage=url).get_trials(states=FINISHED)) == 6
    assert imbench("tune", "status", f"tune.storage='{url}'", results=tmp_path, debug=False) == 0
    assert "0.8" in capsys.readouterr().out


def test_a_postgresql_server_holds_a_study(tmp_path: Path, postgresql: str) -> None:
    """Completed to the asked number, extended by a second command."""
    for trials in (3, 6):
        search = (*TINY, f"tune.trials={trials}", "tune.batch=3", f"tune.storage='{postgresql}'")
        assert imbench("tune", "strategy=none", *search, results=tmp_path) == 0
    (name,) = optuna.get_all_study_names(postgresql)
    assert len(optuna.load_study(study_name=name, storage=postgresql).get_trials(states=FINISHED)) == 6
