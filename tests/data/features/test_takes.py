"""What a model takes is what encoders give: every option against pandas or a loop, the default as it always was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from bench.data.features import encoded_files
from bench.data.features.encode import Encoded, encode
from bench.data.features.text_encoder import RESERVED_WORDS
from bench.data.tables.config import TableConfig
from bench.data.tables.splits import Partition
from strategies.model import Takes
from tests.data.features.test_encode import small

FRAME = pd.DataFrame(
    {
        "number": [1.0, np.nan, 3.0, 5.0, np.nan, 2.0, 9.0, 4.0],
        "full": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        "kind": ["b", "a", "b", "a", "b", "c", "c", None],
        "text": ["red shoe", "red red dress", "blue", "", "shoe shoe", "red", "green hat", "unheard word red"],
    }
)
PART = Partition(np.arange(6), np.array([6]), np.array([7]))


def encoded(takes: Takes) -> Encoded:
    table = small(FRAME, {"number": "numeric", "full": "numeric", "kind": "categorical", "text": "text"}, [0, 1] * 4)
    return encode(table, PART, None, takes)


def test_missing_numbers_are_kept_as_nan_without_indicators() -> None:
    """Scaled as ever; what is known has the values that imputed columns have. Columns are in order of their names."""
    kept, imputed = (encoded(Takes(missing=m)).train.x.columns["numeric"] for m in ("kept", "imputed"))  # type: ignore[arg-type]
    assert isinstance(kept, torch.Tensor)
    assert isinstance(imputed, torch.Tensor)
    assert (kept.shape, imputed.shape) == ((6, 2), (6, 3))
    gap = torch.tensor([False, True, False, False, True, False])
    assert torch.equal(kept[:, 1].isnan(), gap)
    assert torch.equal(kept[~gap], imputed[~gap][:, :2])
    assert not kept[:, 0].isnan().any()


def test_categories_by_frequency() -> None:
    """b three times, a twice in training; c once, so it is unknown."""
    found = encoded(Takes(categories="frequent first"))
    assert found.train.x.columns["categorical"].flatten().tolist() == [2, 3, 2, 3, 2, 1]  # type: ignore[union-attr]
    assert found.val.x.columns["categorical"].flatten().tolist() == [1]  # type: ignore[union-attr]
    assert found.test.columns["categorical"].flatten().tolist() == [0]  # type: ignore[union-attr]


def test_categories_as_zeros_and_ones() -> None:
    """One column for missing, unknown and each known category, as a numeric field."""
    found = encoded(Takes(categories="one-hot"))
    codes = encoded(Takes()).train.x.columns["categorical"]
    assert isinstance(codes, torch.Tensor)
    (field,) = [f for f in found.schema if f.name == "one_hot"]
    assert (field.kind, field.width) == ("numeric", 4)
    assert "categorical" not in found.train.x.columns
    expected = torch.nn.functional.one_hot(codes.flatten(), 4).float()
    assert torch.equal(found.train.x.columns["one_hot"], expected)  # type: ignore[arg-type]


def test_text_as_tokens() -> None:
    """Words in their order by codes of frequency; padding, unknown words, the longest training document."""
    found = encoded(Takes(text="tokens"))
    (field,) = [f for f in found.schema if f.name == "text"]
    red, shoe, blue, dress = (RESERVED_WORDS + i for i in range(4))
    assert (field.kind, field.width, field.sizes) == ("tokens", 3, (RESERVED_WORDS + 4,))
    assert found.train.x.columns["text"].tolist() == [  # type: ignore[union-attr]
        [red, shoe, 0], [red, red, dress], [blue, 0, 0], [0, 0, 0], [shoe, shoe, 0], [red, 0, 0]
    ]  # fmt: skip
    assert found.test.columns["text"].tolist() == [[1, 1, red]]  # type: ignore[union-attr]


def test_the_default_is_what_encoders_always_gave() -> None:
    """And part of no name: files of large tables that were made before are found."""
    assert [(f.name, f.kind) for f in encoded(Takes()).schema] == [
        ("numeric", "numeric"), ("categorical", "categorical"), ("text", "bag")
    ]  # fmt: skip
    table = small(FRAME, {"number": "numeric"}, [0, 1] * 4)
    config = TableConfig()
    assert encoded_files.name(table, config, 0, 0) == encoded_files.name(table, config, 0, 0, Takes())
    assert encoded_files.name(table, config, 0, 0) != encoded_files.name(table, config, 0, 0, Takes(missing="kept"))
