"""Texts altered word by word (EDA), or put together from two: words in, words out."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

Words = list[str]


def altered(
    words: Words, share: float, known: Sequence[str], lexicon: Mapping[str, Sequence[str]], draw: random.Random
) -> Words:
    """One of EDA's operations, drawn at random, on a share of the words and at least one of them.

    Swap two words, delete some, insert some of `known`, or, where `lexicon` has any for them, put synonyms in their
    place (Wei & Zou 2019, section 2).
    """
    if len(words) < 2:
        return list(words)
    count = max(1, round(share * len(words)))
    there = [i for i, word in enumerate(words) if lexicon.get(word)]
    operations = [_swapped, _deleted, *([_inserted] if known else [])]
    chosen = draw.randrange(len(operations) + bool(there))
    if chosen == len(operations):
        return _replaced(words, there, count, lexicon, draw)
    return operations[chosen](words, count, known, draw)


def recombined(first: Words, second: Words, draw: random.Random) -> Words:
    """The beginning of one text and the end of another one: each cut once, at a word between its quarters."""
    cuts = [draw.randint(math.ceil(len(w) / 4), max(math.ceil(len(w) / 4), 3 * len(w) // 4)) for w in (first, second)]
    return first[: cuts[0]] + second[cuts[1] :]


def _swapped(words: Words, count: int, known: Sequence[str], draw: random.Random) -> Words:
    out = list(words)
    for _ in range(count):
        i, j = draw.sample(range(len(out)), 2)
        out[i], out[j] = out[j], out[i]
    return out


def _deleted(words: Words, count: int, known: Sequence[str], draw: random.Random) -> Words:
    gone = set(draw.sample(range(len(words)), min(count, len(words) - 1)))
    return [word for i, word in enumerate(words) if i not in gone]


def _inserted(words: Words, count: int, known: Sequence[str], draw: random.Random) -> Words:
    out = list(words)
    for _ in range(count):
        out.insert(draw.randint(0, len(out)), draw.choice(known))
    return out


def _replaced(
    words: Words, there: list[int], count: int, lexicon: Mapping[str, Sequence[str]], draw: random.Random
) -> Words:
    out = list(words)
    for i in draw.sample(there, min(count, len(there))):
        out[i] = draw.choice(lexicon[words[i]])
    return out
