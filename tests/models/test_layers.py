"""Layers: sums of bags and their gradients are torch's, dropout is the same alone and stacked."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bench.models.parts.layers import BagSum, Dropout
from tests.strategies.ragged import Ragged, bag, ragged


@settings(max_examples=50, deadline=None)
@given(ragged, st.integers(1, 3), st.integers(0, 2**31))
def test_the_sum_of_a_bag_and_its_gradient_are_torchs(rows: Ragged, width: int, seed: int) -> None:
    """Against embedding_bag's own backward, repeated terms and empty rows included."""
    g, b = torch.Generator().manual_seed(seed), bag(rows)
    start = torch.randn(10, width, generator=g, dtype=torch.float64)
    up = torch.randn(len(rows), width, generator=g, dtype=torch.float64)
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    out = BagSum.apply(ours, b.ids, b.weights, b.offsets)
    ref = functional.embedding_bag(b.ids, theirs, b.offsets[:-1], per_sample_weights=b.weights, mode="sum")
    torch.testing.assert_close(out, ref, rtol=1e-13, atol=1e-13)
    out.backward(up)
    ref.backward(up)
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-12, atol=1e-12)


def test_gradient_of_the_sum_of_a_bag() -> None:
    b = bag([[(0, 0.5), (3, -1.0), (0, 2.0)], [], [(4, 1.5)]])
    start = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: BagSum.apply(t, b.ids, b.weights, b.offsets), (start,))


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_dropout_is_the_same_alone_and_stacked(rate: float) -> None:
    """One stream per member, whatever the others draw; the mean is kept; off in evaluation."""
    layer = Dropout(rate)
    x = torch.ones(3, 400, 5)

    def masks(members: list[int], steps: int = 3) -> Tensor:
        layer.streams = [torch.Generator().manual_seed(k) for k in members]
        return torch.stack([layer(x[: len(members)]) for _ in range(steps)])

    stacked = masks([0, 1, 2])
    for k in range(3):
        assert torch.equal(masks([k])[:, 0], stacked[:, k])
    if rate:
        assert stacked.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
        assert not torch.equal(stacked[0, 0], stacked[0, 1])
        assert not torch.equal(stacked[0, 0], stacked[1, 0])
        assert stacked.mean().item() == pytest.approx(1, abs=0.03)
    else:
        assert torch.equal(stacked[0], x)
    assert torch.equal(layer.eval()(x), x)
