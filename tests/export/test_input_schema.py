"""New tables are read as the training table was: cell by cell, whatever lies in the other cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from bench.data.errors import DataError
from bench.data.tables.schema import Table
from bench.export.input_schema import InputSchema, spelling_of
from bench.export.proven import input_schema
from tests.export.rows import asked, orders, written


def columns(frame: pd.DataFrame) -> dict[str, pa.Array]:
    return {name: pa.array(frame[name], pa.string()) for name in frame}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, InputSchema, pd.DataFrame]:
    path = written(tmp_path_factory.mktemp("orders"))
    config = asked(path)
    table = config.load()
    return table, input_schema(table, config), orders()


def same(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert sorted(got) == sorted(expected)
    for name in expected:
        want, have = expected[name].to_numpy(), got[name].to_numpy()
        if want.dtype == np.float64:
            np.testing.assert_array_equal(have, want, err_msg=name)
        else:
            assert [None if pd.isna(v) else v for v in have] == [None if pd.isna(v) else v for v in want], name


def test_the_training_table_is_read_as_it_was(read: tuple[Table, InputSchema, pd.DataFrame]) -> None:
    """All columns, made ones too; the oracle is the table that training read."""
    table, schema, frame = read
    same(schema.frame(columns(frame)).iloc[table.rows].reset_index(drop=True), table.frame)


def test_no_cell_depends_on_another(read: tuple[Table, InputSchema, pd.DataFrame]) -> None:
    """One row at a time is read as all of them: marks, orders of days and spellings were proved by the whole table."""
    table, schema, frame = read
    for at in range(0, 60):
        same(schema.frame(columns(frame.iloc[[table.rows[at]]])), table.frame.iloc[[at]].reset_index(drop=True))


def test_the_schema_survives_as_plain_data(read: tuple[Table, InputSchema, pd.DataFrame]) -> None:
    _, schema, _ = read
    again = InputSchema.of_state(schema.state())
    assert again.state() == schema.state()
    assert again.columns == ("bought", "code", "gift", "note", "paid", "shop", "size", "weight")
    assert schema.marks == {"paid": ","}
    assert schema.day_first == {"bought": True}


@pytest.mark.parametrize(
    ("cells", "read_as"), [(["1,5 kg", "2 kg", "10,25 kg"], [1.5, 2, 10.25]), (["7 cm"] * 3, [7] * 3)]
)
def test_a_unit_is_that_of_the_training_table(tmp_path: Path, cells: list[str], read_as: list[float]) -> None:
    """Alone, a row in another unit would be read as a number of the wrong size."""
    frame = orders(90).assign(weight=cells * 30)
    config = asked(written(tmp_path, frame), formats={"paid": "currency", "weight": "unit"})
    schema = InputSchema.of_state(input_schema(config.load(), config).state())
    for at, value in enumerate(read_as):
        assert schema.frame(columns(frame.iloc[[at]]))["weight"].tolist() == [value]
    with pytest.raises(DataError, match=r"column 'weight': expected one unit in all cells .* got '900 g' and '1"):
        schema.frame(columns(frame.iloc[[0]].assign(weight="900 g")))


@pytest.mark.parametrize(
    ("name", "cells", "labels"),
    [
        ("size", ["36.0", "38", " 40 "], ["36", "38", "40"]),  # numbers as labels: one spelling each
        ("code", ["007", "7", "105"], ["007", "7", "105"]),  # names that look like numbers stay as they stand
        ("gift", ["TRUE", "false", "na"], ["true", "false", None]),
        ("shop", ["York", "", "12"], ["York", None, "12"]),
    ],
)
def test_labels_are_spelled_as_in_training(
    read: tuple[Table, InputSchema, pd.DataFrame], name: str, cells: list[str], labels: list[str | None]
) -> None:
    _, schema, frame = read
    got = schema.frame(columns(frame.iloc[:3].assign(**{name: cells})))[name]
    assert [None if pd.isna(v) else v for v in got] == labels


def test_typed_columns_are_read_as_text_is(read: tuple[Table, InputSchema, pd.DataFrame]) -> None:
    """A data frame with numbers and booleans instead of text."""
    table, schema, frame = read
    typed = columns(frame)
    typed["size"] = pa.array(frame["size"].astype(float))
    typed["gift"] = pa.array(frame["gift"].str.lower() == "true")
    typed["weight"] = pa.array(pd.to_numeric(frame["weight"]), from_pandas=True)
    typed["shop"] = pa.array(frame["shop"].replace("", None)).dictionary_encode()
    same(schema.frame(typed).iloc[table.rows].reset_index(drop=True), table.frame)


def test_columns_are_held_to_the_schema(read: tuple[Table, InputSchema, pd.DataFrame]) -> None:
    """Missing ones always, new ones unless they are to be ignored; target and ignored columns may be there."""
    _, schema, frame = read
    names = list(frame)
    schema.check(names, "new.csv")
    schema.check([n for n in names if n not in ("late", "order")], "new.csv")
    with pytest.raises(DataError, match=r"new.csv: expected the columns .* none by the name of weight"):
        schema.check([n for n in names if n != "weight"], "new.csv")
    with pytest.raises(DataError, match=r"no column that the training table had not, got colour.*strict=false"):
        schema.check([*names, "colour"], "new.csv")
    schema.check([*names, "colour"], "new.csv", strict=False)


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [
        ("weight", "heavy", r"column 'weight': expected numbers .*'heavy' \(row 8\)"),
        ("weight", "inf", r"column 'weight': expected finite numbers.*row 8"),
        ("paid", "€ 1,234.50", r"paid"),  # under the other decimal mark
        ("bought", "12/31/2024", r"bought"),  # in the other order
    ],
)
def test_cells_that_cannot_be_read_are_named(
    read: tuple[Table, InputSchema, pd.DataFrame], name: str, cell: str, said: str
) -> None:
    """With their row in the file, whichever block they are in."""
    _, schema, frame = read
    wrong = frame.iloc[:3].assign(**{name: [frame[name][0], frame[name][1], cell]})
    with pytest.raises(DataError, match=said):
        schema.frame(columns(wrong), first=5)


def test_the_spelling_of_labels() -> None:
    assert spelling_of(["1", "2.5", "-3"]) == "number"
    assert spelling_of(["true", "false"]) == "boolean"
    for labels in (["1", "2.50"], ["007"], ["a"], [], ["9007199254740993"], ["1", "x"]):
        assert spelling_of(labels) == "text", labels


def test_missing_words_of_the_training_table_are_missing(tmp_path: Path) -> None:
    frame = orders(60)
    frame.loc[::7, "shop"], frame.loc[::9, "weight"] = "-", "keine"
    config = asked(written(tmp_path, frame), missing_words=["-", "keine"])
    table = config.load()
    same(input_schema(table, config).frame(columns(frame)).iloc[table.rows].reset_index(drop=True), table.frame)
