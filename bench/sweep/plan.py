"""What a sweep would do: the key of each cell, which have records, how long the rest may take. No Lightning here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bench.config import Cell
from bench.data.loaded import kept_table
from bench.data.tables.config import DataConfig
from bench.data.tables.splits import partition
from bench.records.record import FAILURES, SCHEMA, Record, Status, digest
from bench.records.store import Store
from bench.records.versions import VERSIONS

MEMBERS = 64  # cells that a group may be joined to: more hardly train faster together
ENOUGH = 16  # cells of such a group that train together nearly as fast as more; larger ones are divided for balance
TOGETHER = 1_000_000  # rows, counted for each seed, whose data such a group may hold


@dataclass(frozen=True)
class Planned:
    """A cell with its key, and what the key is the hash of."""

    cell: Cell
    key: str
    config: dict[str, Any]
    data_name: str
    target: str

    @property
    def label(self) -> str:
        """`womens/one_star mlp focal split=0 seed=1`."""
        c = self.cell
        return f"{self.data_name}/{self.target} {c.model.name} {c.strategy} split={c.split} seed={c.seed}"


def identify(cell: Cell) -> Planned:
    """The run key of a cell: SHA-256 of all that determines its result.

    Data count by their content and not by their path; workers, threads, stacking and device are recorded beside.

    Raises:
        DataError: the data cannot be used.
    """
    data = kept_table(cell.data)
    config = {
        "schema": SCHEMA, "versions": dict(VERSIONS),
        "data": {
            "source": cell.data.source, "version": data.version, "target": data.target,
            "fingerprint": data.fingerprint, "imbalance": data.imbalance, "test_fraction": cell.data.test_fraction,
            "val_fraction": cell.data.val_fraction, "vocabulary": cell.data.vocabulary, **cell.data.key(),
        },
        "model": {"name": cell.model.name, "version": cell.model.version, **asdict(cell.model)},  # type: ignore[call-overload]
        "strategies": [[s.name, s.version, asdict(s)] for s in cell.strategies],  # type: ignore[call-overload]
        "train": cell.train.key(),
        "split": cell.split,
        "seed": cell.seed,
    }  # fmt: skip
    if (
        cell.tuned
    ):  # settings may equal the defaults; the record is still one of a tuned strategy, and boards tell apart
        config["tuned"] = True
    return Planned(cell, digest(config), config, data.name, data.target)


def plan(cells: Sequence[Cell]) -> list[Planned]:
    """The cells with their keys, each once, after checking that every split can be made.

    Raises:
        DataError: data that cannot be used, or a split without rows of some class.
    """
    planned = {p.key: p for p in map(identify, cells)}
    seen: set[tuple[DataConfig, int, int]] = set()
    for p in planned.values():
        part = (p.cell.data, p.cell.split, p.cell.seed)
        if part not in seen:
            seen.add(part)
            partition(kept_table(part[0]), part[1], part[2], p.cell.data.test_fraction, p.cell.data.val_fraction)
    return list(planned.values())


@dataclass(frozen=True)
class Outlook:
    """A plan held against the records."""

    planned: list[Planned]
    records: dict[str, Record]
    to_do: list[Planned]
    seconds: float | None  # of work, on one worker; None where nothing comparable was ever run

    def count(self, *statuses: Status) -> int:
        """Cells of the plan with a record of one of these statuses."""
        return sum(r.status in statuses for r in self.records.values())


def outlook(planned: list[Planned], store: Store, *, retry_failed: bool) -> Outlook:
    """What is done, what is to do, and an estimate from the durations of comparable cells on record."""
    records = {p.key: r for p in planned if (r := store.get(p.key)) is not None}
    again = FAILURES if retry_failed else ()
    to_do = [p for p in planned if p.key not in records or records[p.key].status in again]
    return Outlook(planned, records, to_do, estimate(to_do, store) if to_do else 0.0)


def estimate(to_do: list[Planned], store: Store) -> float | None:
    """Seconds of work: the median over cells alike in data, model and strategy, else in fewer of these."""
    durations: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for r in store:
        # A cell that found its fits trained already took no time; what they took is in its training seconds.
        seconds = max(r.cost.get("wall_seconds") or 0.0, r.cost.get("train_seconds") or 0.0)
        if r.status == "done":
            for group in ((r.data, r.target, r.model, r.strategy), (r.model, r.strategy), (r.model,), ()):
                durations[group].append(seconds)
    if not durations:
        return None
    total = 0.0
    for p in to_do:
        groups = ((p.data_name, p.target, p.cell.model.name, p.cell.strategy), (p.cell.model.name, p.cell.strategy),
                  (p.cell.model.name,), ())  # fmt: skip
        total += median(next(durations[g] for g in groups if g in durations))
    return total


def units(to_do: Sequence[Planned], workers: int, *, seeds_together: bool = False) -> list[list[Planned]]:
    """Work in groups that share data, split and seed; large groups are divided while workers would stand idle.

    `seeds_together`: small groups of one split are joined, for cells that may train as one; two for each worker then,
    as groups of different data take differently long.
    """
    groups: dict[tuple[DataConfig, int, int], list[Planned]] = defaultdict(list)
    for p in to_do:
        groups[p.cell.data, p.cell.split, p.cell.seed].append(p)
    parts = sorted(joined(groups) if seeds_together else groups.values(), key=len, reverse=True)
    while len(parts[0]) > 1 and (
        len(parts) < workers or (seeds_together and 1 < workers > len(parts) / 2 and len(parts[0]) > ENOUGH)
    ):
        parts = sorted([*divided(parts.pop(0)), *parts], key=len, reverse=True)
    return parts


def joined(groups: Mapping[tuple[DataConfig, int, int], list[Planned]]) -> list[list[Planned]]:
    """Groups of one split but several seeds: at most `MEMBERS` cells, and `TOGETHER` rows with those of each seed."""
    parts = dict[tuple[DataConfig, int], list[list[Planned]]]()
    for (data, split, _), group in groups.items():
        seeds = max(1, TOGETHER // len(kept_table(data)))
        same = parts.setdefault((data, split), [[]])
        if len(same[-1]) + len(group) > MEMBERS or len({p.cell.seed for p in same[-1]}) == seeds:
            same.append([])
        same[-1] += group
    return [part for same in parts.values() for part in same if part]


def divided(group: list[Planned]) -> tuple[list[Planned], list[Planned]]:
    """A group in two; cells of one seed, which share data and first stages, stay together where there are several."""
    half = set(sorted({p.cell.seed for p in group})[::2])
    if half == {p.cell.seed for p in group}:
        return group[::2], group[1::2]
    return [p for p in group if p.cell.seed in half], [p for p in group if p.cell.seed not in half]


def tally(planned: Sequence[Planned]) -> list[str]:
    """What a plan consists of, one line per data set, target and model."""
    counted = Counter((p.data_name, p.target, p.cell.model.name) for p in planned)
    lines = []
    for (data, target, model), cells in counted.items():
        mine = [p.cell for p in planned if (p.data_name, p.target, p.cell.model.name) == (data, target, model)]
        strategies = list(dict.fromkeys(c.strategy for c in mine))
        seeds = len({(c.split, c.seed) for c in mine})
        lines.append(
            f"{data}/{target} {model}: {cells} cells = {len(strategies)} strategies ({', '.join(strategies)}), "
            f"{seeds} split-seed pairs"
        )
    return lines
