"""Self-supervised pretraining: labels are never read, corruption has its rate and the columns' marginals."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from bench.models.parts.build import build_network
from strategies.self_supervised import Corrupt, SelfSupervised
from strategies.spec import (
    Bag,
    Features,
    Field,
    LinearHead,
    Split,
)
from tests.conftest import SCHEMA, Toy, asking, trained
from tests.strategies.fits import bits, fitted, identical
from tests.strategies.rows import gen


def test_permuting_labels_leaves_the_pretext_weights_bit_identical(multi: Toy) -> None:
    """Labels of training and validation alike: never read in the pretext stage."""
    recipe = multi.recipe(max_steps=20)
    order = torch.randperm(len(multi.train), generator=gen())
    permuted = replace(
        recipe,
        train=replace(multi.train, y=multi.train.y[order]),
        val=replace(multi.val, y=multi.val.y.flip(0)),
    )
    states = []
    for r in (recipe, permuted):
        (pretext,) = next(SelfSupervised(steps=20).train(r))
        states.append(bits(fitted(trained(asking(pretext))).state))
    assert identical(*states)
    untrained = build_network(recipe.model, 1, SCHEMA, LinearHead(32), 1)
    untrained.start(0, recipe, torch.ones(1))
    assert not identical(states[0], bits(untrained.state_dict()))


def test_pretraining_uses_unlabelled_rows_and_its_own_number_of_steps(multi: Toy) -> None:
    (plain,) = next(SelfSupervised(steps=5).train(multi.recipe(max_steps=20)))
    assert (plain.max_steps, len(plain.train), plain.train.n_classes) == (5, 240, 1)
    assert not plain.train.y.any()
    assert not plain.val.y.any()
    (capped,) = next(SelfSupervised(steps=50).train(multi.recipe(max_steps=20)))
    assert capped.max_steps == 20
    (more,) = next(SelfSupervised().train(multi.recipe(unlabelled=multi.val.x)))
    assert len(more.train) == 240 + 120


def test_fine_tuning_starts_from_the_pretext_encoder(multi: Toy) -> None:
    training = SelfSupervised(encoder_rate=0.1).train(multi.recipe())
    (pretext,) = next(training)
    first = trained(asking(pretext))
    (second,) = training.send([first])
    assert second.init is first
    assert (second.encoder_rate, second.train, second.keep_head) == (0.1, multi.train, False)


@pytest.mark.parametrize("rate", [0.2, 0.6])
def test_corruption_has_the_asked_rate_and_the_marginals_of_the_training_rows(rate: float) -> None:
    """Pool values are marked, so that each replacement shows; a value comes from its own column."""
    g, n = gen(6), 4000
    schema = (
        Field("n", "numeric", width=2),
        Field("c", "categorical", sizes=(9, 9), width=2),
        Field("b", "bag", (99,)),
    )

    def rows(numbers: Tensor, codes: Tensor, words: Tensor) -> Features:
        each = torch.arange(0, len(words) + 1, len(words) // len(numbers), dtype=torch.int32)
        return Features(schema, {"n": numbers, "c": codes, "b": Bag(words, torch.rand(len(words), generator=g), each)})

    batch = rows(torch.zeros(n, 2), torch.zeros(n, 2, dtype=torch.int64), torch.zeros(3 * n, dtype=torch.int32))
    codes = torch.stack([torch.tensor([1, 2, 2, 2]), torch.tensor([5, 5, 6, 7])], 1)
    words = torch.tensor([40, 41, 41, 41, 42, 42, 43, 43], dtype=torch.int32)
    pool = rows(torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]), codes, words)
    train = Split(pool, torch.zeros(4, dtype=torch.int64), 1)
    x, pairs = Corrupt(rate)(batch, torch.arange(n), g, train)

    assert torch.equal(pairs, torch.arange(n).repeat(2))
    kept, view = x.take(torch.arange(n)), x.take(torch.arange(n, 2 * n))
    for name, value in batch.columns.items():
        for field in ("ids", "weights", "offsets") if isinstance(value, Bag) else ("",):
            original = getattr(value, field) if field else value
            assert torch.equal(getattr(kept.columns[name], field) if field else kept.columns[name], original)
    text = view.columns["b"]
    assert isinstance(text, Bag)
    assert isinstance(batch.columns["b"], Bag)
    assert torch.equal(text.weights, batch.columns["b"].weights)
    assert torch.equal(text.offsets, batch.columns["b"].offsets)

    def check(values: Tensor, expected: dict[float, int]) -> None:
        hit = values[values != 0]
        share = len(hit) / len(values)
        assert share == pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / len(values)))
        found = Counter(hit.tolist())
        assert found.keys() == expected.keys()
        total = sum(expected.values())
        assert chisquare([found[v] for v in expected], [len(hit) * e / total for e in expected.values()]).pvalue > 1e-3

    n_view, c_view = view.columns["n"], view.columns["c"]
    assert isinstance(n_view, Tensor)
    assert isinstance(c_view, Tensor)
    check(n_view[:, 0], {1.0: 1, 2.0: 1, 3.0: 1, 4.0: 1})
    check(n_view[:, 1], {10.0: 1, 20.0: 1, 30.0: 1, 40.0: 1})
    check(c_view[:, 0], {1: 1, 2: 3})
    check(c_view[:, 1], {5: 2, 6: 1, 7: 1})
    check(text.ids, {40: 1, 41: 3, 42: 2, 43: 2})


def test_corruption_works_where_the_batch_is_on_a_gpu_and_the_table_is_not() -> None:
    """As the trainer calls it: the batch on the device, the training split on the CPU. Fake tensors need no GPU."""
    with FakeTensorMode():
        schema = (Field("n", "numeric", width=2),)
        batch = Features(schema, {"n": torch.zeros(8, 2, device="cuda:0")})
        pool = Split(Features(schema, {"n": torch.zeros(20, 2)}), torch.zeros(20, dtype=torch.int64), 1)
        x, pairs = Corrupt(0.5)(batch, torch.zeros(8, dtype=torch.int64, device="cuda:0"), torch.Generator(), pool)
        assert str(x.columns["n"].device) == str(pairs.device) == "cuda:0"  # type: ignore[union-attr]
