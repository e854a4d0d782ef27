"""Who runs a trial, and whether it still lives: a locked file where locks can be seen, a heartbeat elsewhere.

A lock is the kernel's and ends with its process, so that on one machine the dead are known at once. Other machines, and
other results folders on one database, see the heartbeat: of a journal the time of the owner's file, which the file
system stamps, and of a database what Optuna writes there by the database's clock. No two clocks are compared.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

BEAT_SECONDS: Final = 20
DEAD_SECONDS: Final = 120
"""Without a beat for so long, a process that cannot be seen counts as dead."""


class Owner:
    """This process as an owner of trials of one study; `storage` is where beats go that no file can carry."""

    def __init__(self, folder: Path, storage: Any = None) -> None:
        self.folder = folder / "owners"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{uuid.uuid4().hex}@{_machine()}"
        self.path = self.folder / self.name.partition("@")[0]
        self.file = self.path.open("ab")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.storage = storage if isinstance(storage, RDBStorage) else None
        self.trials: set[int] = set()  # Optuna's ids of what it runs
        self.over = threading.Event()
        threading.Thread(target=self._beat_on, name="heartbeat", daemon=True).start()

    def takes(self, trial: int) -> None:
        """From now on it runs a trial, by Optuna's id."""
        self.trials.add(trial)
        self.beat()

    def beat(self) -> None:
        """Say that it lives; where that is impossible it counts as dead before long, which costs work and no result."""
        with suppress(Exception):
            os.utime(self.path)
            if self.storage is not None:
                for trial in sorted(self.trials):
                    self.storage.record_heartbeat(trial)

    def _beat_on(self) -> None:
        while not self.over.wait(BEAT_SECONDS):
            self.beat()

    def close(self) -> None:
        """Give the trials of this owner up: whoever finds the file unlocked takes them over."""
        self.over.set()
        self.file.close()
        self.path.unlink(missing_ok=True)

    def alive(self, trial: FrozenTrial, study: optuna.Study) -> bool:
        """Whether the process that runs a trial still lives."""
        name, _, where = str(trial.user_attrs.get("owner", "")).partition("@")
        path = self.folder / name
        if self.storage is not None and not (name and path.is_file()):  # of another folder, perhaps
            return trial._trial_id not in self.storage._get_stale_trial_ids(study._study_id)
        if not name or not path.is_file():
            return False
        if where != _machine():
            return self._file_time() - path.stat().st_mtime < DEAD_SECONDS
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        path.unlink(missing_ok=True)
        return False

    def _file_time(self) -> float:
        """Now, by the clock of the file system."""
        os.utime(self.path)
        return self.path.stat().st_mtime


def _machine() -> str:
    """A short name of this machine that does not give its host name away."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, socket.gethostname()).hex[:8]
