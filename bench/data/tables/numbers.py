"""One number as people write it: currency, grouped thousands, percent, accounting negatives, K and M, 万 and 亿.

A cell is read completely or not at all: nothing is skipped.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from bench.data.tables.currencies import BEFORE_SIGN, WORDS

Mark = Literal[".", ","]
EXACT = 2**53  # whole numbers below are exact in float64

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

_MINUS = dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d"), "-")
_BLANKS = dict.fromkeys(map(ord, "\u00a0\u2007\u2008\u2009\u202f\u3000\u205f"), " ")
_QUOTES = dict.fromkeys(map(ord, "\u2019\u02bc\u00b4`\u2018"), "'")
_ARABIC = {ord("\u066b"): ".", ord("\u066c"): ",", ord("\u066a"): "%"}
PLAIN = str.maketrans({**_MINUS, **_BLANKS, **_QUOTES, **_ARABIC})
"""Signs of other typefaces and scripts -> those of ASCII."""
_NOT_DIGITS = ("<super>", "<sub>", "<fraction>")  # 10² is not 102, and 3½ not 31 over 2

_DIGITS = re.compile(r"[0-9][0-9., '_]*|[.,][0-9]+")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]{1,3})$")
# Phone numbers, zip codes, long ids: digits, but no quantities. A fraction makes one: programs write 9.5e15 as 95…0.0.
CODE = re.compile(r"\+[0-9 ()/-]{7}|0[0-9]|[0-9]{16}(?![0-9]*\.[0-9]+$)")
_LETTERS = re.compile(r"[^\W\d_]+\.?")
_PERCENT = {"%": -2, "‰": -3, "pct": -2, "percent": -2}


@dataclass(frozen=True)
class Written:
    """A cell taken apart: sign, digits with their separators, and the power of ten that words and signs stand for.

    `signed`: a currency, scale or percent sign was there. `percent`: one of the percent signs was. `currencies`: their
    signs and codes, in lower case.
    """

    negative: bool
    digits: str
    power: int = 0
    signed: bool = False
    percent: bool = False
    currencies: frozenset[str] = frozenset()


@lru_cache(maxsize=1 << 16)
def written(text: str) -> Written | None:
    """The parts of a number, None where something in the cell is none of them."""
    raised = not text.isascii() and any(unicodedata.decomposition(c).startswith(_NOT_DIGITS) for c in text)
    text = unicodedata.normalize("NFKC", text.translate(PLAIN)).translate(PLAIN).strip()
    if not text.isascii():  # digits of other scripts
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    inner = text[1:-1].strip() if text[:1] == "(" and text[-1:] == ")" else None
    if inner is not None and ("-" in inner or "(" in inner):
        return None
    body = text if inner is None else inner
    found = _DIGITS.search(body)
    if not found or raised:
        return None
    digits = found.group().rstrip(" '_")
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
    currencies = head[0] | tail[0]
    return Written(negative, digits, power, bool(currencies) or bool(tail[1]) or percent, percent, currencies)


def _affixes(text: str, *, scales: bool = False) -> tuple[frozenset[str], int, int, bool] | None:
    """What stands before or after the digits: (currencies, power of a scale, power of percent, a percent sign)."""
    currencies, prefix, scale, percent, at = list[str](), "", 0, 0, 0
    while at < len(text):
        character = text[at]
        if character in " .":
            at += 1
        elif unicodedata.category(character) == "Sc":
            currencies, prefix, at = [*currencies, prefix + character], "", at + 1
        elif character in _PERCENT:
            percent, at = percent + _PERCENT[character], at + 1
        else:
            word = _LETTERS.match(text, at)
            if word is None:
                return None
            name, at = word.group().rstrip(".").lower(), word.end()
            if name in BEFORE_SIGN and text[at : at + 1] and unicodedata.category(text[at]) == "Sc":
                prefix = name
                continue
            found = _split_word(name, scales)
            if found is None:
                return None
            scale, percent, currencies = scale + found[0], percent + found[1], [*currencies, *found[2]]
    if len(currencies) > 2 or percent not in (0, -2, -3):
        return None
    return frozenset(currencies), scale, percent, percent != 0


def _split_word(name: str, scales: bool) -> tuple[int, int, list[str]] | None:
    """A word as (power, percent, currencies): a scale, a code, or a scale with a code after it (万元)."""
    if name in _PERCENT:
        return 0, _PERCENT[name], []
    if scales and name in _SCALES:
        return _SCALES[name], 0, []
    if name in WORDS:
        return 0, 0, [name]
    for cut in range(1, len(name)) if scales else ():
        if name[:cut] in _SCALES and name[cut:] in WORDS:
            return _SCALES[name[:cut]], 0, [name[cut:]]
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


def value_of(part: Written, mark: Mark, *, percent: bool) -> float | None:
    """The number, rounded once: decimal digits are shifted, not multiplied. `percent`: the column's, with or without
    the sign.
    """
    digits = _groups_of(part.digits, mark)
    if digits is None:
        return None
    power = part.power + (-2 if percent and not part.percent else 0)
    try:
        value = float(Decimal(digits).scaleb(power))
    except InvalidOperation:
        return None
    return -value + 0.0 if part.negative else value


def code(text: str) -> bool:
    """Whether digits are a code and no quantity: +49 171…, 00123, 16 digits and more without a fraction."""
    return CODE.match(text.strip().removeprefix("-")) is not None
