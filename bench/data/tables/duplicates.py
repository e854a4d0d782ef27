"""Rows that are alike: dropped where they could leak from training into test, else told of where they may deceive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.tables.infer import rows_word
from bench.data.tables.roles import PARTS
from bench.data.tables.schema import BLOCK, Roles, Strings, blocks

ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))  # of the two hashes

Rows = npt.NDArray[np.int64]


def deduplicate(
    frame: pd.DataFrame, strings: Strings, log: list[str], roles: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.int64]:
    """Positions of the first of each set of rows with equal features, label and roles; the others could leak into test.

    With a user, a time or a weight of its own, an otherwise equal row is an event of its own.
    """
    beside = {"": pd.factorize(strings)[0], **{f"\0{role}": v for role, v in roles.items()}}
    first = np.flatnonzero(~frame.assign(**beside).duplicated().to_numpy()).astype(np.int64)
    dropped = len(frame) - len(first)
    if dropped:
        log.append(f"dropped {dropped:,} duplicate {rows_word(dropped)} ({dropped / len(frame):.1%})")
    ambiguous = frame.iloc[first]
    if roles:  # a role keeps rows that are alike in features and label
        ambiguous = ambiguous[~frame.assign(**{"": beside[""]}).iloc[first].duplicated()]
    ambiguous = ambiguous[ambiguous.duplicated(keep=False)]
    if len(ambiguous):
        groups = len(ambiguous.drop_duplicates())
        log.append(f"kept {groups:,} groups of rows with equal features but different labels ({len(ambiguous):,} rows)")
    return first


def warn_shared(frame: pd.DataFrame, strings: Strings, roles: Roles, log: list[str]) -> None:
    """Warn of test rows of a given division that are training or validation rows too: features and label are equal."""
    if roles.given is None:
        return
    labelled = frame.assign(**{"": pd.factorize(strings)[0]})
    test = roles.given == PARTS["test"]
    seen = pd.concat([labelled[~test].drop_duplicates(), labelled[test]]).duplicated().to_numpy()
    n = int(seen[-test.sum() :].sum()) if test.any() else 0
    if n:
        log.append(
            f"warning: {n:,} test {rows_word(n)} of data.given {'equals' if n == 1 else 'equal'} rows to train on "
            "(features and target), so scores flatter; remove them, or unset data.given"
        )


def warn_copies(frame: pd.DataFrame, y: npt.NDArray[np.int64], target: str, log: list[str]) -> None:
    """Warn of columns that are the target under another name: as many values as classes, one to one."""
    classes = int(y.max()) + 1
    for name in frame:
        codes, values = pd.factorize(frame[name], use_na_sentinel=False)
        if len(values) == classes and len(np.unique(codes * classes + y)) == classes:
            log.append(
                f"warning: column {name!r} is a copy of target {target!r}; if it is not known in advance, "
                "leave it out with data.ignore"
            )


class Hashes:
    """Two independent 64-bit hashes of each row, into which columns are stirred one after another, in pieces.

    Among 10^8 rows two rows that differ are taken for equal with a probability below 10^-22.
    """

    def __init__(self, rows: int) -> None:
        self.both = np.zeros((2, rows), dtype=np.uint64)

    def add(self, values: npt.NDArray[Any]) -> None:
        """Stir in a column, (n,) numbers."""
        for at, piece in zip(range(0, len(values), BLOCK), blocks(values), strict=True):
            if piece.dtype.kind == "f":
                bits = np.where(np.isnan(piece), np.uint64(1), piece.astype(np.float64, copy=False).view(np.uint64))
            else:
                bits = piece.astype(np.uint64)
            for hashed, odd in zip(self.both[:, at : at + BLOCK], ODD, strict=True):
                stir(hashed, bits, odd)

    def repeated(self) -> Rows:
        """The rows that equal an earlier one."""
        first, second = self.both
        ordered = np.sort(first)
        several = ordered[1:][ordered[1:] == ordered[:-1]]
        rows = np.flatnonzero(np.isin(first, several)) if len(several) else np.array([], dtype=np.int64)
        pairs = pd.DataFrame({"first": first[rows], "second": second[rows]})
        repeated: Rows = rows[pairs.duplicated().to_numpy()]
        return repeated


def stir(hashed: npt.NDArray[np.uint64], bits: npt.NDArray[np.uint64], odd: np.uint64) -> None:
    """Stir values into the hashes of their rows, in place (the finaliser of SplitMix64; Steele et al. 2014)."""
    hashed += bits
    hashed *= odd
    hashed ^= hashed >> np.uint64(30)
    hashed *= np.uint64(0xBF58476D1CE4E5B9)
    hashed ^= hashed >> np.uint64(27)
