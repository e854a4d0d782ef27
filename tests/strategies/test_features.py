"""Features: rows taken and tables joined as lists would be."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.spec import Bag, Features
from tests.conftest import Toy, dense
from tests.strategies.ragged import Ragged, bag, ragged, unbag


@settings(max_examples=100, deadline=None)
@given(ragged, st.data())
def test_taking_rows_of_a_bag_is_indexing_a_list(rows: Ragged, data: st.DataObject) -> None:
    """Any order, repeats, empty rows, no rows at all."""
    at = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=12))
    taken = bag(rows).take(torch.tensor(at, dtype=torch.int64))
    assert len(taken) == len(at)
    assert unbag(taken) == [rows[i] for i in at]


@settings(max_examples=100, deadline=None)
@given(st.lists(ragged, min_size=1, max_size=4), st.data())
def test_joining_bags_is_joining_lists(parts: list[Ragged], data: st.DataObject) -> None:
    """And taking from the join is taking from the joined list."""
    joined = Bag.cat([bag(rows) for rows in parts])
    rows = [row for part in parts for row in part]
    assert unbag(joined) == rows
    at = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=12))
    assert unbag(joined.take(torch.tensor(at))) == [rows[i] for i in at]


def test_features_take_and_join_all_fields_alike(multi: Toy) -> None:
    x, at = multi.val.x, torch.tensor([5, 0, 5, 119])
    parts = x.take(at)
    matrix = dense(x)
    assert len(parts) == 4
    assert torch.equal(dense(parts), matrix[at])
    assert torch.equal(dense(Features.cat([parts, x.take(torch.tensor([3]))])), matrix[[5, 0, 5, 119, 3]])
