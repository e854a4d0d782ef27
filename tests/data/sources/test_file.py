"""Reading users' files: one table has one reading, nothing is lost, and what cannot be used is said clearly."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.errors import DataError
from bench.data.files.dialect import Asked
from bench.data.sources.file import read
from bench.data.tables.decode import decode
from bench.data.tables.schema import FeatureColumn, Table
from bench.data.tables.schema_file import describe, parse_schema, schema_yaml
from tests.data.asked import asked

N = 40


def shop(seed: int = 0) -> pd.DataFrame:
    """A table with every kind of column that users have."""
    rng = np.random.default_rng(seed)
    words = np.array(["red", "blue", "summer", "dress", "shirt", "warm", "soft", "cheap"])
    return pd.DataFrame(
        {
            "zip": [f"{rng.integers(0, 300):05d}" for _ in range(N)],
            "long_number": [str(12345678901234567000 + i % 30) for i in range(N)],
            "phone": [f"+49{i % 25:06d}" for i in range(N)],
            "member": rng.random(N) < 0.5,
            "visits": pd.array([None if i % 7 == 0 else i % 5 for i in range(N)], dtype="Int64"),
            "price": rng.normal(20, 5, N),
            "big": rng.normal(0, 1e12, N),
            "small": rng.normal(0, 1e-9, N),
            "weight": rng.normal(1, 0.1, N).astype(np.float32),
            "stars": rng.integers(1, 6, N).astype(np.float64),
            "city": np.where(rng.random(N) < 0.2, None, rng.choice(["Köln", "Bonn", "NA"], N)),
            "review": [" ".join(rng.choice(words, 6)) for _ in range(N)],
            "day": pd.date_range("2024-01-01", periods=N),
            "moment": pd.date_range("2024-01-01 10:00:00.5", periods=N, freq="h"),
            "row": np.arange(N),
            "shop": "one",
            "empty": [None] * N,
            "buys": (np.arange(N) % 4 == 0).astype(int),
        }
    )


def load(path: Path, frame: pd.DataFrame | None = None, **options: Any) -> Table:
    if frame is not None:
        if path.name.endswith(".parquet"):
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    options.setdefault("target", "buys")
    return asked("file", path=str(path), **options).load()


@pytest.mark.parametrize("name", ["shop.csv", "shop.tsv", "shop.csv.gz", "other.txt"])
def test_csv_and_parquet_of_one_table_have_one_fingerprint(tmp_path: Path, name: str) -> None:
    parquet = load(tmp_path / "shop.parquet", shop())
    text = load(tmp_path / name, shop())
    assert text.columns == parquet.columns
    pd.testing.assert_frame_equal(text.frame, parquet.frame)
    assert text.fingerprint == parquet.fingerprint
    assert text.log == parquet.log


def test_types_are_found_and_nothing_is_lost(tmp_path: Path) -> None:
    table = load(tmp_path / "shop.csv", shop())
    kinds = {c.name: c.kind for c in table.columns}
    assert kinds == {
        **dict.fromkeys(["zip", "long_number", "phone", "member", "city"], "categorical"),
        **dict.fromkeys(["visits", "price", "big", "small", "weight", "stars"], "numeric"),
        "review": "text",
    }
    assert set(table.ignored) == {"day", "moment", "row", "shop", "empty"}
    assert table.frame["zip"].tolist() == shop()["zip"].tolist()
    assert table.frame["long_number"][0] == "12345678901234567000"
    assert table.frame["phone"][1] == "+49000001"
    assert set(table.frame["member"]) == {"true", "false"}
    assert np.isnan(table.frame["visits"][0])
    assert np.array_equal(table.frame["price"], shop()["price"])
    assert set(table.frame["city"]) == {None, "Köln", "Bonn"}
    assert set(load(tmp_path / "shop.csv", missing_words=()).frame["city"]) == {None, "Köln", "Bonn", "NA"}
    assert any("ignored column 'day': dates" in line for line in table.log)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.assign(price=f.price.where(f.index != 3, 1.0)),
        lambda f: f.assign(zip=f.zip.where(f.index != 3, "99999")),
        lambda f: f.assign(visits=f.visits.where(f.index != 1, None)),
        lambda f: f.assign(buys=f.buys.where(f.index != 3, 1)),
        lambda f: f.rename(columns={"price": "cost"}),
        lambda f: f.iloc[::-1],
        lambda f: f.drop(columns="zip"),
    ],
)
def test_fingerprint_changes_with_the_content(tmp_path: Path, change: Any) -> None:
    before = load(tmp_path / "a.parquet", shop()).fingerprint
    assert load(tmp_path / "b.parquet", change(shop())).fingerprint != before


def test_column_order_and_names_of_files_do_not_matter(tmp_path: Path) -> None:
    one, two = load(tmp_path / "a.csv", shop()), load(tmp_path / "b.csv", shop().iloc[:, ::-1])
    assert one.fingerprint == two.fingerprint
    pd.testing.assert_frame_equal(one.frame, two.frame)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1))
def test_floats_survive_text(numbers: list[float | None]) -> None:
    text = decode(pa.chunked_array([pa.array([None if v is None else repr(v) for v in numbers], pa.string())]))
    typed = decode(pa.chunked_array([pa.array(numbers, pa.float64())]))
    if text.storage == "number":
        np.testing.assert_array_equal(text.data, typed.data)
    else:  # whole numbers that floats do not tell apart stay what they are: text
        there = [v for v in numbers if v is not None]
        assert not there or max(map(abs, there)) >= 2**53


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_are_numbers_only_if_exact(numbers: list[int]) -> None:
    values = [decode(pa.array(numbers, pa.int64())), decode(pa.array([str(v) for v in numbers]))]
    for value in values:
        assert value.strings().tolist() == [str(v) for v in numbers]
    assert values[0].storage == values[1].storage


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("019+-.e_ xN", max_size=6), min_size=1))
def test_text_is_never_altered(cells: list[str]) -> None:
    """Text that is not all numbers comes back as it was; numbers come back equal."""
    values = decode(pa.array(cells))
    if values.storage == "string":
        assert values.data.tolist() == [c if c.strip() else None for c in cells]
    else:
        assert values.storage == "number"
        for cell, number in zip(cells, values.data, strict=True):
            assert not cell.strip() or float(cell) == number


@pytest.mark.parametrize(
    ("cells", "storage"),
    [
        (["1", "2", ""], "number"),
        (["1.50", "-2e3", "NaN", " 3"], "number"),
        (["007", "8"], "string"),
        (["+49", "50"], "string"),
        (["1_000", "2"], "string"),
        (["9007199254740993", "1"], "string"),
        (["True", "false", "NA"], "boolean"),
        (["2024-01-31", "2024-02-01 10:00:00"], "date"),
        (["31.01.2024", ""], "date"),
        (["1,5", "2,5"], "string"),
    ],
)
def test_what_text_is_read_as(cells: list[str], storage: str) -> None:
    assert decode(pa.array(cells)).storage == storage


def test_parquet_types(tmp_path: Path) -> None:
    """Dictionaries, decimals and unsigned integers are values; lists and bytes are left out with a reason."""
    base = [i % 5 for i in range(N)]
    table = pa.table(
        {
            "dictionary": pa.array([f"c{i}" for i in base]).dictionary_encode(),
            "decimal": pa.array([Decimal(i) / 4 for i in base], pa.decimal128(10, 2)),
            "unsigned": pa.array(base, pa.uint8()),
            "half": pa.array(np.array(base, np.float16) / 10),
            "listed": [[i] for i in base],
            "bytes": [b"x"] * N,
            "buys": [i % 2 == 0 for i in range(N)],
            "noise": np.arange(N) * 1.7,
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    loaded = load(tmp_path / "t.parquet")
    assert {c.name: c.kind for c in loaded.columns} == {
        "dictionary": "categorical", "decimal": "numeric", "unsigned": "numeric", "half": "numeric", "noise": "numeric",
    }  # fmt: skip
    assert set(loaded.ignored) == {"listed", "bytes"}
    assert loaded.classes == ("false", "true")
    assert loaded.frame["half"][1] == 0.1
    assert load(tmp_path / "t.parquet", positive="False").classes == ("true", "false")


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("Clothing ID", [767, 1080] * 20, "categorical"),
        ("userId", [3, 5] * 20, "categorical"),
        ("paid", [3, 5] * 20, "numeric"),
        ("order_id", list(np.arange(40) * 3), "ignored"),
        ("amount", list(np.arange(40) * 3), "numeric"),
        ("index", list(range(7, 47)), "ignored"),
        ("sku_name", [f"A{i}" for i in range(40)], "ignored"),
        ("title", [f"shirt {i}" for i in range(40)], "text"),
        ("division", ["General Petite", "Home Wear"] * 20, "categorical"),
    ],
)
def test_inferred_kinds(tmp_path: Path, name: str, values: list[Any], kind: str) -> None:
    frame = shop()[["price", "buys"]].assign(**{name: values})
    table = load(tmp_path / "t.csv", frame)
    assert ("ignored" if name in table.ignored else {c.name: c.kind for c in table.columns}[name]) == kind


def test_ignore_kinds_and_the_schema_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    table = load(path, shop(), ignore=("price",), kinds={"stars": "categorical"})
    assert "price" not in table.frame
    assert set(table.frame["stars"]) <= {"1", "2", "3", "4", "5"}
    edited = schema_yaml(table).replace("zip: categorical", "zip: numeric")
    (tmp_path / "schema.yaml").write_text(edited)
    again = load(path, schema_file=str(tmp_path / "schema.yaml"), kinds={"big": "ignored"})
    assert {c.name: c.kind for c in again.columns if c.name in ("stars", "zip")} == {
        "stars": "categorical",
        "zip": "numeric",
    }
    assert {"price", "big"} <= set(again.ignored)
    assert any("stars" in line and "categorical" in line for line in describe(again))


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).map(str.strip).filter(bool))
def test_schema_yaml_survives_any_column_name(name: str) -> None:
    assert parse_schema(schema_yaml(named(name)), "x") == ({name: "numeric", name + " 2": "ignored"}, True)


def named(name: str) -> Table:
    y = np.array([0, 1], dtype=np.int64)
    return Table(
        name="t\nt",
        target=name,
        frame=pd.DataFrame({name: [1.0, 2.0]}),
        columns=(FeatureColumn(name, "numeric"),),
        y=y,
        classes=("0", "1"),
        rows=y,
        fingerprint="",
        version=1,
        source="file",
        licence="",
        ignored={name + " 2": "one value in all rows"},
    )


# ---- what DuckDB's sniffer would get wrong in silence


@pytest.mark.parametrize(
    "text",
    [
        "buys,a\n" + "".join(f"{i % 2},#{i % 9}\n" for i in range(N)),
        "buys;a\n" + "".join(f"{i % 2};#{i % 9}\n" for i in range(N)),
        "\ufeffbuys,a\r\n" + "".join(f"{i % 2},#{i % 9}\r\n" for i in range(N)),
        '"buys" ,a\n' + "".join(f'"{i % 2}","#{i % 9}"\n' for i in range(N)),
    ],
)
def test_dialects(tmp_path: Path, text: str) -> None:
    """No row is taken for a comment, and delimiters, byte-order marks, line ends and quotes are understood."""
    (tmp_path / "t.csv").write_bytes(text.encode())
    table = load(tmp_path / "t.csv", min_class_rows=1)
    assert [c.name for c in table.columns] == ["a"]
    assert set(table.frame["a"]) == {f"#{i}" for i in range(9)}


def test_file_names_are_not_patterns(tmp_path: Path) -> None:
    shop(1).to_csv(tmp_path / "ab.csv", index=False)
    shop(2).to_csv(tmp_path / "x1.csv", index=False)
    assert len(load(tmp_path / "a*.csv", shop())) == N
    assert load(tmp_path / "x[1].csv", shop()).fingerprint == load(tmp_path / "a*.csv").fingerprint


BAD: list[tuple[str, Any, dict[str, Any], str]] = [
    ("no target", lambda f: f, {"target": "buy"}, r"target 'buy': expected a column of t.csv, .*Did you mean 'buys'\?"),
    ("target unset", lambda f: f, {"target": None}, r"data.target: expected a column of t.csv, got none. Name one"),
    ("constant", lambda f: f.assign(buys=1), {}, "two classes or more, got only '1' in 40 rows"),
    ("null", lambda f: f.assign(buys=None), {}, "expected labels, got 40 missing values"),
    ("one row", lambda f: f.head(1), {}, "two classes or more, got only '1' in 1 row"),
    ("regression", lambda f: f, {"target": "price"}, "40 distinct numbers .* Regression is not supported"),
    ("few", lambda f: f.assign(buys=[1, 1, *[0] * 38]), {}, r"at least 3 distinct rows .*'1' \(2\)"),
    ("few of many", lambda f: f.assign(buys=[2, 1, 1, 1, *[0] * 36]), {}, r"'2' \(1\).*data.min_class_rows=3"),
    ("all small", lambda f: f, {"min_class_rows": 1000}, "got none; lower data.min_class_rows"),
    ("infinite", lambda f: f.assign(price=[np.inf, -np.inf, *[1.5, 2] * 19]), {}, "'price': .* 2 infinite rows"),
    ("infinite word", lambda f: f.assign(price=["inf", *["1"] * 39]), {}, "'price': .* 1 infinite row"),
    ("text", lambda f: f, {"kinds": {"city": "numeric"}}, r"'city': expected numbers .* rows of text, such as '"),
    ("kind of none", lambda f: f, {"kinds": {"citty": "text"}}, "data.kinds 'citty': .*Did you mean 'city'"),
    ("kind", lambda f: f, {"kinds": {"city": "txt"}}, "kind of column 'city': .*Did you mean 'text'"),
    ("ignore none", lambda f: f, {"ignore": ("sip",)}, "data.ignore 'sip': .*Did you mean 'zip'"),
    ("ignore target", lambda f: f, {"ignore": ("buys",)}, "data.ignore 'buys': .* got the target"),
    ("no feature", lambda f: f[["buys", "shop", "row"]], {}, "a column to learn 'buys' from, .*row: one value"),
    ("no rows", lambda f: f.head(0), {}, "expected rows, got only a header"),
    ("positive", lambda f: f, {"positive": "yes"}, "a class of 'buys', got 'yes'. Classes: 0, 1"),
    ("positive of many", lambda f: f, {"target": "stars", "positive": "1"}, "expected unset for the 5 classes"),
    ("schema file", lambda f: f, {"schema_file": "none.yaml"}, "data.schema_file none.yaml: expected a readable"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "options", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_tables_are_refused_with_a_remedy(tmp_path: Path, change: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(tmp_path / "t.csv", change(shop()), **options)


def test_too_many_classes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"buys": [f"user{i // 3}" for i in range(6000)], "a": np.arange(6000) * 1.5})
    with pytest.raises(DataError, match=r"at most 1,000 classes, got 2,000. Is it an id"):
        load(tmp_path / "t.csv", frame)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "expected a header"),
        ("t.csv", b"a,b,buys\n1,2,0\n3,1\n", "expected 3 columns .* CSV Error on Line: 3"),
        ("t.csv", b"a,b,buys\n" + b"1,2,0\n" * 30000 + b"1,2,3,4\n", "expected 3 columns .* on Line: 30002"),
        ("t.csv", b"a,a,buys\n1,2,0\n", "distinct column names, got several of a"),
        ("t.csv", "a,b,buys\né,2,0\n".encode("latin-1"), "UTF-8"),
        ("t.csv", "ä,b,buys\n1,2,0\n".encode("latin-1"), "UTF-8"),
        ("t.csv.gz", b"not gzip", "Not a gzipped file.*Is it complete"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 500, mtime=0)[:40], "to its end, .*Is it complete"),
        ("t.parquet", b"PAR1 not really", "expected Parquet"),
        ("t.xlsx", b"", "expected a file ending in .csv, .tsv, .txt, these with .gz, .parquet, got .xlsx"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path / name)


def test_missing_files(tmp_path: Path) -> None:
    shop().to_csv(tmp_path / "shop.csv")
    with pytest.raises(DataError, match=r"there is none. Did you mean 'shop.csv'\?"):
        load(tmp_path / "shp.csv")
    with pytest.raises(DataError, match=r"data.path: expected a CSV or Parquet file, got none"):
        asked("file", target="x").load()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12), min_size=6, max_size=30),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_text_reads_alike_from_csv_and_parquet(cells: list[str], quoting: Any) -> None:
    """Quotes, delimiters, line ends and odd characters inside values change nothing."""
    frame = pd.DataFrame({"a": cells, "b": range(7, 7 + len(cells)), "c": [v[::-1] for v in cells]})
    with TemporaryDirectory() as folder:
        frame.to_csv(Path(folder) / "t.csv", index=False, quoting=quoting)
        frame.to_parquet(Path(folder) / "t.parquet", index=False)
        (text, _), (typed, _) = (read(Path(folder) / name, Asked()) for name in ("t.csv", "t.parquet"))
    for name in frame:
        assert decode(text[name]).storage == decode(typed[name]).storage
        np.testing.assert_array_equal(decode(text[name]).data, decode(typed[name]).data)
