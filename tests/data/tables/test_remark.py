"""What columns seem to hold that they are not used as. Cells and what is said of them by hand."""

from __future__ import annotations

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from bench.data.tables.decode import decode
from bench.data.tables.infer import infer
from bench.data.tables.remark import remark

N = 60


def said_of(*cells: str, name: str = "v") -> str:
    """What is said of a column whose cells repeat."""
    values = decode(pa.array([cells[i % len(cells)] for i in range(N)], pa.string()))
    kind = infer(name, values)[0]
    return f"({kind}) {remark(name, values, kind)}"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("1,200", "900"), "looks like numbers written as thousands: 'data.formats={v: thousands}'"),
        (("5.00-", "7.50"), "looks like numbers written as thousands: 'data.formats={v: thousands}'"),
        (("−5.2", "3.1"), "looks like numbers written as thousands"),
        (("３７", "１４８"), "looks like numbers written as thousands"),
        (("٣٧", "١٤٨٫٥"), "looks like numbers written as thousands"),
        (("1E5", "1e5", "2E10"), "has one number in several spellings (1E5, 1e5): 'data.kinds={v: categorical}'"),
        (("12,5 %", "7 %"), "looks like numbers written as percent: 'data.formats={v: percent}'"),
        (("¥ 12", "¥ 1,300"), "looks like numbers written as currency: 'data.formats={v: currency}'"),
        (("1_000", "250"), "looks like numbers written as thousands: 'data.formats={v: thousands}'"),
        (("10 kg", "2.5 kg"), "(categorical) looks like numbers written with a unit: 'data.formats={v: unit}'"),
        (("5GB", "10GB"), "looks like numbers written with a unit"),
        (("1.75m", "2m"), "looks like numbers written with a unit"),
        (("36 months", "60 months"), "looks like numbers written with a unit"),
        (("5GB", "500MB"), "looks like numbers with several units, such as '5GB': write the column in one unit"),
        (("1h 30m", "45m"), "looks like numbers written as durations or times of day: 'data.formats={v: duration}'"),
        (("00:05:30", "01:00:00"), "looks like numbers written as durations or times of day"),
        (("2 days", "1 day"), "looks like numbers written as durations"),
        (("2:30 pm", "11:05 am"), "looks like numbers written as durations or times of day"),
        (("12:30", "09:05"), "as hours and minutes: 'data.formats={v: hours_minutes}' ('data.formats={v: minutes_"),
        (("0x1F", "0xA0"), "looks like numbers written as hexadecimal: 'data.formats={v: hexadecimal}'"),
        (("1/2", "3 1/4", "5"), "looks like numbers written as fractions: 'data.formats={v: fraction}'"),
        (("½", "3½"), "looks like numbers written as fractions"),
        (("train", "test", "val"), "says which rows train and test; to split by it: data.given=v"),
        (("1.1", "1.10", "1.2"), "has one number in several spellings (1.1, 1.10): 'data.kinds={v: categorical}'"),
        (("+5", "-2", "+7"), "looks like numbers written as thousands: 'data.formats={v: thousands}'"),
        (("'12", "'13"), """(categorical) begins every cell with a quote, such as "'12": take them out in the file"""),
        (("KÃ¶ln", "Bonn"), "was read in a wrong encoding and saved so: 'KÃ¶ln' is 'Köln'"),
        (("K\ufffdln", "Bonn"), "lost characters when it was saved"),
        (("tr", "te"), "says which rows train and test; to split by it: data.given=v"),
        (("训练", "测试"), "says which rows train and test"),
        (("train", "holdout"), "says which rows train and test"),
    ],
)
def test_what_a_column_seems_to_hold_is_said(cells: tuple[str, ...], said: str) -> None:
    assert said in said_of(*cells)


@pytest.mark.parametrize(
    "cells",
    [
        ("12A", "12B", "3C"), ("1st", "2nd"), ("5+", "10+"), ("v1", "v2"), ("00A", "01B"), ("10x20", "5x3"),
        ("2023/24", "2022/23"), ("10²", "12²"), ("1,234¹", "5,678²"), ("12 Main St", "5 Oak Ave"), ("18-24", "25-34"),
        ("+49 171 1234567", "+49 30 9876543"), ("Köln", "naïve £5", "São"), ("May", "Monday"), ("on", "off"),
    ],
)  # fmt: skip
def test_names_with_digits_and_accents_are_taken_for_what_they_are(cells: tuple[str, ...]) -> None:
    """5+ is not five, 10² is not 102, and 12A is a door."""
    assert said_of(*cells) == "(categorical) "


@pytest.mark.parametrize(
    "cells",
    [
        ("2024-W05", "2024-W06"), ("2024-01", "2024-02"), ("01/2024", "02/2024"), ("Q1 2024", "Q2 2024"),
        ("2024-01-31 10:00 CET", "2024-02-01 11:00 Europe/Berlin"), ("Jan 2024", "February 2024"),
        ("2024年1月", "2024年2月"), ("Mon, 01 Jan 2024", "Tue, 02 Jan 2024"),
    ],
)  # fmt: skip
def test_dates_in_forms_that_are_not_read_are_said(cells: tuple[str, ...]) -> None:
    said = f"looks like dates in a form that is not read, such as '{cells[0]}': write them as 2024-01-31"
    assert said in said_of(*cells)


def test_a_word_among_dates_is_said_with_the_option_that_makes_it_missing() -> None:
    said = said_of(*(f"2024-01-{day:02d}" for day in range(1, 12)), "unknown")
    assert "most read as dates, but not 5 rows such as 'unknown' (rows 12, 24, 36, 48, 60)" in said
    assert "'data.missing_words=[unknown]' if that means missing, or correct them" in said


@pytest.mark.parametrize("name", ["is_train", "fold", "cv_fold", "test_set", "Split"])
def test_numbers_that_are_named_like_a_division_are_said(name: str) -> None:
    said = "is named like a division of the rows, and is learnt from: to split by it"
    assert said in said_of("0", "1", "2", name=name)


@pytest.mark.parametrize("name", ["training_hours", "tests", "splits", "folded", "v"])
def test_other_names_are_not(name: str) -> None:
    assert said_of("0", "1", "2", name=name) == "(numeric) "
