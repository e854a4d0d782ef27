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


def settled(terms: Terms, documents: Iterable[str]) -> Terms:
    """What `auto` comes to for the documents of the training rows: characters where one in twenty has no blanks."""
    if terms != "auto":
        return terms
    scripts = [UNSPACED.search(text) is not None for text in documents]
    return "characters" if scripts and sum(scripts) >= SHARE * len(scripts) else "words"


def analyzer(terms: Terms, documents: Iterable[str]) -> Callable[[str], list[str]] | None:
    """From a document to its terms, or None for words and pairs of words as scikit-learn finds them.

    Raises:
        DataError: jieba is asked for and not installed.
    """
    found = settled(terms, documents)
    if found == "words":
        return None
    return _with_pairs(_jieba_words()) if found == "jieba" else characters_and_pairs


def tokenizer(terms: Terms, documents: Iterable[str]) -> Callable[[str], list[str]]:
    """From a document to its words or characters in their order.

    Raises:
        DataError: jieba is asked for and not installed.
    """
    found = settled(terms, documents)
    if found == "words":
        return lambda text: WORDS.findall(text.lower())
    return _jieba_words() if found == "jieba" else lambda text: [token for token, _ in characters(text)]


def characters(text: str) -> list[tuple[str, bool]]:
    """Words, and the characters of runs without blanks, each with whether it is such a character."""
    found: list[tuple[str, bool]] = []
    for piece, run in pieces(text.lower()):
        found += [(c, True) for c in piece] if run else [(word, False) for word in WORDS.findall(piece)]
    return found


def characters_and_pairs(text: str) -> list[str]:
    """Words and pairs of words; of runs without blanks, characters and pairs of characters."""
    tokens = characters(text)
    pairs = [
        first + ("" if run else " ") + second
        for (first, run), (second, also) in itertools.pairwise(tokens)
        if run == also
    ]
    return [token for token, _ in tokens] + pairs


def _with_pairs(cut: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Words and pairs of words."""

    def terms(text: str) -> list[str]:
        words = cut(text)
        return words + [f"{a} {b}" for a, b in itertools.pairwise(words)]

    return terms


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """A text as runs of a script without blanks, and what lies between them."""
    at = 0
    for found in RUN.finditer(text):
        yield text[at : found.start()], False
        yield found.group(), True
        at = found.end()
    yield text[at:], False


def _jieba_words() -> Callable[[str], list[str]]:
    """What cuts a text as jieba does; single characters are words too.

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
    return lambda text: [word for word in jieba.lcut(text.lower()) if re.search(r"\w", word)]
