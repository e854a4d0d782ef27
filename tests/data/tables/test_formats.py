"""Numbers as people write them: right values from pandas with explicit marks, or by hand; unclear ones are refused."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.errors import DataError
from bench.data.tables.config import Format
from bench.data.tables.formats import read_numbers, recognise


@pytest.mark.parametrize(
    ("form", "cells"),
    [
        ("currency", {"12,50 €": 12.5, "1.299,00 €": 1299, "5 €": 5, "99,90 €": 99.9}),
        ("currency", {"(1,234.50)": -1234.5, "1,234.50": 1234.5, "$12.00": 12, "($12.00)": -12, "-$3": -3, "$-4": -4}),
        ("currency", {"€110.5M": 110.5e6, "€565K": 565e3, "€60M": 60e6, "€90k": 90e3, "1.2bn USD": 1.2e9}),
        ("currency", {"Rs. 1,200": 1200, "Rs. 500": 500, "₹ 1,23,456": 123456, "2 lakh": 2e5, "3 crore INR": 3e7}),
        ("currency", {"¥1,299.00": 1299, "￥88": 88, "3万": 3e4, "1.2亿元": 1.2e8, "５８元": 58, "12.5万円": 125e3}),
        ("currency", {"CHF 1'234.50": 1234.5, "12.-": 12, "1’000.00": 1000, "1 234 567.5 kr": 1234567.5}),
        ("currency", {"−5.00": -5, "\u20137.50": -7.5, "8.25-": -8.25, "1\u202f234,5 €".replace(",", "."): 1234.5}),
        ("decimal_comma", {"1.234,5": 1234.5, "1 234,5": 1234.5, "5": 5, "-0,75": -0.75, "1.234": 1234}),
        ("thousands", {"1,234": 1234, "900": 900, "1,234,567.8": 1234567.8, "1.5": 1.5, "1.5E+3": 1500}),
        ("thousands", {"١٬٢٣٤٫٥": 1234.5, "३७": 37, "５．５": 5.5, "−12": -12}),
        ("percent", {"12,5 %": 0.125, "3,25 %": 0.0325, "7 %": 0.07, "0,9 %": 0.009}),
        ("percent", {"12.5%": 0.125, "0.7": 0.007, "5‰": 0.005, "12.345 %": 0.12345}),
        ("percent_comma", {"12,345 %": 0.12345, "7": 0.07}),
        ("yes_no", {"yes": 1, "No": 0, "是": 1, "否": 0, "ja": 1, "нет": 0}),
    ],
)
def test_every_cell_has_the_value_that_people_mean(form: Format, cells: dict[str, float]) -> None:
    numbers, wrong = read_numbers("v", list(cells), form)
    assert wrong == []
    assert numbers.tolist() == [float(v) for v in cells.values()]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=20), st.sampled_from([",.", ".,", " ,", "'."])
)
def test_grouped_numbers_are_what_pandas_reads_with_the_marks_given(values: list[object], marks: str) -> None:
    """Whatever the marks, and with a sign of currency on either side."""
    group, point = marks
    cells = [f"{v:,.2f}".translate(str.maketrans({",": group, ".": point})) for v in values]
    read = pd.read_csv(io.StringIO("v\n" + "\n".join(f'"{c}"' for c in cells)), thousands=group, decimal=point)
    expected = read["v"].to_numpy(dtype=np.float64)
    form: Format = "decimal_comma" if point == "," else "thousands"
    for written in (cells, [f"€ {c}" for c in cells], [f"{c} EUR" for c in cells]):
        numbers, wrong = read_numbers("v", written, form)
        assert wrong == []
        np.testing.assert_array_equal(numbers, expected + 0.0)
        np.testing.assert_array_equal(read_numbers("v", written, "currency")[0], expected + 0.0)


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        ("thousands", "12,5"), ("thousands", "1,2345"), ("thousands", "0,123"), ("decimal_comma", "12.5"),
        ("currency", "12 apples"), ("currency", "x12"), ("currency", "1.2.3"), ("currency", "(-3)"),
        ("currency", "5 %"), ("currency", "3-4"), ("currency", "--3"), ("percent", "half"), ("yes_no", "perhaps"),
        ("thousands", "1,234 567"), ("currency", "KM 5"),
    ],
)  # fmt: skip
def test_a_cell_is_read_completely_or_not_at_all(form: Format, cell: str) -> None:
    numbers, wrong = read_numbers("v", ["1.5" if form != "decimal_comma" else "1,5", cell], form)
    assert 1 in wrong
    assert np.isnan(numbers[1])


@pytest.mark.parametrize(
    ("form", "cells", "message"),
    [
        ("currency", ["1,5 €", "1.5 €"], "column 'v': expected one decimal mark, got '1,5 €' and '1.5 €'"),
        ("currency", ["1.299 €", "80 €"], "a cell that shows the decimal mark .* got only cells such as '1.299 €'"),
        ("percent", ["12,345 %", "7 %"], "a cell that shows the decimal mark .* percent_comma"),
    ],
)
def test_what_no_cell_proves_or_two_contradict_is_asked_for(form: Format, cells: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_numbers("v", cells, form)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["1", "2.5", "-3", "4", "?"], ("plain", ["?"])),
        (["1,200", "900"], ("thousands", [])),
        (["1,5", "2,25"], ("decimal_comma", [])),
        (["12 %", "3 %"], ("percent", [])),
        (["€5", "$6", "n.a.", "7", "8"], ("currency", ["n.a."])),
        (["+4912345", "+49 171 123456"], None),
        (["00123", "04567"], None),
        (["1234567890123456", "1234567890123457"], None),
        (["192.168.1.1", "10.0.0.1"], None),
        (["2024-01-31", "2024-02-01"], None),
        (["red", "blue"], None),
        ([], None),
    ],
)
def test_columns_that_look_like_numbers_are_recognised_and_codes_are_not(cells: list[str], found: object) -> None:
    assert recognise(cells) == found
