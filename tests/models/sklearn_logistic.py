"""scikit-learn's logistic regression as a model of imbench's: what an estimator of somebody else's looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from strategies.spec import Cost, Features, Inapplicable, Predictor, Recipe, Takes, Watch


@dataclass(frozen=True, eq=False)
class Fitted(Predictor):
    """What it predicts: log-probabilities."""

    model: LogisticRegression
    prior: torch.Tensor
    cost: Cost
    prior_exact: bool = True
    notes: dict[str, float] = field(default_factory=dict)

    def logits(self, x: Features) -> torch.Tensor:
        return torch.from_numpy(self.model.predict_log_proba(matrix(x)))


@dataclass(frozen=True, kw_only=True)
class SklearnLogistic:
    """`c`: scikit-learn's C."""

    name: ClassVar[str] = "sklearn_logistic"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = False
    honours: ClassVar[frozenset[Any]] = frozenset({"weight", "sampler"})
    budget: ClassVar[frozenset[str]] = frozenset()
    takes: ClassVar[Takes] = Takes(categories="one-hot")
    c: float = 1.0

    def fit(self, recipe: Recipe, watch: Watch) -> Predictor:
        rows, weight = recipe.counted(recipe.generator("order"))
        y = recipe.train.y[rows]
        model = LogisticRegression(C=self.c, max_iter=1000, tol=1e-8)
        model.fit(matrix(recipe.train.x.take(rows)), y.numpy(), sample_weight=weight.numpy())
        mass = torch.bincount(y, weights=weight, minlength=recipe.train.n_classes)
        return Fitted(model, recipe.embodied(mass), Cost(steps=int(model.n_iter_.max())))


def matrix(x: Features) -> np.ndarray[Any, Any]:
    """All fields side by side (n, width), float64."""
    if any(f.kind != "numeric" for f in x.schema):
        raise Inapplicable("model sklearn_logistic takes numbers and categories, got text; use model=linear")
    return np.hstack([x.columns[f.name].double().numpy() for f in x.schema])  # type: ignore[union-attr]
