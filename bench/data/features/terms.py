"""What a term of text is: words and pairs of words, or characters and pairs of them where words have no blanks between.

Chinese, Japanese, Thai and their like are cut into characters: a pair of them is about a word, and no dictionary is
needed. Everything else in such a text (Latin words, numbers) stays in words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

from bench.data.errors import DataError
from bench.data.tables.infer import UNSPACED

Terms: TypeAlias = Literal["auto", "words", "characters", "jieba"]

WORD = r"(?u)\b\w\w+\b"  # scikit-learn's: two letters or more
WORDS = re.compile(WORD)
RUN = re.compile(f"(?:{UNSPACED.pattern})+")
SHARE = 0.05  # of the documents with such a script, from which text is cut into characters


def analyzer(terms: Terms, documents: Iterable[str]) -> Callable[[str], list[str]] | None:
    """A document's terms as a list, or None for words and pairs of words as scikit-learn finds them.

    `documents`: of the training rows; `auto` cuts into characters where one in twenty has a script without blanks.

    Raises:
        DataError: jieba is asked for and not installed.
    """
    if terms == "auto":
        scripts = [UNSPACED.search(text) is not None for text in documents]
        terms = "characters" if scripts and sum(scripts) >= SHARE * len(scripts) else "words"
    if terms == "words":
        return None
    return by_jieba() if terms == "jieba" else by_character


def by_character(text: str) -> list[str]:
    """Words and pairs of words; of runs without blanks, characters and pairs of characters."""
    tokens: list[tuple[str, bool]] = []  # (token, whether it is one character of a run)
    for piece, run in pieces(text.lower()):
        tokens += [(c, True) for c in piece] if run else [(word, False) for word in WORDS.findall(piece)]
    pairs = [
        first + ("" if run else " ") + second
        for (first, run), (second, also) in itertools.pairwise(tokens)
        if run == also
    ]
    return [token for token, _ in tokens] + pairs


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """A text as runs of a script without blanks, and what lies between them."""
    at = 0
    for found in RUN.finditer(text):
        yield text[at : found.start()], False
        yield found.group(), True
        at = found.end()
    yield text[at:], False


def by_jieba() -> Callable[[str], list[str]]:
    """Words as jieba cuts them, single characters included, and pairs of them.

    Raises:
        DataError: jieba is not installed.
    """
    try:
        import jieba  # type: ignore[import-not-found]  # noqa: PLC0415 - optional
    except ImportError:
        raise DataError(
            "data.terms=jieba: expected the package jieba, got none. Install it (pip install jieba), or use "
            "data.terms=characters"
        ) from None

    def cut(text: str) -> list[str]:
        words = [word for word in jieba.lcut(text.lower()) if re.search(r"\w", word)]
        return words + [f"{a} {b}" for a, b in itertools.pairwise(words)]

    return cut
