"""Self-supervised pretraining: labels are never read, corruption has its rate and the columns' marginals."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from dataclasses import replace

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from bench.models.mlp import MLP
from bench.models.parts.build import build_network, member_settings
from strategies.parts.corrupted import AcrossViews, Corrupt, InfoNCE, Mask, MaskAndValue, estimated
from strategies.self_supervised import SelfSupervised
from strategies.spec import (
    Bag,
    Features,
    Field,
    Inapplicable,
    LinearHead,
    Split,
)
from tests.conftest import SCHEMA, Toy, asking, trained
from tests.strategies.fits import bits, fitted, identical, run
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
    (more,) = next(SelfSupervised().train(multi.recipe(unlabelled=multi.val.x)))
    assert len(more.train) == 240 + 120


def test_more_steps_than_a_fit_may_have_are_capped_with_a_word_of_it(multi: Toy) -> None:
    """The budget is the same for all; the steps that were made are in the record. Defaults fit in without a word."""
    with pytest.warns(UserWarning, match=r"steps=50, but no fit may have more than train\.max_steps=20"):
        (capped,) = next(SelfSupervised(steps=50).train(multi.recipe(max_steps=20)))
    assert capped.max_steps == 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor = run([SelfSupervised()], multi.recipe(max_steps=20))
    assert predictor.notes["pretext_steps"] == 20
    assert predictor.cost.steps == 40


def test_steps_and_temperature_go_by_whether_there_are_unlabelled_rows(multi: Toy) -> None:
    recipe = multi.recipe(max_steps=4000)
    plain, more = (SelfSupervised().pretext(r) for r in (recipe, replace(recipe, unlabelled=multi.val.x)))
    assert (plain.max_steps, plain.loss) == (200, InfoNCE(1.0))
    assert (more.max_steps, more.loss) == (1500, InfoNCE(0.1))
    asked = SelfSupervised(steps=300, temperature=0.5).pretext(replace(recipe, unlabelled=multi.val.x))
    assert (asked.max_steps, asked.loss) == (300, InfoNCE(0.5))


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


def mixed_rows(n: int) -> Split:
    g = torch.Generator().manual_seed(4)
    schema = (Field("n", "numeric", width=2), Field("c", "categorical", sizes=(5, 3), width=2), Field("b", "bag", (9,)))
    words = Bag(torch.arange(n, dtype=torch.int32) % 9, torch.ones(n), torch.arange(n + 1, dtype=torch.int32))
    codes = torch.stack([torch.randint(5, (n,), generator=g), torch.randint(3, (n,), generator=g)], 1)
    x = Features(schema, {"n": torch.randn(n, 2, generator=g), "c": codes, "b": words})
    return Split(x, torch.zeros(n, dtype=torch.int64), 1)


def test_the_mask_says_what_changed_and_the_values_what_was_there() -> None:
    """A draw that equals what it replaces has changed nothing; text stays."""
    train = mixed_rows(500)
    x, targets = Mask(0.4)(train.x, train.y, gen(), train)
    assert targets.shape == (500, 8)
    for name, at in (("n", 0), ("c", 2)):
        before, after = train.x.columns[name], x.columns[name]
        assert isinstance(before, Tensor)
        assert isinstance(after, Tensor)
        assert torch.equal(targets[:, at : at + 2] == 1, before != after)
        assert torch.equal(targets[:, 4 + at : 6 + at], before.float())
    assert x.columns["b"] is train.x.columns["b"]
    assert float(targets[:, :2].mean()) == pytest.approx(0.4, abs=0.05)
    assert float(targets[:, 3].mean()) == pytest.approx(0.4 * 2 / 3, abs=0.06)  # of three categories, a third stays


@pytest.mark.oracle("self_supervised", "VIME's loss by hand")
def test_vimes_loss_is_the_papers_by_hand() -> None:
    """Row by row with Python's own functions: cross entropy of the mask, alpha times the error of the values."""
    fields = estimated(mixed_rows(2).x.schema)
    assert MaskAndValue.outputs(fields) == 4 + 2 + 5 + 3
    outputs = torch.randn(6, 14, generator=gen(), dtype=torch.float64) * 2
    changed = torch.randint(2, (6, 4), generator=gen(1)).double()
    codes = torch.stack([torch.arange(6) % 5, torch.arange(6) % 3], 1).double()
    values = torch.cat([torch.randn(6, 2, generator=gen(2), dtype=torch.float64) * 2, codes], 1)
    got = MaskAndValue(fields, 3.0)(outputs, torch.cat([changed, values], 1))
    for row in range(6):
        z, m, v = outputs[row].tolist(), changed[row].tolist(), values[row].tolist()
        mask = sum(math.log1p(math.exp(-a if b else a)) for a, b in zip(z[:4], m, strict=True)) / 4
        apart = [abs(a - b) for a, b in zip(z[4:6], v[:2], strict=True)]
        error = sum(d * d / 2 if d < 1 else d - 0.5 for d in apart)
        for part, code in ((z[6:11], int(v[2])), (z[11:14], int(v[3]))):
            error += math.log(sum(map(math.exp, part))) - part[code]
        assert float(got[row]) == pytest.approx(mask + 3 * error / 4, rel=1e-9)


def test_vime_learns_which_values_were_replaced(multi: Toy) -> None:
    """Columns that depend on one another: after training the loss on fresh corruption is lower than before."""
    recipe = multi.recipe(max_steps=300, eval_every=300, lr=0.01)
    pretext = SelfSupervised(method="vime", corruption=0.3, steps=300).pretext(recipe)
    losses = []
    for steps in (1, 300):
        predictor = trained(asking(replace(pretext, max_steps=steps)))
        x, targets = pretext.augment[0](multi.val.x, multi.val.y, gen(), pretext.train)
        losses.append(float(pretext.loss(predictor.logits(x), targets).mean()))
    assert losses[1] < 0.9 * losses[0]


def test_vime_permuting_labels_changes_nothing(multi: Toy) -> None:
    recipe = multi.recipe(max_steps=10)
    permuted = replace(recipe, train=replace(multi.train, y=multi.train.y.flip(0)))
    states = [
        bits(fitted(trained(asking(SelfSupervised(method="vime", steps=10).pretext(r)))).state)
        for r in (recipe, permuted)
    ]
    assert identical(*states)


def test_vime_on_text_alone_is_inapplicable(multi: Toy) -> None:
    x = multi.train.x
    text = Features((SCHEMA[2],), {"text": x.columns["text"]})
    recipe = multi.recipe(train=replace(multi.train, x=text))
    with pytest.raises(Inapplicable, match="got text only; use scarf"):
        SelfSupervised(method="vime").pretext(recipe)


def test_simcse_has_two_views_of_each_row_by_dropout_alone(multi: Toy) -> None:
    """The rows twice, unchanged; a model without noise has nothing to learn from them, one with noise has."""
    recipe = multi.recipe(max_steps=40)
    pretext = SelfSupervised(method="simcse", steps=40).pretext(recipe)
    assert pretext.loss == AcrossViews(0.05)
    assert SelfSupervised(method="simcse", temperature=0.2).pretext(recipe).loss == AcrossViews(0.2)
    x, pairs = pretext.augment[0](multi.val.x, multi.val.y, gen(), pretext.train)
    n = len(multi.val)
    assert torch.equal(pairs, torch.arange(n).repeat(2))
    for half in (torch.arange(n), torch.arange(n, 2 * n)):
        values = x.take(half).columns["numeric"]
        assert isinstance(values, Tensor)
        assert torch.equal(values, torch.as_tensor(multi.val.x.columns["numeric"]))
    run([SelfSupervised(method="simcse", steps=40)], recipe)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_dropout_is_the_only_noise_of_simcse(multi: Toy, dropout: float) -> None:
    """In training the two views of a row differ, if there is dropout; else they are one, as in evaluation always."""
    recipe = multi.recipe(model=MLP(dim=8, dropout=dropout))
    pretext = SelfSupervised(method="simcse", steps=6).pretext(recipe)
    network = build_network(recipe.model, 1, SCHEMA, LinearHead(32), 1)
    network.start(0, pretext, torch.ones(1))
    network.assign([member_settings(recipe.model, 1, 240)], [gen(5)])
    x, pairs = pretext.augment[0](multi.val.x, multi.val.y, gen(), pretext.train)
    n = len(multi.val)
    with torch.no_grad():
        training, evaluation = network.train()(x)[0], network.eval()(x)[0]
    assert torch.equal(evaluation[:n], evaluation[n:])
    assert torch.equal(training[:n], training[n:]) is (dropout == 0)
    if dropout:
        assert float((training[:n] != training[n:]).any(1).double().mean()) > 0.95  # masks are alike now and then
        return
    h = torch.nn.functional.normalize(training[:n].double(), dim=1)  # views of a row are alike: e^(1/t) over the others
    expected = (h @ h.T / 0.05).logsumexp(1) - 1 / 0.05
    torch.testing.assert_close(pretext.loss(training.double(), pairs), expected.repeat(2), rtol=1e-6, atol=1e-6)


def test_records_of_simcse_alone_begin_anew() -> None:
    """Its loss was another one in version 1; the other methods train what they trained."""
    assert SelfSupervised.version == 1
    assert {SelfSupervised(method=m).version for m in ("scarf", "vime", "mlm")} == {1}
    assert SelfSupervised(method="simcse").version == 2
    assert replace(SelfSupervised(), method="simcse").version == 2
