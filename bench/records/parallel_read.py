"""Parsing many record files: a part at a time, so that memory stays small, and with a process for each spare core.

    python -m bench.records.parallel_read RESULTS < KEYS > TABLE

is what a helper process runs: keys in, one a line, the table of their records out, as an Arrow stream.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]

from bench.machine import usable_cores
from bench.records.columns import RecordTable, joined, of_records
from bench.records.files import ResultsError, one_line
from bench.records.proof import unproven
from bench.records.reading import AGAIN
from bench.records.record import Record
from bench.records.store import Store
from bench.records.table_file import of_arrow, to_arrow

PART: Final = 2_000
"""Records held as objects at a time."""

WORTH_IT: Final = 5_000
"""Records for each process at least: a helper takes a second to start, and this many take one to parse."""


def parse_files(store: Store, names: Sequence[str], *, processes: int | None = None) -> RecordTable:
    """The table of the records with these keys, in their order; `processes` at most, by default one a core.

    A helper that fails for whatever reason is not relied on: its records are parsed here, with the same outcome. Files
    that are no records are named in `left_out`.
    """
    count = max(1, min(processes or usable_cores(), len(names) // WORTH_IT))
    bounds = [len(names) * i // count for i in range(count + 1)]
    shares = [names[start:stop] for start, stop in itertools.pairwise(bounds)]
    helpers = [_Helper(store, share) for share in shares[1:]]
    try:
        parts = [_parsed(store, shares[0])]
        for helper, share in zip(helpers, shares[1:], strict=True):
            parts.append(helper.records() or _parsed(store, share))
    finally:
        for helper in helpers:
            helper.stop()
    return joined(parts)


def _parsed(store: Store, names: Sequence[str]) -> RecordTable:
    parts = [read_records(store, names[start : start + PART]) for start in range(0, max(1, len(names)), PART)]
    return joined(parts)


def read_records(store: Store, names: Sequence[str]) -> RecordTable:
    """The table of those of the records with these keys that prove themselves; the others are named in `left_out`."""
    found, left_out = list[Record](), list[str]()
    for name in names:
        path = store.path(name)
        try:
            record = store.read(path)
            of_records([record])  # what a foreign hand put into traits may fit no column
        except ResultsError as error:
            left_out.append(str(error))
        except (TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
            left_out.append(f"{path}: expected a record, but got {one_line(error)}; {AGAIN}")
        else:
            if why := unproven(record, path):
                left_out.append(why)
            else:
                found.append(record)
    return replace(of_records(found), left_out=tuple(left_out))


class _Helper:
    """A process that parses some records; a thread feeds and drains it, so that neither side waits for the other."""

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        # -P: a folder `bench` in the working directory is not what is meant.
        command = [sys.executable, "-P", "-m", "bench.records.parallel_read", str(store.root)]
        self.output = b""
        self.process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        self.thread = threading.Thread(target=self._talk, args=("\n".join(names).encode(),), daemon=True)
        self.thread.start()

    def _talk(self, keys: bytes) -> None:
        if self.process is not None:
            self.output = self.process.communicate(keys)[0]

    def records(self) -> RecordTable | None:
        """What it found; None where it failed."""
        self.thread.join()
        if self.process is None or self.process.returncode:
            return None
        try:
            with pa.ipc.open_stream(self.output) as stream:
                return of_arrow(stream.read_all())
        except (pa.ArrowException, KeyError, ValueError):
            return None

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        self.thread.join()


def main(arguments: Sequence[str]) -> int:
    """What a helper does."""
    keys = sys.stdin.read().split("\n")
    table = to_arrow(_parsed(Store(Path(arguments[0])), keys)).combine_chunks()
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
        stream.write_table(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
