"""Mixtures of rows: what each kind of column becomes, whose label it is, the shares' distribution, counts of labels."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import kstest
from torch import Tensor

from bench.models.lightgbm import LightGBM
from bench.models.registry import refusal
from strategies.mixup import Mix, Mixup, beta_shares
from strategies.spec import Bag, CrossEntropy
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen, labels, numeric


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 2.0])
def test_shares_are_drawn_from_the_beta_distribution(alpha: float) -> None:
    assert kstest(beta_shares(alpha, 3000, gen(4)).numpy(), "beta", args=(alpha, alpha)).pvalue > 1e-3


def test_numbers_lie_between_two_rows_and_the_rest_is_one_of_theirs(multi: Toy) -> None:
    mix = Mix(0.4, (1,) * 4)
    x, y = multi.train.x, multi.train.y
    made, label = mix(x, y, gen(7), multi.train)
    g = gen(7)
    part, partner = beta_shares(0.4, len(y), g), torch.randperm(len(y), generator=g)
    old, new = x.columns["numeric"], made.columns["numeric"]
    assert isinstance(old, Tensor)
    assert isinstance(new, Tensor)
    share = part.unsqueeze(1)
    torch.testing.assert_close(
        new.double(), share * old.double() + (1 - share) * old[partner].double(), rtol=1e-5, atol=1e-5
    )
    codes, mixed = x.columns["categorical"], made.columns["categorical"]
    assert isinstance(codes, Tensor)
    assert isinstance(mixed, Tensor)
    assert bool(((mixed == codes).all(1) | (mixed == codes[partner]).all(1)).all())
    bag, texts = x.columns["text"], made.columns["text"]
    assert isinstance(bag, Bag)
    assert isinstance(texts, Bag)
    for i in range(len(y)):
        own = texts.ids[texts.offsets[i] : texts.offsets[i + 1]].tolist()
        either = [bag.ids[bag.offsets[j] : bag.offsets[j + 1]].tolist() for j in (i, int(partner[i]))]
        assert own in either
    assert bool(((label == y) | (label == y[partner])).all())


@pytest.mark.oracle("mixup", "equation 1")
def test_drawn_labels_are_the_papers_loss_in_expectation() -> None:
    """The mean over many draws of a label is λ l(a) + (1 - λ) l(b)."""
    z, a, b = torch.randn(1, 3, generator=gen()), torch.tensor([0]), torch.tensor([2])
    part, loss = 0.3, CrossEntropy()
    first = torch.rand(20_000, generator=gen(1)) < part
    drawn = torch.where(first, a, b)
    mean = loss(z.expand(20_000, 3), drawn).mean()
    torch.testing.assert_close(mean, (part * loss(z, a) + (1 - part) * loss(z, b))[0], rtol=0.02, atol=0.01)


@pytest.mark.oracle("mixup", "equation 10")
def test_remix_gives_the_label_to_the_rarer_class_as_the_paper_says() -> None:
    """Equation 10, case by case, with 90 and 10 rows, kappa 3 and tau .5; equal classes as drawn."""
    mix = Mix(0.4, (90, 10, 80), kappa=3.0, tau=0.5)
    cases = [  # classes of a and b, share of a, drawn for a -> a's label
        (0, 1, 0.4, True, False),
        (0, 1, 0.6, True, True),
        (0, 1, 0.6, False, False),
        (1, 0, 0.6, False, True),
        (1, 0, 0.4, False, False),
        (0, 2, 0.1, True, True),
        (2, 0, 0.9, False, False),
    ]
    for a, b, part, first, expected in cases:
        got = mix.keeps(*(torch.tensor([v]) for v in (a, b, part, first)))
        assert bool(got) is expected, (a, b, part, first)


def test_mixup_keeps_the_shares_of_labels_and_remix_raises_the_rare_ones() -> None:
    y = labels(1800, 200)
    train = numeric(y, torch.randn(2000, 2, generator=gen()), 2)
    plain, re = (
        Mixup(method=m).prepare(Toy(train, train).recipe()).augment[0](train.x, y, gen(2), train)[1]
        for m in ("mixup", "remix")  # type: ignore[arg-type]
    )
    assert abs(int(plain.sum()) - 200) < 60
    assert int(re.sum()) > int(plain.sum()) + 20


def test_it_trains_networks_and_trees_have_no_batches(binary: Toy) -> None:
    assert not run([Mixup()], binary.recipe()).prior_exact
    assert "mixes rows of a batch" in refusal(LightGBM(), Mixup())
    assert refusal(LightGBM(), Mixup(alpha=0.0)) == ""
