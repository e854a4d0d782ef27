"""What strategies see of the data: encoded features by kind of field, and a labelled split of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor


EMBEDDING = "embedding"
"""Name of the numeric field that holds the vectors of a pretrained text encoder, centred, at one common scale."""

MASKED = "masked"
"""Name of a column that a batch may have beside those of its schema, bool (n, width of the tokens): true where a token
is to be guessed."""


@dataclass(frozen=True)
class Field:
    """One block of encoded columns.

    numeric: float (n, width). categorical: int64 (n, len(sizes)), codes below each size. bag: a `Bag` over
    `sizes[0]` terms. tokens: int64 (n, width) over `sizes[0]` tokens; `origin`: the folder of the pretrained encoder
    whose tokens they are, empty where they are words of the training rows; `mask`: its token that hides another one,
    None: it has none; `special`: its tokens that are no text (ends, padding, the mask).
    """

    name: str
    kind: Literal["numeric", "categorical", "bag", "tokens"]
    sizes: tuple[int, ...] = ()
    width: int = 1
    origin: str = ""
    mask: int | None = None
    special: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Bag:
    """Ragged rows: row i holds ids[offsets[i]:offsets[i+1]] with these weights. ids, offsets int32; n + 1 offsets."""

    ids: Tensor
    weights: Tensor
    offsets: Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Tensor, total: int | None = None) -> Bag:
        """The given rows, in that order, repeats allowed. `total`: the ids in them; a GPU has to stop and say."""
        start = self.offsets[rows]
        count = self.offsets[rows + 1] - start
        offsets = torch.zeros(len(rows) + 1, dtype=torch.int32, device=rows.device)
        torch.cumsum(count, 0, out=offsets[1:])
        total = int(offsets[-1]) if total is None else total
        at = torch.arange(total, dtype=torch.int32, device=rows.device)
        at += torch.repeat_interleave(start - offsets[:-1], count, output_size=total)
        return Bag(self.ids[at], self.weights[at], offsets)

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Bag:
        """On another device, the weights optionally in another floating type."""
        return Bag(self.ids.to(device), self.weights.to(device, dtype), self.offsets.to(device))

    @staticmethod
    def cat(bags: Sequence[Bag]) -> Bag:
        """Rows of all, one after another."""
        parts, shift = [bags[0].offsets[:1]], 0
        for bag in bags:
            parts.append(bag.offsets[1:] + shift)
            shift += len(bag.ids)
        return Bag(torch.cat([b.ids for b in bags]), torch.cat([b.weights for b in bags]), torch.cat(parts).int())


@dataclass(frozen=True, eq=False)
class Features:
    """Encoded columns under one schema; the first axis of each is the row. Compared by identity, never by value."""

    schema: tuple[Field, ...]
    columns: Mapping[str, Tensor | Bag]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: Tensor) -> Features:
        """The given rows (int64), in that order, repeats allowed."""
        return Features(
            self.schema, {k: v.take(rows) if isinstance(v, Bag) else v[rows] for k, v in self.columns.items()}
        )

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Features:
        """On another device; floating columns optionally in another type."""
        moved: dict[str, Tensor | Bag] = {}
        for name, v in self.columns.items():
            floating = isinstance(v, Bag) or v.is_floating_point()
            moved[name] = v.to(device, dtype if floating else None)
        return Features(self.schema, moved)

    @staticmethod
    def cat(parts: Sequence[Features]) -> Features:
        """Rows of all parts (one schema), one after another."""
        if len(parts) == 1:
            return parts[0]
        columns: dict[str, Tensor | Bag] = {}
        for name in parts[0].columns:
            values = [part.columns[name] for part in parts]
            bags = [v for v in values if isinstance(v, Bag)]
            columns[name] = Bag.cat(bags) if bags else torch.cat([v for v in values if isinstance(v, torch.Tensor)])
        return Features(parts[0].schema, columns)


class Texts(Protocol):
    """The texts of a split's rows, and how a model would be shown other ones."""

    def of(self, row: int) -> list[str]:
        """The words of a row's text in their order, or its characters where words have no blanks between."""
        ...

    def shown(self, texts: Sequence[Sequence[str]]) -> Mapping[str, Tensor | Bag]:
        """The fields that come from text, of texts given by their words: as the training rows' encoders make them."""
        ...


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled rows. y int64 (n,) in 0 … n_classes-1; weight float64 (n,) at any positive scale; group int64 (n,).

    `natural`: the row weights that came with the data. `weight` begins as these, strategies multiply into it, and an
    auxiliary recipe (`Recipe.aside`) goes back to them. `population` float64 (C,): the class prior of the population
    where an imbalance was imposed on these rows; None: they have it themselves. `embedding` float (n, d): what a
    pretrained encoder makes of the rows' texts, label-free, whether or not the model sees it; None: no encoder.
    `texts`: the rows' texts themselves, where there are some. `original`: these rows without those that a strategy
    made, which are the last ones; None: all are natural. `places` int64 (n,): of rows with another label, which of the
    target's rows of the same part they are; None: they are others.
    """

    x: Features
    y: Tensor
    n_classes: int
    weight: Tensor | None = None
    group: Tensor | None = None
    natural: Tensor | None = None
    population: Tensor | None = None
    embedding: Tensor | None = None
    texts: Texts | None = None
    original: Split | None = None
    places: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y)
