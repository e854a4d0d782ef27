"""Records put away: they count nowhere, nothing of them is lost, and they can be taken back.

`retire` moves a record and its predictions from `runs/` to `retired/` under the same names. The record goes first and
comes back last: where it stands is what counts, so that a kill in between leaves a cell that is to be run, or one that
is put away, and never half a result.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from bench.files import sync_folder
from bench.records.files import ResultsError
from bench.records.store import Store

_DIGITS: Final = 8
"""So many digits of a key must be given: fewer may be those of many records."""


def retired_store(store: Store) -> Store:
    """The store of what was put away: `retired/` beside `runs/`."""
    found = Store(store.root)
    found.runs = store.root / "retired"
    return found


def retire(store: Store, keys: Sequence[str]) -> int:
    """Put records away. Returns how many were there.

    Raises:
        ResultsError: a file cannot be moved.
    """
    return sum(_move(store, retired_store(store), key, record_first=True) for key in keys)


def restore(store: Store, keys: Sequence[str]) -> int:
    """Take records back. Returns how many were there.

    Raises:
        ResultsError: a cell has been run again meanwhile, or a file cannot be moved; nothing was moved.
    """
    taken = [key for key in keys if store.path(key).exists() and retired_store(store).path(key).exists()]
    if taken:
        raise ResultsError(
            f"record {taken[0][:12]}: its cell has been run again since it was put away; put the new record away first "
            f"(imbench results retire {taken[0][:12]}), or leave the old one where it is"
        )
    return sum(_move(retired_store(store), store, key, record_first=False) for key in keys)


def _move(source: Store, target: Store, key: str, *, record_first: bool) -> bool:
    record = source.path(key)
    if not record.exists():
        return False
    predictions = sorted(record.parent.glob(f"{key}.*.parquet"))
    folder = target.path(key).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in [record, *predictions] if record_first else [*predictions, record]:
            os.replace(path, folder / path.name)
        sync_folder(folder)
    except OSError as error:
        raise ResultsError(f"cannot move {record} to {folder}: {error.strerror or error}; nothing is lost") from error
    return True


def keys_like(store: Store, word: str) -> list[str]:
    """The keys of a store that begin with a word of at least eight digits; none for a shorter one."""
    return [path.stem for path in store.paths() if path.stem.startswith(word)] if len(word) >= _DIGITS else []
