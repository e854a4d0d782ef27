"""Snapshots: a published board as a folder that can be committed, cited, and compared with a later one.

`results/published/NAME/` holds the tables in every format, the records behind them (`records.parquet`, all that tables
need), and `manifest.json`: the command, the environment, and a SHA-256 of each file.
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from bench.files import NameTaken, new_folder
from bench.records import index
from bench.records.columns import RecordTable
from bench.records.files import ResultsError, file_digest
from bench.records.record import digest
from bench.records.table_file import of_arrow, read_table, to_arrow, write_table

RECORDS: Final = "records.parquet"
_MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PACKAGES: Final = ("imbench", "numpy", "pandas", "pyarrow", "scipy")


def reserve(root: Path, name: str, *, overwrite: bool) -> Path:
    """The folder of a snapshot; refuses before any work is done.

    Raises:
        ResultsError: the name is no folder name everywhere, or it is taken and `overwrite` is false.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise ResultsError(
            f"board.name: expected lower-case letters, digits, '.', '_' and '-', at most 64, starting with a letter or "
            f"digit, got {name!r}"
        )
    folder = root / "published" / name
    if folder.exists() and not overwrite:
        raise ResultsError(
            f"{folder}: a snapshot of this name exists, and snapshots do not change; choose another board.name, or "
            "replace it with board.overwrite=true"
        )
    return folder


def write(
    folder: Path, records: RecordTable, texts: Mapping[str, str], *, command: str, overwrite: bool = False
) -> list[Path]:
    """Write a snapshot in one step: whole under its name, or not at all. Returns its files.

    Raises:
        ResultsError: the folder cannot be written, or another writer took the name first.
    """
    try:
        with new_folder(folder, replace=overwrite) as draft:
            for name, text in texts.items():
                (draft / name).write_text(text, encoding="utf-8", newline="\n")
            write_table(draft / RECORDS, to_arrow(records))
            hashes = {path.name: file_digest(path) for path in sorted(draft.iterdir())}
            manifest = json.dumps(_manifest(folder.name, records, command, hashes), indent=1, sort_keys=True) + "\n"
            (draft / _MANIFEST).write_text(manifest, encoding="utf-8", newline="\n")
    except (NameTaken, OSError) as error:
        reason = "another writer took the name first" if isinstance(error, NameTaken) else error.strerror or error
        raise ResultsError(f"cannot write {folder}: {reason}; what was there is intact") from error
    return sorted(folder.iterdir())


def _manifest(name: str, records: RecordTable, command: str, hashes: Mapping[str, str]) -> dict[str, Any]:
    coded = records.texts["environment"]
    environments = [json.loads(coded.values[code]) for code in sorted(set(coded.codes.tolist()))]
    machine = f"{platform.system()} {platform.machine()}"  # no more: a kernel's name can be a machine's
    return {
        "format": "imbench-snapshot-1",
        "name": name,
        "command": command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "records": len(records),
        "keys": digest(sorted(records.keys)),
        "files": dict(hashes),
        "made_by": {"python": platform.python_version(), "platform": machine, **_versions()},
        "environments": environments,
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def read(folder: Path) -> RecordTable:
    """The records of a snapshot (checked against its manifest) or of a results folder.

    Raises:
        ResultsError: it is neither, or a snapshot whose records are not those that were written.
    """
    file = folder / RECORDS
    if file.is_file():
        _check(folder, file)
        try:
            return of_arrow(read_table(file))
        except (KeyError, ValueError, AttributeError) as error:
            raise ResultsError(f"{file}: expected records of a snapshot, but got {error}; publish it again") from error
    if (folder / "runs").is_dir():
        return index.read(folder)
    raise ResultsError(
        f"{folder}: expected a snapshot (with {RECORDS}) or a results folder (with runs/), but found neither"
    )


def _check(folder: Path, file: Path) -> None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        wanted = manifest["files"][RECORDS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{folder / _MANIFEST}: expected a manifest, but got {error}; publish it again") from error
    if file_digest(file) != wanted:
        raise ResultsError(f"{file}: its SHA-256 is not the one in {_MANIFEST}; restore the file or publish it again")


def names(root: Path) -> Sequence[str]:
    """The snapshots there are."""
    return sorted(path.parent.name for path in (root / "published").glob(f"*/{_MANIFEST}"))
