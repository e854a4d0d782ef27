"""`cost_sensitive` changes decisions and nothing else: they are Elkan's, and all else is what `none` gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from strategies.cost_sensitive import CostSensitive
from strategies.none import Plain
from tests.conftest import Toy, trained


@pytest.mark.oracle("cost_sensitive", "brute force")
def test_decisions_are_those_of_least_expected_cost(binary: Toy) -> None:
    """Brute force: each row's decision by the probabilities of `none` and the two costs."""
    plain = trained(Plain().train(binary.recipe()))
    costly = trained(CostSensitive(false_negative=7, false_positive=2).train(binary.recipe()))
    p = plain.logits(binary.val.x).double().softmax(1)[:, 1].numpy()
    expected = np.where(2 * (1 - p) < 7 * p, 1, 0)
    assert (costly.logits(binary.val.x).argmax(1).numpy() == expected).all()
    assert expected.sum() > (p > 0.5).sum()


def test_scores_keep_their_order_and_correction_takes_the_shift_out(binary: Toy) -> None:
    plain = trained(Plain().train(binary.recipe()))
    costly = trained(CostSensitive(false_negative=7).train(binary.recipe()))
    torch.testing.assert_close(
        costly.corrected(plain.prior).logits(binary.val.x).log_softmax(1),
        plain.logits(binary.val.x).double().log_softmax(1),
    )
    odds = costly.prior[1] / costly.prior[0]
    assert float(odds) == pytest.approx(7 * float(plain.prior[1] / plain.prior[0]))
    assert costly.prior_exact


def test_equal_costs_are_off(binary: Toy) -> None:
    plain = trained(Plain().train(binary.recipe()))
    equal = trained(CostSensitive(false_negative=3, false_positive=3).train(binary.recipe()))
    assert torch.equal(plain.logits(binary.val.x), equal.logits(binary.val.x))


def test_of_several_classes_all_but_the_commonest_are_dear(multi: Toy) -> None:
    """Brute force: the class of the largest probability times the cost of missing it; class 0 is the commonest."""
    plain = trained(Plain().train(multi.recipe()))
    costly = trained(CostSensitive(false_negative=7, false_positive=2).train(multi.recipe()))
    expected = plain.logits(multi.val.x).double().softmax(1) * torch.tensor([2.0, 7.0, 7.0, 7.0])
    assert torch.equal(costly.logits(multi.val.x).argmax(1), expected.argmax(1))


def test_costs_are_above_zero() -> None:
    with pytest.raises(ValueError, match="expected costs above 0"):
        CostSensitive(false_negative=0)
