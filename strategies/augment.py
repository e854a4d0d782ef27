"""Make new texts for the rarer classes, by altering words of their texts or by joining two texts of one class.

`eda` (Wei & Zou 2019, arXiv:1901.11196): swap two words, delete some, insert some, or replace some by synonyms, each on
the share `alpha` of a text's words; which of these is drawn for every new text. Inserted are words of the class's own
texts, so that no lexicon is needed; `lexicon` names a file with synonyms (a word, a tab, synonyms with commas between),
without one nothing is replaced. `recombine`: the beginning of one text and the end of another one of its class. Words
are what `data.terms` cuts: characters of Chinese and its like, or jieba's words. All else that a row holds is that of
the row whose text begins the new one.
A class has at most int(ratio × largest) rows afterwards, and at most `copies` new ones for each of its own. They are
made once, of training rows only, and shown through the encoders that the training rows have fitted.
Suggested values: alpha .1, copies 4-16 (Wei & Zou: the more, the fewer rows there are); copies 0 is off.
Effect: no pure shift of the prior. Combines badly with: `oversample` of the same ratio (nothing is left to draw).
Published: higher accuracy on five text sets, the more so the fewer rows there are. Here: one set of the boards has
text, and nothing was shown on it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from strategies.parts.altered_words import Words, altered, recombined
from strategies.parts.made_rows import with_made_rows
from strategies.spec import Features, Inapplicable, Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor

    from strategies.features import Texts


@dataclass(frozen=True)
class Augment(Strategy):
    """New texts of the rarer classes up to `ratio` of the largest, by a `method`."""

    name = "augment"
    method: Literal["eda", "recombine"] = "eda"
    ratio: float = 1.0
    copies: int = 4
    alpha: float = 0.1
    lexicon: str | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.ratio <= 1 and self.copies >= 0 and 0 < self.alpha <= 1):
            raise ValueError(
                "augment: expected ratio in [0, 1], copies >= 0 and alpha in (0, 1], got "
                f"ratio={self.ratio}, copies={self.copies}, alpha={self.alpha}"
            )

    def prepare(self, recipe: Recipe) -> Recipe:
        train, texts = recipe.train, recipe.train.texts
        if not self.copies or not self.ratio:
            return recipe
        if texts is None:
            raise Inapplicable("augment: expected a table with text, got none")
        draw = random.Random(recipe.generator("augmented texts").initial_seed())
        parents, made = self.made(texts, train.y, draw)
        if not made:
            raise Inapplicable("augment: no class has fewer rows than ratio × the largest, nothing to add to")
        shown = texts.shown(made)
        if not shown:
            raise Inapplicable("augment: expected a model that is shown text, got none")
        at = torch.tensor(parents)
        columns = {**train.x.take(at).columns, **shown}
        return with_made_rows(recipe, Features.cat([train.x, Features(train.x.schema, columns)]), at)

    def made(self, texts: Texts, y: Tensor, draw: random.Random) -> tuple[list[int], list[Words]]:
        """The row that each new text begins as, and the new texts by their words."""
        counts = torch.bincount(y).tolist()
        wanted = int(self.ratio * max(counts))
        parents: list[int] = []
        made: list[Words] = []
        lexicon = {} if self.lexicon is None else synonyms(self.lexicon)
        for c, count in enumerate(counts):
            new = min(wanted - count, self.copies * count)
            if not count or new <= 0:
                continue
            rows = (y == c).nonzero().flatten().tolist()
            words = [texts.of(row) for row in rows]
            known = [word for text in words for word in text]
            for i in range(new):
                k = i % count  # each row about as often as the others
                parents.append(rows[k])
                if self.method == "eda":
                    made.append(altered(words[k], self.alpha, known, lexicon, draw))
                else:
                    made.append(recombined(words[k], draw.choice(words), draw))
        return parents, made


@lru_cache(maxsize=4)
def synonyms(path: str) -> Mapping[str, Sequence[str]]:
    """A file's synonyms by word.

    Raises:
        ValueError: there is no such file, or a line is not a word, a tab and synonyms.
    """
    file, found = Path(path).expanduser(), dict[str, Sequence[str]]()
    if not file.is_file():
        raise ValueError(f"strategy.augment.lexicon={path}: expected a file, got none by that name. Check the path")
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        word, tab, others = line.partition("\t")
        if line.strip() and not tab:
            raise ValueError(
                f"strategy.augment.lexicon={path}, line {number}: expected a word, a tab, and synonyms with commas "
                f"between, got {line[:40]!r}"
            )
        if line.strip():
            found[word.strip().lower()] = tuple(s.strip().lower() for s in others.split(",") if s.strip())
    return found
