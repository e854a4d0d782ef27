"""No treatment: scikit-learn's logistic regression, and the prior of the training rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from bench.models.linear import Linear
from bench.models.parts.layers import text_scale
from tests.conftest import SCHEMA, Toy, dense
from tests.strategies.fits import converge, fitted, run


@pytest.mark.oracle("none", "scikit-learn")
@pytest.mark.parametrize(("fixture", "l2"), [("binary", 0.3), ("binary", 3.0), ("multi", 0.3)])
def test_none_with_the_linear_model_is_scikit_learns_logistic_regression(
    fixture: str, l2: float, request: pytest.FixtureRequest
) -> None:
    """At convergence the logits' differences are those of LogisticRegression(C=1/l2): w1 - w0, the intercept, all."""
    toy: Toy = request.getfixturevalue(fixture)
    scale = torch.tensor([1.0] * (3 + 7) + [text_scale(SCHEMA)] * 30, dtype=torch.float64)
    train, val = (dense(split.x) * scale for split in (toy.train, toy.val))
    oracle = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10_000).fit(train.numpy(), toy.train.y.numpy())
    ours = converge(toy.recipe(model=Linear(l2=l2), dtype=torch.float64))
    z = ours.logits(toy.val.x)
    if fixture == "binary":
        np.testing.assert_allclose(z[:, 1] - z[:, 0], oracle.decision_function(val.numpy()), atol=1e-4)
        tables = [fitted(ours).state[f"head.sum.tables.{f.name}"][0] for f in SCHEMA]
        w = torch.cat(tables)
        np.testing.assert_allclose(w[:, 1] - w[:, 0], oracle.coef_[0], atol=1e-4)
    else:
        expected = oracle.decision_function(val.numpy())
        expected -= expected.mean(1, keepdims=True)
        np.testing.assert_allclose(z - z.mean(1, keepdim=True), expected, atol=1e-4)


@pytest.mark.parametrize(("fixture", "l2"), [("binary", 0.0), ("binary", 2.0), ("multi", 0.0)])
def test_l1_is_scikit_learns_lasso_and_with_l2_its_elastic_net(
    fixture: str, l2: float, request: pytest.FixtureRequest
) -> None:
    """Near the optimum of LogisticRegression(l1_ratio=…); the weights that are zero there are near zero."""
    toy: Toy = request.getfixturevalue(fixture)
    l1 = 4.0
    scale = torch.tensor([1.0] * (3 + 7) + [text_scale(SCHEMA)] * 30, dtype=torch.float64)
    train, val = (dense(split.x) * scale for split in (toy.train, toy.val))
    how = {"solver": "saga", "C": 1 / (l1 + l2), "l1_ratio": l1 / (l1 + l2), "tol": 1e-8, "max_iter": 20_000}
    oracle = LogisticRegression(penalty="elasticnet", **how).fit(train.numpy(), toy.train.y.numpy())  # type: ignore[arg-type]
    ours = converge(toy.recipe(model=Linear(l2=l2, l1=l1), dtype=torch.float64))
    z = ours.logits(toy.val.x)
    w = torch.cat([fitted(ours).state[f"head.sum.tables.{f.name}"][0] for f in SCHEMA])
    if fixture == "binary":
        np.testing.assert_allclose(z[:, 1] - z[:, 0], oracle.decision_function(val.numpy()), atol=0.02)
        coefficients, expected = (w[:, 1] - w[:, 0]).numpy(), oracle.coef_[0]
    else:
        wanted = oracle.decision_function(val.numpy())
        np.testing.assert_allclose(z - z.mean(1, keepdim=True), wanted - wanted.mean(1, keepdims=True), atol=0.02)
        coefficients, expected = w.numpy(), oracle.coef_.T
    assert (expected == 0).mean() > 0.3  # most columns say nothing
    assert np.abs(coefficients[expected == 0]).max() < 0.02
    assert np.abs(expected).max() > 0.3


def test_none_embodies_the_training_prior(multi: Toy) -> None:
    predictor = run((), multi.recipe())
    share = torch.bincount(multi.train.y).double() / len(multi.train)
    torch.testing.assert_close(predictor.prior, share, rtol=1e-14, atol=0)
    assert predictor.prior_exact
