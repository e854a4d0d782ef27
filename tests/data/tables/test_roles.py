"""Weights, groups, times and given parts: read strictly, kept out of the features, handed to strategies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from bench.data.errors import DataError
from bench.data.features.encode import Encoded, encode
from bench.data.tables.schema import Table
from bench.data.tables.splits import partition
from bench.models.linear import Linear
from strategies.spec import Recipe
from tests.data.asked import asked

N = 300


def shop(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "price": rng.normal(20, 5, N),
            "city": rng.choice(["Köln", "Bonn"], N),
            "user": [f"u{i // 5}" for i in range(N)],
            "day": pd.date_range("2024-01-01", periods=N),
            "share": rng.uniform(0.5, 2, N),
            "part": np.where(np.arange(N) < 200, "Train", "TEST"),
            "buys": (rng.random(N) < 0.2).astype(int),
        }
    )
    return frame.assign(**columns)


def load(tmp_path: Path, frame: pd.DataFrame, **options: Any) -> Table:
    frame.to_parquet(tmp_path / "shop.parquet", index=False)
    return asked("file", path=str(tmp_path / "shop.parquet"), target="buys", **options).load()


def encoded(table: Table) -> Encoded:
    return encode(table, partition(table, 0, 0))


def test_weights_and_groups_reach_the_splits_and_are_no_features(tmp_path: Path) -> None:
    frame = shop()
    table = load(tmp_path, frame, weight="share", group="user")
    assert set(table.frame) == {"price", "city", "part"}
    assert table.ignored["share"] == "is the data's weight"
    e = encoded(table)
    for split, rows in ((e.train, e.partition.train), (e.val, e.partition.val)):
        assert split.weight is split.natural
        assert split.weight is not None
        assert split.group is not None
        np.testing.assert_array_equal(split.weight.numpy(), frame["share"].to_numpy()[table.rows[rows]])
        names = [table.roles.groups[g] for g in split.group.tolist()]  # type: ignore[union-attr]
        assert names == frame["user"][table.rows[rows]].tolist()
    assert not set(e.train.group.tolist()) & set(e.val.group.tolist())  # type: ignore[union-attr]


def test_weights_are_read_in_the_format_that_is_declared(tmp_path: Path) -> None:
    cells = ["1,5", *["0,25"] * (N - 1)]
    table = load(tmp_path, shop(share=cells), weight="share", formats={"share": "decimal_comma"}, duplicates="keep")
    assert table.roles is not None
    assert table.roles.weight is not None
    assert table.roles.weight.tolist() == [1.5, *[0.25] * (N - 1)]


def test_a_group_that_may_be_split_is_a_feature_too(tmp_path: Path) -> None:
    table = load(tmp_path, shop(), group="city", group_split=False)
    assert "city" in table.frame
    assert table.roles is not None
    assert table.roles.groups == ("Bonn", "Köln")


def test_the_datas_own_weights_survive_an_auxiliary_recipe(tmp_path: Path) -> None:
    """Strategies multiply into the weights; a first stage drops what they did and keeps what came with the data."""
    train = encoded(load(tmp_path, shop(), weight="share")).train
    recipe = Recipe(train=train, val=train, model=Linear())
    treated = recipe.reweight(torch.full((len(train),), 3.0))
    assert torch.equal(treated.train.weight, train.weight * 3)  # type: ignore[operator, arg-type]
    assert treated.aside().train.weight is train.weight
    bare = Recipe(train=encoded(load(tmp_path, shop())).train, val=train, model=Linear())
    assert bare.reweight(torch.ones(len(bare.train))).aside().train.weight is None
    assert bare.aside() == bare  # `none` and an untreated first stage are one fit


def test_roles_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    frame = shop()
    prints = [
        load(tmp_path, frame, ignore=("share",)).fingerprint,
        load(tmp_path, frame, weight="share").fingerprint,
        load(tmp_path, frame.assign(share=frame["share"] * 2), weight="share").fingerprint,
        load(tmp_path, frame, ignore=("share",), time="day").fingerprint,
        load(tmp_path, frame, ignore=("share",), given="part").fingerprint,
    ]
    assert len(set(prints)) == 5


def test_equal_rows_of_two_users_are_two_events(tmp_path: Path) -> None:
    rows = {"a": np.tile(np.arange(8) * 1.5, 4), "user": np.repeat(["x", "x", "y", "z"], 8), "buys": [0, 1] * 16}
    frame = pd.DataFrame(rows)
    assert len(load(tmp_path, frame, ignore=("user",))) == 8
    assert len(load(tmp_path, frame, group="user")) == 24
    assert len(load(tmp_path, frame, group="user", duplicates="keep")) == 32


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (["2024-01-31", "2023-12-01", "2024-01-31 10:00:00"], [1, 0, 2]),
        (["31.01.2024", "01.12.2023", "01.02.2024"], [1, 0, 2]),
        (["2024-01-01T10:00:00+02:00", "2024-01-01T09:00:00Z", "2024-01-01T08:00:00Z"], [0, 1, 0]),
        ([30.0, 1.0, 40.5], [1, 0, 2]),
    ],
)
def test_times_are_ordered(tmp_path: Path, times: list[Any], order: list[int]) -> None:
    frame = pd.DataFrame({"a": np.arange(60) * 1.5, "t": times * 20, "buys": [0, 1, 1, 0, 0, 1] * 10})
    table = load(tmp_path, frame, time="t", duplicates="keep")
    assert table.roles is not None
    assert table.roles.time is not None
    assert table.roles.time[:3].tolist() == order


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {},
            {"weight": "shares"},
            r"data.weight 'shares': expected a column, got none by that name. Did you mean 'share'",
        ),
        ({}, {"weight": "buys"}, r"data.weight 'buys': expected a column, got the target"),
        ({}, {"weight": "city"}, r"data.weight 'city': expected numbers, got string values"),
        ({"share": [0.0, -1.0, None] + [1.0] * (N - 3)}, {"weight": "share"}, r"weights above 0, got 3 rows"),
        ({"share": [1e-200, *[1e200] * (N - 1)]}, {"weight": "share"}, r"within a factor of 1e\+09 .* got 1e-200 and"),
        (
            {"share": ["1,5", *["0,25"] * (N - 1)]},
            {"weight": "share"},
            r"string values such as '1,5'. Say 'data.formats={share: decimal_comma}'",
        ),
        ({"user": [None, *"x" * (N - 1)]}, {"group": "user"}, r"data.group 'user': .* got 1 row without"),
        ({}, {"time": "city"}, r"data.time 'city': expected a date .* got string values"),
        ({"day": [None, *["2024-01-01"] * (N - 1)]}, {"time": "day"}, r"data.time 'day': .* got 1 row without"),
        (
            {},
            {"given": "city"},
            r"data.given 'city': expected train, val or test in every row, got 300 rows such as 'Bonn'",
        ),
    ],
)
def test_columns_that_cannot_play_their_part_are_refused(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load(tmp_path, shop(**columns), **options)


def test_given_parts_are_read_whatever_their_case(tmp_path: Path) -> None:
    table = load(tmp_path, shop(), given="part")
    p = partition(table, 0, 0)
    assert set(table.rows[p.test]) == set(range(200, 300))


def test_rows_without_target_serve_as_unlabelled_when_asked(tmp_path: Path) -> None:
    frame = shop(buys=[None if i % 3 == 0 else i % 2 for i in range(N)])
    table = load(tmp_path, frame, unlabelled=True)
    e = encoded(table)
    assert (len(table), len(e.unlabelled or ())) == (200, 100)
    assert e.unlabelled is not None
    assert e.unlabelled.schema == e.schema
    plain = load(tmp_path, frame)
    assert encoded(plain).unlabelled is None
    assert plain.fingerprint != table.fingerprint
    assert len(plain) == 200


@pytest.mark.parametrize("large", [False, True])
def test_reports_by_a_column_leave_the_split_and_the_features_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    """Groups keep rows together, the column reported by names them; rows without it are a group of their own."""
    if large:
        monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("bench.data.sources.file.LARGE_ROWS", 100)
    frame = shop()
    frame.loc[::10, "city"] = None
    table, plain = load(tmp_path, frame, group="user", report_by="city"), load(tmp_path, frame, group="user")
    assert "city" in table.frame
    assert table.roles is not None
    assert table.roles.reports == ("Bonn", "Köln", "(missing)")
    codes, names = table.roles.reported() or ((), ())
    cities = frame["city"].fillna("(missing)").to_numpy()[table.rows]
    assert [names[code] for code in codes] == cities.tolist()
    one, other = partition(table, 0, 0), partition(plain, 0, 0)
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    assert plain.roles is not None
    assert (plain.roles.reported() or ((), ()))[1] == plain.roles.groups
    assert table.fingerprint != plain.fingerprint
