"""A table scored block by block: from any file that training reads to Parquet or CSV, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing, suggest
from bench.data.files.dialect import Asked, check_bomb, readable
from bench.data.files.parquet import ENDINGS, ParquetTable, parquet_files
from bench.data.files.text import no_header_rows, repeated_note, text_query
from bench.data.tables.schema import check_names
from bench.evaluation.views import Floats, log_softmax
from bench.export.decision import VIEWS
from bench.export.errors import ExportError
from bench.export.model import ExportedModel, PriorEstimate
from bench.export.noticed import CellsNoticed, columns_left_out, few_rows
from bench.files import new_file

BLOCK = 1 << 15  # rows scored at a time

Columns = dict[str, Any]
"""Name -> column of pyarrow, of one block."""


@dataclass
class Scored:
    """What scoring a table came to. `shares`: how often each class was decided; `means`: mean recalibrated probability
    of each class, both (C,)."""

    rows: int = 0
    notes: list[str] = field(default_factory=list)
    decided: dict[str, int] = field(default_factory=dict)
    means: Floats = field(default_factory=lambda: np.zeros(0))
    prior: Floats | None = None  # that was estimated, or given


@contextmanager
def blocks_of_table(path: Path, asked: Asked, notes: list[str]) -> Iterator[tuple[list[str], Iterator[Columns]]]:
    """The column names of a file or of a folder of Parquet, and its rows in blocks of at most `BLOCK`.

    Raises:
        DataError: it cannot be read.
    """
    if path.is_dir() or path.name.lower().endswith(ENDINGS):
        table = ParquetTable(parquet_files(path), path) if path.is_dir() else ParquetTable([path])
        yield check_names(table.name, table.names), _parquet_blocks(table)
        return
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path}: expected a table to score, but there is none. {suggest(path.name, beside).rstrip()}")
    check_bomb(path)
    with readable(path, asked) as (file, read), text_query(file, read) as (connection, query, parameters):
        condition, header = no_header_rows(read.header)
        given = {**parameters, **header}
        counted = connection.execute(f"SELECT count(*) FROM ({query}) WHERE NOT ({condition})", given)
        if (repeated := counted.fetchall()[0][0]) > 0:
            notes.append(repeated_note(repeated))
        kept = connection.sql(f"SELECT * FROM ({query}) WHERE {condition}", params=given)
        batches = kept.to_arrow_reader(BLOCK)
        names = check_names(path.name, read.header)
        yield names, (dict(zip(names, batch.columns, strict=True)) for batch in batches if batch.num_rows)


def _parquet_blocks(table: ParquetTable) -> Iterator[Columns]:
    """Rows of Parquet files, in types on which all files agree."""
    names, kinds = check_names(table.name, table.names), table.schema
    for file, said in zip(table.files, table.said, strict=True):
        for batch in file.iter_batches(batch_size=BLOCK):
            held = dict(zip(batch.schema.names, batch.columns, strict=True))
            typed = [
                held[name] if held[name].type == kinds.field(name).type else held[name].cast(kinds.field(name).type)
                for name in kinds.names
            ]
            typed += [pa.repeat(pa.scalar(value, pa.string()), batch.num_rows) for value in said.values()]
            yield dict(zip(names, typed, strict=True))


def score_file(
    model: ExportedModel,
    path: Path,
    out: Path,
    *,
    asked: Asked,
    keep: Sequence[str] = (),
    new_prior: Floats | PriorEstimate | None = None,
    strict: bool = True,
) -> Scored:
    """Score every row of a table, in its order, and write one row for each.

    new_prior: class shares (C,) of the rows, or how to estimate them from these rows: in a first pass over them.

    Columns written: those of `keep`; for each view the probability of the positive class, or of each of several
    (`raw/yes`, `corrected/yes`, `recalibrated/yes`); `decision`, a class in its own words.

    Raises:
        DataError: the table has other columns than the model takes, or cells that cannot be read.
        ExportError: the result cannot be written, or would take the place of the table.
    """
    if out.suffix.lower() not in (".parquet", ".pq", ".csv"):
        raise ExportError(f"out={out}: expected a file ending in .parquet or .csv; name it so")
    _check_apart(path, out)
    estimated = isinstance(new_prior, str)
    if isinstance(new_prior, str):
        new_prior = estimated_prior(model, path, new_prior, asked=asked, strict=strict)
    done = Scored(prior=new_prior, means=np.zeros(len(model.classes)))
    try:
        with blocks_of_table(path, asked, done.notes) as (names, blocks), new_file(out) as work:
            model.input.check(names, path.name, strict=strict)
            _check_kept(keep, names, path.name, model.classes)
            done.notes += columns_left_out(model.input, [name for name in names if name not in keep])
            noticed = CellsNoticed(model.input, model.encoders)
            sink = _Sink(work, out.suffix.lower())
            try:
                for block in blocks:
                    sink.write(_scored_block(model, block, keep, new_prior, done=done, noticed=noticed))
                if not done.rows:
                    raise DataError(f"{path.name}: expected rows, got only a header ({listing(names)})")
            finally:
                sink.close()
    except OSError as error:
        raise ExportError(f"out={out}: expected to write it there, got: {error.strerror or error}") from error
    done.means = done.means / done.rows
    done.notes += [*noticed.notes(), *(few_rows(done.rows) if estimated else ())]
    return done


def estimated_prior(
    model: ExportedModel, path: Path, by: PriorEstimate, *, asked: Asked, strict: bool = True
) -> Floats:
    """Class shares (C,) of the rows of a table, from its scores.

    Raises:
        DataError: the table cannot be read, or its scores do not tell.
    """
    logits = []
    with blocks_of_table(path, asked, []) as (names, blocks):
        model.input.check(names, path.name, strict=strict)
        first = 0
        for block in blocks:
            logits.append(model.logits_of(block, first))
            first += len(logits[-1])
    if not first:
        raise DataError(f"{path.name}: expected rows, got only a header")
    return model.estimated_prior(np.concatenate(logits), by)


def _check_apart(path: Path, out: Path) -> None:
    """Refuse to write over what is read."""
    inside = path.is_dir() and path.resolve() in out.resolve().parents
    if inside or (path.exists() and out.exists() and path.samefile(out)):
        raise ExportError(f"out={out}: expected a file apart from the table that is read, {path}; name another")


def _check_kept(keep: Sequence[str], names: Sequence[str], where: str, classes: Sequence[str]) -> None:
    """Columns to copy: each once, of the table, and with a name that no column of scores has."""
    written = {"decision", *(f"{view}/{name}" for view in VIEWS for name in classes)}
    for name in keep:
        if name in written or list(keep).count(name) > 1:
            why = "a column of scores has that name" if name in written else "it is named twice"
            raise DataError(f"keep={name}: expected columns apart from the scores, each once, but {why}; rename it")
        if name not in names:
            raise DataError(
                f"keep={name}: expected a column of {where}, got none by that name. "
                f"{suggest(name, names)}Columns: {listing(names)}"
            )


def _scored_block(
    model: ExportedModel,
    block: Columns,
    keep: Sequence[str],
    new_prior: Floats | None,
    *,
    done: Scored,
    noticed: CellsNoticed,
) -> pa.Table:
    """The rows of a block with their scores."""
    frame = model.input.frame(block, done.rows)
    noticed.see(frame)
    logits = model.logits_of_typed(frame)
    found: Columns = {name: block[name] for name in keep}
    shown = [1] if len(model.classes) == 2 else range(len(model.classes))
    views = model.rule.views(logits, new_prior)
    for view in VIEWS:
        p = np.exp(log_softmax(views[view]))
        found |= {f"{view}/{model.classes[c]}": pa.array(p[:, c]) for c in shown}
    decided = model.rule.decide(logits, new_prior, costs=model.costs_of(block))
    found["decision"] = pa.array([model.classes[c] for c in decided], pa.string())
    done.rows += len(logits)
    done.means = done.means + np.exp(log_softmax(views["recalibrated"])).sum(axis=0)
    for c, count in enumerate(np.bincount(decided, minlength=len(model.classes)).tolist()):
        done.decided[model.classes[c]] = done.decided.get(model.classes[c], 0) + count
    return pa.table(found)


class _Sink:
    """A file that grows by blocks: Parquet or CSV."""

    def __init__(self, path: Path, ending: str) -> None:
        self.path, self.ending = path, ending
        self.writer: Any = None

    def write(self, table: pa.Table) -> None:
        if self.writer is None:
            kind = pa_csv.CSVWriter if self.ending == ".csv" else pq.ParquetWriter
            self.writer = kind(str(self.path), table.schema)
        self.writer.write_table(table)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
