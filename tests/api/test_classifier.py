"""`ImbalancedClassifier` is a classifier of scikit-learn: its own checks say so, and what it predicts is ours."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import imbench
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

SHORT = ("train.max_steps=300", "train.eval_every=20")
QUICK = imbench.ImbalancedClassifier("none", "linear", settings=SHORT)

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row of weight 2 and two equal rows train alike in expectation only: rows are drawn into minibatches and "
        "into training and validation, where a copy is a row of its own"
    ),
    "check_classifiers_train": (
        "predict follows the threshold of the highest F1 and not one half; with decision='argmax' it passes"
    ),
}
"""Checks of scikit-learn's that fail, and why that is right."""


def checks() -> list[Any]:
    return [pytest.param(e, c, id=c.func.__name__) for e, c in estimator_checks_generator(QUICK)]


@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    """Every check of `check_estimator`, one test each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if check.func.__name__ in EXPECTED:
            with pytest.raises(AssertionError):
                check(estimator)
            if check.func.__name__ == "check_classifiers_train":
                check(clone(estimator).set_params(decision="argmax"))
        else:
            check(estimator)


def test_at_most_three_checks_are_excepted() -> None:
    assert len(EXPECTED) <= 3
    assert {*EXPECTED} <= {c.func.__name__ for _, c in estimator_checks_generator(QUICK)}


def rare(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return make_classification(n, 6, n_informative=4, weights=[0.9], flip_y=0.02, class_sep=1.0, random_state=seed)  # type: ignore[no-any-return]


def test_it_works_in_pipelines_grids_and_cross_validation() -> None:
    x, y = rare()
    made = make_pipeline(StandardScaler(), clone(QUICK))
    scores = cross_val_score(made, x, y, cv=3, scoring="average_precision")
    assert scores.min() > 3 * y.mean()  # far above chance, which is the share of positives
    grid = GridSearchCV(QUICK, {"strategy": ["none", ("class_weights",)]}, cv=2, scoring="f1").fit(x, y)
    assert set(grid.best_params_) == {"strategy"}


@pytest.mark.parametrize("model", ["linear", "mlp", "lightgbm"])
def test_probabilities_are_recalibrated_whatever_the_treatment(model: str) -> None:
    """Class weights inflate raw probabilities tenfold; what `predict_proba` gives has the mean of the labels."""
    x, y = rare(1500)
    settings = SHORT if model != "lightgbm" else ("model.max_trees=60",)
    fitted = imbench.ImbalancedClassifier("class_weights", model, settings=settings).fit(x[:1000], y[:1000])
    p = fitted.predict_proba(x[1000:])[:, 1]
    raw = fitted.model_.rule.views(fitted.model_.logits_of_typed(fitted._frame(x[1000:], reset=False)))["raw"]
    inflated = (1 / (1 + np.exp(raw[:, 0] - raw[:, 1]))).mean()
    assert abs(p.mean() - y[1000:].mean()) < 0.04 < inflated - y[1000:].mean()
    assert average_precision_score(y[1000:], p) > 3 * y[1000:].mean()
    assert f1_score(y[1000:], fitted.predict(x[1000:])) > 0.35  # one in ten is positive: chance is below .2


def test_the_rarer_class_is_what_decisions_are_about_whatever_its_name() -> None:
    """Labels swapped: the same rows are decided for the rarer class, and columns follow `classes_`."""
    x, y = rare()
    one = clone(QUICK).fit(x, np.where(y == 1, "b rare", "a common"))
    other = clone(QUICK).fit(x, np.where(y == 1, "a rare", "b common"))
    assert one.classes_.tolist() == ["a common", "b rare"]
    assert other.classes_.tolist() == ["a rare", "b common"]
    np.testing.assert_allclose(one.predict_proba(x)[:, 1], other.predict_proba(x)[:, 0], atol=1e-12)
    assert ((one.predict(x) == "b rare") == (other.predict(x) == "a rare")).all()
    np.testing.assert_allclose(one.decision_function(x), -other.decision_function(x), atol=1e-12)


def test_decisions_follow_the_tuned_threshold_or_the_probabilities() -> None:
    x, y = rare()
    tuned = imbench.ImbalancedClassifier("none", "linear", settings=SHORT).fit(x, y)
    plain = imbench.ImbalancedClassifier("none", "linear", settings=SHORT, decision="argmax").fit(x, y)
    assert (plain.predict(x) == plain.predict_proba(x).argmax(axis=1)).all()
    assert tuned.predict(x).sum() != plain.predict(x).sum()
    for fitted in (tuned, plain):
        assert ((fitted.decision_function(x) > 0) == fitted.predict(x)).all()
    with pytest.raises(ValueError, match="decision: expected tuned or argmax"):
        imbench.ImbalancedClassifier(decision="best").fit(x, y)


def test_data_frames_of_any_columns() -> None:
    """Numbers with gaps, categories, text; unknown categories later; a pipeline's output is numbers again."""
    g = np.random.default_rng(0)
    y = g.random(400) < 0.2
    frame = pd.DataFrame(
        {
            "price": np.where(g.random(400) < 0.1, np.nan, g.normal(size=400) + y),
            "city": pd.Categorical(np.where(y & (g.random(400) < 0.6), "Bonn", g.choice(["Köln", "Mainz"], 400))),
            "note": [" ".join(g.choice(["late", "torn"] if v else ["fine", "soft", "nice"], 4)) for v in y],
            "when": pd.Timestamp("2024-01-01"),
        }
    )
    with pytest.warns(UserWarning, match="column 'when' is left out: dates"):
        fitted = clone(QUICK).set_params(kinds={"note": "text"}).fit(frame, y)
    assert f1_score(y, fitted.predict(frame)) > 0.8
    later = frame.iloc[:5].assign(city=["Trier"] * 5)
    assert fitted.predict_proba(later).shape == (5, 2)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame.rename(columns={"city": "town"}))
    chosen = make_column_transformer((StandardScaler(), make_column_selector(dtype_include=float)))
    assert make_pipeline(chosen, clone(QUICK)).fit(frame, y).predict_proba(frame).shape == (400, 2)


def test_a_pickle_predicts_the_same_and_equal_fits_are_equal() -> None:
    x, y = rare()
    fitted = imbench.ImbalancedClassifier("easy_ensemble", "mlp", settings=("train.max_steps=40",)).fit(x, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))
    np.testing.assert_array_equal(clone(fitted).fit(x, y).predict_proba(x), fitted.predict_proba(x))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"strategy": "focl"}, "focl"),
        ({"strategy": "transfer", "model": "mlp"}, "no other label to transfer from"),
        ({"strategy": "crt", "model": "linear"}, "works on a learned representation"),
        ({"settings": ("train.steps=3",)}, "train.steps"),
    ],
)
def test_wrong_use_says_what_to_do(settings: dict[str, Any], said: str) -> None:
    x, y = rare(100)
    with pytest.raises(ValueError, match=said):
        imbench.ImbalancedClassifier(**settings).fit(x, y)
