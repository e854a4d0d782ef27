"""Women's Clothing E-Commerce Reviews: the embedded default. Real reviews, three targets of different imbalance."""

from __future__ import annotations

from importlib import resources

import numpy as np

from bench.data.sources.file import read
from bench.data.sources.parts.public import pick_target
from bench.data.tables.build import Origin, build
from bench.data.tables.config import DataConfig
from bench.data.tables.decode import Values, decode
from bench.data.tables.schema import ColumnKind, Strings, Table

VERSION = 1
LICENCE = "CC0-1.0, as published"
DROPS = {  # what gives each target away; the item's id gives its class away
    "one_star": ("Rating", "Recommended IND"),
    "class": ("Class Name", "Clothing ID", "Department Name", "Division Name"),
    "not_recommended": ("Rating", "Recommended IND"),
}
# Not one_star and not_recommended for each other: nearly all one-star rows are not recommended.
TRANSFER = {"one_star": "class", "class": "one_star", "not_recommended": "class"}
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


def load(config: DataConfig) -> Table:
    """The embedded sample, 10,000 rows before cleaning, for one of its targets.

    Raises:
        DataError: no such target.
    """
    target = pick_target(config)
    with resources.as_file(resources.files("bench.data") / "embedded" / "womens.parquet") as path:
        stored = read(path)
    columns = {name: decode(stored[name]) for name in KINDS}
    origin = Origin(
        name="womens",
        file="womens",
        source="womens",
        version=VERSION,
        licence=LICENCE,
        kinds=KINDS,
        drops=DROPS[target],
        other={name: (labels(columns, name), DROPS[name]) for name in DROPS if name != target},
        transfer_source=TRANSFER[target],
    )
    return build(columns, Values("string", labels(columns, target)), target, config, origin)


def labels(columns: dict[str, Values], target: str) -> Strings:
    """A target's labels, object (n,): '0' and '1', or names; None where missing."""
    if target == "class":
        return columns["Class Name"].strings()
    column, positive = {"one_star": ("Rating", 1), "not_recommended": ("Recommended IND", 0)}[target]
    return np.where(columns[column].data == positive, "1", "0").astype(object)
