"""Where torchmetrics is right it agrees; where it is not used, the difference is shown: a test that fails says that it
was mended.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm
from torchmetrics.functional import mean_squared_error
from torchmetrics.functional.retrieval import retrieval_recall

import bench.evaluation.metrics
from bench.evaluation.evaluate import Predictions
from bench.evaluation.registry import METRICS
from bench.evaluation.views import log_softmax, margin
from tests.evaluation.builders import run, sample

DOUBLE = 1e-12  # agreement of two computations in float64
SINGLE = 1e-6  # and of one of them in float32

TEST = sample(3000, 2, 3)
Z, Y = torch.from_numpy(margin(TEST.logits)), torch.from_numpy(TEST.y)
P = torch.from_numpy(np.exp(log_softmax(TEST.logits)))
VALUES = run(TEST).values


def gap(theirs: object, column: str) -> float:
    value = VALUES[column]
    assert value is not None
    return abs(float(theirs) - value)  # type: ignore[arg-type]


def test_the_table_names_every_metric() -> None:
    """Those with a common stem by their stem."""
    table = (bench.evaluation.metrics.__doc__ or "").replace("`", " ").replace(",", " ").split()
    stems = [word.partition("…")[0] for word in table if word.endswith(("…", "…pct")) or word in METRICS]
    assert [name for name in METRICS if not any(name.startswith(stem) for stem in stems)] == []


def test_ranking_is_in_float32() -> None:
    """Of probabilities in float64."""
    for theirs, name in ((tm.binary_auroc, "raw/auroc"), (tm.binary_average_precision, "raw/average_precision")):
        found = theirs(P[:, 1], Y)
        assert found.dtype == torch.float32
        assert DOUBLE < gap(found, name) < SINGLE


def test_ranking_ties_large_margins() -> None:
    """Margins go through a sigmoid, where 400 and 402 are both 1."""
    saturated = 400.0 + Z
    assert float(tm.binary_auroc(saturated, Y)) == 0.5
    logits = np.stack([0 * saturated.numpy(), saturated.numpy()], axis=1)
    assert run(Predictions(logits, TEST.y)).values["raw/auroc"] == pytest.approx(VALUES["raw/auroc"], abs=DOUBLE)


def test_recall_at_the_top_depends_on_the_order_of_tied_rows() -> None:
    """All scores equal: recall of some rows of the data, and not of the average order."""
    y = torch.tensor([1] * 10 + [0] * 90)
    orders = (torch.randperm(100, generator=torch.Generator().manual_seed(seed)) for seed in range(20))
    found = {float(retrieval_recall(torch.full((100,), 0.5), y[order], top_k=10)) for order in orders}
    assert len(found) > 1
    logits = np.zeros((100, 2))
    assert run(Predictions(logits, y.numpy())).values["raw/recall_at_10pct"] == pytest.approx(0.1)


def test_there_is_no_log_loss_and_no_brier_score() -> None:
    """The squared error is that of two classes, up to the order of its sum; of more, it is divided by their number."""
    import torchmetrics

    names = {name.lower() for name in (*dir(torchmetrics), *dir(tm))}
    for word in ("log_loss", "brier", "cross_entropy", "geometric", "calibration_slope", "calibration_intercept"):
        assert not [name for name in names if word in name or word.replace("_", "") in name]
    assert gap(mean_squared_error(P[:, 1].contiguous(), Y.double()), "raw/brier") < DOUBLE
    many = sample(200, 5, 4)
    p = torch.from_numpy(np.exp(log_softmax(many.logits)))
    theirs = mean_squared_error(p.reshape(-1), torch.eye(5, dtype=torch.float64)[torch.from_numpy(many.y)].reshape(-1))
    assert 5 * float(theirs) == pytest.approx(run(many).values["raw/brier"])


def test_calibration_error_of_many_classes_is_in_float32() -> None:
    """That of two classes keeps float64, and is used for both."""
    many = sample(3000, 5, 4)
    p, y = torch.from_numpy(np.exp(log_softmax(many.logits))), torch.from_numpy(many.y)
    found = tm.multiclass_calibration_error(p, y, num_classes=5, n_bins=15)
    assert found.dtype == torch.float32
    assert DOUBLE < abs(float(found) - (run(many).values["raw/ece"] or 0.0)) < SINGLE
    assert tm.binary_calibration_error(P[:, 1], Y.double(), n_bins=15).dtype == torch.float64


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        (tm.binary_f1_score, "f1"),
        (tm.binary_precision, "precision"),
        (tm.binary_recall, "recall"),
        (tm.binary_accuracy, "accuracy"),
        (tm.binary_matthews_corrcoef, "mcc"),
    ],
)
def test_decisions_are_in_float32(theirs: object, name: str) -> None:
    """Counts are divided in single precision."""
    found = theirs(torch.from_numpy(TEST.logits.argmax(axis=1)), Y)  # type: ignore[operator]
    assert found.dtype == torch.float32
    assert gap(found, f"default/{name}") < SINGLE


def test_macro_f1_and_mcc_of_many_classes_agree_up_to_float32() -> None:
    """Classes absent from test included."""
    test = sample(300, 5, 10)
    keep = test.y != 4
    test = Predictions(test.logits[keep], test.y[keep])
    predicted, y = torch.tensor(test.logits.argmax(axis=1)), torch.tensor(test.y)
    assert (predicted == 4).any()
    values = run(test).values
    expected = float(tm.multiclass_f1_score(predicted, y, num_classes=5, average="macro"))
    assert values["default/macro_f1"] == pytest.approx(expected, abs=SINGLE)
    expected = float(tm.multiclass_matthews_corrcoef(predicted, y, num_classes=5))
    assert values["default/mcc"] == pytest.approx(expected, abs=1e-4)


def test_undefined_is_a_number_there_and_none_here() -> None:
    """No row is predicted positive, and 0 / 0 is no precision and no correlation; 0 and .84 there."""
    y = np.array([0] * 9 + [1])
    nobody, labels = torch.zeros(10, dtype=torch.int64), torch.from_numpy(y)
    result = run(Predictions(np.tile([1.0, 0.0], (10, 1)), y))
    for theirs, name in ((tm.binary_precision, "precision"), (tm.binary_matthews_corrcoef, "mcc")):
        assert np.isfinite(float(theirs(nobody, labels)))
        assert result.values[f"default/{name}"] is None
        assert f"default/{name}" in result.undefined
    assert float(tm.binary_matthews_corrcoef(nobody, labels)) == pytest.approx(0.843, abs=0.001)


def test_macro_recall_counts_classes_that_test_does_not_hold() -> None:
    """One row is predicted as class 2, which has no rows: their mean is over three classes, scikit-learn's over two."""
    y, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    theirs = float(tm.multiclass_accuracy(torch.from_numpy(predicted), torch.from_numpy(y), 3, average="macro"))
    assert theirs == pytest.approx((0.5 + 1 + 0) / 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that y_pred holds a class that y_true does not
        expected = sk.balanced_accuracy_score(y, predicted)
    ours = run(Predictions(np.eye(3)[predicted], y)).values["default/balanced_accuracy"]
    assert ours == pytest.approx(expected) == pytest.approx(0.75)


def test_mcc_counts_pairs_of_classes() -> None:
    """Its confusion matrix has C x C numbers, 0.8 GB with 10,000 classes."""
    matrix = tm.multiclass_confusion_matrix(torch.tensor([0, 1]), torch.tensor([0, 1]), num_classes=1000)
    assert matrix.numel() * matrix.element_size() == 8 * 1000**2
