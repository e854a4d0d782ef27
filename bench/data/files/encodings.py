"""The encoding of a text file: UTF-8 unless `data.encoding` says otherwise; another one is detected and offered.

Detection decodes what is not ASCII under each candidate and asks how common the characters are that come out: the
first half of GB2312, kana and the first half of JIS, and so on. Single bytes between ASCII letters are Western.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.data.errors import DataError, suggest

_LOOKED = 1 << 16  # bytes of lines with non-ASCII that are looked at
BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_USUAL = ("utf-8", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "utf-16", "latin-1", "cp1252", "cp1251")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_PUNCTUATION = re.compile("[\u2010-\u2027\u3000-\u3020\uff01-\uff5e\u00b7¥￥]")
_HIGH = re.compile(rb"[\x80-\xff]+")


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


def detect(head: bytes) -> str | None:
    """The likeliest encoding of bytes that are not UTF-8, None where none fits."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head[:_LOOKED]:
        even, odd = head[:_LOOKED:2].count(0), head[1:_LOOKED:2].count(0)
        return "utf-16-le" if odd > even else "utf-16-be"
    lines, size = [], 0
    for line in head.splitlines():
        if _HIGH.search(line):
            lines.append(line)
            size += len(line)
        if size > _LOOKED:
            break
    text = b"\n".join(lines[:-1] if len(lines) > 1 and size > _LOOKED else lines)
    scores = {name: score(text) for name, score in _CANDIDATES.items()}
    best = max(scores, key=lambda name: scores[name])
    if best == "latin-1" and re.search(rb"[\x80-\x9f]", text):
        return "cp1252"
    return best if scores[best] > 0 else None


def common(name: str, first: int, last: int) -> Callable[[bytes], float]:
    """A score: the share of characters whose first byte lies in the part of the encoding that is in daily use."""

    def score(text: bytes) -> float:
        decoded = _decoded_as(text, name)
        characters = [c for c in decoded or "" if c > "\x7f" and not _PUNCTUATION.match(c)]
        if not characters:
            return 0.0
        daily = 0
        for c in characters:
            own = c.encode(name)
            daily += len(own) == 2 and first <= own[0] <= last and (own[1] >= 0xA1 or name not in ("gb18030", "euc_jp"))
        return daily / len(characters)

    return score


def _decoded_as(text: bytes, name: str) -> str | None:
    """The text, None where it cannot be decoded so; characters for private use count as such."""
    try:
        found = text.decode(name)
    except UnicodeDecodeError:
        return None
    return None if re.search("[\ue000-\uf8ff]", found) else found


def _japanese(name: str) -> Callable[[bytes], float]:
    """A score: kanji in daily use and kana, if at least a tenth of the characters are kana."""
    kanji = common(name, 0x88 if name == "shift_jis" else 0xB0, 0x97 if name == "shift_jis" else 0xCF)

    def score(text: bytes) -> float:
        decoded = _decoded_as(text, name) or ""
        every = [c for c in decoded if c > "\x7f" and not _PUNCTUATION.match(c)]
        kana = len(_KANA.findall(decoded))
        if not every or kana < len(every) / 10:
            return 0.0
        return kana / len(every) + kanji(text) + 0.01

    return score


def _korean(text: bytes) -> float:
    """A score: hangul, if it is nearly all."""
    decoded = _decoded_as(text, "euc_kr") or ""
    every = [c for c in decoded if c > "\x7f" and not _PUNCTUATION.match(c)]
    share = len(_HANGUL.findall(decoded)) / max(len(every), 1)
    return 1.02 if share >= 0.95 and len(every) >= 8 else 0.0


def _cyrillic(text: bytes) -> float:
    """A score: letters of cp1251 in runs of several."""
    runs = _HIGH.findall(text)
    every = b"".join(runs)
    letters = sum(b >= 0xC0 or b in (0xA8, 0xB8) for b in every) / max(len(every), 1)
    longest = sum(len(r) >= 3 and len(r) % 2 == 1 for r in runs)
    return 1.01 if letters >= 0.97 and longest >= len(runs) / 4 else 0.0


def _western(text: bytes) -> float:
    """A score: single bytes between ASCII."""
    runs = _HIGH.findall(text)
    return 0.98 * sum(len(run) == 1 for run in runs) / max(len(runs), 1)


_CANDIDATES: dict[str, Callable[[bytes], float]] = {
    "gb18030": common("gb18030", 0xB0, 0xD7),
    "big5": common("big5", 0xA4, 0xC6),
    "shift_jis": _japanese("shift_jis"),
    "euc_jp": _japanese("euc_jp"),
    "euc_kr": _korean,
    "cp1251": _cyrillic,
    "latin-1": _western,
}


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
