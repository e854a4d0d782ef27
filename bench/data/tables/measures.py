"""Numbers with a unit behind them, durations, hexadecimal numbers and fractions: one cell at a time.

Each function reads a cell completely or returns None. What a column as a whole must prove (one unit, one decimal mark)
is asked in `formats`.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from typing import Final

from bench.data.tables.numbers import EXACT, PLAIN, Written, written

_NUMBER: Final = r"[0-9]+(?:[.,][0-9]+)?"
_UNIT: Final = re.compile(
    r"(?P<number>[-+]?(?:[0-9][0-9., '_]*|[.,][0-9]+)(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?)(?P<unit>[^0-9\s](?:[^0-9]*))"
)
_LONGEST_UNIT: Final = 24
_SIGNS: Final = frozenset("°'\"\u2032\u2033")  # degrees, feet, inches
AMBIGUOUS: Final = frozenset(("m", "b", "ft"))
"""Units that are written like a scale or a currency: metres or millions, bytes or billions, feet or forints."""

_KNOWN: Final = (
    "nm µm um mm cm dm m km in inch ft yd mi mile µg ug mg g kg t lb lbs oz st ml cl dl l gal pt m² m³ cm² km² ha "
    "ms s sec min h hr hrs hour day d week wk month mo year yr y bit b kb mb gb tb kib mib gib kbps mbps gbps "
    "w kw mw kwh wh v a ma mah hz khz mhz ghz °c °f c f k pa kpa hpa bar psi j kj kcal cal n nm rpm mph kmh km/h "
    "m/s kn px dpi pcs pc pieces stück 个 件 斤 公斤 克 千克 吨 米 厘米 公里 升 毫升 岁 年 月 天 日 小时 分钟 秒"
)
UNITS: Final = frozenset(_KNOWN.split())
"""Units that are known, in lower case: of a column with several of them the owner is told."""

_SECONDS: Final = {
    **dict.fromkeys(("w", "wk", "week", "周", "星期"), Decimal(604800)),
    **dict.fromkeys(("d", "day", "天", "日", "tag", "tage", "jour"), Decimal(86400)),
    **dict.fromkeys(
        ("h", "hr", "hour", "小时", "小時", "時間", "时", "std", "stunde", "stunden", "heure"), Decimal(3600)
    ),
    **dict.fromkeys(("m", "min", "minute", "分", "分钟", "分鐘", "minuten"), Decimal(60)),
    **dict.fromkeys(("s", "sec", "second", "秒", "秒钟", "sek", "sekunden"), Decimal(1)),
    **dict.fromkeys(("ms", "msec", "millisecond", "毫秒"), Decimal("1e-3")),
    **dict.fromkeys(("us", "µs", "microsecond"), Decimal("1e-6")),
    **dict.fromkeys(("ns", "nanosecond"), Decimal("1e-9")),
}
"""Words of durations -> seconds. Months and years are none: they differ in length."""

_TERM: Final = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<word>[^\W\d_]+)\.?")
_BETWEEN: Final = re.compile(r"\s*(?:,\s+|and\s+|und\s+|et\s+)?")
_CLOCK: Final = re.compile(r"([0-9]+):([0-5][0-9]):([0-5][0-9](?:[.,][0-9]+)?)")
_TWO: Final = re.compile(r"([0-9]+):([0-5][0-9])")
_HALF: Final = re.compile(r"(?P<clock>[0-9:.]+)\s*(?P<half>[ap])\.?m\.?", re.IGNORECASE)
_ISO: Final = re.compile(
    rf"P(?:(?P<w>{_NUMBER})W)?(?:(?P<d>{_NUMBER})D)?(?:T(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?"
)
_HEXADECIMAL: Final = re.compile(r"(?P<sign>[-+]?)0[xX](?P<digits>[0-9a-fA-F]{1,14})")
_FRACTION: Final = re.compile(
    r"(?P<sign>[-+]?)(?:(?P<whole>[0-9]+)[ -])?(?P<over>[0-9]+) ?[/\u2044] ?(?P<under>[0-9]*[1-9][0-9]*)"
)
_BARE: Final = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def with_unit(text: str) -> tuple[Written, str] | None:
    """A number and the unit behind it, as it is written; None for anything else."""
    bare = text.translate(PLAIN).strip()
    found = _UNIT.fullmatch(bare)
    if found is None:
        return None
    number, unit = written(found["number"].strip()), found["unit"].strip()
    named = unit in _SIGNS or any(c.isalpha() for c in unicodedata.normalize("NFKC", unit))  # 5+ is not five
    if number is None or number.signed or not named or len(unit) > _LONGEST_UNIT:
        return None
    return number, unit


def unit_key(unit: str) -> str:
    """What two spellings of one unit have in common: kg and kg., room and rooms. Mb and MB are two units."""
    bare = unit.rstrip(".")
    return bare.casefold().removesuffix("s") if len(bare) > 3 else bare


def seconds(text: str, *, two: str = "") -> float | None:
    """A duration or time of day in seconds: 1h 30m, 00:05:30, 2 days 03:00:00, PT1H30M, 2:30 pm.

    two: what 12:30 is: `hours_minutes`, `minutes_seconds`, or nothing, and then it is not read.
    """
    bare = text.translate(PLAIN).strip()
    sign = -1 if bare[:1] == "-" else 1
    body = bare[1:].strip() if bare[:1] in ("-", "+") else bare
    if half := _HALF.fullmatch(body):
        found = _clock(half["clock"] if ":" in half["clock"] else f"{half['clock']}:00", "hours_minutes")
        if found is None or sign < 0 or not 3600 <= found < 13 * 3600:
            return None
        return float(found % 43200 + (43200 if half["half"].lower() == "p" else 0))
    if body[:1] in ("P", "p"):
        value = _iso(body.upper())
    else:
        value = _clock(body, two) if ":" in body[:3] or _CLOCK.fullmatch(body) else _terms(body, sign)
    return None if value is None else float(sign * value) + 0.0


def _clock(text: str, two: str) -> Decimal | None:
    """Seconds of h:mm:ss, or of two parts, if it is said what these are."""
    if found := _CLOCK.fullmatch(text):
        return int(found[1]) * Decimal(3600) + int(found[2]) * 60 + Decimal(found[3].replace(",", "."))
    if two and (found := _TWO.fullmatch(text)):
        return (int(found[1]) * 60 + int(found[2])) * Decimal(60 if two == "hours_minutes" else 1)
    return None


def clock_of_two(text: str) -> float | None:
    """12:30, 2:30 pm in seconds: hours and minutes, or minutes and seconds; None for anything else."""
    return seconds(text, two="hours_minutes")


def _iso(text: str) -> Decimal | None:
    """Seconds of P1DT2H (ISO 8601), without years and months."""
    found = _ISO.fullmatch(text)
    if found is None or text.endswith("T") or not any(found.groups()):
        return None
    return sum((_decimal(v) * _SECONDS[k] for k, v in found.groupdict().items() if v is not None), Decimal(0))


def _terms(text: str, sign: int) -> Decimal | None:
    """Seconds of numbers with words, from long to short, and a clock at the end if need be.

    `-1 days +23:59:00`, as pandas writes minus a minute, has a sign of its own before the clock.
    """
    at, total, last, any_ = 0, Decimal(0), Decimal("Infinity"), False
    while at < len(text):
        if any_ and (clock := _CLOCK.fullmatch(text[at:].removeprefix("+"))):
            value = _clock(clock.group(), "")
            if value is None or last < 86400 or (sign < 0 and text[at] != "+"):
                return None
            return total + value * sign
        found = _TERM.match(text, at)
        if found is None:
            return None
        step = _SECONDS.get(_word(found["word"]))
        if step is None or step >= last or re.search(r",[0-9]{3}$", found["number"]):
            return None
        total, last, any_ = total + _decimal(found["number"]) * step, step, True
        between = _BETWEEN.match(text, found.end())
        at = between.end() if between else found.end()
    return total if any_ else None


def _word(word: str) -> str:
    """A word of durations in its entry's form: Hours is hour, D is d; M stays, since it may be months."""
    lower = word if word == "M" else word.replace("\u03bc", "\u00b5").lower()
    return lower.removesuffix("s") if lower not in _SECONDS else lower


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def hexadecimal(text: str) -> float | None:
    """0x1F as 31; None beyond what float64 holds exactly: such are ids."""
    found = _HEXADECIMAL.fullmatch(text.strip())
    if found is None:
        return None
    value = int(found["digits"], 16)
    return None if value >= EXACT else float(-value if found["sign"] == "-" else value) + 0.0


def fraction(text: str) -> float | None:
    """1/2, 3 1/4, ½, 3½ and plain numbers."""
    bare = text.translate(PLAIN).strip()
    bare = "".join(f" {unicodedata.normalize('NFKC', c)}" if _is_fraction(c) else c for c in bare).strip()
    bare = re.sub(r"^([-+]) ", r"\1", " ".join(bare.split()))
    if _BARE.fullmatch(bare):
        return float(bare)
    found = _FRACTION.fullmatch(bare)
    if found is None:
        return None
    value = Fraction(int(found["whole"] or 0)) + Fraction(int(found["over"]), int(found["under"]))
    return float(-value if found["sign"] == "-" else value) + 0.0


def has_bar(text: str) -> bool:
    """Whether something in a text is written as a fraction."""
    return any(c in "/\u2044" or _is_fraction(c) for c in text)


def _is_fraction(character: str) -> bool:
    """½ and the like."""
    return unicodedata.decomposition(character).startswith("<fraction>")


def season(text: str) -> bool:
    """Whether what looks like a fraction is rather years: 2023/24."""
    return re.fullmatch(r"(19|20)[0-9]{2} ?/ ?([0-9]{2}|(19|20)[0-9]{2})", text.strip()) is not None
