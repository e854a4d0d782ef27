"""Generated e-commerce impressions whose true p(click | x) is known, row by row.

Two targets: `click`, and `purchase`, which needs a click first. p(purchase | x) = p(click | x) p(purchase | click, x),
and the two factors have about the same share, the square root of the prevalence asked for: clicks are then the more
frequent label of the same rows that a purchase model can learn from first (`strategy=transfer`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.fetching.cache import cache_root, make_room, new_file
from bench.data.files.parquet import ParquetTable
from bench.data.sources.parts.shop_world import NAMES, VERSION, World, batches
from bench.data.sources.spec import ColumnKind, DataError, Source, Table, TableConfig, Values
from bench.data.tables.large import load_large

IN_MEMORY = 1_000_000  # rows; more are streamed to Parquet
NO_FEATURES = ("user", "session", "timestamp", "truth")


@dataclass(frozen=True, kw_only=True)
class Impressions(Source):
    """Impressions as the options say; `Table.truth` holds p(target | x).

    Beside purchases, clicks are a label to transfer from (up to `IN_MEMORY` rows).

    Raises:
        DataError: an option is out of range.
    """

    name = "impressions"
    version = VERSION
    title = "generated e-commerce impressions with a known p(y|x), any number of rows"
    licence = "MIT"
    targets: ClassVar = {
        "click": "the item shown is clicked, at the prevalence asked for",
        "purchase": "it is clicked and bought, at the prevalence asked for; clicks to transfer from",
    }

    rows: int = World.rows
    prevalence: float = World.prevalence  # expected share of the target
    noise: float = World.noise  # share of labels that are flipped
    drift: float = World.drift  # how far tastes move from the first row to the last
    world: int = World.world  # seed of items, users and tastes

    def __post_init__(self) -> None:
        if self.rows < 100:
            raise DataError(f"data.rows: expected 100 or more, got {self.rows}")
        if not 0 < self.prevalence < 1:
            raise DataError(f"data.prevalence: expected a share below 1, got {self.prevalence}")
        if not 0 <= self.noise < 0.5:
            raise DataError(f"data.noise: expected a share below 0.5, got {self.noise}")
        if self.drift < 0:
            raise DataError(f"data.drift: expected 0 or more, got {self.drift}")

    def load(self, config: TableConfig) -> Table:
        target = self.pick_target(config)
        world = World(target=target, **asdict(self))
        if self.rows > IN_MEMORY:
            clicks: dict[str, ColumnKind] = {"click": "ignored"} if target == "purchase" else {}
            origin = self.origin(kinds={**kinds(), **clicks}, duplicates="keep")
            return load_large(ParquetTable([parquet(world)]), target, target, config, origin, truth="truth")
        parts = list(batches(world))
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        truth = joined.pop("truth")
        names = {n: np.array(v, dtype=object) for n, v in NAMES.items()}
        columns = {
            n: Values("string", names[n][v]) if n in names else Values("number", v.astype(np.float64))
            for n, v in joined.items()
        }
        other = {} if target == "click" else {"click": (columns.pop("click").strings(), ())}
        return self.build(
            columns,
            target,
            config,
            kinds=kinds(),
            duplicates="keep",
            truth=truth,
            other=other,
            transfer_source=next(iter(other), None),
        )


def _write_parquet(world: World, path: Path) -> None:
    """Stream the rows to a Parquet file, one row group a batch; categories are dictionaries."""
    writer = None
    for columns in batches(world):
        arrays = {
            name: pa.DictionaryArray.from_arrays(values.astype(np.int32), pa.array(NAMES[name]))
            if name in NAMES
            else pa.array(values)
            for name, values in columns.items()
        }
        table = pa.table(arrays)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def kinds() -> dict[str, ColumnKind]:
    """How each column but the labels is used."""
    world = World(rows=100)
    names = next(batches(world))
    found: dict[str, ColumnKind] = {n: "categorical" if n in NAMES else "numeric" for n in names if n != "click"}
    found.update(dict.fromkeys(NO_FEATURES, "ignored"))
    found.pop("truth")
    return found


def parquet(world: World) -> Path:
    """The rows as a Parquet file in the cache, written once and then left alone: its time names what is made of it."""
    path = cache_root() / "generated" / f"impressions-{world.digest()}.parquet"
    if not path.is_file():
        make_room(path.parent)
        with new_file(path) as work:
            _write_parquet(world, work)
    return path
