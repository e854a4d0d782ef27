"""How far `linear` ends from the optimum of its own objective: python -m tests.tools.linear_optimum [--out FILE].

The reference is scikit-learn's LogisticRegression on the same encoded rows with the same penalty. Trained with the
default budget to its last step, without early stopping; both objectives (mean loss plus penalty, in nats) are computed
here, from the parameters. Sets that are not fetched are left out and named.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from bench.cli.compose import compose, hydra_loader
from bench.config import read_cell
from bench.data.errors import DataError
from bench.data.features.load import load_encoded
from bench.sweep.plan import identify
from bench.sweep.runner import recipe
from bench.training.trainer import fit
from strategies.predictor import Predictor
from tests.strategies.reference import matrix

EMBEDDED: dict[str, tuple[str, ...]] = {
    "womens / one_star": ("data=womens", "data.target=one_star"),
    "womens / class": ("data=womens", "data.target=class"),
    "impressions / click": ("data=impressions",),
    "impressions / purchase": ("data=impressions", "data.target=purchase", "data.rows=30000", "data.prevalence=0.03"),
    "digits_lt / digit": ("data=digits_lt",),
}
FETCHED: dict[str, tuple[str, ...]] = {
    "lending_club / bad_loan": ("data=lending_club",),
    "cdnow / buys_30d": ("data=cdnow",),
    "caravan_islr / purchase": ("data=caravan_islr",),
    "census_kdd / over_50k": ("data=census_kdd",),
    **{f"keel / {n}": ("data=keel", f"data.name={n}") for n in ("page-blocks0", "segment0", "vehicle1", "yeast3")},
}
REACH = 1e-3


@dataclass(frozen=True)
class Gap:
    """Training objectives in nats a row."""

    ours: float
    optimum: float

    @property
    def excess(self) -> float:
        """Above the optimum."""
        return self.ours - self.optimum


def measured(overrides: Sequence[str], **changed: object) -> Gap:
    """Train both on split 0 and seed 0 of a set."""
    torch.set_num_threads(1)
    with hydra_loader() as loader:
        planned = identify(read_cell(compose(loader, [["strategy=none", "model=linear", *overrides]])[0]))
    data = load_encoded(planned.cell.data, 0, 0, test=False)
    (found,) = fit([replace(recipe(planned, data), select="last", **changed)], torch.device("cpu"))  # type: ignore[arg-type]
    if not isinstance(found, Predictor):
        raise found
    x, y, n, classes = matrix(data.train.x), data.train.y.numpy(), len(data.train), data.train.n_classes
    l2 = planned.cell.model.l2  # type: ignore[attr-defined]
    state = found.state  # type: ignore[attr-defined]
    squares = sum(float((v.double() ** 2).sum()) for name, v in state.items() if not name.endswith("bias"))
    ours = loss(found.logits(data.train.x).double().numpy(), y) + 0.5 * (2 if classes == 2 else 1) * l2 / n * squares
    best = LogisticRegression(C=1 / l2, tol=1e-7, max_iter=3000).fit(x, y)
    z = best.decision_function(x)
    z = np.stack([np.zeros_like(z), z], 1) if z.ndim == 1 else z
    return Gap(ours, loss(z, y) + 0.5 * l2 / n * float((best.coef_**2).sum()))


def loss(z: np.ndarray, y: np.ndarray) -> float:
    """Mean cross entropy of logits (n, C)."""
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    return float(-log_p[np.arange(len(y)), y].mean())


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="*", default=[*EMBEDDED, *FETCHED])
    arguments = parser.parse_args()
    lines = ["| set | `linear` | optimum | excess | within 1e-3 |", "|---|--:|--:|--:|---|"]
    for name in arguments.only:
        try:
            gap = measured((EMBEDDED | FETCHED)[name])
        except DataError as error:
            lines.append(f"| {name} | – | – | – | not here: {str(error).splitlines()[0][:60]} |")
        else:
            kept = "yes" if gap.excess <= REACH else "no"
            lines.append(f"| {name} | {gap.ours:.5f} | {gap.optimum:.5f} | {gap.excess:.1e} | {kept} |")
        print(lines[-1], flush=True)
    if arguments.out:
        arguments.out.write_text(
            "# `linear` and the optimum of its objective\n\nMean training loss plus penalty, nats a row; made by "
            "`python -m tests.tools.linear_optimum --out FILE`.\n\n" + "\n".join(lines) + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
