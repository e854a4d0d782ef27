"""From a training table to the schema of new ones: what its columns proved, all cells taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench.data.config import DataConfig
from bench.data.errors import DataError
from bench.data.files.dialect import Asked
from bench.data.sources.file import File, parquet, read
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import Values, decode
from bench.data.tables.derive import BETWEEN, derive
from bench.data.tables.formats import unit_of
from bench.data.tables.origin import Origin
from bench.data.tables.schema import Table, coded
from bench.export.input_schema import PROOF, InputSchema, Spelling, proof, spelling_of

T = TypeVar("T")


def input_schema(table: Table, config: DataConfig) -> InputSchema:
    """How new tables are read for a model of this one.

    Raises:
        DataError: the file cannot be read again.
    """
    origin = Origin(
        name=table.name,
        file=table.name,
        source=table.source,
        version=table.version,
        licence=table.licence,
        remarks=config.source.name == File.name,
    )
    spellings = {name: spelling_of(coded(table.frame[name])[1]) for name in table.names("categorical")}
    for names in config.crosses:
        spellings |= {n: s for n, s in _of_parts(table, names) if n not in spellings}
    units = {name: _unit(name, config) for name, form in (config.formats or {}).items() if form == "unit"}
    marks = {name: _mark(name, table, config, units.get(name, "")) for name in config.formats or {}}
    orders = {name: _day_first(name, table, config) for name in config.dates}
    return InputSchema(
        kinds={column.name: column.kind for column in table.columns},
        spellings=spellings,
        target=table.target,
        known=tuple(sorted(table.ignored)),
        missing_words=tuple(sorted(origin.missing_words(config))),
        formats=config.formats,
        marks={name: mark for name, mark in marks.items() if mark is not None},
        units=units,
        dates=config.dates,
        day_first={name: order for name, order in orders.items() if order is not None},
        crosses=config.crosses,
    )


def _of_parts(table: Table, names: tuple[str, ...]) -> Iterator[tuple[str, Spelling]]:
    """How the columns that a cross is made of spell their labels."""
    _, labels = coded(table.frame[BETWEEN.join(names)])
    parts = [label.split(BETWEEN) for label in labels]
    for i, name in enumerate(names):
        yield name, spelling_of({part[i] for part in parts if len(part) == len(names)} - {"?"})


def _unit(name: str, config: DataConfig) -> str:
    """The unit of a column; '' where none was needed."""
    raw = _raw(name, config)
    return "" if raw is None else unit_of(raw.coded[1])


def _mark(name: str, table: Table, config: DataConfig, unit: str) -> str | None:
    """The decimal mark that a column's cells proved; None where there is no choice, or none was needed."""
    form = {name: (config.formats or {})[name]}

    def under(mark: str, raw: Values) -> Any:
        given = Values("string", np.append(raw.strings(), [proof(mark, unit)]))
        return derive({name: given}, TableConfig(formats=form), [])[0][name].data[:-1]

    return _only(PROOF, under, _raw(name, config), name, table)


def _day_first(name: str, table: Table, config: DataConfig) -> bool | None:
    """Whether a column's dates put the day first; None where their form leaves no choice."""
    if config.day_first is not None:
        return config.day_first

    def under(first: bool, raw: Values) -> Any:
        return derive({name: raw}, TableConfig(dates=(name,), day_first=first), [])[0][f"{name} days"].data

    return _only((True, False), under, _raw(name, config), f"{name} days", table)


def _only(
    choices: Iterable[T], under: Callable[[T, Values], Any], raw: Values | None, feature: str, table: Table
) -> T | None:
    """The one of several choices under which a raw column becomes the table's `feature`; None if all do."""
    if raw is None or feature not in table.frame:
        return None
    held, fitting = table.frame[feature].to_numpy(dtype=np.float64), []
    for choice in choices:
        try:
            found = np.asarray(under(choice, raw))[table.rows]
        except DataError:
            continue
        if np.array_equal(found, held, equal_nan=True):
            fitting.append(choice)
    return fitting[0] if len(fitting) == 1 else None


def _raw(name: str, config: DataConfig) -> Values | None:
    """A column of the user's file before it was typed; None for sources that have no file."""
    source = config.source
    if not isinstance(source, File) or source.path is None:
        return None
    path = Path(source.path).expanduser()
    stored = parquet(path) if path.is_dir() or path.suffix.lower() in (".parquet", ".pq") else None
    words = {word.strip().lower() for word in config.missing_words or ()}
    column = read(path, Asked(source.encoding, source.delimiter))[0][name] if stored is None else stored.read(name)
    return decode(column, text=name in (config.formats or {}), missing=words)
