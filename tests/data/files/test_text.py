"""Text tables: the delimiter that fits the rows, headers of any width, repeated headers, quotes, archives, pipes."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path

import pytest

from bench.data.errors import DataError
from bench.data.files import dialect as files
from bench.data.files.dialect import Asked, sniff
from bench.data.files.text import read_text
from tests.data.asked import asked


def written(tmp_path: Path, content: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("Amount, EUR;Date, local;Notes, a, b;y\n1,5;2024;x;0\n2,5;2024;y;1\n3;2024;z, w;0\n", ";"),
        ("a,b\n1,2;3\n4,5;6\n", ","),
        ("a|b|c\n1,2|3|4\n1,2|3|4\n", "|"),
        ("a;b\n1;2\n", ";"),
        ("a\tb, c\n1\t2\n3\t4\n5\t6\n", "\t"),
        ("one\n1\n2\n", ","),
    ],
)
def test_the_delimiter_is_chosen_by_the_rows(tmp_path: Path, content: str, delimiter: str) -> None:
    path = written(tmp_path, content)
    assert sniff(path, Asked()).delimiter == delimiter
    header, table, _ = read_text(path, Asked())
    rows = list(csv.reader(io.StringIO(content), delimiter=delimiter))
    assert [header, *(list(r.values()) for r in table.to_pylist())] == rows


def test_the_delimiter_may_be_said(tmp_path: Path) -> None:
    path = written(tmp_path, "a:b\n1:2\n")
    assert read_text(path, Asked(delimiter=":"))[0] == ["a", "b"]
    assert sniff(written(tmp_path, "a\tb\n1\t2\n"), Asked(delimiter="tab")).header == ["a", "b"]
    with pytest.raises(DataError, match=r"data.delimiter: expected one character or tab, got '::'"):
        read_text(path, Asked(delimiter="::"))


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "\ufeffsep=;\n"])
def test_spreadsheets_say_the_delimiter_first(tmp_path: Path, first: str) -> None:
    header, table, _ = read_text(written(tmp_path, first + "a,b;c\n1,5;2\n"), Asked())
    assert (header, table.to_pylist()) == (["a,b", "c"], [{"c0": "1,5", "c1": "2"}])


def test_a_header_may_be_as_wide_as_it_likes(tmp_path: Path) -> None:
    names = [f"product_category_name_value_{i:05d}" for i in range(5000)]
    header, table, _ = read_text(written(tmp_path, f"{','.join(names)}\n{','.join('1' * 5000)}\n"), Asked())
    assert (header, table.num_rows) == (names, 1)


def test_rows_that_repeat_the_header_are_dropped_and_counted(tmp_path: Path) -> None:
    part = "age,y\n1,0\n2,1\nage,0\n"
    _, table, notes = read_text(written(tmp_path, part * 3), Asked())
    assert [row["c0"] for row in table.to_pylist()] == ["1", "2", "age"] * 3
    assert notes == ["warning: dropped 2 rows that repeat the header"]


def test_a_quote_that_swallows_rows_is_suspected(tmp_path: Path) -> None:
    _, table, notes = read_text(written(tmp_path, 'a,b,y\n1,"x,0\n2,y,0\n3,z",1\n4,w,0\n'), Asked())
    assert table.num_rows == 2
    assert "column 'b': one cell (row 1) holds 2 lines, and 1 of them look like rows, such as '2,y,0'" in notes[0]
    assert read_text(written(tmp_path, 'a,b\n1,"two\nlines"\n2,x\n'), Asked())[2] == []


def test_an_error_shows_the_place_and_not_ten_kilobytes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CSV Error on Line: 3") as caught:
        read_text(written(tmp_path, f"a,b\n1,2\n{'x' * 10_000}\n"), Asked())
    assert len(str(caught.value)) < 450


def test_an_archive_that_unpacks_to_very_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BOMB_BYTES", 1 << 20)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,y\n" + b"1,0\n" * 4_000_000))
    with pytest.raises(DataError, match=r"expected a table, got an archive of .* MB that unpacks to more than .* GB"):
        files.check_bomb(tmp_path / "t.csv.gz")
    (tmp_path / "u.csv.gz").write_bytes(gzip.compress(os.urandom(1 << 16)))
    files.check_bomb(tmp_path / "u.csv.gz")


def test_pipes_are_refused_before_anybody_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match="expected a file, which can be read twice, got a pipe"):
        asked("file", path=str(tmp_path / "t.csv"), target="y").load()
