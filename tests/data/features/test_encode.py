"""Encoders: fitted on training rows only, equal to scikit-learn's, with reserved codes; extra labels masked."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from bench.data.errors import DataError
from bench.data.features.encode import CategoryEncoder, Encoded, NumericEncoder, encode
from bench.data.tables.schema import ColumnKind, FeatureColumn, OtherTarget, Table
from bench.data.tables.splits import Partition, partition
from strategies.features import Bag, Features
from tests.data.asked import asked


@cache
def womens(target: str = "one_star") -> Encoded:
    config = asked("womens", target=target, min_class_rows=43, vocabulary=2000)
    table = config.load()
    return encode(table, partition(table, 0, 0), config)


def bag(x: Features) -> Bag:
    value = x.columns["text"]
    assert isinstance(value, Bag)
    return value


def dense(x: Features, name: str) -> np.ndarray[Any, Any]:
    value = x.columns[name]
    assert isinstance(value, torch.Tensor)
    return value.numpy()


def csr(b: Bag, width: int) -> sp.csr_matrix:
    return sp.csr_matrix((b.weights.numpy(), b.ids.numpy(), b.offsets.numpy()), shape=(len(b), width))


def small(frame: pd.DataFrame, kinds: dict[str, ColumnKind], y: list[int], **fields: Any) -> Table:
    return Table(
        name="t",
        target="y",
        frame=frame,
        columns=tuple(FeatureColumn(n, k) for n, k in sorted(kinds.items())),
        y=np.array(y, dtype=np.int64),
        classes=("0", "1"),
        rows=np.arange(len(y)),
        fingerprint="",
        version=1,
        source="file",
        licence="",
        **fields,
    )


PARTS = Partition(np.arange(0, 6), np.arange(6, 8), np.arange(8, 10))


def mixed(**fields: Any) -> Table:
    words = ["red shirt", "blue shirt", None, "red dress", "x", "blue blue", "red", None, "", "new"]
    frame = pd.DataFrame(
        {
            "gap": [1.0, np.nan, 3, 5, 100, np.nan, 2, np.nan, 4, 5],
            "full": [1.0, 2, 3, 4, 5, 6, 7, np.nan, np.nan, 10],
            "flat": [7.0] * 6 + [8.0] * 4,
            "cat": pd.Series(["a", "b", "a", "b", None, "once", "a", "new", None, "once"], dtype=object),
            "words": pd.Series(words, dtype=object),
        }
    )
    kinds: dict[str, ColumnKind] = {
        "gap": "numeric", "full": "numeric", "flat": "numeric", "cat": "categorical", "words": "text",
    }  # fmt: skip
    return small(frame, kinds, [0, 1] * 5, **fields)


def test_schema_and_types() -> None:
    e = womens()
    assert [(f.name, f.kind) for f in e.schema] == [
        ("numeric", "numeric"),
        ("categorical", "categorical"),
        ("text", "bag"),
    ]
    numeric, categorical, text = e.schema
    assert dense(e.train.x, "numeric").dtype == np.float32
    assert dense(e.train.x, "numeric").shape == (len(e.train), numeric.width)
    assert dense(e.train.x, "categorical").dtype == np.int64
    assert dense(e.train.x, "categorical").shape == (len(e.train), len(categorical.sizes))
    assert text.sizes == (2000,)
    b = bag(e.test)
    assert (b.ids.dtype, b.offsets.dtype, b.weights.dtype) == (torch.int32, torch.int32, torch.float32)
    assert len(b) == len(e.test_y) == len(e.partition.test)
    for part in (e.train.x, e.val.x, e.test):
        codes = dense(part, "categorical")
        assert (codes >= 0).all()
        assert (codes < np.array(categorical.sizes)).all()
        assert np.isfinite(dense(part, "numeric")).all()
    assert e.train.weight is None
    assert e.train.group is None


def test_tfidf_equals_scikit_learn_on_the_training_rows() -> None:
    e = womens()
    frame = e.table.frame

    def documents(rows: np.ndarray[Any, Any]) -> list[str]:
        return [f"{a or ''}\n{b or ''}" for a, b in frame[["Review Text", "Title"]].iloc[rows].itertuples(index=False)]

    reference = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=2000)
    train = reference.fit_transform(documents(e.partition.train))
    test = reference.transform(documents(e.partition.test))
    assert abs(csr(bag(e.train.x), 2000) - train).max() < 1e-6
    assert abs(csr(bag(e.test), 2000) - test).max() < 1e-6


def test_standardisation_equals_scikit_learn() -> None:
    e = womens()
    frame = e.table.frame[e.table.names("numeric")]
    scaler = StandardScaler().fit(frame.iloc[e.partition.train])
    for x, rows in ((e.train.x, e.partition.train), (e.test, e.partition.test)):
        np.testing.assert_allclose(dense(x, "numeric"), scaler.transform(frame.iloc[rows]), atol=1e-5)


def test_missing_numbers_take_the_median_and_an_indicator() -> None:
    """flat is constant in training: zeros. full has gaps only outside training: filled, without an indicator."""
    e = encode(mixed(), PARTS)
    columns = ["flat", "full", "gap"]
    frame = mixed().frame[columns]
    imputer = SimpleImputer(strategy="median").fit(frame.iloc[:6])
    scaler = StandardScaler().fit(imputer.transform(frame.iloc[:6]))
    expected = scaler.transform(imputer.transform(frame))
    expected[:, 0] = 0
    got = np.vstack([dense(x, "numeric") for x in (e.train.x, e.val.x, e.test)])
    assert got.shape == (10, 4)
    np.testing.assert_allclose(got[:, :3], expected, atol=1e-6)
    assert got[:, 3].tolist() == frame["gap"].isna().astype(float).tolist()


def test_category_codes() -> None:
    """0 missing, 1 unknown (new, or seen once in training), then by name."""
    e = encode(mixed(), PARTS)
    codes = np.vstack([dense(x, "categorical") for x in (e.train.x, e.val.x, e.test)])[:, 0]
    assert codes.tolist() == [2, 3, 2, 3, 0, 1, 2, 1, 0, 1]
    assert e.schema[1].sizes == (4,)


def test_empty_text_is_an_empty_row() -> None:
    e = encode(mixed(), PARTS)
    lengths = np.diff(bag(e.train.x).offsets.numpy())
    assert lengths[2] == lengths[4] == 0
    assert (lengths[[0, 1, 3, 5]] > 0).all()


def test_encoders_see_training_rows_only() -> None:
    """Whatever stands in validation and test rows, training features and schema are the same."""
    before = encode(mixed(), PARTS)
    table = mixed()
    frame = table.frame.copy()
    frame.loc[6:, ["gap", "full", "flat"]] = 1e9
    frame.loc[6:, "cat"] = "b"
    frame.loc[6:, "words"] = "many other words shirt"
    after = encode(replace(table, frame=frame), PARTS)
    assert after.schema == before.schema
    for name in ("numeric", "categorical"):
        np.testing.assert_array_equal(dense(after.train.x, name), dense(before.train.x, name))
    for part in ("ids", "weights", "offsets"):
        assert torch.equal(getattr(bag(after.train.x), part), getattr(bag(before.train.x), part))


def test_column_order_of_the_frame_does_not_matter() -> None:
    table = mixed()
    turned = replace(table, frame=table.frame[table.frame.columns[::-1]])
    one, two = encode(table, PARTS), encode(turned, PARTS)
    np.testing.assert_array_equal(dense(one.test, "numeric"), dense(two.test, "numeric"))


@pytest.mark.parametrize("target", ["one_star", "class"])
def test_extra_masks_what_gives_the_other_label_away(target: str) -> None:
    e = womens(target)
    table = e.table
    for name, (train, val) in e.extra.items():
        other = table.other[name]
        for split, rows, main in ((train, e.partition.train, e.train), (val, e.partition.val, e.val)):
            labelled = rows[other.y[rows] >= 0]
            assert len(split) == len(labelled)
            assert not set(labelled) & set(e.partition.test)
            np.testing.assert_array_equal(split.y.numpy(), other.y[labelled])
            assert split.n_classes == len(other.classes)
            assert split.x.schema == e.schema
            kept = np.flatnonzero(other.y[rows] >= 0)
            for j, column in enumerate(table.names("categorical")):
                codes = dense(split.x, "categorical")[:, j]
                if column in other.drops:
                    assert (codes == 0).all()
                else:
                    np.testing.assert_array_equal(codes, dense(main.x, "categorical")[kept, j])
            for j, column in enumerate(table.names("numeric")):
                values = dense(split.x, "numeric")[:, j]
                if column in other.drops:
                    assert len(np.unique(values)) == 1
                else:
                    np.testing.assert_array_equal(values, dense(main.x, "numeric")[kept, j])
            assert torch.equal(bag(split.x).ids, bag(main.x.take(torch.from_numpy(kept))).ids)
    assert set(e.extra) == set(table.other)


def test_extra_masks_numbers_and_text_too() -> None:
    y = np.array([0, 1, -1, 0, 1, 0, 1, 0, 1, 1], dtype=np.int64)
    other = {"o": OtherTarget(y, ("0", "1", "never seen"), ("gap", "words"))}
    e = encode(mixed(other=other), PARTS)
    train, val = e.extra["o"]
    assert (len(train), len(val), train.n_classes) == (5, 2, 3)
    assert (dense(train.x, "numeric")[:, 3] == 1).all()
    assert len(np.unique(dense(train.x, "numeric")[:, 2])) == 1
    assert len(bag(train.x).ids) == 0
    assert len(bag(e.train.x).ids) > 0
    none = {"o": OtherTarget(np.where(np.arange(10) < 8, -1, y), ("0", "1"), ())}
    assert not encode(mixed(other=none), PARTS).extra


def test_tables_without_text_categories_or_words() -> None:
    table = mixed()
    numeric = replace(table, columns=(FeatureColumn("full", "numeric"),))
    assert [f.name for f in encode(numeric, PARTS).schema] == ["numeric"]
    wordless = replace(
        table, columns=(FeatureColumn("words", "text"),), frame=pd.DataFrame({"words": ["a"] * 10}, dtype=object)
    )
    with pytest.raises(DataError, match="expected words in the text columns words"):
        encode(wordless, PARTS)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(allow_infinity=False), min_size=1, max_size=20),
    st.lists(st.floats(allow_infinity=False), min_size=1, max_size=5),
)
@example([1e308, 1.2e308, float("nan")], [-1e308])
def test_numbers_stay_finite(train: list[float], test: list[float]) -> None:
    """Missing, constant, tiny and huge numbers, in training or only later."""
    encoder = NumericEncoder(("a",), pd.DataFrame({"a": train}))
    for values in (train, test):
        out = encoder(pd.DataFrame({"a": values})).numpy()
        assert out.shape == (len(values), encoder.field.width)
        assert np.isfinite(out).all()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1),
    st.lists(st.sampled_from(["a", "d", "", None]), min_size=1),
)
def test_codes_are_below_their_size(train: list[str | None], test: list[str | None]) -> None:
    encoder = CategoryEncoder(("a",), pd.DataFrame({"a": pd.Series(train, dtype=object)}))
    codes = encoder(pd.DataFrame({"a": pd.Series(test, dtype=object)})).numpy()[:, 0]
    for value, code in zip(test, codes, strict=True):
        known = value is not None and train.count(value) >= 2
        assert (code == 0) == (value is None)
        assert (code >= 2) == known
        assert code < encoder.field.sizes[0]
