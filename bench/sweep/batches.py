"""Which cells a worker gets at a time: a batch shares its data, and keeps no worker waiting for another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.data.config import DataConfig
from bench.data.loaded import loaded_table
from bench.sweep.plan import Planned

MOST_CELLS = 64  # of a batch of several seeds: more hardly train faster together
_ENOUGH_CELLS = 16  # of such a batch train together nearly as fast as more: larger ones are divided among idle workers
MOST_ROWS = 1_000_000  # of data that such a batch may hold, the table counted once for each of its seeds


def batches(to_do: Sequence[Planned], workers: int, *, seeds_together: bool = False) -> list[list[Planned]]:
    """The cells in batches that share data, split and seed; the largest are divided while workers would be idle.

    `seeds_together`: seeds of one split share batches too, for cells that may train as one model. Each worker then gets
    two, because batches of different data take different times.
    """
    by_seed: dict[tuple[DataConfig, int, int], list[Planned]] = defaultdict(list)
    for p in to_do:
        by_seed[p.cell.data, p.cell.split, p.cell.seed].append(p)
    parts = sorted(_seeds_joined(by_seed) if seeds_together else by_seed.values(), key=len, reverse=True)
    while len(parts[0]) > 1 and (
        len(parts) < workers or (seeds_together and 1 < workers > len(parts) / 2 and len(parts[0]) > _ENOUGH_CELLS)
    ):
        parts = sorted([*divided(parts.pop(0)), *parts], key=len, reverse=True)
    return parts


def _seeds_joined(by_seed: Mapping[tuple[DataConfig, int, int], list[Planned]]) -> list[list[Planned]]:
    """Batches of one split and several seeds, of at most `MOST_CELLS` cells and `MOST_ROWS` rows of data."""
    parts = dict[tuple[DataConfig, int], list[list[Planned]]]()
    for (data, split, _), cells in by_seed.items():
        most_seeds = max(1, MOST_ROWS // len(loaded_table(data)))
        same_split = parts.setdefault((data, split), [[]])
        seeds = {p.cell.seed for p in same_split[-1]}
        if len(same_split[-1]) + len(cells) > MOST_CELLS or len(seeds) == most_seeds:
            same_split.append([])
        same_split[-1] += cells
    return [part for same_split in parts.values() for part in same_split if part]


def divided(batch: list[Planned]) -> tuple[list[Planned], list[Planned]]:
    """A batch in two; cells of one seed, which share data and first stages, stay together where there are several."""
    half = set(sorted({p.cell.seed for p in batch})[::2])
    if half == {p.cell.seed for p in batch}:
        return batch[::2], batch[1::2]
    return [p for p in batch if p.cell.seed in half], [p for p in batch if p.cell.seed not in half]
