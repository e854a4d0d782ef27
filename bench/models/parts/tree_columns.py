"""Features as trees take them: one matrix, dense or (with text) sparse, and LightGBM's bins of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch

from strategies.spec import Bag, Features, Field, Inapplicable

if TYPE_CHECKING:
    from torch import Tensor

Matrix: TypeAlias = "npt.NDArray[np.float32] | sp.csr_matrix"

_MISSING, _RESERVED = 0, 2  # codes of categories: missing, unknown, then the most frequent first


def matrix(x: Features) -> Matrix:
    """All columns side by side (n, d) float32: numbers with NaN for missing, ordered categories, weights of terms.

    Raises:
        Inapplicable: a field is a sequence of tokens.
    """
    dense: list[Tensor] = []
    terms: list[sp.csr_matrix] = []
    for field in x.schema:
        value = x.columns[field.name]
        if isinstance(value, Bag):
            parts = (value.weights.numpy(), value.ids.numpy(), value.offsets.numpy())
            terms.append(sp.csr_matrix(parts, shape=(len(value), field.sizes[0])))
        elif field.kind == "categorical":
            dense.append(ordered(value, field))
        elif field.kind == "numeric":
            dense.append(value.float())
        else:
            raise Inapplicable("model lightgbm takes numbers, categories and weighted terms, got tokens; use model=mlp")
    numbers = torch.cat(dense, 1).numpy() if dense else None
    if not terms:
        assert numbers is not None
        return numbers
    blocks = [] if numbers is None else [sp.csr_matrix(numbers)]
    return sp.csr_matrix(sp.hstack([*blocks, *terms], format="csr", dtype=np.float32))


def ordered(codes: Tensor, field: Field) -> Tensor:
    """Categories as numbers that a split can cut: the most frequent first, rare and unseen ones last, NaN missing."""
    last = torch.tensor(field.sizes, dtype=torch.float32) - _RESERVED
    place = torch.where(codes < _RESERVED, last, codes.float() - _RESERVED)
    return place.masked_fill(codes == _MISSING, float("nan"))


@lru_cache(maxsize=2)
def binned(
    train: Features, val: Features, max_bin: int, min_data_in_leaf: int, threads: int
) -> tuple[lgb.Dataset, lgb.Dataset]:
    """Training and validation rows in bins, which depend on nothing but the training rows.

    Columns that cannot be split into leaves of so many rows are left out: of 8,000 terms of reviews, nine in ten.
    The last ones are kept: strategies follow one another on the same rows.
    """
    settings = {"max_bin": max_bin, "min_data_in_leaf": min_data_in_leaf, "num_threads": threads, "verbosity": -1}
    of_train = lgb.Dataset(matrix(train), label=np.zeros(len(train)), params=settings)
    of_val = lgb.Dataset(matrix(val), label=np.zeros(len(val)), params=settings, reference=of_train)
    return of_train.construct(), of_val.construct()
