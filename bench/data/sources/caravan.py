"""CoIL Challenge 2000: who buys caravan insurance? The full set, with the challenge's split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.fetching.fetch import Package
from bench.data.fetching.rda import read_rda
from bench.data.sources.parts.coil import CITATION, NOMINAL, TARGETS, WARNING, kinds
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import Table, TableConfig

TRAIN = 5822  # rows; the other 4,000 are the challenge's test rows
_RENAMED = {"STYPE": "MOSTYPE", "AAUT": "PVRAAUT"}  # kernlab's names -> the challenge's
MEMBER = "./usr/lib/R/site-library/kernlab/data/ticdata.rda"


@dataclass(frozen=True)
class Caravan(FetchedSource):
    """All 9,822 rows; with data.given=part, as in its YAML, tested on the challenge's 4,000."""

    name = "caravan"
    title = "CoIL Challenge 2000 with its split, 9,822 rows"
    licence = "data for non-commercial use; package GPL-2"
    targets = TARGETS
    package = Package("Debian", "r-cran-kernlab")
    members: ClassVar = {MEMBER: "7e548579e9f6db507b1146e635b22472d196b83250c3d8c88e3815626015d546"}
    citation = f"{CITATION}, in Debian's r-cran-kernlab"
    warning = WARNING

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        """Bands as numbers from 0, customer types by name, part: train or test."""
        frame = read_rda(files[MEMBER], "ticdata")
        columns: dict[str, pa.Array] = {}
        for name in frame.column_names[:-1]:
            column = frame[name].combine_chunks()
            if pa.types.is_dictionary(column.type):
                nominal = _RENAMED.get(name, name) in NOMINAL
                column = column.cast(pa.string()) if nominal else column.indices.cast(pa.float64())
            columns[_RENAMED.get(name, name)] = column
        bought = frame["CARAVAN"].combine_chunks().cast(pa.string())
        columns["purchase"] = pa.array([int(v == "insurance") for v in bought.to_pylist()])
        columns["part"] = pa.array(["train"] * TRAIN + ["test"] * (frame.num_rows - TRAIN))
        return {"caravan": pa.table(columns)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        return self.build(columns, target, config, kinds=kinds(columns), duplicates="keep")
