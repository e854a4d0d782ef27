"""How well class shares of rows without labels are found, where the truth is known: the generator's `data.shift`.

    python -m tests.tools.prior_shift RESULTS

Generated impressions whose test rows have other odds of a click than the training rows, by a factor; from their scores
alone, EM (Saerens et al. 2002) and BBSE (Lipton et al. 2018) estimate the share of clicks, by calibration and confusion
of validation rows. Printed per factor and model, over splits: the share there is, both estimates, their mean absolute
error in log odds, and the log loss of probabilities under the training share, under the estimate and under the truth.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import imbench
import numpy as np

from bench.evaluation.new_prior import estimate_by_confusion, estimate_by_em
from bench.evaluation.views import Floats, log_loss, log_softmax
from bench.export.decision import fitted_rule
from bench.records.predictions import unpack
from bench.records.record import Record
from bench.records.store import Store

FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
DATA = ("data=impressions", "data.rows=20000", "data.prevalence=0.05")


def estimates(store: Store, record: Record) -> dict[str, Floats]:
    """Shares (2,) of the test rows: as they are (`true`), and as `em` and `bbse` estimate them from logits alone."""
    frame = store.predictions(record)
    (_, y, logits), (_, val_y, val) = unpack(frame, "test"), unpack(frame, "val")
    prior, natural = (np.array(record.per_class[name], dtype=float) for name in ("prior", "natural"))
    mass = np.array(record.traits["train_counts"], dtype=float)
    rule = fitted_rule(val, val_y, None, prior=prior, natural=natural, train_mass=mass)
    decided = np.bincount(rule.decide(logits), minlength=2) / len(logits)
    recalibrated = rule.views(logits)["recalibrated"]
    found = {
        "true": np.bincount(y, minlength=2) / len(y),
        "em": estimate_by_em(np.exp(log_softmax(recalibrated)), natural),
        "bbse": estimate_by_confusion(decided, np.array(rule.confusion)),
    }
    losses = {"before": log_loss(recalibrated, y)}
    losses |= {name: log_loss(rule.views(logits, found[name])["recalibrated"], y) for name in ("em", "bbse", "true")}
    return {**found, "losses": np.array([*losses.values()])}


def measured(
    root: Path, words: Sequence[str], factors: Sequence[float]
) -> dict[tuple[str, float], list[dict[str, Floats]]]:
    """Of every model and factor, the estimates of each record; what is not there yet is trained first."""
    found: dict[tuple[str, float], list[dict[str, Floats]]] = defaultdict(list)
    for factor in factors:
        keys = imbench.run([*words, f"data.shift={factor}", f"results={root}"])["key"]
        store = Store(root)
        for key in keys:
            record = store.proven(str(key))
            assert record is not None
            found[record.model, factor].append(estimates(store, record))
    return found


def error(runs: Sequence[dict[str, Floats]], name: str) -> float:
    """Mean absolute error of the log odds of a share."""
    return float(np.mean([abs(_odds(run[name]) - _odds(run["true"])) for run in runs]))


def _odds(shares: Floats) -> float:
    return float(np.log(shares[1] / shares[0]))


def main(root: Path) -> None:
    """Print the table."""
    words = (*DATA, "strategy=none", "model=linear,lightgbm", "split=range(0,2)")
    print("| model | factor | clicks | EM | BBSE | error EM | error BBSE | log loss as trained | EM | BBSE | truth |")
    print("| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for (model, factor), runs in sorted(measured(root, words, FACTORS).items()):
        shares = " | ".join(f"{np.mean([run[name][1] for run in runs]):.4f}" for name in ("true", "em", "bbse"))
        losses = " | ".join(f"{loss:.4f}" for loss in np.mean([run["losses"] for run in runs], axis=0))
        print(f"| {model} | {factor:g} | {shares} | {error(runs, 'em'):.3f} | {error(runs, 'bbse'):.3f} | {losses} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
