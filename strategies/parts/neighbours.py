"""Which rows are near one another: distances between encoded rows of mixed types, nearest rows, groups by k-means.

Written here and not taken from imbalanced-learn, which needs one matrix of numbers, copies the rows that it keeps, and
brings scikit-learn: strategies import nothing but torch. It is what the tests compare with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from strategies.features import Bag
from strategies.spec import Features, Inapplicable

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 1 << 22  # distances at a time: 16 MB
_MOST_PAIRS = 1 << 34  # of distances: 131,000 rows with each other, about a minute on two cores
_FITTED_ON = 1 << 16  # rows on which centres are sought, of larger tables as many at random
_ONE_HOT = 64  # categories of a column, up to which k-means sees it


@dataclass(frozen=True, eq=False)
class Points:
    """Rows as distances take them: numbers (n, d) float32, standardised, 0 where missing; codes (n, m) int64.

    given: the numbers as they are, of which no second copy is kept; `centre` and `spread` (d,) standardise them, None:
    they are standardised.
    """

    given: Tensor
    codes: Tensor
    centre: Tensor | None = None
    spread: Tensor | None = None

    def __len__(self) -> int:
        return len(self.given)

    @property
    def numbers(self) -> Tensor:
        """Of all rows."""
        return self._standardised(self.given)

    def take(self, rows: Tensor) -> Points:
        """Some rows, standardised."""
        return Points(self._standardised(self.given[rows]), self.codes[rows])

    def _standardised(self, given: Tensor) -> Tensor:
        if self.centre is None or self.spread is None:
            return given
        return (given - self.centre).div_(self.spread).nan_to_num_(nan=0.0)

    def squared_distances(self, rows: Tensor, pool: Tensor) -> Tensor:
        """(len(rows), len(pool)): Euclidean on numbers; a category that differs counts as one standard deviation."""
        return self.take(rows).squared_distances_to(self.take(pool))

    def squared_distances_to(self, pool: Points) -> Tensor:
        """The same between all rows of two tables that are standardised."""
        a, b = self.given, pool.given
        found = torch.addmm((b**2).sum(1).expand(len(a), -1), a, b.T, alpha=-2).add_((a**2).sum(1, keepdim=True))
        found.clamp_min_(0)
        for j in range(self.codes.shape[1]):
            found += self.codes[:, j, None] != pool.codes[None, :, j]
        return found

    def beside(self, others: Points) -> Points:
        """These rows, then others."""
        return Points(torch.cat([self.numbers, others.numbers]), torch.cat([self.codes, others.codes]))

    def matrix(self) -> Tensor:
        """(n, d) float32 whose Euclidean distances are these, columns of very many categories left out."""
        blocks = [self.numbers]
        for column in self.codes.T:
            known, code = torch.unique(column, return_inverse=True)
            if len(known) <= _ONE_HOT:
                blocks.append(torch.nn.functional.one_hot(code, len(known)).float() * 0.5**0.5)
        return torch.cat(blocks, 1)


@lru_cache(maxsize=2)
def points(x: Features, like: Features | None = None) -> Points:
    """The numbers and categories of rows; text is left out. The last two tables are kept.

    like: the rows by whose mean and deviation numbers are standardised; by default these.

    Raises:
        Inapplicable: there is text only.
    """
    numbers: list[Points] = []
    codes: list[Tensor] = []
    empty = torch.zeros(len(x), 0)
    for f in x.schema:
        value = x.columns[f.name]
        if isinstance(value, Bag) or f.kind == "tokens":
            continue
        if f.kind == "categorical":
            codes.append(value)
            continue
        there = value.float()
        base = there if like is None else like.columns[f.name].float()  # type: ignore[union-attr]
        centre = _column_means(base)
        spread = _column_means((base - centre).square_()).sqrt()
        numbers.append(Points(there, empty.long(), centre, torch.where(spread > 0, spread, 1.0)))
    if not numbers and not codes:
        raise Inapplicable("nearness of rows: expected numbers or categories, got text only; use method=random")
    all_codes = torch.cat([empty.long(), *codes], 1)
    if len(numbers) == 1:
        return replace(numbers[0], codes=all_codes)
    return Points(torch.cat([empty, *(one.numbers for one in numbers)], 1), all_codes)


def _column_means(x: Tensor) -> Tensor:
    """torch's `nanmean`, bit for bit, without its masks of the whole table where nothing is missing."""
    return x.nansum(0) / len(x) if bool(x.sum().isfinite()) else x.nanmean(0)


def nearest(of: Points, rows: Tensor, pool: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k rows of `pool` (ascending) nearest to each of `rows`: numbers (n, k) and squared distances, nearest first.

    No row is its own neighbour; fewer than k columns where the pool has no more.

    Raises:
        Inapplicable: there are more pairs than can be compared in some minutes.
    """
    if len(rows) * len(pool) > _MOST_PAIRS:
        raise Inapplicable(
            f"nearest rows: expected at most {_MOST_PAIRS:,} pairs to compare, got {len(rows):,} rows times "
            f"{len(pool):,}; use method=random, cluster or density"
        )
    at = torch.searchsorted(pool, rows).clamp(max=max(0, len(pool) - 1))
    own = pool[at] == rows if len(pool) else torch.zeros(len(rows), dtype=torch.bool)
    k = min(k, len(pool) - int(bool(own.any())))
    if k < 1:
        return rows.new_zeros(len(rows), 0), torch.zeros(len(rows), 0)
    near, step = of.take(pool), max(1, _BLOCK // len(pool))
    found, far = rows.new_empty(len(rows), k), near.given.new_empty(len(rows), k)
    for some in (slice(first, first + step) for first in range(0, len(rows), step)):
        distance = of.take(rows[some]).squared_distances_to(near)
        mine = own[some].nonzero().flatten()
        distance[mine, at[some][mine]] = float("inf")
        far[some], indices = distance.topk(k, largest=False)
        found[some] = pool[indices]
        del distance, indices  # before the next block: what outlives one leaves a hole that the next does not fit
    return found, far


def groups(of: Points, k: int, generator: torch.Generator, rounds: int = 20) -> Tensor:
    """A group in 0 … k-1 for each row (n,), by k-means (Lloyd's iterations from k-means++ centres)."""
    matrix = of.matrix()
    fitted = matrix
    if len(matrix) > _FITTED_ON:
        fitted = matrix[torch.randperm(len(matrix), generator=generator)[:_FITTED_ON]]
    centres = _first_centres(fitted, min(k, len(fitted)), generator)
    for _ in range(rounds):
        label = _closest(fitted, centres)
        sizes = torch.bincount(label, minlength=len(centres)).unsqueeze(1)
        sums = torch.zeros_like(centres).index_add_(0, label, fitted)
        moved = torch.where(sizes > 0, sums / sizes.clamp_min(1), centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return _closest(matrix, centres)


def _first_centres(x: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Rows drawn with probability ∝ their squared distance to the nearest one drawn before (Arthur & Vassilvitskii)."""
    chosen = [int(torch.randint(len(x), (), generator=generator))]
    far = ((x - x[chosen[0]]) ** 2).sum(1).double()
    for _ in range(k - 1):
        edges = far.cumsum(0)
        draw = torch.rand((), generator=generator, dtype=torch.float64) * edges[-1]
        chosen.append(min(int(torch.searchsorted(edges, draw, right=True)), len(x) - 1))
        far = torch.minimum(far, ((x - x[chosen[-1]]) ** 2).sum(1).double())
    return x[chosen].clone()


def _closest(x: Tensor, centres: Tensor) -> Tensor:
    """The nearest centre of each row (n,)."""
    return torch.cat([torch.cdist(part, centres).argmin(1) for part in torch.split(x, 1 << 14)])
