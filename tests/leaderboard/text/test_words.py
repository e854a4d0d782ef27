"""Names as one line that can be written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.leaderboard.text.words import clean, short


@given(st.text(st.characters()))
def test_clean_text_is_one_line_that_can_be_written(text: str) -> None:
    """Lone surrogates, terminal escapes and reading-direction overrides included."""
    for name in (text, f"\ud800\x1b[2J\u202e{text}\u2028"):
        cleaned = clean(name)
        cleaned.encode("utf-8")
        assert len(cleaned.splitlines()) <= 1
        assert "\x1b" not in cleaned
        assert "\u202e" not in cleaned
        assert len(short(name, 10)) <= 10
