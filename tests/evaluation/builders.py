"""Predictions for the tests, and their evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.evaluation.evaluate import Evaluation, Predictions, evaluate


def long_tailed(n: int, classes: int, seed: int, signal: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Noisy logits that carry the class, under a long-tailed prior."""
    rng = np.random.default_rng(seed)
    prior = 1 / np.arange(1, classes + 1)
    y = rng.choice(classes, n, p=prior / prior.sum())
    y[:classes] = np.arange(classes)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), y] += signal
    return logits, y


def binary(z: np.ndarray) -> np.ndarray:
    """Logits (n, 2) with the given margins."""
    return np.stack([np.zeros_like(z), z], axis=1)


def expit(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def sample(n: int, classes: int, seed: int, signal: float = 1.5) -> Predictions:
    """Predictions of `long_tailed` rows, every class present."""
    return Predictions(*long_tailed(n, classes, seed, signal))


def run(test: Predictions, val: Predictions | None = None, **changes: Any) -> Evaluation:
    """Evaluate under a uniform prior and a long-tailed natural one."""
    classes = test.n_classes
    natural = 1 / np.arange(1, classes + 1)
    natural /= natural.sum()
    settings = {"prior": np.full(classes, 1 / classes), "natural": natural, "train_counts": 1000 * natural}
    return evaluate(test, val or sample(200, classes, 99), **(settings | changes))
