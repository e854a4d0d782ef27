"""Numbers as people write them: currency, grouped thousands, percent, accounting negatives, K and M, 万 and 亿.

What a column says decides for all of its cells: which of point and comma is the decimal mark is proven by cells that
can be read in one way only. Where none proves it, or two contradict each other, the column is refused and the format to
declare is named. A cell is read completely or not at all: nothing is skipped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError
from bench.data.tables.config import Format

Mark = Literal[".", ","]
_MOSTLY = 0.8  # share of a column's distinct cells from which it looks like numbers

_SCALES = {
    **dict.fromkeys(("k", "tsd", "thousand", "千"), 3),
    **dict.fromkeys(("m", "mn", "mio", "mln", "million", "millions", "百万"), 6),
    **dict.fromkeys(("b", "bn", "mrd", "billion", "billions"), 9),
    **dict.fromkeys(("万", "萬"), 4),
    **dict.fromkeys(("亿", "億"), 8),
    **dict.fromkeys(("lakh", "lakhs", "lac"), 5),
    **dict.fromkeys(("crore", "crores", "cr"), 7),
}
"""Words after a number -> power of ten."""

_CURRENCY_WORDS = (
    "usd eur gbp jpy cny rmb inr chf sek nok dkk isk pln czk huf ron bgn uah rub try brl mxn ars clp cop pen cad aud "
    "nzd hkd twd sgd krw thb vnd idr myr php pkr lkr bdt npr aed sar qar kwd bhd omr ils egp zar ngn kes ghs mad "
    "rs fr sfr kr zł zl kč kc ft lei лв руб р грн tl rm rp 元 圆 円 원 圓 บาท"
)
_CURRENCIES = frozenset(_CURRENCY_WORDS.split())
"""Codes and signs of letters, in lower case and without points."""

_BEFORE_SIGN = frozenset(("us", "a", "au", "c", "ca", "r", "nz", "hk", "nt", "s", "mx"))
"""Letters that are part of a currency only before its sign: US$, R$."""

_YES = frozenset(("yes", "y", "true", "t", "on", "1", "ja", "oui", "sí", "si", "sim", "да", "是", "有", "はい", "예"))
_NO = frozenset(
    ("no", "n", "false", "f", "off", "0", "nein", "non", "não", "нет", "否", "无", "無", "いいえ", "아니요")
)
_MINUS = dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d"), "-")
_BLANKS = dict.fromkeys(map(ord, "\u00a0\u2007\u2008\u2009\u202f\u3000\u205f"), " ")
_QUOTES = dict.fromkeys(map(ord, "\u2019\u02bc\u00b4`\u2018"), "'")
_ARABIC = {ord("\u066b"): ".", ord("\u066c"): ",", ord("\u066a"): "%"}
_PLAIN = str.maketrans({**_MINUS, **_BLANKS, **_QUOTES, **_ARABIC})

_DIGITS = re.compile(r"[0-9][0-9., ']*|[.,][0-9]+")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]{1,3})$")
CODE = re.compile(r"\+|0[0-9]|[0-9]{16}")  # phone numbers, zip codes, long ids: digits, but no quantities
_LETTERS = re.compile(r"[^\W\d_]+\.?")
_PERCENT = {"%": -2, "‰": -3, "pct": -2, "percent": -2}


@dataclass(frozen=True)
class Written:
    """A cell taken apart: sign, digits with their separators, and the power of ten that words and signs stand for.

    `signed`: a currency, scale or percent sign was there. `percent`: one of the percent signs was.
    """

    negative: bool
    digits: str
    power: int = 0
    signed: bool = False
    percent: bool = False


@lru_cache(maxsize=1 << 16)
def written(text: str) -> Written | None:
    """The parts of a number, None where something in the cell is none of them."""
    text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN).strip()
    if not text.isascii():  # digits of other scripts
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    inner = text[1:-1].strip() if text[:1] == "(" and text[-1:] == ")" else None
    if inner is not None and ("-" in inner or "(" in inner):
        return None
    body = text if inner is None else inner
    found = _DIGITS.search(body)
    if not found:
        return None
    digits = found.group().rstrip(" '")
    exponent = _EXPONENT.match(body, found.start() + len(digits))
    if exponent:
        body = body[: exponent.start()]
    before, after = body[: found.start()].strip(), body[found.start() + len(digits) :].strip()
    if digits[-1] in ".," and re.fullmatch(r"-{1,2}", after):  # 12,- is 12,00
        digits, after = digits[:-1], ""
    elif digits[-1] in ",":
        return None
    signs = before.count("-") + before.count("+") + after.count("-")
    if signs > 1 or (inner is not None and signs) or "+" in after or (after.count("-") and after[-1] != "-"):
        return None
    head, tail = _affixes(before.replace("-", " ").replace("+", " ")), _affixes(after.replace("-", " "), scales=True)
    if head is None or tail is None or head[1] or (head[2] and tail[2]):
        return None
    negative = inner is not None or "-" in before or "-" in after
    percent = head[3] or tail[3]
    power = tail[1] + head[2] + tail[2] + (int(exponent.group(1)) if exponent else 0)
    return Written(negative, digits, power, head[0] or tail[0] or bool(tail[1]) or percent, percent)


def _affixes(text: str, *, scales: bool = False) -> tuple[bool, int, int, bool] | None:
    """What stands before or after the digits: (a currency, power of a scale, power of percent, a percent sign)."""
    currency, scale, percent, at = 0, 0, 0, 0
    while at < len(text):
        character = text[at]
        if character in " .":
            at += 1
        elif unicodedata.category(character) == "Sc":
            currency, at = currency + 1, at + 1
        elif character in _PERCENT:
            percent, at = percent + _PERCENT[character], at + 1
        else:
            word = _LETTERS.match(text, at)
            if word is None:
                return None
            name, at = word.group().rstrip(".").lower(), word.end()
            if name in _BEFORE_SIGN and text[at : at + 1] and unicodedata.category(text[at]) == "Sc":
                continue
            found = _split_word(name, scales)
            if found is None:
                return None
            scale, percent, currency = scale + found[0], percent + found[1], currency + found[2]
    if currency > 2 or percent not in (0, -2, -3):
        return None
    return currency > 0, scale, percent, percent != 0


def _split_word(name: str, scales: bool) -> tuple[int, int, int] | None:
    """A word as (power, percent, currencies): a scale, a code, or a scale with a code after it (万元)."""
    if name in _PERCENT:
        return 0, _PERCENT[name], 0
    if scales and name in _SCALES:
        return _SCALES[name], 0, 0
    if name in _CURRENCIES:
        return 0, 0, 1
    for cut in range(1, len(name)) if scales else ():
        if name[:cut] in _SCALES and name[cut:] in _CURRENCIES:
            return _SCALES[name[:cut]], 0, 1
    return None


def _groups_of(digits: str, mark: Mark) -> str | None:
    """The digits as Python writes them, if the separators other than the decimal mark group whole thousands.

    Groups of three, or after the last three of two (1,23,456 of India). One kind of separator only.
    """
    whole, point, fraction = digits.rpartition(mark) if mark in digits else (digits, "", "")
    if point and (mark in whole or not re.fullmatch("[0-9]*", fraction)):
        return None
    separators = set(whole) - set("0123456789")
    if not separators:
        return f"{whole or '0'}{'.' + fraction if fraction else ''}"
    if len(separators) > 1:
        return None
    (separator,) = separators
    first, *rest = whole.split(separator)
    sizes = [len(part) for part in rest]
    indian = sizes[-1] == 3 and all(size == 2 for size in sizes[:-1]) and 1 <= len(first) <= 2
    if not (1 <= len(first) <= 3 and (all(size == 3 for size in sizes) or indian)) or first[0] == "0":
        return None
    return f"{''.join([first, *rest])}{'.' + fraction if fraction else ''}"


def marks(digits: str) -> set[Mark]:
    """The decimal marks under which digits can be read: one of them proves the column's."""
    return {mark for mark in (".", ",") if _groups_of(digits, mark) is not None}


def read_numbers(name: str, texts: Sequence[str], form: Format) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Distinct texts as float64 (k,), NaN where one is no number, and the positions of these.

    Raises:
        DataError: nothing in the column `name` proves its decimal mark, or two cells prove different ones.
    """
    if form == "yes_no":
        found = np.array([yes_no(text) for text in texts], dtype=np.float64)
        return found, np.flatnonzero(np.isnan(found)).tolist()
    parts = [written(text) for text in texts]
    mark = _decimal_mark(name, texts, parts, form)
    percent = form in ("percent", "percent_comma")
    numbers, wrong = np.full(len(texts), np.nan), []
    for i, part in enumerate(parts):
        value = None if part is None or (part.percent and not percent) else _value_of(part, mark, percent=percent)
        if value is None:
            wrong.append(i)
        else:
            numbers[i] = value
    return numbers, wrong


def _value_of(part: Written, mark: Mark, *, percent: bool) -> float | None:
    """The number, rounded once: decimal digits are shifted, not multiplied."""
    digits = _groups_of(part.digits, mark)
    if digits is None:
        return None
    power = part.power + (-2 if percent and not part.percent else 0)
    try:
        value = float(Decimal(digits).scaleb(power))
    except InvalidOperation:
        return None
    return -value + 0.0 if part.negative else value


def yes_no(text: str) -> float:
    """1 or 0, NaN for another word."""
    word = text.strip().lower()
    return 1.0 if word in _YES else 0.0 if word in _NO else np.nan


def _decimal_mark(name: str, texts: Sequence[str], parts: Sequence[Written | None], form: Format) -> Mark:
    """The decimal mark that a format says, or that the column proves.

    Raises:
        DataError: it proves none where that matters, or both.
    """
    if form in ("decimal_comma", "percent_comma"):
        return ","
    if form == "thousands":
        return "."
    proof: dict[Mark, int] = {}
    open_: int | None = None
    for i, part in enumerate(parts):
        if part is None:
            continue
        possible = marks(part.digits)
        if len(possible) == 1:
            proof.setdefault(next(iter(possible)), i)
        elif possible and set(part.digits) & set(".,") and open_ is None:
            open_ = i
    if len(proof) == 2:
        raise DataError(
            f"column {name!r}: expected one decimal mark, got {texts[proof[',']]!r} and {texts[proof['.']]!r}. Write "
            "the column in one way"
        )
    if proof:
        return next(iter(proof))
    if open_ is None:
        return "."
    part = parts[open_]
    grouped = part is not None and "," in part.digits
    if grouped == (form == "currency"):  # nobody writes $1,299 for less than two; 12.345 % has three decimals
        return "."
    remedy = (
        "decimal_comma if the point groups thousands, thousands if it is the decimal mark"
        if form == "currency"
        else "percent_comma if the comma is the decimal mark; if it groups thousands, leave it out in the file"
    )
    raise DataError(
        f"data.formats {name!r}: expected a cell that shows the decimal mark (12.5 or 12,50), got only cells such as "
        f"{texts[open_]!r}. Say {remedy}"
    )


def recognise(texts: Iterable[str], most: int = 1000) -> tuple[Format | Literal["plain"], list[str]] | None:
    """The format in which four of five texts are numbers, and the texts among the first that are none; else None.

    `plain`: all but some are numbers as computers write them. A column of text in which every text is a number is
    written otherwise somewhere: 5.00-, −5, ５.
    """
    looked = [text for text, _ in zip(texts, range(most), strict=False)]
    parts = {text: part for text in looked if (part := written(text)) and marks(part.digits) and not code(text)}
    good = list(parts.values())
    if not looked or len(good) < _MOSTLY * len(looked):
        return None
    wrong = [text for text in looked if text not in parts]
    if wrong and all(not p.signed and re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", p.digits) for p in good):
        return "plain", wrong
    if sum(p.percent for p in good) > len(good) / 2:
        return "percent", wrong
    if any(p.signed for p in good):
        return "currency", wrong
    proofs = [marks(p.digits) for p in good]
    return ("decimal_comma" if proofs.count({","}) > proofs.count({"."}) else "thousands"), wrong


def code(text: str) -> bool:
    """Whether digits are a code and no quantity: +49…, 00123, 16 digits and more."""
    return CODE.match(text.strip().removeprefix("-")) is not None
