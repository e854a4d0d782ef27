"""Dates: the calendar of the standard library decides; one order of day and month per column, proven or asked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.errors import DataError
from bench.data.tables.dates import DATE, NONE, compact, epochs, read_dates

EPOCH = datetime(1970, 1, 1)
moments = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(lambda d: d.replace(microsecond=0))


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M", "%d.%m.%Y %H:%M:%S", "%Y年%m月%d日", "%d %B %Y",
    "%B %d, %Y", "%d-%b-%Y %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %I:%M:%S %p",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=30, deadline=None)
@given(st.lists(moments, min_size=1, max_size=20))
def test_every_spelling_is_the_moment_that_was_written(form: str, written: list[datetime]) -> None:
    texts = [moment.strftime(form) for moment in written]
    assert all(re.match(DATE, text) for text in texts)
    expected = [micros(datetime.strptime(text, form)) for text in texts]
    assert read_dates("day", texts, None).micros.tolist() == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 28)), min_size=1, max_size=12), st.booleans())
def test_the_order_of_day_and_month_is_one_for_the_column(days: list[tuple[int, int]], day_first: bool) -> None:
    texts = [f"{d:02d}/{m:02d}/2023" if day_first else f"{m:02d}/{d:02d}/2023" for m, d in days]
    expected = [micros(datetime(2023, m, d)) for m, d in days]
    assert read_dates("day", texts, day_first).micros.tolist() == expected
    if any(d > 12 for _, d in days):
        assert read_dates("day", texts, None).micros.tolist() == expected
        with pytest.raises(DataError, match="expected dates of that order in 'day', got"):
            read_dates("day", texts, not day_first)
    elif any(m != d for m, d in days):
        with pytest.raises(DataError, match=r"whether the day or the month comes first.*Say data.day_first=true or"):
            read_dates("day", texts, None)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["31/01/2023", "01/31/2023"], "one order of day and month, got '31/01/2023' and '01/31/2023'"),
        (["2024-01-01 10:00:00+02:00", "2024-01-01 10:00"], "a time zone with every time or with none"),
    ],
)
def test_columns_that_contradict_themselves_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_dates("day", texts, None)


def test_zones_count_and_points_put_the_day_first() -> None:
    texts = ["2024-01-01 10:00:00+02:00", "2024-01-01 08:00:00Z", "2024-01-01T13:30:00+0530", "2024-01-01 03:00:00-05"]
    assert set(read_dates("t", texts, None).micros.tolist()) == {micros(datetime(2024, 1, 1, 8))}
    assert read_dates("t", ["01.02.2024"], None).micros.tolist() == [micros(datetime(2024, 2, 1))]


@pytest.mark.parametrize(
    "text",
    ["0000-00-00", "2023-02-29", "2024-13-01", "2024-01-01 24:00:00", "2024-01-01 10:60", "31.06.2024", "1900-02-29"],
)
def test_what_no_calendar_has_is_missing(text: str) -> None:
    assert re.match(DATE, text)
    assert read_dates("day", [text, "2024-01-31"], None).absent().tolist() == [True, False]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_epochs_in_every_unit_are_the_same_moment(unit: str) -> None:
    moment = np.datetime64("2024-05-06T07:08:09")
    number = moment.astype(f"datetime64[{unit}]").astype(np.int64)
    found = epochs("ts", np.array([number, number + 1]))
    assert found is not None
    assert found.micros[0] == moment.astype("datetime64[us]").astype(np.int64)
    assert (found.micros[1], found.nanos[1]) > (found.micros[0], found.nanos[0])


def test_epochs_in_two_units_are_refused_and_counts_are_none() -> None:
    now = int(datetime(2024, 5, 6, tzinfo=UTC).timestamp())
    with pytest.raises(DataError, match=rf"epochs in one unit, got {now} \(s\) and {now * 1000} \(ms\)"):
        epochs("ts", np.array([now, now * 1000]))
    assert epochs("ts", np.array([1, 2, 3])) is None


def test_numbers_may_be_dates() -> None:
    found = compact(np.array([20210630.0, 20240229, 20230229, 20210701, 20210702]))
    assert found is not None
    assert found.micros[0] == micros(datetime(2021, 6, 30))
    assert found.micros[2] == NONE
    assert compact(np.array([1.0, 2.0, np.inf])) is None
    assert compact(np.array([12345678.0, 87654321.0])) is None
