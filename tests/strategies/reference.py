"""Our plain models beside scikit-learn's logistic regression, same rows and encoding.

    python -m tests.strategies.reference

A benchmark whose models are worse than logistic regression is not credible. For each embedded target: the metrics of
`none` with `linear` and `mlp`, and of `LogisticRegression` at C = 1 and at the C of `linear`, on the same test rows,
mean over seeds.
"""

from __future__ import annotations

import argparse

import numpy as np
import scipy.sparse as sp
import torch
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from bench.cli.compose import compose, hydra_loader
from bench.config import Cell, read_cell
from bench.data.features.encode import Encoded
from bench.data.features.load import load_encoded
from bench.evaluation.evaluate import Predictions, evaluate
from bench.models.parts.layers import text_scale
from bench.sweep.plan import identify
from bench.sweep.runner import training
from bench.training.trainer import drive, pick_device
from strategies.spec import Bag, Features

SHOWN = {
    "one_star": ("raw/auroc", "raw/average_precision", "recalibrated/log_loss"),
    "class": ("default/macro_f1", "tuned/macro_f1", "recalibrated/log_loss"),
}


def matrix(x: Features) -> sp.csr_matrix:
    """The encoding that the models see, as one sparse matrix: numbers, one-hot categories, tf-idf terms."""
    blocks = []
    for field in x.schema:
        value = x.columns[field.name]
        if isinstance(value, Bag):
            parts = (value.weights.numpy() * text_scale(x.schema), value.ids.numpy(), value.offsets.numpy())
            blocks.append(sp.csr_matrix(parts, shape=(len(value), field.sizes[0])))
        elif field.kind == "numeric":
            blocks.append(sp.csr_matrix(value.numpy()))
        else:
            for column, size in enumerate(field.sizes):
                codes = value[:, column].numpy()
                ones = np.ones(len(codes))
                blocks.append(sp.csr_matrix((ones, (np.arange(len(codes)), codes)), shape=(len(codes), size)))
    return sp.hstack(blocks).tocsr()


def ours(one: Cell, data: Encoded) -> dict[str, float | None]:
    """Metrics of our model."""
    planned, found = identify(one), []
    drive([training(planned, data)], lambda _, outcome: found.append(outcome), device=pick_device())
    (predictor,) = found
    if isinstance(predictor, Exception):
        raise predictor
    return judged(predictor.logits(data.test).numpy(), predictor.logits(data.val.x).numpy(), data)


def theirs(strength: float, data: Encoded) -> dict[str, float | None]:
    """Metrics of scikit-learn's model at C = strength."""
    model = LogisticRegression(C=strength, max_iter=5000).fit(matrix(data.train.x), data.train.y.numpy())
    test, val = (np.log(np.clip(model.predict_proba(matrix(x)), 1e-300, 1)) for x in (data.test, data.val.x))
    return judged(test, val, data)


def judged(test: np.ndarray, val: np.ndarray, data: Encoded) -> dict[str, float | None]:
    counts = np.bincount(data.train.y.numpy(), minlength=data.train.n_classes)
    parts = Predictions(test, data.test_y.numpy()), Predictions(val, data.val.y.numpy())
    return evaluate(*parts, prior=counts / counts.sum(), natural=counts / counts.sum(), train_counts=counts).values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--split", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=110)
    for target, columns in SHOWN.items():
        table = Table(
            title=f"womens · {target} · split {options.split} · mean of {options.seeds} seeds", title_justify="left"
        )
        for heading in ("model", *columns):
            table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
        rows: dict[str, list[dict[str, float | None]]] = {}
        for seed in range(options.seeds):
            common = [f"data.target={target}", f"seed={seed}", f"split={options.split}"]
            with hydra_loader() as loader:
                mlp, linear = (
                    read_cell(raw) for raw in compose(loader, [[f"model={m}", *common] for m in ("mlp", "linear")])
                )
            data = load_encoded(mlp.data, options.split, seed)
            own = 1 / linear.model.l2
            rows.setdefault("none, mlp", []).append(ours(mlp, data))
            rows.setdefault(f"none, linear (l2 {linear.model.l2:g})", []).append(ours(linear, data))
            rows.setdefault(f"LogisticRegression C={own:.3g}", []).append(theirs(own, data))
            rows.setdefault("LogisticRegression C=1", []).append(theirs(1.0, data))
        for name, seen in rows.items():
            table.add_row(name, *(f"{np.mean([m[c] for m in seen]):.3f}" for c in columns))
        console.print(table)


if __name__ == "__main__":
    main()
