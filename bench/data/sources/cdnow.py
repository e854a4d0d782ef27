"""CDNOW: customers of a real online music shop, by what they bought before a day; will they buy again soon after?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.fetching.fetch import Package
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import Table, TableConfig

CUT = pd.Timestamp("1997-10-01")
_WINDOWS = (7, 30, 90)
MEMBER = "lifetimes/datasets/CDNOW_master.txt"


@dataclass(frozen=True)
class Cdnow(FetchedSource):
    """23,570 customers; the split is of customers, and all features are from before all labels."""

    name = "cdnow"
    title = "customers of an online music shop 1997-98, 23,570 rows"
    licence = "none stated for the data (published for research and teaching); package MIT"
    targets: ClassVar = {
        "buys_30d": "buys again within 30 days of 1997-10-01 (7.7%)",
        "buys_7d": "buys again within 7 days of 1997-10-01 (1.8%)",
    }
    package = Package("PyPI", "lifetimes", "0.11.3", "261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8")
    members: ClassVar = {MEMBER: "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"}
    citation = "CDNOW transactions 1997-98 (Fader & Hardie 2001, brucehardie.com), in lifetimes 0.11.3"
    warning = "No licence is stated for the data: for local evaluation"

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        """69,659 transactions to one row per customer: features from before the cut, targets from after it."""
        rows = [line.split() for line in files[MEMBER].decode("ascii").splitlines()[1:] if line.strip()]
        bought = pd.DataFrame(rows, columns=["customer", "day", "items", "spent"])
        bought["day"] = pd.to_datetime(bought["day"], format="%Y%m%d")
        bought[["items", "spent"]] = bought[["items", "spent"]].astype(np.float64)
        table = _summarise(bought[bought["day"] < CUT])
        after = bought[bought["day"] >= CUT]
        for name, days in (("buys_30d", 30), ("buys_7d", 7)):
            buyers = after.loc[after["day"] < CUT + pd.Timedelta(days=days), "customer"].unique()
            table[name] = table.index.isin(buyers).astype(np.int64)
        return {"cdnow": pa.Table.from_pandas(table.reset_index(drop=True), preserve_index=False)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        columns.pop("buys_7d" if target == "buys_30d" else "buys_30d")
        return self.build(columns, target, config, kinds=dict.fromkeys(columns, "numeric"), duplicates="keep")


def _summarise(before: pd.DataFrame) -> pd.DataFrame:
    """Recency, frequency and value per customer, indexed by customer (Fader, Hardie & Lee 2005); days are numbers.

    Purchases of one day are one visit.
    """
    visits = before.groupby(["customer", "day"], as_index=False)[["items", "spent"]].sum()
    by = visits.groupby("customer")
    first, last, count = by["day"].min(), by["day"].max(), by.size()
    table = pd.DataFrame(
        {
            "visits": count.astype(np.float64),
            "days_since_first": (CUT - first).dt.days.astype(np.float64),
            "days_since_last": (CUT - last).dt.days.astype(np.float64),
            "days_first_to_last": (last - first).dt.days.astype(np.float64),
            "items": by["items"].sum(),
            "spent": by["spent"].sum(),
            "spent_per_visit": by["spent"].mean(),
            "most_spent": by["spent"].max(),
            "spent_last": by["spent"].last(),
        }
    )
    table["days_between_visits"] = table["days_first_to_last"] / (table["visits"] - 1).where(table["visits"] > 1)
    for days in _WINDOWS:
        recent = visits[visits["day"] >= CUT - pd.Timedelta(days=days)].groupby("customer").size()
        table[f"visits_{days}d"] = recent.reindex(table.index, fill_value=0).astype(np.float64)
    return table
