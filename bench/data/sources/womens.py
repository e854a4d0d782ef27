"""Women's Clothing E-Commerce Reviews: the embedded default. Real reviews, three targets of different imbalance."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import ClassVar

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.sources.spec import ColumnKind, Source, Table, TableConfig, Values
from bench.data.tables.decode import decode
from bench.data.tables.schema import Strings

_DROPS = {  # what gives each target away; the item's id gives its class away
    "one_star": ("Rating", "Recommended IND"),
    "class": ("Class Name", "Clothing ID", "Department Name", "Division Name"),
    "not_recommended": ("Rating", "Recommended IND"),
}
# Not one_star and not_recommended for each other: nearly all one-star rows are not recommended.
_TRANSFER = {"one_star": "class", "class": "one_star", "not_recommended": "class"}
KINDS: dict[str, ColumnKind] = {
    "Age": "numeric",
    "Class Name": "categorical",
    "Clothing ID": "categorical",
    "Department Name": "categorical",
    "Division Name": "categorical",
    "Positive Feedback Count": "numeric",
    "Rating": "numeric",
    "Recommended IND": "numeric",
    "Review Text": "text",
    "Title": "text",
}


@dataclass(frozen=True)
class Womens(Source):
    """The embedded sample, 10,000 rows before cleaning, for one of its targets."""

    name = "womens"
    title = "Women's Clothing E-Commerce Reviews, an embedded sample of 10,000 rows"
    licence = "CC0-1.0, as published"
    targets: ClassVar = {
        "one_star": "the review gives one star of five (3.6%)",
        "class": "product class, 18 with a long tail",
        "not_recommended": "the customer does not recommend the product (17.8%)",
    }

    def load(self, config: TableConfig) -> Table:
        target = self.pick_target(config)
        with resources.as_file(resources.files("bench.data.sources") / "embedded" / "womens.parquet") as path:
            stored = pq.ParquetFile(path).read()
        columns = {name: decode(stored[name]) for name in KINDS}
        return self.build(
            {**columns, target: Values("string", labels(columns, target))},
            target,
            config,
            kinds=KINDS,
            drops=_DROPS[target],
            other={name: (labels(columns, name), _DROPS[name]) for name in _DROPS if name != target},
            transfer_source=_TRANSFER[target],
        )


def labels(columns: dict[str, Values], target: str) -> Strings:
    """A target's labels, object (n,): '0' and '1', or names; None where missing."""
    if target == "class":
        return columns["Class Name"].strings()
    column, positive = {"one_star": ("Rating", 1), "not_recommended": ("Recommended IND", 0)}[target]
    return np.where(columns[column].data == positive, "1", "0").astype(object)
