"""The encoding of a text file: UTF-8 unless `data.encoding` says otherwise; another one is guessed and offered."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.data.errors import DataError, suggest
from bench.data.files.guess_encoding import detect

BLOCK = 1 << 20
_USUAL = ("utf-8", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "utf-16", "latin-1", "cp1252", "cp1251")


def known_encoding(name: str) -> str:
    """The name as Python spells it.

    Raises:
        DataError: Python does not know it.
    """
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise DataError(
            f"data.encoding: expected a text encoding, got {name!r}. {suggest(name, _USUAL)}Usual: {', '.join(_USUAL)}"
        ) from None


def refusal(file: str, head: bytes, at: int, *, before: int = 0) -> DataError:
    """The complaint about a file that is not UTF-8: where, what it seems to be, and the option to paste.

    `before`: lines of the file that come before `head`.
    """
    line = before + head.count(b"\n", 0, at) + 1
    found = detect(head)
    if found is None:
        return DataError(
            f"{file}: expected UTF-8 text, got other bytes in line {line}. Say which encoding it is with "
            f"data.encoding ({', '.join(_USUAL[1:6])}, …), or save it as UTF-8 or Parquet"
        )
    sample = example(head, at, found)
    shown = f", where it reads {sample!r}" if sample else ""
    return DataError(
        f"{file}: expected UTF-8 text, got other bytes in line {line}: it seems to be {found}{shown}. If so: "
        f"data.encoding={found}"
    )


def example(head: bytes, at: int, encoding: str) -> str:
    """What stands there under an encoding, a few characters."""
    if encoding.startswith(("utf-16", "utf-32")):
        return head[: 4 * (len(head) // 4)].decode(encoding, "ignore").splitlines()[0][:30]
    start = head.rfind(b"\n", 0, at) + 1
    end = head.find(b"\n", at)
    line = head[start : end if end >= 0 else len(head)].decode(encoding, "replace").strip()
    first = next((i for i, c in enumerate(line) if c > "\x7f"), 0)
    return line[max(first - 10, 0) : first + 20]


def invalid_at(head: bytes, *, whole: bool) -> int | None:
    """Where bytes stop being UTF-8 text, None where they do not; unless it is the `whole` file, its end may be cut."""
    if b"\0" in head:
        return head.index(b"\0")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head, final=whole)
    except UnicodeDecodeError as error:
        return error.start
    return None


def as_utf8(file: str, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The blocks of a file in another encoding, as UTF-8.

    Raises:
        DataError: bytes that are not of that encoding; says in which line.
    """
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    for block in itertools.chain(blocks, [b""]):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line += block.count(b"\n", 0, error.start)
            raise DataError(
                f"{file}: expected text in {encoding} (data.encoding), got bytes that are not, about line {line}. "
                "Correct data.encoding, or save the file as UTF-8 or Parquet"
            ) from error
        line += text.count("\n")
        yield text.encode("utf-8", "surrogatepass")


def blocks_of(path: Path, opened: Callable[..., object]) -> Iterator[bytes]:
    """A file's bytes, a megabyte at a time."""
    with opened(path, "rb") as file:  # type: ignore[attr-defined]
        while block := file.read(BLOCK):
            yield block
