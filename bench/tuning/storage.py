"""Where trials are kept: an append-only journal that survives being killed at any byte, or any Optuna URL.

Every lock here is the kernel's (`flock`): it ends with its process, so that nothing waits for the dead, and a torn last
line under a lock that could be taken was left by a dead writer and can be cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

OWNER = "owner"  # user attribute of a trial: which process runs it
_RETRY = "retry_of"
RESULT = "result"  # what a trial came to, kept from the moment it is known until its whole batch is told
_ELSEWHERE = timedelta(hours=1)  # a trial of another machine counts as lost after so long: its locks cannot be seen


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
    """The storage of a study: a journal in its folder, or the given URL (SQLite, PostgreSQL, …)."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # TPE's `group`: pinned and recorded
    if url is not None:
        return RDBStorage(url)
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / "journal.log"
    lock = _JournalLock(journal)
    lock.acquire()  # repairs
    lock.release()
    return JournalStorage(JournalFileBackend(str(journal), lock_obj=cast(Any, lock)))


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """One process at a time decides which trials to begin."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "claim.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Owner:
    """This process as an owner of trials: a locked file, released by the kernel when the process ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "owners"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{uuid.uuid4().hex}@{machine()}"
        self.file = (self.folder / self.name.partition("@")[0]).open("ab")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def close(self) -> None:
        """Give the trials of this owner up."""
        self.file.close()
        (self.folder / self.name.partition("@")[0]).unlink(missing_ok=True)

    def alive(self, trial: FrozenTrial) -> bool:
        """Whether the process that runs a trial still lives."""
        owner = str(trial.user_attrs.get(OWNER, ""))
        name, _, where = owner.partition("@")
        if where and where != machine():
            began = trial.datetime_start
            return began is not None and datetime.now() - began < _ELSEWHERE  # Optuna's times are local
        path = self.folder / name
        if not name or not path.exists():
            return False
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        path.unlink(missing_ok=True)
        return False


def machine() -> str:
    """A short name of this machine that does not give its host name away."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, socket.gethostname()).hex[:8]


def reap(study: optuna.Study, owner: Owner) -> int:
    """Fail the running trials of dead processes and enqueue their parameters again; returns how many. Under `claim`."""
    lost = 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.user_attrs.get(OWNER) == owner.name or owner.alive(trial):
            continue
        _give_back(study, trial)
        lost += 1
    return lost


def _give_back(study: optuna.Study, trial: FrozenTrial) -> None:
    """Settle a trial whose process died: with its result where that is known, else by trying it again.

    Its parameters are enqueued before it is failed: in this order, a kill in between loses nothing.
    """
    if RESULT in trial.user_attrs:
        settle(study, trial.number, trial.user_attrs[RESULT])
        return
    attributes: dict[str, Any] = {k: v for k, v in trial.user_attrs.items() if k != OWNER}
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if not any(w.user_attrs.get(_RETRY) == trial.number for w in waiting):
        study.enqueue_trial(trial.params, user_attrs={**attributes, _RETRY: trial.number})
    study.tell(trial.number, state=TrialState.FAIL)


def settle(study: optuna.Study, number: int, values: list[float] | None) -> None:
    """Tell a trial's values; None stands for a pruned one."""
    if values is None:
        study.tell(number, state=TrialState.PRUNED)
    else:
        study.tell(number, values)
