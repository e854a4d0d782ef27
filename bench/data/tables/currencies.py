"""Signs and codes of currencies, and which of them may be one currency: € and EUR, $ and USD or AUD."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_GROUPS: Final = tuple(
    frozenset(group.split())
    for group in (
        "$ us$ usd", "$ a$ au$ aud", "$ c$ ca$ cad", "$ nz$ nzd", "$ hk$ hkd", "$ nt$ twd", "$ s$ sgd", "$ mx$ mxn",
        "$ ars", "$ clp", "$ cop", "$ r$ brl", "€ eur", "£ gbp", "£ egp", "¥ cny rmb 元 圆 圓", "¥ 元 圆 圓 円 jpy",
        "₹ ₨ rs inr", "₨ rs pkr", "₨ rs lkr", "₨ rs npr", "৳ bdt", "fr sfr chf", "kr sek", "kr nok", "kr dkk", "kr isk",
        "zł zl pln", "kč kc czk", "ft huf", "lei ron", "лв bgn", "₴ грн uah", "₽ р руб rub", "₺ tl try", "s/ pen",
        "₩ 원 krw", "฿ บาท thb", "₫ vnd", "rp idr", "rm myr", "₱ php", "aed", "sar", "qar", "kwd", "bhd", "omr",
        "₪ ils", "zar", "₦ ngn", "kes", "ghs", "mad",
    )
)  # fmt: skip
"""The ways in which each currency is written, in lower case."""

WORDS: Final = frozenset(word for group in _GROUPS for word in group if word.isalpha())
"""Codes and signs of letters, without points."""

BEFORE_SIGN: Final = frozenset(("us", "a", "au", "c", "ca", "r", "nz", "hk", "nt", "s", "mx"))
"""Letters that are part of a currency only before its sign: US$, R$."""


def one_currency(found: Collection[str]) -> bool:
    """Whether all of these may be one currency; a sign that is not listed is one of its own."""
    return len(set(found)) < 2 or any(set(found) <= group for group in _GROUPS)
