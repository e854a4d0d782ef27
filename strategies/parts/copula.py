"""A Gaussian copula of the rows of one class: how its columns are distributed, and how they go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from strategies.spec import Bag, Features

if TYPE_CHECKING:
    from torch import Tensor


class Copula:
    """Fitted to some rows (m,) of a table; correlations are shrunk towards none by `shrink`."""

    def __init__(self, x: Features, rows: Tensor, shrink: float) -> None:
        self.x, self.rows = x, rows
        self.numbers = [f.name for f in x.schema if f.kind == "numeric"]
        self.codes = [f.name for f in x.schema if f.kind == "categorical"]
        self.columns = [*self._columns(self.numbers), *self._columns(self.codes)]
        scores = torch.stack([_scores(values) for values in self.columns], 1)
        centred = scores - scores.mean(0)
        deviation = centred.std(0, correction=0).clamp_min(1e-9)
        correlation = (centred.T @ centred) / len(rows) / deviation.unsqueeze(1) / deviation
        correlation = (1 - shrink) * correlation
        correlation.fill_diagonal_(1.0)
        values, vectors = torch.linalg.eigh(correlation)  # a square root that exists where some are zero
        self.root = vectors * values.clamp_min(0).sqrt()

    def _columns(self, names: list[str]) -> list[Tensor]:
        """Single columns (m,) float64 of the fields, missing numbers at the mean of the class."""
        found: list[Tensor] = []
        for name in names:
            value = self.x.columns[name]
            assert isinstance(value, torch.Tensor)
            own = value[self.rows].double()
            found += torch.where(own.isnan(), own.nanmean(0).nan_to_num(), own).unbind(1)
        return found

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Features]:
        """So many new rows, and the row of the class (count,) that each has its text from."""
        noise = torch.randn(count, len(self.root), generator=generator, dtype=torch.float64)
        u = torch.special.ndtr(noise @ self.root.T)
        parents = self.rows[torch.randint(len(self.rows), (count,), generator=generator)]
        base = self.x.take(parents)
        columns: dict[str, Tensor | Bag] = dict(base.columns)
        at = 0
        for names, back in ((self.numbers, _between), (self.codes, _category)):
            for name in names:
                value = base.columns[name]
                assert isinstance(value, torch.Tensor)
                made = [back(self.columns[at + j], u[:, at + j]) for j in range(value.shape[1])]
                columns[name] = torch.stack(made, 1).to(value.dtype)
                at += value.shape[1]
        return parents, Features(base.schema, columns)


def _scores(values: Tensor) -> Tensor:
    """Normal scores of the ranks of a column (m,); equal values share their mean rank."""
    _, at, count = torch.unique(values, return_inverse=True, return_counts=True)
    rank: Tensor = count.cumsum(0).double() - (count.double() - 1) / 2
    scores: Tensor = torch.special.ndtri(rank[at] / (len(values) + 1))
    return scores


def _between(values: Tensor, u: Tensor) -> Tensor:
    """The quantiles u (n,) of a column of numbers: straight lines between its sorted values."""
    known = values.sort().values
    place = u.clamp(0, 1) * (len(known) - 1)
    low = place.floor().long().clamp(max=len(known) - 1)
    high = (low + 1).clamp(max=len(known) - 1)
    return known[low] + (place - low) * (known[high] - known[low])


def _category(values: Tensor, u: Tensor) -> Tensor:
    """The quantiles u (n,) of a column of codes: codes that there are, as often as they are."""
    known = values.sort().values
    return known[(u.clamp(0, 1) * len(known)).floor().long().clamp(max=len(known) - 1)]
