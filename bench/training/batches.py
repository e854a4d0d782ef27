"""Rows to features: the data of all members once on the device, batches gathered from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from strategies.spec import Bag, Features, Recipe

BLOCK = 16384  # rows gathered at once where there is text: cutting a bag costs ten small operations
VALIDATION_ROWS = {"cpu": 8192, "cuda": 1 << 20}  # that go through the network at once: bounds memory, fits caches


Ends: TypeAlias = Mapping[str, Sequence[int]]
"""Of each bag, how many ids there are before each run of rows, and in all."""


def pinned(x: Tensor, device: torch.device) -> Tensor:
    """The tensor where a copy of it to the device need not be waited for: page-locked memory, if that is a GPU."""
    return x.pin_memory() if device.type == "cuda" and x.device.type == "cpu" else x


def sent(x: Tensor, device: torch.device) -> Tensor:
    """On the device; the host does not wait for a GPU to have it."""
    return pinned(x, device).to(device, non_blocking=True)


def gather(x: Features, rows: Tensor, ends: Ends | None = None) -> Features:
    """The given rows. `index_select` is five times as fast on CPU as indexing, to the same bits."""
    columns: dict[str, Tensor | Bag] = {}
    for name, value in x.columns.items():
        if isinstance(value, Bag):
            columns[name] = value.take(rows, None if ends is None else ends[name][-1])
        else:
            columns[name] = value.index_select(0, rows)
    return Features(x.schema, columns)


def cut(x: Features, size: int, ends: Ends | None = None) -> Iterator[Features]:
    """Features in runs of `size` rows, the last one perhaps shorter; nothing is copied."""
    edges = [*range(0, len(x), size), len(x)]
    if ends is None:
        ends = {name: v.offsets[edges].tolist() for name, v in x.columns.items() if isinstance(v, Bag)}
    for i, (a, b) in enumerate(pairwise(edges)):
        columns: dict[str, Tensor | Bag] = {}
        for name, v in x.columns.items():
            if not isinstance(v, Bag):
                columns[name] = v[a:b]
                continue
            first, last = ends[name][i : i + 2]
            columns[name] = Bag(v.ids[first:last], v.weights[first:last], v.offsets[a : b + 1] - first)
        yield Features(x.schema, columns)


class Placed:
    """Feature tables on the device, each once however many members share it."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.tables: dict[int, Features] = {}

    def table(self, x: Features) -> Features:
        """One table, moved at first use."""
        if id(x) not in self.tables:
            self.tables[id(x)] = x.to(self.device, self.dtype)
        return self.tables[id(x)]

    def pool(self, parts: Sequence[Features]) -> tuple[Features, list[int]]:
        """Distinct tables end to end, and where each member's rows begin."""
        distinct = {id(x): x for x in parts}
        starts, total = dict[int, int](), 0
        for key, x in distinct.items():
            starts[key] = total
            total += len(x)
        return Features.cat([self.table(x) for x in distinct.values()]), [starts[id(x)] for x in parts]


class Lengths:
    """How many ids each row of the members' bags holds, on the host: a GPU would stop to be asked at every batch."""

    def __init__(self, parts: Sequence[Features]) -> None:
        self.by_bag: dict[str, list[Tensor]] = {}
        known: dict[int, Tensor] = {}
        for x in parts:
            for name, value in x.columns.items():
                if isinstance(value, Bag):
                    if id(value) not in known:
                        known[id(value)] = value.offsets.diff()
                    self.by_bag.setdefault(name, []).append(known[id(value)])

    def ends(self, rows: Tensor) -> Ends:
        """Of the batches of `rows` (steps, K, B), each a run of K·B rows."""
        found: dict[str, Sequence[int]] = {}
        for name, lengths in self.by_bag.items():
            steps = sum(own[rows[:, k]].sum(1) for k, own in enumerate(lengths))
            assert isinstance(steps, Tensor)
            found[name] = [0, *accumulate(steps.tolist())]
        return found


class Batches:
    """Training batches of the members of a stack."""

    def __init__(self, recipes: Sequence[Recipe], generators: Sequence[torch.Generator], placed: Placed) -> None:
        self.recipes, self.generators, self.device = recipes, generators, placed.device
        self.x, starts = placed.pool([r.train.x for r in recipes])
        self.start = torch.tensor(starts, device=self.device).view(-1, 1)
        labels = [r.train.y for r in recipes]
        shared = all(y is labels[0] for y in labels)
        self.y = [y.to(self.device) for y in (labels[:1] if shared else labels)]
        self.augmented = any(r.augment for r in recipes)
        self.ragged = any(isinstance(v, Bag) for v in self.x.columns.values())

    def of(self, rows: Tensor, host: Tensor | None = None) -> Iterator[tuple[Features, Tensor]]:
        """Features of K·B rows and labels (K, B) for each step of `rows` (steps, K, B), which are on the device.

        `host`: the same rows on the host, which then counts their text itself and asks the device for nothing.
        """
        if self.augmented:
            yield from map(self.treated, rows)
            return
        at = rows + self.start if len(self.recipes) > 1 else rows
        together = max(1, BLOCK // rows[0].numel()) if self.ragged else 1
        for i, (now, where) in enumerate(zip(torch.split(rows, together), torch.split(at, together), strict=True)):
            ends = None
            if self.ragged and host is not None:
                ends = self.lengths.ends(host[i * together : i * together + len(now)])
            x, y = gather(self.x, where.reshape(-1), ends), self.labels(now)
            yield from zip(cut(x, rows[0].numel(), ends) if len(now) > 1 else (x,), y, strict=True)

    @cached_property
    def lengths(self) -> Lengths:
        """Of the members' text."""
        return Lengths([r.train.x for r in self.recipes])

    def labels(self, rows: Tensor) -> Tensor:
        """Labels (steps, K, B)."""
        if len(self.y) == 1:
            return self.y[0].index_select(0, rows.reshape(-1)).view(rows.shape)
        return torch.stack([y[r] for y, r in zip(self.y, rows.unbind(1), strict=True)], 1)

    def treated(self, rows: Tensor) -> tuple[Features, Tensor]:
        """One step's batch, augmented member by member."""
        xs, ys = [], []
        for k, recipe in enumerate(self.recipes):
            x = gather(self.x, rows[k] + self.start[k])
            y = self.y[min(k, len(self.y) - 1)][rows[k]]
            for augment in recipe.augment:
                x, y = augment(x, y, self.generators[k], recipe.train)
            xs.append(x)
            ys.append(y)
        return Features.cat(xs), torch.stack(ys)


@dataclass(frozen=True)
class ValidationBatch:
    """Neighbours in a stack with equally many validation rows, and these rows for each of them, in pieces."""

    members: slice
    pieces: tuple[Features, ...]


def validation_batches(recipes: Sequence[Recipe], placed: Placed) -> list[ValidationBatch]:
    """How validation rows go through the network: as many members at once as memory (and cache) are good for.

    Never with padding, and in the pieces that a member alone would have: the rounding of a matrix product may depend
    on the number of rows.
    """
    found, k, most = list[ValidationBatch](), 0, VALIDATION_ROWS.get(placed.device.type, VALIDATION_ROWS["cpu"])
    while k < len(recipes):
        n = len(recipes[k].val)
        fitting, end = max(1, most // n), k + 1
        while end < len(recipes) and len(recipes[end].val) == n and end - k < fitting:
            end += 1
        x, starts = placed.pool([r.val.x for r in recipes[k:end]])
        if end - k > 1:
            each = torch.arange(n, device=placed.device)
            x = gather(x, torch.cat([each + start for start in starts]))
        found.append(ValidationBatch(slice(k, end), (x,) if len(x) <= most else tuple(cut(x, most // 2))))
        k = end
    return found
