"""Units, durations, hexadecimal numbers, fractions. Right values: pandas, Fraction, int(x, 16)."""

from __future__ import annotations

import datetime
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.errors import DataError
from bench.data.tables.config import Format
from bench.data.tables.formats import read_numbers
from bench.data.tables.measures import fraction, hexadecimal, seconds, with_unit


@pytest.mark.parametrize(
    "text",
    [
        "1h 30m", "1h30m", "00:05:30", "30:00:00", "2 days", "1 day", "1 days 02:03:04", "-1 days +23:59:00",
        "0 days 00:05:30.250000", "PT1H30M", "P1DT2H", "PT0.5S", "90 min", "1.5h", "1 hour 30 minutes", "5s", "250ms",
        "3 us", "1 day, 2 hours", "-00:05:30", "1W",
    ],
)  # fmt: skip
def test_durations_are_those_of_pandas(text: str) -> None:
    assert seconds(text) == pd.to_timedelta(text).total_seconds()


@settings(max_examples=100, deadline=None)
@given(st.timedeltas(min_value=datetime.timedelta(-900), max_value=datetime.timedelta(900)))
def test_what_pandas_writes_of_durations_is_read(value: datetime.timedelta) -> None:
    for text in (str(pd.Timedelta(value)), pd.Timedelta(abs(value)).isoformat()):
        expected = value if text[0] != "P" else abs(value)
        assert seconds(text) == pytest.approx(expected.total_seconds(), abs=1e-6)


@pytest.mark.parametrize("clock", ["2:30 pm", "12:05 AM", "11:59 p.m.", "12:00 PM", "1:07am"])
def test_times_of_day_are_seconds_from_midnight(clock: str) -> None:
    at = pd.to_datetime(clock.replace(".", ""))
    assert seconds(clock) == at.hour * 3600 + at.minute * 60


@pytest.mark.parametrize(("two", "value"), [("", None), ("hours_minutes", 45060), ("minutes_seconds", 751)])
def test_two_parts_are_read_as_is_said(two: str, value: float | None) -> None:
    assert seconds("12:31", two=two) == value


@pytest.mark.parametrize(
    "text",
    [
        "12:75:00", "1,500 s", "5M", "2 months", "3 years", "30m 1h", "1h 1h", "", "P", "PT", "13:00 pm", "0:30 am",
        "-1 days 02:45:00", "5", "soon", "1h x", "PT5", "10 kg",
    ],
)  # fmt: skip
def test_no_duration_is_made_up(text: str) -> None:
    """Months differ in length; -1 days 02:45:00 may be more or less than a day."""
    assert seconds(text) is None


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(1, 10**4))
def test_fractions_are_those_of_python(whole: int, over: int, under: int) -> None:
    value = Fraction(over, under)
    assert fraction(f"{over}/{under}") == float(value)
    assert fraction(f"-{whole} {over}/{under}") == float(-(whole + value)) + 0.0
    assert fraction(f"{whole}") == whole


@pytest.mark.parametrize(("text", "value"), [("½", 0.5), ("3½", 3.5), ("3 ¼", 3.25), ("⅞", 0.875), ("1\u20442", 0.5)])
def test_fractions_of_one_character(text: str, value: float) -> None:
    assert fraction(text) == value


@pytest.mark.parametrize("text", ["1/0", "1/2/3", "a/b", "1/", "3 4", "1.5/2"])
def test_no_fraction_is_made_up(text: str) -> None:
    assert fraction(text) is None


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_hexadecimal_numbers_are_those_of_python(value: int) -> None:
    assert hexadecimal(f"{value:#x}") == int(f"{value:#x}", 16)
    assert hexadecimal(f"{value:#X}") == value


@pytest.mark.parametrize("text", ["1F", "0x", "0xG", "0x20000000000000", "x1", "0x1.5"])
def test_ids_beyond_what_a_number_holds_are_none(text: str) -> None:
    assert hexadecimal(text) is None


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["10 kg", "2.5 kg"], [10, 2.5]),
        (["12cm", "3,5cm", "-4cm"], [12, 3.5, -4]),
        (["3 rooms", "1 room"], [3, 1]),
        (["10 km/h", "1,200.5 km/h"], [10, 1200.5]),
        (["80 m²", "90.5 m²"], [80, 90.5]),
        (["10㎏", "5㎏"], [10, 5]),
        (["−5°C", "36.6 °C"], [-5, 36.6]),
        (["55岁", "60岁"], [55, 60]),
    ],
)
def test_one_unit_is_taken_off(cells: list[str], numbers: list[float]) -> None:
    found, wrong = read_numbers("v", cells, "unit")
    assert (found.tolist(), wrong) == (numbers, [])


@pytest.mark.parametrize("cells", [["10 kg", "900 g"], ["5GB", "5 MB"], ["1 Mb", "1 MB"]])
def test_two_units_are_refused(cells: list[str]) -> None:
    with pytest.raises(DataError, match=f"got '{cells[0]}' and '{cells[1]}'. Write the column in one unit"):
        read_numbers("v", cells, "unit")


@pytest.mark.parametrize("text", ["5", "5+", "kg", "5x5", "10 kg 3", "12.3.4 kg", "1e5"])
def test_a_number_without_unit_or_two_numbers_have_none(text: str) -> None:
    form: Format = "unit"
    assert with_unit(text) is None or read_numbers("v", [text], form)[1] == [0]


def test_a_mark_that_nothing_proves_is_asked_for() -> None:
    with pytest.raises(DataError, match=r"shows the decimal mark .* '1,234 kg'. Leave the unit out in the file"):
        read_numbers("v", ["1,234 kg", "5 kg"], "unit")
