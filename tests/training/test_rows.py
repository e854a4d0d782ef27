"""The stream of rows: every row accounted for, one random stream per purpose and seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.models.linear import Linear
from bench.training.row_stream import RowStream
from strategies.oversample import DrawMore
from strategies.spec import Features, Recipe, Split
from tests.conftest import Toy
from tests.training.fits import alone


def stream_of(y: list[int], **fields: Any) -> RowStream:
    x = Features((), {"rows": torch.zeros(len(y), 1)})
    split = Split(x, torch.tensor(y), max(y) + 1)
    return RowStream(Recipe(train=split, val=split, model=Linear(), **fields))


def test_batches_without_the_rarest_class_are_counted(binary: Toy) -> None:
    """One rare row among 64: of the four batches of an epoch three have none, in the record too."""
    stream = stream_of([0] * 63 + [1], batch_size=16)
    for _ in range(5):
        stream.take(4)
    assert (stream.batches, stream.without_rarest) == (20, 15)
    y = torch.zeros(len(binary.train), dtype=torch.int64)
    y[7] = 1
    notes = alone(binary.recipe(train=replace(binary.train, y=y), batch_size=24, max_steps=20)).notes
    assert (notes["batches"], notes["batches_without_rarest_class"]) == (20.0, 18.0)
    every = alone(binary.recipe(train=replace(binary.train, y=torch.arange(240) % 2), max_steps=20)).notes
    assert "batches_without_rarest_class" not in every


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=30),
    st.integers(1, 9),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.booleans(),
    st.data(),
)
def test_a_stream_accounts_for_every_row(
    y: list[int], size: int, takes: list[int], sampled: bool, data: st.DataObject
) -> None:
    """Batches of any size cut whole epochs; weights have mean 1 over each epoch; the mass is that of the epochs."""
    seed = data.draw(st.integers(0, 2**31))
    weight = torch.tensor(
        data.draw(st.lists(st.floats(0.1, 100), min_size=len(y), max_size=len(y))), dtype=torch.float64
    )
    sampler = (DrawMore(1.0),) if sampled else ()
    stream = stream_of(y, batch_size=size, seed=seed, sampler=sampler)
    stream.recipe = stream.recipe.reweight(weight)
    labels = stream.recipe.train.y
    got = [stream.take(t) for t in takes]
    rows = torch.cat([r.reshape(-1) for r, _ in got])
    weights = torch.cat([w.reshape(-1) for _, w in got if w is not None])
    assert [tuple(r.shape) for r, _ in got] == [(t, size) for t in takes]
    g, epochs = stream.recipe.generator("order"), list[Tensor]()
    while sum(map(len, epochs)) < len(rows):
        epochs.append(stream.recipe.epoch(g))
    drawn = torch.cat(epochs)
    assert torch.equal(rows, drawn[: len(rows)])
    scaled = [weight[e] / weight[e].mean() for e in epochs]
    for w in scaled:
        assert w.mean().item() == pytest.approx(1, rel=1e-12)
    torch.testing.assert_close(weights, torch.cat(scaled)[: len(rows)], rtol=1e-12, atol=0)
    assert stream.mass.sum().item() == pytest.approx(len(drawn), rel=1e-9)
    expected = torch.bincount(labels[drawn], weights=torch.cat(scaled), minlength=len(stream.mass))
    torch.testing.assert_close(stream.mass, expected, rtol=1e-9, atol=1e-9)
    assert stream.prior().sum().item() == pytest.approx(1, rel=1e-12)


def test_an_epoch_without_resampling_is_every_row_once() -> None:
    stream = stream_of([0, 1] * 10, batch_size=5)
    first, second = (stream.take(4)[0].flatten().tolist() for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert stream.take(1)[1] is None


def test_a_class_that_is_never_drawn_has_a_finite_log_prior() -> None:
    """Half a row, as the metrics count it."""
    prior = stream_of([0, 0, 2]).prior()
    assert bool(torch.isfinite(prior.log()).all())


def test_an_epoch_without_rows_is_refused() -> None:
    stream = stream_of([0, 1], sampler=(lambda rows, y, g: rows[:0],))
    with pytest.raises(ValueError, match="an epoch without any; lower the ratio"):
        stream.take(1)


def test_streams_are_one_per_purpose_and_seed(binary: Toy) -> None:
    """Order, encoder, head, noise and augmentation do not share draws; the same purpose and seed always do."""
    purposes = ("order", "encoder", "head", "noise", "augment")
    seeds = [binary.recipe(seed=s).generator(p).initial_seed() for s in range(4) for p in purposes]
    assert len(set(seeds)) == 20
    assert seeds == [binary.recipe(seed=s).generator(p).initial_seed() for s in range(4) for p in purposes]
