"""Studies in a database that several processes, results folders and machines share: opening it, and taking turns.

Optuna promises that trials have different numbers; it does not promise that two processes which ask at once are
proposed different settings, since neither sees the other's trial. So whoever asks has the study for that moment, by a
lock that ends with its owner: of PostgreSQL the server's (it ends with the connection), of SQLite the kernel's on a
file beside the database. Other databases have none here; the lock in a results folder holds for them as for a journal.
"""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.storages import RDBStorage

from bench.printed import masked
from bench.records.files import ResultsError, one_line
from bench.tuning.owner import BEAT_SECONDS, DEAD_SECONDS

_TRIES: Final = 10  # to open a database in which another process is making the tables at this moment
_BUSY_SECONDS: Final = 60  # that SQLite waits for another writer
_MADE_MEANWHILE: Final = ("already exists", "duplicate", "unique", "database is locked", "no such table")


def open_database(url: str) -> RDBStorage:
    """The storage behind a URL of Optuna's; it holds the tables when this returns.

    Raises:
        ResultsError: it cannot be reached or written.
    """
    settings: dict[str, Any] = {"connect_args": {"timeout": _BUSY_SECONDS}} if url.startswith("sqlite") else {}
    for left in reversed(range(_TRIES)):
        try:
            return RDBStorage(url, engine_kwargs=settings, heartbeat_interval=BEAT_SECONDS, grace_period=DEAD_SECONDS)
        except Exception as error:  # SQLAlchemy's and drivers' own, of which none has a common base
            if left and any(said in str(error).lower() for said in _MADE_MEANWHILE):
                time.sleep(0.2)
                continue
            raise unusable(error) from error
    raise AssertionError("the last try returns or raises")


def unusable(error: BaseException) -> ResultsError:
    """What is said of a database that fails: in a line, and without its password."""
    what = masked(one_line(Exception(str(error.__cause__ or error)))).partition(" (Background on this error")[0]
    return ResultsError(
        f"tune.storage: expected a database that can be reached and written, got {type(error).__name__}: {what}; "
        "correct the URL or start its server, then run the same command again"
    )


@contextmanager
def turn(storage: Any, study: str) -> Iterator[None]:
    """Have a study of a database for oneself while trials are asked; anything else than a database passes."""
    engine = getattr(storage, "engine", None)
    if engine is None:
        yield
    elif engine.dialect.name == "postgresql":
        from sqlalchemy import text  # noqa: PLC0415 - half a second, for databases only

        key = int.from_bytes(hashlib.sha256(study.encode()).digest()[:8], "big", signed=True)
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield
    elif engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:"):
        path = Path(engine.url.database)
        with path.with_name(f"{path.name}.turn").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        yield


@contextmanager
def said_of_database() -> Iterator[None]:
    """What a database raises in the middle of a search becomes one line.

    Raises:
        ResultsError: it could not be read or written.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, optuna.exceptions.StorageInternalError) or type(error).__module__.startswith("sqlalchemy"):
            raise unusable(error) from error
        raise
