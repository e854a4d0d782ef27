"""Ranking metrics of an evaluation against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from bench.evaluation.evaluate import Predictions
from bench.evaluation.views import log_softmax
from tests.evaluation.builders import run, sample


def test_saturated_logits_keep_their_order() -> None:
    """Logits of +-200, whose probabilities are all 0 or 1, rank as they should."""
    rng = np.random.default_rng(0)
    y = (rng.random(500) < 0.1).astype(np.int64)
    z = 400.0 + rng.normal(size=500) + 2 * y
    test = Predictions(np.stack([-z / 2, z / 2], axis=1), y)
    values = run(test).values
    assert values["raw/auroc"] == pytest.approx(sk.roc_auc_score(y, z), abs=1e-12)
    assert values["raw/average_precision"] == pytest.approx(sk.average_precision_score(y, z), abs=1e-12)
    assert values["raw/auroc"] > 0.8
    assert sk.roc_auc_score(y, np.exp(log_softmax(test.logits))[:, 1]) == 0.5


def test_multiclass_ranking_is_the_unweighted_one_vs_rest_mean() -> None:
    """As scikit-learn's macro averages; a class absent from test is left out of both."""
    test = sample(300, 4, 2)
    p, onehot = np.exp(log_softmax(test.logits)), np.eye(4)[test.y]
    result = run(test)
    expected = sk.roc_auc_score(test.y, p, multi_class="ovr", average="macro")
    assert result.values["raw/auroc"] == pytest.approx(expected, abs=1e-12)
    expected = sk.average_precision_score(onehot, p, average=None)
    assert result.per_class["raw/average_precision"] == pytest.approx(expected, abs=1e-12)
    assert result.values["raw/average_precision"] == pytest.approx(expected.mean(), abs=1e-12)
    keep = test.y != 3
    result = run(Predictions(test.logits[keep], test.y[keep]))
    expected = [sk.average_precision_score(onehot[keep, c], p[keep, c]) for c in range(3)]
    assert result.values["raw/average_precision"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.per_class["raw/average_precision"][3] is None
    assert result.per_class["default/recall"][3] is None
    assert result.per_class["support"] == [*np.bincount(test.y[keep]), 0]
