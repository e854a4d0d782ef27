"""Bad files, and what each is told: python -m tests.data.sources.corpus writes results/data/bad-files.md.

The faults are those that users' files have; the test beside walks the same list, and checks that the table is current.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml

from bench.data.errors import DataError
from bench.data.features.load import load_encoded
from bench.data.inspect.check import check
from bench.data.inspect.report import warnings
from bench.data.tables.schema import Table
from bench.data.tables.schema_file import schema_yaml
from tests import ROOT
from tests.data.asked import asked

Outcome = Literal["error", "warning", "accepted"]
OUT = ROOT / "results" / "data" / "bad-files.md"
N = 60
HOSTILE = ("=1+1", "@SUM(A1)", "<script>alert(1)</script>", "../../etc", 'a"b', "a|b", "${x}", "é\u202eö", "x" * 300)


@dataclass(frozen=True)
class Case:
    """A file that `write` makes in the working directory, the options it is read with, and what must come of it."""

    fault: str
    expected: Outcome
    write: Callable[[], str]
    options: Mapping[str, Any] = field(default_factory=dict)


def good(rows: int = N) -> pd.DataFrame:
    """A small shop: nothing is wrong with it."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "price": rng.normal(20, 5, rows).round(3),
            "city": rng.choice(["Köln", "Bonn", "Rom"], rows),
            "user": np.arange(rows) // 3 + 100,
            "buys": (np.arange(rows) % 4 == 0).astype(int),
        }
    )


def csv(
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame, rows: int = N, **how: Any
) -> Callable[[], str]:
    """The good table, changed, as t.csv."""

    def write() -> str:
        change(good(rows)).to_csv("t.csv", **({"index": False} | how))
        return "t.csv"

    return write


def held(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[], str]:
    """The changed table as t.csv, and the strict schema of the good one as schema.yaml."""

    def write() -> str:
        good().to_csv("good.csv", index=False)
        table = asked("file", path="good.csv", target="buys").load()
        Path("schema.yaml").write_text(schema_yaml(table), encoding="utf-8")
        return csv(change)()

    return write


def raw(content: bytes | str, name: str = "t.csv") -> Callable[[], str]:
    """A file of these bytes."""

    def write() -> str:
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return write


def parquet(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[], str]:
    """The good table, changed, as t.parquet."""

    def write() -> str:
        change(good()).to_parquet("t.parquet", index=False)
        return "t.parquet"

    return write


def cut(share: float) -> Callable[[], str]:
    """A Parquet file of which only the first part arrived."""

    def write() -> str:
        whole = Path(parquet(lambda f: f)()).read_bytes()
        return raw(whole[: int(len(whole) * share)], "t.parquet")()

    return write


def folder(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[], str]:
    """A folder of two Parquet files, the second changed."""

    def write() -> str:
        Path("parts").mkdir()
        good().iloc[:30].to_parquet("parts/a.parquet", index=False)
        change(good().iloc[30:]).to_parquet("parts/b.parquet", index=False)
        return "parts"

    return write


def encoded(encoding: str) -> Callable[[], str]:
    """The good table with names in that encoding's own characters."""
    words = {"gb18030": ["科隆", "波恩", "罗马"], "shift_jis": ["ケルンの町", "ボンの町", "ローマの町"]}[encoding]
    return csv(
        lambda f: f.assign(city=f["city"].map(dict(zip(["Köln", "Bonn", "Rom"], words, strict=True)))),
        encoding=encoding,
    )


def swallowing() -> bytes:
    """The good table with a quote before one city, and one after another's three rows later."""
    rows = [line.split(",") for line in text().decode().splitlines()]
    rows[2][1], rows[5][1] = '"' + rows[2][1], rows[5][1] + '"'
    return "\n".join([*(",".join(row) for row in rows), ""]).encode()


def hive() -> str:
    """A folder for each city."""
    for city, rows in good().groupby("city"):
        folder = Path("parts") / f"city={city}"
        folder.mkdir(parents=True)
        rows.drop(columns="city").to_parquet(folder / "a.parquet", index=False)
    return "parts"


def at(frame: pd.DataFrame, column: str, row: int, value: Any) -> pd.DataFrame:
    """One cell changed."""
    changed = frame.astype({column: object})
    changed.loc[row, column] = value
    return changed


def text(**how: Any) -> bytes:
    """The good table as CSV, in memory."""
    return good().to_csv(index=False, **how).encode("utf-8")


def half() -> pd.Series[Any]:
    """train, val and test in turn."""
    return pd.Series(np.array(["train", "train", "train", "val", "test"])[np.arange(N) // 4 % 5])


NUMBERS_WITH_WORDS = {
    "kilograms": ["10 kg", "2.5 kg", "3 kg"], "gigabytes": ["5GB", "10GB", "20GB"], "metres": ["1.75m", "1.8m", "2m"],
    "megabytes and gigabytes": ["5GB", "500MB", "1GB"], "hours and minutes in words": ["1h 30m", "45m", "2h"],
    "hours, minutes and seconds": ["00:05:30", "01:00:00", "00:00:09"], "days": ["2 days", "1 day", "10 days"],
    "times of day": ["12:30", "09:05", "23:59"], "hexadecimal numbers": ["0x1F", "0xA0", "0x07"],
    "fractions": ["1/2", "3 1/4", "5"], "underscores in numbers": ["1_000", "250", "12_500"],
}  # fmt: skip
CASES = (
    # What is no table.
    Case("no such file, but one with a name like it", "error", lambda: (csv()(), "tt.csv")[1]),
    Case("empty file", "error", raw("")),
    Case("blank first line", "error", raw(b"\n" + text())),
    Case("header only", "error", raw("a,b,buys\n")),
    Case("a spreadsheet", "error", raw("PK", "t.xlsx")),
    Case("a row too short", "error", raw("a,b,buys\n1,2,0\n3,1\n4,5,1\n")),
    Case("a row too long", "error", raw("a,b,buys\n1,2,0\n3,1,1,7\n4,5,1\n")),
    Case("a quote that is never closed", "error", raw('a,b,buys\n1,"2,0\n3,1,1\n')),
    Case("the header repeats a name", "error", raw("a,a,buys\n1,2,0\n3,4,1\n")),
    Case("Latin-1", "error", csv(encoding="latin-1")),
    Case("UTF-16, as spreadsheets export it", "error", csv(encoding="utf-16")),
    Case("byte order mark", "accepted", csv(encoding="utf-8-sig")),
    Case("semicolons", "accepted", csv(sep=";")),
    Case("semicolons and decimal commas, undeclared", "warning", csv(sep=";", decimal=",")),
    Case("semicolons and decimal commas, declared", "accepted", csv(sep=";", decimal=","),
         {"formats": {"price": "decimal_comma"}}),
    Case("Windows line ends", "accepted", raw(text(lineterminator="\r\n"))),
    Case("a .gz that is none", "error", raw(text(), "t.csv.gz")),
    Case("a .gz of which half arrived", "error", raw(gzip.compress(text(), mtime=0)[:200], "t.csv.gz")),
    Case("not Parquet", "error", raw("a,b,buys\n", "t.parquet")),
    Case("Parquet of which the end is missing", "error", cut(0.6)),
    Case("folder without Parquet", "error", lambda: (Path("parts").mkdir(), "parts")[1]),
    Case("folder of Parquet, a column in one file only", "error", folder(lambda f: f.drop(columns="city"))),
    Case("folder of Parquet, numbers in one file and text in another", "error",
         folder(lambda f: f.assign(price="cheap"))),
    Case("GB18030", "error", encoded("gb18030")),
    Case("GB18030, declared", "accepted", encoded("gb18030"), {"encoding": "gb18030"}),
    Case("GB18030 of two labels", "error",
         csv(lambda f: f.assign(city=np.where(f["price"] > 20, "好评", "差评")), encoding="gb18030")),
    Case("Shift-JIS", "error", encoded("shift_jis")),
    Case("an encoding that it is not", "error", encoded("gb18030"), {"encoding": "ascii"}),
    Case("commas in the header of a file with semicolons", "accepted",
         raw(text(sep=";").replace(b"price;city", b"price, net;city, home"))),
    Case("sep=; in the first line", "accepted", raw(b"sep=;\n" + text(sep=";"))),
    Case("files with their headers put one after another", "warning", raw(text() + text())),
    Case("a quote that swallows rows", "warning", raw(swallowing())),
    Case("a pipe", "error", lambda: (os.mkfifo("t.csv"), "t.csv")[1]),
    Case("a row too long, of ten kilobytes", "error", raw(text() + b"1,2,3,0," + b"x" * 10_000 + b"\n")),
    Case("hive folders", "accepted", hive),
    # Numbers, dates, labels, as people write them.
    Case("prices with thousands, undeclared", "warning",
         csv(lambda f: f.assign(paid=[f"{v:,.0f}" for v in f["price"] * 99]))),
    Case("prices with a currency, undeclared", "warning",
         csv(lambda f: f.assign(paid=[f"¥{v:.2f}" for v in f["price"].round()]))),
    Case("a decimal mark that nothing proves", "error",
         csv(lambda f: f.assign(paid="1.299 €")), {"formats": {"paid": "currency"}}),
    Case("two decimal marks", "error",
         csv(lambda f: at(f.assign(paid="1,5 €"), "paid", 3, "1.5 €")), {"formats": {"paid": "currency"}}),
    Case("a format for what is a number already", "error", parquet(lambda f: f), {"formats": {"price": "percent"}}),
    Case("amounts in euros and dollars", "warning",
         csv(lambda f: f.assign(paid=np.array(["€ 5", "$ 6", "€ 7"])[f.index % 3])), {"formats": {"paid": "currency"}}),
    *(Case(f"{what}, undeclared", "warning", csv(lambda f, cells=cells: f.assign(v=np.array(cells)[f.index % 3])))
      for what, cells in NUMBERS_WITH_WORDS.items()),
    Case("a word among dates, undeclared", "warning",
         csv(lambda f: at(f.assign(day=[f"2024-01-{1 + i % 28:02d}" for i in f.index]), "day", 5, "unknown"))),
    Case("months without days", "warning", csv(lambda f: f.assign(day=np.array(["2024-01", "2024-02"])[f.index % 2]))),
    Case("UTF-8 that was read as Latin-1 and saved again", "warning",
         csv(lambda f: f.assign(city=np.array(["KÃ¶ln", "Bonn", "Rom"])[f.index % 3]))),
    Case("a column that is named is_train", "warning", csv(lambda f: f.assign(is_train=f.index % 3 // 2))),
    Case("true beside 1 as labels", "warning",
         csv(lambda f: f.assign(buys=np.array(["true", "no", "1"])[f.index % 3]))),
    Case("a stray zero byte", "error", raw(text().replace(b"\n", b"\n\0", 3))),
    Case("two units", "error",
         csv(lambda f: at(f.assign(paid="10 kg"), "paid", 3, "900 g")), {"formats": {"paid": "unit"}}),
    Case("half past twelve, or twelve minutes and a half", "error",
         csv(lambda f: f.assign(paid="12:30")), {"formats": {"paid": "duration"}}),
    Case("a footnote behind a number", "error",
         csv(lambda f: at(f.assign(paid="1,234"), "paid", 3, "1,234¹")), {"formats": {"paid": "thousands"}}),
    Case("? among numbers", "warning",
         csv(lambda f: at(f, "price", 7, "?").assign(price=lambda g: g["price"].where(g.index > 9, 5)))),
    Case("? among numbers, declared", "accepted", csv(lambda f: at(f, "price", 7, "?")), {"missing_words": ("?",)}),
    Case("01/02/2024, with no day above 12", "error", csv(lambda f: f.assign(day="01/02/2024")), {"time": "day"}),
    Case("both orders of day and month", "error",
         csv(lambda f: at(f.assign(day="31/01/2024"), "day", 3, "01/31/2024")), {"time": "day"}),
    Case("0000-00-00", "error", csv(lambda f: at(f.assign(day="2024-01-31"), "day", 3, "0000-00-00")), {"time": "day"}),
    Case("epochs in seconds and in milliseconds", "error",
         csv(lambda f: f.assign(ts=np.where(f.index < 9, 1704067200, 1704067200000) + f.index)), {"time": "ts"}),
    Case("versions: 3.1 and 3.10", "warning",
         csv(lambda f: f.assign(version=np.array(["3.1", "3.10", "3.2"])[f.index % 3]))),
    Case("blanks around labels", "accepted", csv(lambda f: f.assign(buys=np.where(f["buys"] == 1, "yes ", " no")))),
    Case("labels that differ in capitals only", "warning",
         csv(lambda f: f.assign(buys=np.array(["yes", "no", "No", "no"])[f.index % 4]))),
    Case("several labels in one cell", "warning",
         csv(lambda f: f.assign(buys=np.array(["a", "b", "a;b"])[f.index % 3]))),
    Case("1E5 beside 100000", "warning", csv(lambda f: f.assign(item=np.array(["1E5", "100000", "7"])[f.index % 3]))),
    Case("minus signs behind numbers, undeclared", "warning",
         csv(lambda f: f.assign(paid=[f"{v:.1f}-" for v in f["price"].round()]))),
    Case("weights with decimal commas", "error", csv(lambda f: f.assign(w="1,5")), {"weight": "w"}),
    Case("weights too far apart to be added", "error",
         csv(lambda f: f.assign(w=np.where(f.index < 9, 1e-200, 1e200))), {"weight": "w"}),
    Case("equal rows that are events", "warning", csv(lambda f: f[["city", "buys"]])),
    Case("a column that says train and test, undeclared", "warning", csv(lambda f: f.assign(part=half()))),
    # The target.
    Case("no target named", "error", csv(), {"target": None}),
    Case("target misspelt", "error", csv(), {"target": "buy"}),
    Case("target all empty", "error", csv(lambda f: f.assign(buys=None))),
    Case("target partly empty", "warning", csv(lambda f: at(f, "buys", 3, None))),
    Case("target constant", "error", csv(lambda f: f.assign(buys=1))),
    Case("a single row", "error", csv(rows=1)),
    Case("two positives in all", "error", csv(lambda f: f.assign(buys=(f.index < 2).astype(int)))),
    Case("a quantity as target", "error", csv(), {"target": "price"}),
    Case("10,000 classes", "error", csv(lambda f: f.assign(buys=[f"c{i % 10000}" for i in f.index]), rows=30_000)),
    Case("lists as target", "error", parquet(lambda f: f.assign(buys=[[1, 2]] * len(f)))),
    Case("positive class that is none", "error", csv(), {"positive": "yes"}),
    Case("a copy of the target", "warning", csv(lambda f: f.assign(leak=np.where(f["buys"] == 1, "sold", "kept")))),
    Case("a column that all but tells the target", "warning",
         csv(lambda f: f.assign(score=f["buys"] * 10 + f["price"] / 100), rows=400)),
    # Columns.
    Case("infinite numbers", "error", csv(lambda f: at(f, "price", 7, np.inf))),
    Case("infinite numbers in Parquet", "error",
         parquet(lambda f: f.assign(price=f["price"].where(f.index != 7, -np.inf)))),
    Case("missing numbers, spelt NaN, NA and null", "accepted",
         csv(lambda f: at(at(at(f, "price", 1, "NaN"), "price", 2, "NA"), "price", 5, "null"))),
    Case("text in a column declared numeric", "error", csv(lambda f: at(f, "price", 7, "soon")),
         {"kinds": {"price": "numeric"}}),
    Case("text among numbers, undeclared", "warning", csv(lambda f: at(f, "price", 7, "soon"))),
    Case("zip codes", "warning", csv(lambda f: f.assign(zip=[f"{i % 7:05d}" for i in f.index]))),
    Case("20-digit ids", "accepted",
         csv(lambda f: f.assign(long=[str(12345678901234567890 + i % 9) for i in f.index]))),
    Case("only an id", "error", csv(lambda f: f.assign(row=f.index)[["row", "buys"]])),
    Case("a constant and an empty column", "accepted", csv(lambda f: f.assign(shop="one", note=None))),
    Case("lists as a feature", "accepted", parquet(lambda f: f.assign(tags=[["a"]] * len(f)))),
    Case("hostile column names", "accepted",
         csv(lambda f: f.assign(**{name: f["price"] * (i + 2) % 7 for i, name in enumerate(HOSTILE)}))),
    Case("column names that differ by blanks only", "error", raw("a, a,buys\n1,2,0\n3,4,1\n")),
    Case("unknown kind", "error", csv(), {"kinds": {"price": "number"}}),
    Case("data.ignore names no column", "error", csv(), {"ignore": ("prise",)}),
    Case("numbers not in the declared format", "error",
         csv(lambda f: f.assign(price=f["price"].astype(str).where(f.index != 4, "twelve"))),
         {"formats": {"price": "percent"}}),
    # Held to a schema.
    Case("schema: a column is missing", "error", held(lambda f: f.drop(columns="city")),
         {"schema_file": "schema.yaml"}),
    Case("schema: a column too many", "error", held(lambda f: f.assign(colour="red")),
         {"schema_file": "schema.yaml"}),
    Case("schema: columns in another order", "accepted", held(lambda f: f[list(f)[::-1]]),
         {"schema_file": "schema.yaml"}),
    Case("schema: text in a numeric column", "error", held(lambda f: at(f, "price", 7, "soon")),
         {"schema_file": "schema.yaml"}),
    # Rows and splits.
    Case("duplicated rows", "warning", csv(lambda f: pd.concat([f, f.iloc[:20]]))),
    Case("test rows that are training rows too", "warning",
         csv(lambda f: pd.concat([f.assign(part=half()), f.iloc[:4].assign(part="test")])), {"given": "part"}),
    Case("a category that only test rows have", "accepted",
         csv(lambda f: f.assign(city=f["city"].where(half() != "test", "Oslo"), part=half())), {"given": "part"}),
    Case("one user has all positives", "error", csv(lambda f: f.assign(user=np.where(f["buys"] == 1, 1, f["user"]))),
         {"group": "user"}),
    Case("rows without user", "error", csv(lambda f: at(f, "user", 3, None)), {"group": "user"}),
    Case("a user in two given parts", "error", csv(lambda f: f.assign(part=half(), user=1)),
         {"given": "part", "group": "user"}),
    Case("time without late positives", "error",
         csv(lambda f: f.assign(day=f.index, buys=(f.index < 15).astype(int))), {"time": "day"}),
    Case("times that are no dates", "error", csv(), {"time": "city"}),
    Case("weights of zero", "error", csv(lambda f: f.assign(w=0)), {"weight": "w"}),
    Case("a word that is no part", "error", csv(lambda f: f.assign(part=half().replace("test", "tset"))),
         {"given": "part"}),
    Case("a given part with one class", "error",
         csv(lambda f: f.assign(part=half(), buys=f["buys"].where(half() != "test", 0))), {"given": "part"}),
    Case("more folds than rare rows", "error", csv(), {"folds": 20}),
)  # fmt: skip


def told(case: Case) -> tuple[Outcome, list[str]]:
    """What comes of a file, from reading to encoding, and the lines that its owner sees (relative paths)."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        path = case.write()
        config = asked("file", path=path, **{"target": "buys", **case.options})
        try:
            table = config.load()
            load_encoded(config, 0, 0)
        except DataError as error:
            return "error", [str(error)]
        findings = check(table, config.test_fraction, config.val_fraction)
        loud = [
            f"warning: {line}" for line in warnings(findings) if "rows in all" not in line and "below 20" not in line
        ]
        found = [line for line in table.log if not line.startswith("positive class")] + loud
        alarmed = any(line.startswith(("warning", "dropped")) for line in found)
        return ("warning" if alarmed else "accepted"), [*found, used(table)]


def used(table: Table) -> str:
    """The kinds of the columns."""
    return "columns: " + ", ".join(f"{c.name[:40]} {c.kind}" for c in table.columns)


def markdown() -> str:
    """The table of all cases."""
    lines = [
        "# Bad files and what each is told", "",
        "Written by `python -m tests.data.sources.corpus`; a test keeps it current. Files are read, split and encoded "
        "with `data.target=buys` and the options shown. *warning*: the file is used, and the owner is told; *accepted*"
        ": it is used, and what it was taken for is shown. Warnings of small classes and parts are left out.", "",
        "| what is wrong | options | outcome | what is said |", "|---|---|---|---|",
    ]  # fmt: skip
    for case in CASES:
        outcome, said = told(case)
        options = " ".join(f"data.{k}={plain(v)}" for k, v in case.options.items())
        cells = (case.fault, options and f"`{options}`", outcome, " · ".join(said))
        lines.append("| " + " | ".join(escaped(c) for c in cells) + " |")
    return "\n".join(lines) + "\n"


def plain(value: Any) -> str:
    """An option's value on one line."""
    given = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(given, default_flow_style=True).replace("\n...", "").strip()


def escaped(cell: str) -> str:
    """A cell of a Markdown table, which holds no markup."""
    for character, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("\u202e", "U+202E")):
        cell = cell.replace(character, instead)
    return " ".join(cell.split())


def main() -> None:
    """Write the table."""
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(markdown(), encoding="utf-8")
    print(os.path.relpath(OUT))


if __name__ == "__main__":
    main()
