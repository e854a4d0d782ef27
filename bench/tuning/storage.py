"""Where trials are kept: an append-only journal that survives being killed at any byte, or any Optuna URL.

Every lock here is the kernel's (`flock`): it ends with its process, so that nothing waits for the dead, and a torn last
line under a lock that could be taken was left by a dead writer and can be cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from bench.records.files import ResultsError
from bench.tuning.database import open_database, turn
from bench.tuning.owner import Owner

JOURNAL = "journal.log"
OWNER = "owner"  # user attribute of a trial: which process runs it
SETTINGS = "settings"  # its proposed settings by path, when all are there
GIVEN_BACK = "given_back"  # its process died, and its parameters are tried again by another trial
_RETRY = "retry_of"
RESULT = "result"  # what a trial came to, kept from the moment it is known until its whole batch is told


class _JournalLock:
    """An exclusive `flock` beside the journal, which repairs a torn last line before anything is appended to it."""

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.held: IO[bytes] | None = None

    def acquire(self) -> bool:
        file = self.journal.with_suffix(".lock").open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        self.held = file
        repair(self.journal)
        return True

    def release(self) -> None:
        if self.held is not None:
            self.held.close()
            self.held = None


def repair(journal: Path) -> int:
    """Cut an incomplete last line off; returns the bytes removed. Call with the lock held or before first opening.

    Optuna reads a journal with a torn line as long as nothing follows it, and never again once something does.
    """
    if not journal.exists():
        return 0
    with journal.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        keep = size
        while keep:  # complete lines end in a newline and are JSON; at most the last can be otherwise
            start = _last_line_start(file, keep)
            file.seek(start)
            line = file.read(keep - start)
            if line.endswith(b"\n") and _is_json(line):
                break
            keep = start
        if keep < size:
            file.truncate(keep)
            os.fsync(file.fileno())
    return size - keep


def _last_line_start(file: IO[bytes], end: int) -> int:
    """Where the line that ends at `end` begins."""
    at = end - 1  # the newline that ends the line itself does not begin one
    while at > 0:
        step = min(at, 4096)
        file.seek(at - step)
        found = file.read(step).rfind(b"\n")
        if found >= 0:
            return at - step + found + 1
        at -= step
    return 0


def _is_json(line: bytes) -> bool:
    """Whether a line parses."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def open_storage(folder: Path, url: str | None) -> BaseStorage:
    """The storage of a study: a journal in its folder, or the given URL (SQLite, PostgreSQL, …).

    Raises:
        ResultsError: it cannot be written, or reached.
    """
    _hush()
    if url is not None:
        return open_database(url)
    journal = folder / JOURNAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _JournalLock(journal)
        lock.acquire()  # repairs
        lock.release()
        return JournalStorage(JournalFileBackend(str(journal), lock_obj=cast(Any, lock)))
    except OSError as error:
        raise ResultsError(
            f"{folder}: expected a folder that can be written, got: {error.strerror or error}; choose another with "
            "results=…"
        ) from error


def read_storage(folder: Path) -> BaseStorage:
    """The journal of a study for reading only: nothing is locked, repaired or written, so that any folder will do."""
    _hush()
    return JournalStorage(JournalFileBackend(str(folder / JOURNAL), lock_obj=cast(Any, _NoLock())))


def _hush() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # TPE's `group`: pinned and recorded
    warnings.filterwarnings("ignore", message="Heartbeat of storage")  # beats are ours: bench.tuning.owner


class _NoLock:
    """Of a journal that is only read."""

    def acquire(self) -> bool:
        raise ResultsError("a journal that is only read was to be written")

    def release(self) -> None:
        """Nothing is held."""


@contextmanager
def claim(folder: Path, study: str, storage: Any = None) -> Iterator[None]:
    """One process at a time decides which trials to begin: in this folder, and on the database that holds the study.

    Raises:
        ResultsError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "claim.lock").open("ab")
    except OSError as error:
        raise ResultsError(
            f"{folder}: expected a folder that can be written, got: {error.strerror or error}; choose another with "
            "results=…"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with turn(storage, study):
            yield


def told(study: optuna.Study, number: int, values: list[float] | None = None, state: TrialState | None = None) -> bool:
    """Tell what became of a trial; False where another process has told already: what it told stays."""
    done = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    if study.get_trials(deepcopy=False)[number].state in done:
        return False
    try:
        study.tell(number, values, state=state, skip_if_finished=True)
    except optuna.exceptions.UpdateFinishedTrialError:
        return False
    return True


def noted(trial: optuna.Trial, name: str, value: Any) -> None:
    """Note something of a trial, unless another process has ended it."""
    with suppress(optuna.exceptions.UpdateFinishedTrialError):
        trial.set_user_attr(name, value)


def reap(study: optuna.Study, owner: Owner) -> int:
    """Fail the running trials of dead processes and enqueue their parameters again; returns how many. Under `claim`."""
    lost = 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.user_attrs.get(OWNER) == owner.name or owner.alive(trial, study):
            continue
        _give_back(study, trial)
        lost += 1
    return lost


def _give_back(study: optuna.Study, trial: FrozenTrial) -> None:
    """Settle a trial whose process died: with its result where that is known, else by trying it again.

    Its parameters are enqueued before it is failed: in this order, a kill in between loses nothing. One that died
    before all of its parameters were proposed is proposed anew: the sampler gives the same then.
    """
    if RESULT in trial.user_attrs:
        settle(study, trial.number, trial.user_attrs[RESULT])
        return
    left = (OWNER, GIVEN_BACK)
    attributes: dict[str, Any] = {k: v for k, v in trial.user_attrs.items() if k not in left}
    known = trial.params if SETTINGS in trial.user_attrs else trial.system_attrs.get("fixed_params")
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if known is not None and not any(w.user_attrs.get(_RETRY) == trial.number for w in waiting):
        study.enqueue_trial(known, user_attrs={**attributes, _RETRY: trial.number})
    with suppress(optuna.exceptions.UpdateFinishedTrialError):
        optuna.Trial(study, trial._trial_id).set_user_attr(GIVEN_BACK, True)
    told(study, trial.number, state=TrialState.FAIL)


def settle(study: optuna.Study, number: int, values: list[float] | None) -> bool:
    """Tell a trial's values; None stands for a pruned one. False where another process was first."""
    return told(study, number, values, TrialState.PRUNED if values is None else None)
