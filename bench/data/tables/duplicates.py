"""Rows that are alike: dropped where they are copies, which could leak into test, and kept where they are events."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.options import option
from bench.data.tables.infer import PARTS, rows_word
from bench.data.tables.schema import BLOCK, Roles, Strings, blocks

_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))  # of the two hashes

Rows = npt.NDArray[np.int64]

_MOVES = 0.01  # relative change of a class's share from which equal rows are taken for events


def deduplicate(
    frame: pd.DataFrame, strings: Strings, log: list[str], roles: Roles, *, rule: Literal["auto", "drop"]
) -> npt.NDArray[np.int64]:
    """Positions of the first of each set of rows with equal features, label and roles; the others could leak into test.

    With a user, a time or a weight of its own, an otherwise equal row is an event of its own. Rows of a given test part
    stay. `rule` auto: all stay where dropping would move the share of a class.
    """
    beside = {"": pd.factorize(strings)[0], **{f"\0{role}": v for role, v in roles.arrays().items()}}
    repeated = frame.assign(**beside).duplicated().to_numpy()
    if roles.given is not None:
        repeated = repeated & (roles.given != PARTS["test"])
    first = settle(repeated, pd.Categorical(strings), log, rule=rule)
    ambiguous = frame.iloc[first]
    if roles.arrays() or len(first) == len(frame):  # rows that are alike in features and label may have stayed
        ambiguous = ambiguous[~frame.assign(**{"": beside[""]}).iloc[first].duplicated()]
    ambiguous = ambiguous[ambiguous.duplicated(keep=False)]
    if len(ambiguous):
        groups = len(ambiguous.drop_duplicates())
        noun = "group" if groups == 1 else "groups"
        log.append(f"kept {groups:,} {noun} of rows with equal features but different labels ({len(ambiguous):,} rows)")
    return first


def settle(
    repeated: npt.NDArray[np.bool_], labels: pd.Categorical[object], log: list[str], *, rule: Literal["auto", "drop"]
) -> npt.NDArray[np.int64]:
    """The rows that stay of those that equal an earlier one or none, (n,) bool, by their labels; says what is done.

    `rule` auto drops them only where every class's share moves by less than `_MOVES`, relatively: equal rows of people
    or goods are copies, equal rows of impressions are events.
    """
    n, rows = int(repeated.sum()), len(repeated)
    every = np.arange(rows, dtype=np.int64)
    if not n:
        return every
    codes, names = np.asarray(labels.codes), list(labels.categories)
    before, after = (np.bincount(c, minlength=len(names)) / len(c) for c in (codes, codes[~repeated]))
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.nan_to_num(np.abs(after / before - 1))
    worst = int(moves.argmax())
    share = f"{n:,} duplicate {rows_word(n)} ({n / rows:.1%})"
    if rule == "auto" and moves[worst] >= _MOVES:
        log.append(
            f"warning: kept {share}: without them class {names[worst]!r} would go from {before[worst]:.2%} of the rows "
            f"to {after[worst]:.2%}. Test rows may equal rows to train on; if these are copies, drop them: "
            f"{option('duplicates', 'drop')}"
        )
        return every
    log.append(f"dropped {share}; to keep them: {option('duplicates', 'keep')}")
    return every[~repeated]


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
                f"warning: column {name!r} is a copy of target {target!r}; if it is not known in advance, leave it "
                f"out: {option('ignore', [str(name)])}"
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
            for hashed, odd in zip(self.both[:, at : at + BLOCK], _ODD, strict=True):
                _stir(hashed, bits, odd)

    def repeated(self) -> Rows:
        """The rows that equal an earlier one."""
        first, second = self.both
        ordered = np.sort(first)
        several = ordered[1:][ordered[1:] == ordered[:-1]]
        rows = np.flatnonzero(np.isin(first, several)) if len(several) else np.array([], dtype=np.int64)
        pairs = pd.DataFrame({"first": first[rows], "second": second[rows]})
        repeated: Rows = rows[pairs.duplicated().to_numpy()]
        return repeated


def _stir(hashed: npt.NDArray[np.uint64], bits: npt.NDArray[np.uint64], odd: np.uint64) -> None:
    """Stir values into the hashes of their rows, in place (the finaliser of SplitMix64; Steele et al. 2014)."""
    hashed += bits
    hashed *= odd
    hashed ^= hashed >> np.uint64(30)
    hashed *= np.uint64(0xBF58476D1CE4E5B9)
    hashed ^= hashed >> np.uint64(27)
