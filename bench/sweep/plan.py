"""What a sweep would do: the key of each cell, which have records, how long the rest may take. No Lightning here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.config import Cell
from bench.data.config import DataConfig
from bench.data.errors import DataError
from bench.data.loaded import loaded_table
from bench.data.tables.schema import Table
from bench.data.tables.splits import partition
from bench.leaderboard.text.words import plural
from bench.models.registry import refusal, takes, train_keys
from bench.records.files import ResultsError, one_line
from bench.records.reading import Unreadable
from bench.records.record import FAILURES, SCHEMA, Record, Status, digest
from bench.records.store import Store
from bench.records.versions import VERSIONS

if TYPE_CHECKING:
    from strategies.strategy import Strategy


@dataclass(frozen=True)
class Planned:
    """A cell with its key, and what the key is the hash of."""

    cell: Cell
    key: str
    config: dict[str, Any]
    data_name: str
    target: str

    def identity(self) -> dict[str, Any]:
        """The fields of its record that say which cell it is."""
        c = self.cell
        return {
            "key": self.key,
            "data": self.data_name,
            "target": self.target,
            "model": c.model.name,
            "strategy": c.strategy,
            "split": c.split,
            "seed": c.seed,
            "tuned": c.tuned,
            "uses_extra": any(s.uses_extra for s in c.strategies),
            "config": self.config,
        }

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
    data = loaded_table(cell.data)
    given = {"takes": key} if (key := takes(cell.model).key()) else {}  # the defaults came before the first records
    config = {
        "schema": SCHEMA,
        "versions": dict(VERSIONS),
        "data": {
            "source": cell.data.source.name,
            "version": data.version,
            "target": data.target,
            "fingerprint": data.fingerprint,
            "imbalance": data.imbalance,
            "test_fraction": cell.data.test_fraction,
            "val_fraction": cell.data.val_fraction,
            "vocabulary": cell.data.vocabulary,
            **cell.data.key(),
        },
        "model": {"name": cell.model.name, "version": cell.model.version, **asdict(cell.model), **given},  # type: ignore[call-overload]
        "strategies": [strategy_key(s, cell.strategies) for s in cell.strategies],
        "train": budget(cell),
        "split": cell.split,
        "seed": cell.seed,
    }
    if cell.tuned:  # settings may equal the defaults; boards tell the record of a tuned strategy apart all the same
        config["tuned"] = True
    return Planned(cell, digest(config), config, data.name, data.target)


def strategy_key(strategy: Strategy, stack: Sequence[Strategy]) -> list[Any]:
    """What a strategy puts into a key: name, version, settings, and the strategies that it carries out itself."""
    listed = frozenset(s.name for s in stack)
    inner = [strategy_key(s, (*stack, s)) for s in strategy.within(listed)]
    return [strategy.name, strategy.version, asdict(strategy), *([inner] if inner else [])]  # type: ignore[call-overload]


def table_of(config: DataConfig, fingerprint: str | None = None) -> Table:
    """The table that `config` names; with a `fingerprint`, only as long as it has the content that this names.

    Raises:
        DataError: the data cannot be used.
        ResultsError: they changed, or cannot be read any more, since the command was planned with them.
    """
    if fingerprint is None:
        return loaded_table(config)
    name = config.name or config.source.name
    try:
        table = loaded_table(config)
    except DataError as error:
        raise ResultsError(_CHANGED.format(name, f"this when they were read again: {one_line(error)}")) from error
    if table.fingerprint != fingerprint:
        raise ResultsError(_CHANGED.format(table.name, "others: the file changed meanwhile"))
    return table


_CHANGED = (
    "{}: expected the data that the command was planned with, got {}. Nothing was recorded for them; run the same "
    "command again"
)


def budget(cell: Cell) -> dict[str, Any]:
    """The settings of training that mean something to the cell's model: all, but to an estimator."""
    means = train_keys(cell.model)
    return {name: value for name, value in cell.train.key().items() if means is None or name in means}


def inapplicable(cell: Cell) -> str:
    """Why a cell would be skipped, as far as its strategies and model say so themselves; empty for most."""
    listed = frozenset(s.name for s in cell.strategies)
    if cell.train.budget == "total" and (means := train_keys(cell.model)) is not None and "max_steps" not in means:
        return f"train.budget=total shares steps out among fits, and model {cell.model.name!r} counts none; use each"
    for strategy in cell.strategies:
        for one in (strategy, *strategy.within(listed)):
            if reason := refusal(cell.model, one):
                return f"{strategy.name}: {reason}" if one is strategy else f"{strategy.name}: {one.name} {reason}"
    return ""


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
            partition(loaded_table(part[0]), part[1], part[2], p.cell.data.test_fraction, p.cell.data.val_fraction)
    return list(planned.values())


@dataclass(frozen=True)
class Outlook:
    """A plan held against the records."""

    planned: list[Planned]
    records: dict[str, Record]
    to_do: list[Planned]
    seconds: float | None  # of work, on one worker; None where nothing comparable was ever run
    problems: tuple[str, ...] = ()  # what lies in place of records, and what becomes of it

    def count(self, *statuses: Status) -> int:
        """Cells of the plan with a record of one of these statuses."""
        return sum(r.status in statuses for r in self.records.values())


def outlook(planned: list[Planned], store: Store, *, retry_failed: bool) -> Outlook:
    """What is done, what is to do, and an estimate from the durations of comparable cells on record."""
    records, problems, stuck = dict[str, Record](), list[str](), set[str]()
    for p in planned:
        try:
            record = store.proven(p.key)
        except Unreadable as error:  # it may be a result: nothing takes its place
            stuck.add(p.key)
            problems.append(f"{p.label} is left out: {error}")
        except ResultsError as error:
            problems.append(f"{p.label} is trained anew: {error}")
        else:
            records |= {} if record is None else {p.key: record}
    again = FAILURES if retry_failed else ()
    to_do = [p for p in planned if p.key not in stuck and (p.key not in records or records[p.key].status in again)]
    return Outlook(planned, records, to_do, estimate(to_do, store) if to_do else 0.0, tuple(problems))


def estimate(to_do: list[Planned], store: Store) -> float | None:
    """Seconds of work: the median over cells alike in data, model and strategy, else in fewer of these."""
    durations: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for r in store:
        # A cell that found its fits trained already took no time; what they took is in its training seconds.
        seconds = max(r.cost.get("wall_seconds") or 0.0, r.cost.get("train_seconds") or 0.0)
        if r.status == "done":
            for alike in kinds(r.data, r.target, r.model, r.strategy):
                durations[alike].append(seconds)
    if not durations:
        return None
    total = 0.0
    for p in to_do:
        closest = kinds(p.data_name, p.target, p.cell.model.name, p.cell.strategy)
        total += median(next(durations[alike] for alike in closest if alike in durations))
    return total


def kinds(data: str, target: str, model: str, strategy: str) -> tuple[tuple[str, ...], ...]:
    """What cells can have in common, the closest first."""
    return (data, target, model, strategy), (model, strategy), (model,), ()


def tally(planned: Sequence[Planned]) -> list[str]:
    """What a plan consists of, one line per data set, target and model."""
    counted = Counter((p.data_name, p.target, p.cell.model.name) for p in planned)
    lines = []
    for (data, target, model), cells in counted.items():
        mine = [p.cell for p in planned if (p.data_name, p.target, p.cell.model.name) == (data, target, model)]
        strategies = list(dict.fromkeys(c.strategy for c in mine))
        seeds = len({(c.split, c.seed) for c in mine})
        lines.append(
            f"{data}/{target} {model}: {plural(cells, 'cell')} = {plural(len(strategies), 'strategy')} "
            f"({', '.join(strategies)}), {plural(seeds, 'split-seed pair')}"
        )
    refused = Counter(reason for p in planned if (reason := inapplicable(p.cell)))
    return [
        *lines,
        *(f"{plural(n, 'cell')} {'does' if n == 1 else 'do'} not apply: {reason}" for reason, n in refused.items()),
    ]
