"""What a user's file is taken for: labels, words for missing, dates, duplicates, long ids, remarks. Values by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.data.errors import DataError
from bench.data.tables.schema import Table
from bench.data.tables.splits import partition
from tests.data.asked import asked

N = 600
RNG = np.random.default_rng(0)
X = RNG.permutation(N) * 1.25
Y = (RNG.random(N) < 0.3).astype(int)


def load(tmp_path: Path, columns: dict[str, Any], **options: Any) -> Table:
    """The columns beside a number x and a label y, through a CSV file."""
    pd.DataFrame({"x": X, "y": Y, **columns}).to_csv(tmp_path / "t.csv", index=False)
    return asked("file", path=str(tmp_path / "t.csv"), **{"target": "y", **options}).load()


def cycled(*values: Any) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0.5, 1, 1.5, 2, 2.5, 10], ("0.5", "1", "1.5", "2", "2.5", "10")),
        (["3.1", "3.10", "3.11", "3.2"], ("3.1", "3.10", "3.11", "3.2")),
        (["1", "1.0", "2"], ("1", "2")),
        (["yes ", "yes", " no"], ("no", "yes")),
        (["是", "否", "是\u3000"], ("否", "是")),
        (["12345678901234567890", "12345678901234567891"], ("12345678901234567890", "12345678901234567891")),
        (["none", "minor", "major"], ("major", "minor", "none")),
        (["1E5", "100000", "3E4", "1e5"], ("3E4", "100000", "1E5", "1e5")),
    ],
)
def test_classes_have_their_own_names_in_order(tmp_path: Path, labels: list[Any], classes: tuple[str, ...]) -> None:
    table = load(tmp_path, {"label": pd.Series(cycled(*labels), dtype=object)}, target="label", duplicates="keep")
    assert set(table.classes) == set(classes)
    if len(classes) > 2:
        assert table.classes == classes


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("Yes", "yes", "no"), "the classes 'Yes' and 'yes' differ only in capitals"),
        (("caf\u00e9", "cafe\u0301", "tea"), r"the classes 'cafe\u0301' and 'caf\xe9' differ only in"),
        (("bad", "bad\u200b", "good"), r"the classes 'bad' and 'bad\u200b' differ only in"),
        (("ＡＢ", "AB", "C"), "the classes 'AB' and 'ＡＢ' differ only in"),
        (("01", "1", "2"), "the classes '01' and '1' differ only in"),
        (("true", "1", "no"), "the classes '1' and 'true' all say yes"),
        (('["a"]', '["b"]', '["a","b"]'), """the class '["a","b"]' looks like several labels of one row"""),
        (("si", "ja", "de"), ""),
        (("a", "b", "a;b"), "the class 'a;b' looks like several labels of one row"),
        (("a", "b", "c"), ""),
    ],
)
def test_classes_that_may_be_one_or_several_are_said(tmp_path: Path, labels: tuple[str, ...], said: str) -> None:
    table = load(tmp_path, {"label": cycled(*labels)}, target="label", duplicates="keep")
    assert len(table.classes) == 3
    warned = [line for line in table.log if line.startswith("warning: the class")]
    assert len(warned) == bool(said)
    assert said in "".join(warned)


def test_categories_of_numbers_are_plain_text(tmp_path: Path) -> None:
    table = load(tmp_path, {"d": cycled(0, 0.25, 0.5)}, kinds={"d": "categorical"})
    assert set(table.frame["d"]) == {"0", "0.25", "0.5"}


def test_long_ids_are_exact_in_groups(tmp_path: Path) -> None:
    ids = [str(1234567890123456 + i // 4) for i in range(N)]
    table = load(tmp_path, {"user": ids}, group="user")
    assert table.roles is not None
    assert set(table.roles.groups) == set(ids)
    longer = [str(12345678901234567890 + i // 4) for i in range(N)]
    assert set(load(tmp_path, {"user": longer}, group="user").roles.groups) == set(longer)  # type: ignore[union-attr]


@pytest.mark.parametrize("start", [0.25, 1.0e15, 9.4e15, 1.0e17])
def test_amounts_of_every_size_are_numbers(tmp_path: Path, start: float) -> None:
    """Python and pandas write 9.5e15 as 9500000000000000.0: sixteen digits, but no id beside fractions."""
    amounts = np.append(start * np.arange(1, N), 0.5)
    table = load(tmp_path, {"amount": [str(a) for a in amounts]})
    assert "amount" in table.names("numeric")
    assert np.array_equal(table.frame["amount"], amounts)


def test_long_integers_beside_numbers_without_a_fraction_stay_text(tmp_path: Path) -> None:
    table = load(tmp_path, {"user": cycled("9007199254740993", "9007199254740992", "17", "1E5")})
    assert "user" in table.names("categorical")
    assert table.frame["user"][0] == "9007199254740993"


def test_words_for_missing_are_missing_in_text_and_said(tmp_path: Path) -> None:
    cities = cycled("Köln", "NA", "Bonn ", "Bonn", "null", "?")
    table = load(tmp_path, {"city": pd.Series(cities, dtype=object)})
    assert set(table.frame["city"]) == {"Köln", "Bonn", "?", None}
    assert any("read as missing: city (100 × NA, 100 × null)" in line for line in table.log)
    declared = load(tmp_path, {"city": pd.Series(cities, dtype=object)}, missing_words=("?",))
    assert set(declared.frame["city"]) == {"Köln", "Bonn", None}
    kept = load(tmp_path, {"city": pd.Series(cities, dtype=object)}, missing_words=())
    assert set(kept.frame["city"]) == {"Köln", "Bonn", "?", "NA", "null"}


def test_a_declared_word_makes_a_column_of_numbers(tmp_path: Path) -> None:
    ages = [str(18 + i % 60) if i != 7 else "?" for i in range(N)]
    table = load(tmp_path, {"age": ages})
    said = "'age' (categorical) most read as numbers, but not 1 row such as '?' (row 8): 'data.missing_words="
    assert any(said in line for line in table.log)
    table = load(tmp_path, {"age": ages}, missing_words=("?",))
    assert np.isnan(table.frame["age"][7])
    assert table.frame["age"][8] == 26


@pytest.mark.parametrize(
    ("cells", "form", "numbers"),
    [
        (("10 kg", "2.5 kg"), "unit", {10, 2.5}),
        (("1h 30m", "45m"), "duration", {5400, 2700}),
        (("0x1F", "0xA0"), "hexadecimal", {31, 160}),
        (("1/2", "3 1/4"), "fraction", {0.5, 3.25}),
        (("1_000", "250"), "thousands", {1000, 250}),
        (("12:30", "09:05"), "hours_minutes", {45000, 32700}),
        (("12:30", "09:05"), "minutes_seconds", {750, 545}),
    ],
)
def test_what_is_offered_for_numbers_with_words_reads_them(
    tmp_path: Path, cells: tuple[str, ...], form: str, numbers: set[float]
) -> None:
    table = load(tmp_path, {"v": cycled(*cells)}, duplicates="keep", formats={"v": form})
    assert set(table.frame["v"]) == numbers
    with pytest.raises(DataError, match=rf"expected numbers written as data.formats says \({form}\), got 1 row"):
        load(tmp_path, {"v": ["many", *cycled(*cells)[1:]]}, duplicates="keep", formats={"v": form})


@pytest.mark.parametrize(
    ("cells", "mixed"),
    [
        (("€ 5", "$ 6"), r"\$, €"), (("100 USD", "5 EUR"), "eur, usd"), (("US$5", "A$7"), r"a\$, us\$"),
        (("£5", "5 €"), "£, €"), (("¥ 5", "7 元"), ""), (("$5", "7 USD"), ""), (("€5", "7"), ""),
        (("₹ 5", "Rs. 7"), ""),
    ],
)  # fmt: skip
def test_several_currencies_in_one_column_are_said(tmp_path: Path, cells: tuple[str, ...], mixed: str) -> None:
    table = load(tmp_path, {"v": cycled(*cells)}, duplicates="keep", formats={"v": "currency"})
    said = [line for line in table.log if "several currencies" in line]
    assert len(said) == bool(mixed)
    assert re.search(rf"amounts in several currencies \({mixed}\)", "".join(said)) or not mixed


def test_a_format_reads_the_text_of_the_file(tmp_path: Path) -> None:
    """2.500 with a decimal comma is two thousand five hundred, and not the 2.5 that it would be as a number."""
    table = load(tmp_path, {"v": cycled("2.500", "1.750")}, formats={"v": "decimal_comma"}, duplicates="keep")
    assert set(table.frame["v"]) == {2500, 1750}
    pd.DataFrame({"x": X, "y": Y, "v": X}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"data.formats 'v': expected text, got a column of numbers already"):
        asked("file", path=str(tmp_path / "t.parquet"), target="y", formats={"v": "percent"}).load()


DAYS = pd.date_range("2023-01-01", periods=N, freq="12h")


@pytest.mark.parametrize(
    "times",
    [
        DAYS.strftime("%m/%d/%Y"), DAYS.strftime("%d/%m/%Y"), DAYS.strftime("%Y/%m/%d %H:%M"), DAYS.strftime("%Y%m%d"),
        DAYS.strftime("%d.%m.%Y %H:%M"), DAYS.strftime("%Y年%m月%d日"), DAYS.as_unit("ns").astype("int64"),
        DAYS.as_unit("ms").astype("int64"), DAYS.as_unit("s").astype("int64"),
    ],
)  # fmt: skip
def test_the_latest_rows_test_however_times_are_written(tmp_path: Path, times: Any) -> None:
    table = load(tmp_path, {"day": times}, time="day", duplicates="keep")
    assert table.rows[partition(table, 0, 0).test].min() >= N * 0.8 - 1


@pytest.mark.parametrize("bad", ["0000-00-00", "2023-02-29", "2024-13-01", "2024-01-01 24:00:00"])
@pytest.mark.parametrize("where", [0, 250, 599])
def test_a_time_that_no_calendar_has_is_refused_wherever_it_lies(tmp_path: Path, bad: str, where: int) -> None:
    days = list(DAYS.strftime("%Y-%m-%d %H:%M:%S"))
    days[where] = bad
    with pytest.raises(DataError, match=rf"got 1 row without, such as '{bad}' \(row {where + 1}\)"):
        load(tmp_path, {"day": days}, time="day")
    table = load(tmp_path, {"day": days}, dates=("day",))
    assert np.isnan(table.frame["day days"][where])
    assert any(f"1 row of 'day' hold no day of the calendar, such as '{bad}'" in line for line in table.log)


def test_parts_of_dates_are_those_of_pandas(tmp_path: Path) -> None:
    table = load(tmp_path, {"day": DAYS.strftime("%d/%m/%Y %H:%M")}, dates=("day",))
    assert table.frame["day month"].astype(int).tolist() == DAYS.month.tolist()
    assert table.frame["day hour"].tolist() == DAYS.hour.tolist()
    assert table.frame["day weekday"].astype(int).tolist() == (DAYS.day_of_week + 1).tolist()


def events(rate: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    site = rng.choice(["s1", "s2", "s3"], 3000)
    return pd.DataFrame({"site": site, "click": (rng.random(3000) < rate).astype(int)})


@pytest.mark.parametrize("copies", [1, 400])
def test_copies_go_and_events_stay(tmp_path: Path, copies: int) -> None:
    """Rows are copied whatever their class: shares stay. Impressions are equal because little is known of them."""
    frame = pd.DataFrame({"x": X, "y": Y})
    whole = pd.concat([frame, frame.groupby("y").sample(frac=copies / N, random_state=0)])
    whole.to_csv(tmp_path / "copies.csv", index=False)
    assert len(asked("file", path=str(tmp_path / "copies.csv"), target="y").load()) == N
    events(0.02).to_csv(tmp_path / "events.csv", index=False)
    table = asked("file", path=str(tmp_path / "events.csv"), target="click").load()
    assert len(table) == 3000
    assert any(s.startswith("warning: kept 2,994 duplicate rows") and "data.duplicates=drop" in s for s in table.log)
    assert len(asked("file", path=str(tmp_path / "events.csv"), target="click", duplicates="drop").load()) == 6


def test_given_test_rows_are_never_dropped(tmp_path: Path) -> None:
    part = np.where(np.arange(N) < 400, "train", "test")
    whole = pd.concat([f := pd.DataFrame({"x": X, "y": Y, "part": part}), f.iloc[400:]])
    whole.to_csv(tmp_path / "t.csv", index=False)
    table = asked("file", path=str(tmp_path / "t.csv"), target="y", given="part", duplicates="drop").load()
    assert len(partition(table, 0, 0).test) == 400


def test_rows_of_seen_groups_and_late_rows_are_counted(tmp_path: Path) -> None:
    table = load(tmp_path, {"day": DAYS, "user": [f"u{i % 150}" for i in range(N)]}, time="day", group="user")
    with pytest.raises(DataError, match="each class in each part"):  # every user was seen before
        partition(table, 0, 0)
    table = load(tmp_path, {"day": DAYS, "user": [f"u{i // 3 + i % 2}" for i in range(N)]}, time="day", group="user")
    p = partition(table, 0, 0)
    out = N - len(p.train) - len(p.val) - len(p.test)
    assert out > 0
    assert any(f"left out {out:,} rows" in note for note in p.notes)


def test_few_test_rows_of_a_class_are_said(tmp_path: Path) -> None:
    table = load(tmp_path, {"y": (np.arange(N) % 12 == 0).astype(int)})
    (note,) = partition(table, 0, 0).notes
    assert "10 test rows of '1'" in note
    assert partition(load(tmp_path, {}), 0, 0).notes == ()


@pytest.mark.parametrize("word", ["?", "unknown", "未知"])
def test_a_class_that_may_say_that_nothing_is_known_is_said(tmp_path: Path, word: str) -> None:
    table = load(tmp_path, {"label": cycled("yes", "no", word)}, target="label", duplicates="keep")
    (said,) = [line for line in table.log if "usual word for missing" in line]
    assert said.startswith(f"warning: '{word}' (200 rows) counts as a class")


def test_a_class_that_is_called_like_a_missing_value_is_said_with_the_way_to_leave_it_out(tmp_path: Path) -> None:
    """It stays a class; what is printed for pasting makes its rows ones without label."""
    labels = {"label": cycled("minor", "NA", "major", "minor")}
    table = load(tmp_path, labels, target="label", duplicates="keep")
    assert set(table.classes) == {"minor", "NA", "major"}
    (said,) = [line for line in table.log if "usual word for missing" in line]
    assert said.startswith("warning: 'NA' (150 rows)")
    assert "data.missing_words=[na]" in said
    without = load(tmp_path, labels, target="label", duplicates="keep", missing_words=("na",))
    assert (set(without.classes), len(without)) == ({"minor", "major"}, N - 150)
    assert not any("usual word" in line for line in without.log)


@pytest.mark.parametrize("days", [("31/01/24", "01/02/24"), ("1.2.99", "3.4.00"), ("01-02-03 10:00", "04-05-06 11:30")])
def test_years_of_two_digits_are_no_dates_and_said_to_be_none(tmp_path: Path, days: tuple[str, str]) -> None:
    table = load(tmp_path, {"day": cycled(*days)})
    assert any("years of two digits are not read as dates" in line for line in table.log)
    assert any("data.time=day" in line for line in table.log)
    with pytest.raises(DataError, match=r"data.time 'day': .* years of two digits are not read as dates"):
        load(tmp_path, {"day": cycled(*days)}, time="day")
    assert not any("two digits" in line for line in load(tmp_path, {"day": cycled("31/01/2024", "1/24", "7")}).log)


@pytest.mark.parametrize(
    ("options", "quoted"),
    [
        ({"group": "leak"}, """'data.group="leak, total"'"""),
        ({"weight": "total"}, """'data.weight="leak, total"'"""),
        ({"target": "leak"}, """'data.target="leak, total"'"""),
        ({"ignore": ("leak", "total")}, """'data.ignore=["leak, total"]'"""),
        ({"dates": ("total",)}, """'data.dates=["leak, total"]'"""),
    ],
)
def test_half_of_a_name_with_a_comma_is_answered_with_the_quoting_of_all_of_it(
    tmp_path: Path, options: dict[str, Any], quoted: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, {"leak, total": X}, **options)
    assert quoted in str(caught.value)
