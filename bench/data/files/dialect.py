"""How a text file is written: encoding, delimiter, header. Whether it is a file at all that can be read to its end."""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.errors import DataError
from bench.data.files.encodings import as_utf8, blocks_of, invalid_at, known_encoding, refusal

INCOMPLETE = "Is it complete, and what its ending says? Write or fetch it again"
_DELIMITERS = ",;\t|"
SAMPLE_ROWS, SAMPLE_BYTES = 200, 1 << 20  # that the delimiter is chosen on
_LINE_BYTES = 2 << 20  # of the longest line, unless the header is longer
_FITS = 0.9  # share of the sampled rows that must be as wide as the header
_SEP = re.compile('"?sep=(.)"?\r?\n?', re.IGNORECASE)
BOMB_BYTES, BOMB_TIMES = 2 << 30, 100  # an archive that becomes so large, and so many times larger, is none of data


@dataclass(frozen=True)
class Asked:
    """What the owner says about a text file: its encoding and delimiter, None to find out."""

    encoding: str | None = None
    delimiter: str | None = None

    def mark(self) -> str | None:
        """The delimiter as one character.

        Raises:
            DataError: it is none.
        """
        found = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(
            self.delimiter or "", self.delimiter
        )
        if found is not None and (len(found) != 1 or found in '"\r\n'):
            raise DataError(
                f"data.delimiter: expected one character or tab, got {self.delimiter!r}. Give one such as ;"
            )
        return found


@dataclass(frozen=True)
class Dialect:
    """How a text file is read. `skip`: whether a line comes before the header; `longest`: bytes of a line, at most."""

    delimiter: str
    header: list[str]
    skip: bool
    longest: int


def zipped(path: Path) -> bool:
    """Whether a file is a gzip archive by its name."""
    return path.name.lower().endswith(".gz")


def opened(path: Path) -> Any:
    """What opens the file."""
    return gzip.open if zipped(path) else open


def unpacked_size(path: Path, enough: int) -> int:
    """Bytes of text in a file; of an archive counted up to `enough`.

    Raises:
        DataError: no archive, or one that is cut off.
    """
    if not zipped(path):
        return path.stat().st_size
    size = 0
    with reading(path):
        for block in blocks_of(path, gzip.open):
            size += len(block)
            if size > enough:
                break
    return size


def check_bomb(path: Path) -> None:
    """Refuse an archive that is small and unpacks to gigabytes.

    Raises:
        DataError: says how large it is and becomes.
    """
    if not zipped(path):
        return
    packed = path.stat().st_size
    limit = max(BOMB_BYTES, BOMB_TIMES * packed)
    if unpacked_size(path, limit) > limit:
        raise DataError(
            f"{path.name}: expected a table, got an archive of {packed / 1e6:,.1f} MB that unpacks to more than "
            f"{limit / 1e9:,.1f} GB. If it is meant so, unpack it first"
        )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what goes wrong with a file into complaints.

    Raises:
        DataError: the file cannot be read to its end.
    """
    try:
        yield
    except EOFError as error:
        raise DataError(f"{path.name}: expected to read it to its end, got: {error}. {INCOMPLETE}") from error
    except OSError as error:
        raise DataError(f"{path.name}: expected a file that can be read, got: {error}. {INCOMPLETE}") from error


def sniff(path: Path, asked: Asked) -> Dialect:
    """Delimiter and header of a file of UTF-8. The delimiter is the one under which the rows are as wide as the header.

    `sep=;` in the first line says which it is.

    Raises:
        DataError: no UTF-8, no header.
    """
    head = sample(path)
    bad = invalid_at(head, whole=len(head) < SAMPLE_BYTES)
    if bad is not None:
        raise refusal(path.name, head, bad)
    text = head.decode("utf-8-sig", "ignore")
    said = _SEP.match(text)
    if said and not asked.delimiter and said.end() < len(text):
        return _dialect(path, text[said.end() :], said.group(1), skip=True)
    candidates = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else _DELIMITERS
    mark = asked.mark() or best(text, candidates)
    return _dialect(path, text, mark, skip=False)


def sample(path: Path) -> bytes:
    """The first lines: the header to its end however long it is, and more up to a megabyte."""
    with reading(path), opened(path)(path, "rb") as file:
        first: bytes = file.readline()
        return first + bytes(file.read(max(SAMPLE_BYTES - len(first), len(first), 0)))


def best(text: str, candidates: str) -> str:
    """The delimiter that fits: most rows as wide as the header, then the most columns."""
    ranked = []
    for mark in candidates:
        header, *rows = rows_of(text, mark) or [[]]
        fits = sum(len(row) == len(header) for row in rows) / len(rows) if rows else 1.0
        ranked.append((len(header) > 1, fits >= _FITS, len(header), -candidates.index(mark), mark))
    return max(ranked)[-1]


def rows_of(text: str, mark: str, most: int = SAMPLE_ROWS) -> list[list[str]]:
    """The first rows; the last of a sample may be cut and is left out."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        rows = [row for row, _ in zip(reader, range(most + 1), strict=False)]
    except csv.Error:  # DuckDB says better what is wrong there
        rows = [text.splitlines()[0].split(mark)]
    finally:
        csv.field_size_limit(before)
    return rows if len(rows) < 2 else [rows[0], *(row for row in rows[1:-1] if row)]


def _dialect(path: Path, text: str, mark: str, *, skip: bool) -> Dialect:
    """The header under a delimiter.

    Raises:
        DataError: there is none.
    """
    header = (rows_of(text, mark, 1) or [[]])[0]
    if not header:
        raise DataError(
            f"{path.name}: expected a header of column names, got an empty first line. Write the names there"
        )
    return Dialect(mark, header, skip, max(_LINE_BYTES, 4 * len(text.partition("\n")[0].encode())))


@contextmanager
def utf8(path: Path, asked: Asked) -> Iterator[Path]:
    """The file itself, or a copy of it in UTF-8 where it is in the encoding that was asked for.

    Raises:
        DataError: an unknown encoding, or bytes that are not of it.
    """
    if asked.encoding is None or known_encoding(asked.encoding) == "utf-8":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name.removesuffix(".gz")
        with reading(path), copy.open("wb") as file:
            for block in as_utf8(path.name, blocks_of(path, opened(path)), known_encoding(asked.encoding)):
                file.write(block)
        yield copy


@contextmanager
def readable(path: Path, asked: Asked) -> Iterator[tuple[Path, Dialect]]:
    """A file in UTF-8 that begins with its header, and how to read it: the file itself, or a copy.

    A line before the header goes here and not by DuckDB's `skip`, which loses all rows where line ends are mixed.

    Raises:
        DataError: unreadable, no header, an unknown encoding.
    """
    with utf8(path, asked) as file:
        read = sniff(file, asked)
        if not read.skip:
            yield file, read
            return
        with tempfile.TemporaryDirectory() as folder, reading(path), opened(file)(file, "rb") as whole:
            copy = Path(folder) / path.name.removesuffix(".gz")
            whole.readline()
            with copy.open("wb") as rest:
                shutil.copyfileobj(whole, rest)
            yield copy, read
