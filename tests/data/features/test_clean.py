"""Cleaning and made features: asked for, fitted on training rows, reported per class, and never in test rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import rankdata
from sklearn.preprocessing import QuantileTransformer

from bench.data.config import DataConfig
from bench.data.errors import DataError
from bench.data.features.category_encoders import PRIOR_ROWS, TargetEncoder
from bench.data.features.encode import Encoded, encode
from bench.data.features.numeric_encoder import NumericEncoder
from bench.data.tables.schema import Table
from bench.data.tables.splits import partition
from bench.data.tables.standard import fences
from tests.data.asked import asked

N = 400


def shop(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    price = rng.normal(20, 5, N)
    price[:8] = 1e4
    visits = rng.poisson(3, N).astype(float)
    visits[rng.random(N) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "price": price,
            "visits": visits,
            "city": rng.choice([f"city{i}" for i in range(40)], N),
            "device": rng.choice(["phone", "desktop"], N),
            "buys": (rng.random(N) < 0.3).astype(int),
        }
    )


def load(tmp_path: Path, frame: pd.DataFrame, **options: Any) -> tuple[Table, DataConfig]:
    frame.to_csv(tmp_path / "shop.csv", index=False)
    config = asked("file", path=str(tmp_path / "shop.csv"), target="buys", **options)
    return config.load(), config


def encoded(tmp_path: Path, frame: pd.DataFrame, **options: Any) -> Encoded:
    table, config = load(tmp_path, frame, **options)
    return encode(table, partition(table, 0, 0), config)


def dense(e: Encoded, name: str, part: str = "train") -> np.ndarray[Any, Any]:
    value = (e.test if part == "test" else getattr(e, part).x).columns[name]
    assert isinstance(value, torch.Tensor)
    return value.numpy()


def test_rows_with_gaps_are_dropped_from_training_only_and_counted_per_class(tmp_path: Path) -> None:
    plain, dropped = encoded(tmp_path, shop()), encoded(tmp_path, shop(), missing="drop")
    gap = plain.table.frame["visits"].isna().to_numpy()
    gone = plain.partition.train[gap[plain.partition.train]]
    assert np.array_equal(dropped.partition.train, np.setdiff1d(plain.partition.train, gone))
    assert np.array_equal(dropped.partition.test, plain.partition.test)
    assert len(dropped.val) == len(plain.val)
    by_class = np.bincount(plain.table.y[gone])
    counted = f"{len(gone)} (0: {by_class[0]}, 1: {by_class[1]})"
    assert dropped.log[-1] == f"dropped {counted} training rows with missing values (data.missing=drop)"
    assert dropped.log[:-1] == plain.log


def test_outliers_are_dropped_or_clipped_by_the_fences_of_the_training_rows(tmp_path: Path) -> None:
    plain, dropped = encoded(tmp_path, shop()), encoded(tmp_path, shop(), outliers="drop")
    price = plain.table.frame["price"].to_numpy()
    assert (price[plain.partition.train] == 1e4).any()
    assert (price[dropped.partition.train] < 1e4).all()
    assert np.array_equal(dropped.partition.test, plain.partition.test)
    clipped = encoded(tmp_path, shop(), outliers="clip", fence=1.5)
    assert len(clipped.train) == len(plain.train)
    low, high = fences(price[plain.partition.train], 1.5)
    expected = price.clip(low, high)
    mean, deviation = (f(expected[plain.partition.train]) for f in (np.mean, np.std))
    for part in ("train", "test"):
        rows = getattr(clipped.partition, part)
        np.testing.assert_allclose(
            dense(clipped, "numeric", part)[:, 0], (expected[rows] - mean) / deviation, rtol=1e-4
        )
    assert "clipped numbers in" in clipped.log[-1]


@pytest.mark.parametrize("present", [N, 3])
def test_numbers_become_quantiles_as_those_of_scikit_learn(present: int) -> None:
    """Fitted on some rows, applied to others, some of them beyond; a constant column and an empty one give nothing."""
    rng = np.random.default_rng(0)
    amount = np.exp(8 * rng.normal(size=2 * N))
    amount[:4] = [1e300, -1e300, 0, np.nan]
    frame = pd.DataFrame({"amount": amount, "same": 7.0, "empty": np.nan})
    train, new = np.arange(N, N + present), np.arange(N)
    encoder = NumericEncoder(tuple(frame), frame, train, quantiles=True, missing="kept")
    witness = QuantileTransformer(n_quantiles=len(train)).fit(frame[["amount"]].iloc[train])
    at = witness.transform(frame[["amount"]].iloc[train])
    expected = (witness.transform(frame[["amount"]].iloc[new]) - at.mean()) / at.std()
    np.testing.assert_allclose(encoder(frame, new)[:, 0], expected[:, 0], atol=2e-6)
    assert (encoder(frame, new)[:, 1] == 0).all()
    assert encoder(frame, new)[:, 2].isnan().all()


def test_equal_numbers_become_the_middle_of_their_quantiles() -> None:
    frame = pd.DataFrame({"count": np.random.default_rng(0).poisson(1, N).astype(float)})
    place = (rankdata(frame["count"], "average") - 1) / (N - 1)
    found = NumericEncoder(("count",), frame, quantiles=True)(frame)[:, 0]
    np.testing.assert_allclose(found, (place - place.mean()) / place.std(), atol=2e-6)


def test_numbers_over_fifty_orders_of_magnitude_stay_apart_as_quantiles(tmp_path: Path) -> None:
    frame = shop().assign(price=np.exp(20 * np.random.default_rng(1).normal(size=N)))
    kept, ranked = encoded(tmp_path, frame), encoded(tmp_path, frame, outliers="quantiles")
    rows = len(kept.train)
    assert len(np.unique(dense(kept, "numeric")[:, 0])) < rows / 4
    assert len(np.unique(dense(ranked, "numeric")[:, 0])) == rows
    assert (np.argsort(dense(ranked, "numeric")[:, 0]) == np.argsort(frame["price"][ranked.partition.train])).all()
    assert any("'price'" in line and "data.outliers=quantiles" in line for line in kept.table.log)
    assert not any("quantiles" in line for line in ranked.table.log)


def test_fences_ignore_columns_of_mostly_one_value() -> None:
    assert fences(np.array([0.0] * 90 + [5.0] * 10), 3) == (-np.inf, np.inf)
    assert fences(np.arange(101.0), 1) == (25 - 50, 75 + 50)


def test_cleaning_that_empties_a_class_is_refused(tmp_path: Path) -> None:
    frame = shop()
    frame.loc[frame["buys"] == 1, "visits"] = None
    with pytest.raises(DataError, match=r"expected some of each class to stay, got none of 1 \(\d+\)"):
        encoded(tmp_path, frame, missing="drop")


@pytest.mark.parametrize(
    ("form", "written", "numbers"),
    [
        ("decimal_comma", ["1.234,5", "-0,25", "7"], [1234.5, -0.25, 7]),
        ("thousands", ["1,234.5", "12", ""], [1234.5, 12, np.nan]),
        ("percent", ["12 %", "0.5%", "100"], [0.12, 0.005, 1]),
        ("currency", ["€ 1,234.50", "$3", "15.2 EUR"], [1234.5, 3, 15.2]),
        ("yes_no", ["Yes", "n", "TRUE"], [1, 0, 1]),
    ],
)
def test_local_formats_are_read(tmp_path: Path, form: Any, written: list[str], numbers: list[float]) -> None:
    frame = pd.DataFrame({"a": written * 10, "b": np.arange(30) * 1.5, "buys": [0, 1] * 15})
    table, _ = load(tmp_path, frame, formats={"a": form})
    np.testing.assert_allclose(table.frame["a"].to_numpy()[:3], numbers)


def test_values_in_another_format_are_named_with_their_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["1,5", "2,5", "x,y", "soon"] * 5, "buys": [0, 1] * 10})
    with pytest.raises(
        DataError, match=r"column 'a': .*\(decimal_comma\), got 10 rows such as 'x,y' \(rows 3, 4, 7, 8, 11"
    ):
        load(tmp_path, frame, formats={"a": "decimal_comma"})


def test_dates_are_taken_apart(tmp_path: Path) -> None:
    days = ["2024-02-29 18:00:00", "2024-03-01", None]
    frame = pd.DataFrame({"day": days * 10, "b": np.arange(30) * 1.5, "buys": [0, 1] * 15})
    table, _ = load(tmp_path, frame, dates=("day",))
    row = table.frame.iloc[0]
    assert row["day days"] == pytest.approx(19782.75)
    assert (row["day month"], row["day weekday"], row["day hour"]) == ("02", "04", 18)
    assert table.frame.iloc[1]["day weekday"] == "05"
    assert table.frame.iloc[2][["day month", "day weekday"]].tolist() == [None, None]
    assert np.isnan(table.frame.iloc[2]["day days"])
    assert "day" in table.ignored
    with pytest.raises(DataError, match=r"data.dates 'b': expected a column of dates"):
        load(tmp_path, frame, dates=("b",))


def test_crosses_are_categories(tmp_path: Path) -> None:
    table, _ = load(tmp_path, shop(), crosses=(("city", "device"),))
    assert "city × device" in table.names("categorical")
    row = table.frame.iloc[5]
    assert row["city × device"] == f"{row['city']} × {row['device']}"
    with pytest.raises(DataError, match=r"data.crosses 'town': expected a feature column"):
        load(tmp_path, shop(), crosses=(("town", "device"),))


def test_hashed_columns_have_so_many_buckets_and_know_new_values(tmp_path: Path) -> None:
    e = encoded(tmp_path, shop(), hashed={"city": 16})
    field = next(f for f in e.schema if f.kind == "categorical")
    assert dict(zip(e.table.names("categorical"), field.sizes, strict=True))["city"] == 18
    column = e.table.names("categorical").index("city")
    codes = {}
    for part in ("train", "val", "test"):
        got = dense(e, "categorical", part)[:, column]
        assert ((got >= 2) & (got < 18)).all()
        codes.update(zip(e.table.frame["city"].to_numpy()[getattr(e.partition, part)], got, strict=True))
    assert len(set(codes.values())) > 10
    with pytest.raises(DataError, match=r"data.hashed 'price': expected a categorical column"):
        encoded(tmp_path, shop(), hashed={"price": 16})


def test_target_shares_come_from_other_training_rows(tmp_path: Path) -> None:
    e = encoded(tmp_path, shop(), target_encode=("city",))
    table, train = e.table, e.partition.train
    city, y = table.frame["city"].to_numpy(), table.y
    base = y[train].mean()

    def share(name: str, rows: np.ndarray[Any, Any]) -> float:
        own = rows[city[rows] == name]
        return float((y[own].sum() + PRIOR_ROWS * base) / (len(own) + PRIOR_ROWS))

    encoder = TargetEncoder(("city",), table.frame, train, y[train], 2)
    raw = dense(e, "target_shares")[:, 0] * encoder.scale[0] + encoder.mean[0]
    fold = np.random.default_rng([len(train), 2]).permutation(len(train)) % 5
    expected = [share(city[r], train[fold != fold[i]]) for i, r in enumerate(train)]
    np.testing.assert_allclose(raw, expected, atol=1e-6)
    test = dense(e, "target_shares", "test")[:, 0] * encoder.scale[0] + encoder.mean[0]
    np.testing.assert_allclose(test, [share(city[r], train) for r in e.partition.test], atol=1e-6)


def test_target_shares_of_noise_hold_nothing() -> None:
    """Encoding in the same rows would let a unique id tell every label; out of fold it tells none."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    frame = pd.DataFrame({"id": pd.Series([f"i{i // 2}" for i in range(2000)], dtype=object)})
    shares = TargetEncoder(("id",), frame, np.arange(2000), y, 2).fitted[:, 0].numpy()
    assert abs(np.corrcoef(shares, y)[0, 1]) < 0.07


def test_target_shares_see_neither_validation_nor_test_labels(tmp_path: Path) -> None:
    table, config = load(tmp_path, shop(), target_encode=("city",))
    parts = partition(table, 0, 0)
    flipped = table.y.copy()
    for rows in (parts.val, parts.test):
        flipped[rows] = 1 - flipped[rows]
    one, other = encode(table, parts, config), encode(replace(table, y=flipped), parts, config)
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(dense(one, "target_shares", part), dense(other, "target_shares", part))


def test_a_strict_schema_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    from bench.data.tables.schema_file import schema_yaml

    table, _ = load(tmp_path, shop())
    path = tmp_path / "schema.yaml"
    path.write_text(schema_yaml(table))
    again, _ = load(tmp_path, shop().iloc[:, ::-1], schema_file=str(path))
    assert again.fingerprint == table.fingerprint  # order does not count
    for frame, message in (
        (shop().assign(new=1.0), r"expected the columns of .*, got 1 more: new"),
        (shop().drop(columns="city"), r"'city': expected a feature column of shop.csv, got none by that name"),
        (shop().assign(price=lambda f: f["price"].astype(str).where(f.index != 6, "soon")),
         r"column 'price': expected numbers \(kind numeric\), got 1 row of text, such as 'soon' \(row 7\)"),
        (shop().assign(visits=lambda f: f["visits"].where(~f.index.isin([2, 9]), np.inf)),
         r"column 'visits': expected finite numbers, got 2 infinite rows \(rows 3, 10\)"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            load(tmp_path, frame, schema_file=str(path))
    unseen, _ = load(tmp_path, shop().assign(device="watch"), schema_file=str(path), ignore=("city",))
    assert "device" in unseen.names("categorical") or "device" in unseen.ignored
    path.write_text(schema_yaml(table).replace("strict: true", "strict: false"))
    assert "new" in load(tmp_path, shop().assign(new=np.arange(N) * 1.5), schema_file=str(path))[0].frame
