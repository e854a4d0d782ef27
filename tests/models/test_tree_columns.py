"""What trees are given of each kind of column, by loops and by what LightGBM makes of it."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from bench.models.parts.tree_columns import binned, matrix
from strategies.spec import Bag, Features, Field, Inapplicable
from tests.conftest import Toy, dense

NUMBERS = Field("numeric", "numeric", width=2)
KINDS = Field("categorical", "categorical", sizes=(5, 3), width=2)


def test_categories_are_ordered_by_frequency_and_their_gaps_are_gaps() -> None:
    """Codes 0 missing, 1 unknown, then the most frequent first: what is rare or new comes last, missing is NaN."""
    codes = torch.tensor([[0, 2], [1, 1], [2, 0], [3, 2], [4, 1]])
    numbers = torch.tensor([[0.5, float("nan")]]).expand(5, 2)
    found = matrix(Features((NUMBERS, KINDS), {"numeric": numbers, "categorical": codes}))
    nan = np.nan
    expected = [[0.5, nan, nan, 0], [0.5, nan, 3, 1], [0.5, nan, 0, nan], [0.5, nan, 1, 0], [0.5, nan, 2, 1]]
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))
    assert found.dtype == np.float32


def test_text_makes_the_matrix_sparse(binary: Toy) -> None:
    """The weights of terms as a dense table has them, beside the other columns."""
    found, x = matrix(binary.train.x), binary.train.x
    assert isinstance(found, sp.csr_matrix)
    assert found.shape == (240, 3 + 2 + 30)
    np.testing.assert_allclose(found[:, :3].toarray(), x.columns["numeric"])
    np.testing.assert_allclose(found[:, 5:].toarray(), dense(x)[:, -30:].float(), rtol=1e-6)


def test_text_alone_is_enough() -> None:
    words = Bag(torch.tensor([0, 2, 1]).int(), torch.tensor([0.5, 0.2, 1.0]), torch.tensor([0, 2, 2, 3]).int())
    found = matrix(Features((Field("text", "bag", sizes=(3,)),), {"text": words}))
    np.testing.assert_allclose(found.toarray(), [[0.5, 0, 0.2], [0, 0, 0], [0, 1, 0]])  # type: ignore[union-attr]


def test_tokens_are_refused() -> None:
    field = Field("text", "tokens", sizes=(9,), width=4)
    with pytest.raises(Inapplicable, match=r"model lightgbm takes .*, got tokens; use model=mlp"):
        matrix(Features((field,), {"text": torch.zeros(3, 4, dtype=torch.int64)}))


def test_bins_are_those_of_the_training_rows_and_are_made_once(binary: Toy) -> None:
    x = binary.train.x, binary.val.x
    train, val = binned(*x, 255, 20, 1)
    assert binned(*x, 255, 20, 1)[0] is train
    assert binned(*x, 63, 20, 1)[0] is not train
    assert (train.num_data(), val.num_data()) == (240, 120)
    assert val.reference is train
    alone = lgb.Dataset(matrix(binary.train.x), params={"verbosity": -1}).construct()
    assert [train.feature_num_bin(i) for i in range(35)] == [alone.feature_num_bin(i) for i in range(35)]


def test_columns_that_no_leaf_can_hold_are_left_out(binary: Toy) -> None:
    """Terms that fewer rows have than a leaf needs are of one bin."""
    found = matrix(binary.train.x)
    often = np.asarray((found != 0).sum(0)).ravel()
    train, _ = binned(binary.train.x, binary.val.x, 255, 25, 1)
    kept = np.array([train.feature_num_bin(i) > 1 for i in range(5, 35)])
    assert 0 < kept.sum() < 30
    assert not kept[often[5:] < 25].any()
