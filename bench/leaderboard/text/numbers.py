"""Numbers as people read them: `.923 ± .012`, `+.031`. No markup: that is the formats' part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.leaderboard.statistics.intervals import Interval

ABSENT = "–"


def number(value: float | None, decimals: int | None = None) -> str:
    """A value without its leading zero, minus as −; by default three digits after the point, fewer for large ones."""
    if value is None:
        return ABSENT
    if decimals is None:
        size = abs(value)
        decimals = 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0
    text = f"{abs(value):,.{decimals}f}"
    text = text[1:] if text.startswith("0.") else text
    negative = value < 0 and any(digit not in "0.," for digit in text)
    return f"−{text}" if negative else text


def signed(value: float | None, decimals: int) -> str:
    """Like `number`, with a + before what is above zero."""
    text = number(value, decimals)
    return f"+{text}" if value is not None and value > 0 and any(d not in "0.," for d in text) else text


def decimals_for(intervals: Sequence[Interval]) -> int:
    """Digits after the point for a column, by its typical half width: 2 from .1, 3 from .0025, else 4."""
    halves = sorted(h for i in intervals if (h := i.half))
    if not halves:
        return 3
    typical = halves[len(halves) // 2]
    return 2 if typical >= 0.1 else 3 if typical >= 0.0025 else 4


def with_interval(interval: Interval | None, decimals: int, *, sign: bool = False) -> str:
    """`.923 ± .012`; the mean alone where there is no interval."""
    if interval is None:
        return ABSENT
    mean = signed(interval.mean, decimals) if sign else number(interval.mean, decimals)
    return mean if interval.half is None else f"{mean} ± {number(interval.half, decimals)}"


def with_range(difference: Interval | None) -> str:
    """The size of a difference and its interval, `.043 (.021 to .065)`: above zero at the mean."""
    if difference is None or difference.low is None or difference.high is None:
        return number(abs(difference.mean) if difference else None)
    decimals = decimals_for([difference])
    ends = sorted((difference.low, difference.high), key=abs)
    sign = 1.0 if difference.mean >= 0 else -1.0
    return f"{number(abs(difference.mean), decimals)} ({' to '.join(number(sign * e, decimals) for e in ends)})"


def half_width(value: float) -> str:
    """A positive size with two significant digits: `.012`, `1.3`, `25`."""
    return number(value, min(6, max(0, 1 - math.floor(math.log10(value)))) if value > 0 else 0)
