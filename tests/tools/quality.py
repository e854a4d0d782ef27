"""Is `none` with `mlp` worth comparing with? python -m tests.tools.quality LINES.jsonl [--out results/data/quality.md].

On sets that no default was chosen by: the board's metric of `none` beside logistic regression (C by validation log
loss, the same training rows and encoding) and scikit-learn's HistGradientBoosting with its defaults (not for text),
means over five (split r, seed r). Wanted: at least logistic regression on nine of ten sets, up to one standard error of
the paired difference, and half of the way or more from there to gradient boosting where that is better.
Lines are kept as they come: the same command goes on where it was stopped.

With --models linear mlp lightgbm: each of these models with `none`, beside both references and bare LightGBM (the
settings of our `lightgbm`, its own loss, early stopping by its own log loss); what validation would choose of the
models, beside the best reference.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from tests.tools.defaults_study import KEEL_REPORTED_ON
from tests.tools.measured import Line, Measured, score

SETS: Mapping[str, tuple[str, ...]] = {
    "womens / one_star": ("data=womens", "data.target=one_star"),
    "womens / class": ("data=womens", "data.target=class"),
    "impressions / purchase": ("data=impressions", "data.target=purchase", "data.rows=30000", "data.prevalence=0.03"),
    "digits_lt / digit": ("data=digits_lt",),
    **{f"keel / {name}": ("data=keel", f"data.name={name}") for name in KEEL_REPORTED_ON},
}
STRENGTHS = (0.003, 0.03, 0.3, 3.0, 30.0, 300.0)  # C of logistic regression


def references(measured: Measured, name: str, data: Sequence[str], repetitions: int) -> None:
    """Add the lines of both references that are missing."""
    from bench.cli.compose import compose, hydra_loader
    from bench.config import read_cell
    from bench.data.features.load import load_encoded

    missing = [r for r in range(repetitions) if f"lr {name} {r}" not in measured.lines]
    if not missing:
        return
    with hydra_loader() as loader:
        (raw,) = compose(loader, [["strategy=none", *data]])
    config = read_cell(raw).data
    for r in missing:
        encoded = load_encoded(config, r, r)
        measured.add({"key": f"hgb {name} {r}", **boosted(encoded)})
        measured.add({"key": f"lr {name} {r}", **logistic(encoded)})


def logistic(data: Any) -> dict[str, Any]:
    """LogisticRegression at the C of the least validation log loss."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    from tests.strategies.reference import matrix

    x, val = matrix(data.train.x), matrix(data.val.x)
    best: tuple[float, Any] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of strengths that do not converge in so many steps
        for strength in STRENGTHS:
            model = LogisticRegression(C=strength, max_iter=500).fit(x, data.train.y.numpy())
            loss = log_loss(data.val.y.numpy(), model.predict_proba(val), labels=model.classes_)
            if best is None or loss < best[0]:
                best = (loss, model)
    assert best is not None
    return judged(data, best[1].predict_proba(val), best[1].predict_proba(matrix(data.test)))


def boosted(data: Any) -> dict[str, Any]:
    """HistGradientBoostingClassifier on numbers and category codes; nothing for text."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if any(f.kind == "bag" for f in data.schema):
        return {}
    names = [f.name for f in data.schema]
    kinds = [f.kind == "categorical" for f in data.schema for _ in range(len(f.sizes) or f.width)]
    codes = [max(f.sizes, default=0) for f in data.schema for _ in range(len(f.sizes) or f.width)]
    x, val, test = (
        np.concatenate([part.columns[n].numpy().astype(np.float64) for n in names], 1)
        for part in (data.train.x, data.val.x, data.test)
    )
    native = [kind and size <= 255 for kind, size in zip(kinds, codes, strict=True)]
    model = HistGradientBoostingClassifier(categorical_features=native if any(native) else None, random_state=0)
    model.fit(x, data.train.y.numpy())
    return judged(data, model.predict_proba(val), model.predict_proba(test))


def bare_trees(data: Any, seed: int) -> dict[str, Any]:
    """lightgbm.train as its documents show it, with the settings of our model's defaults."""
    import lightgbm as lgb

    from bench.models.lightgbm import LightGBM
    from bench.models.parts.tree_columns import matrix

    ours, classes = LightGBM(), data.train.n_classes
    names = ("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction", "max_bin")
    own = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    settings = {name: getattr(ours, name) for name in names} | own
    train = lgb.Dataset(matrix(data.train.x), label=data.train.y.numpy(), params={"verbosity": -1})
    val = lgb.Dataset(matrix(data.val.x), label=data.val.y.numpy(), reference=train)
    booster = lgb.train(
        settings | {"num_threads": 1, "verbosity": -1, "seed": seed, "deterministic": True, "force_col_wise": True},
        train, num_boost_round=ours.max_trees, valid_sets=[val],
        callbacks=[lgb.early_stopping(ours.patience, verbose=False)],
    )  # fmt: skip

    def probabilities(x: Any) -> np.ndarray:
        p = np.asarray(booster.predict(matrix(x)))
        return np.stack([1 - p, p], 1) if classes == 2 else p

    return judged(data, probabilities(data.val.x), probabilities(data.test))


def judged(data: Any, val: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """The scores of predicted probabilities, by the evaluation of every record."""
    from bench.evaluation.evaluate import Predictions, evaluate
    from tests.tools.measured import SCORES

    counts = np.bincount(data.train.y.numpy(), minlength=data.train.n_classes)
    natural = np.maximum(counts, 0.5) / np.maximum(counts, 0.5).sum()
    parts = [Predictions(np.log(np.clip(p.astype(np.float64), 1e-300, 1)), split.numpy())
             for p, split in ((test, data.test_y), (val, data.val.y))]  # fmt: skip
    found = evaluate(*parts, prior=natural, natural=natural, train_counts=counts).values
    return {"classes": data.train.n_classes, **{name: found.get(column) for name, column in SCORES.items()}}


def line(name: str, ours: Sequence[float], lr: Sequence[float], hgb: Sequence[float] | None) -> str:
    """One row of the table."""
    gap, error = paired(ours, lr)
    kept = "yes" if gap >= -error else "no"
    shown = [f"{mean(ours):.3f}", f"{mean(lr):.3f}", f"{gap:+.3f} ± {error:.3f}", kept]
    if hgb is None:
        return f"| {name} | {' | '.join(shown)} | – | – |"
    way = (mean(ours) - mean(lr)) / gap if (gap := mean(hgb) - mean(lr)) > 0 else None
    return f"| {name} | {' | '.join(shown)} | {mean(hgb):.3f} | {'not better' if way is None else f'{way:.0%}'} |"


def bare(measured: Measured, name: str, data: Sequence[str], repetitions: int, seed: int = 0) -> list[Line]:
    """Lines of bare LightGBM; adds those that are missing."""
    from bench.cli.compose import compose, hydra_loader
    from bench.config import read_cell
    from bench.data.features.load import load_encoded
    from bench.models.registry import takes

    keys = [f"bare{f' seed {seed}' if seed else ''} {name} {r}" for r in range(repetitions)]
    if any(key not in measured.lines for key in keys):
        with hydra_loader() as loader:
            (raw,) = compose(loader, [["strategy=none", "model=lightgbm", *data]])
        cell = read_cell(raw)
        for r, key in enumerate(keys):
            if key not in measured.lines:
                encoded = load_encoded(cell.data, r, r, takes(cell.model))
                measured.add({"key": key, **bare_trees(encoded, seed)})
    return [measured.lines[key] for key in keys]


def of_models(
    measured: Measured,
    models: Sequence[str],
    repetitions: int,
    sets: Mapping[str, Sequence[str]],
    score: Callable[[Line], float] = score,
) -> str:
    """The table of models: means over the splits, our trees less bare ones, and what validation chooses."""
    lines, kept, reps = list[str](), list[bool](), range(repetitions)
    less, reseeded = list[float](), list[float]()  # by set: our trees less bare ones, bare ones less those of a seed
    for name, data in sets.items():
        references(measured, name, data, repetitions)
        found = {kind: [score(measured.lines[f"{kind} {name} {r}"]) for r in reps] for kind in ("lr", "hgb")}
        found["bare"] = [score(one) for one in bare(measured, name, data, repetitions)]
        jobs = [["strategy=none", f"model={m}", *data, f"split={r}", f"seed={r}"] for m in models for r in reps]
        trained = measured.run(jobs)
        of = {m: trained[i * repetitions : (i + 1) * repetitions] for i, m in enumerate(models)}
        ours = {m: [score(one) for one in of[m]] for m in models}
        picked = [min(models, key=lambda m, r=r: of[m][r]["val"]) for r in reps]  # type: ignore[misc]
        chosen = [ours[m][r] for r, m in enumerate(picked)]
        best = max(found, key=lambda kind: -1.0 if np.isnan(found[kind]).any() else mean(found[kind]))
        gap, error = paired(chosen, found[best])
        kept.append(gap >= -error)
        cells = [*(found[kind] for kind in found), *ours.values(), chosen]
        shown = ["–" if np.isnan(values).any() else f"{mean(values):.3f}" for values in cells]
        if "lightgbm" in models:
            less.append(paired(ours["lightgbm"], found["bare"])[0])
            other = [score(one) for one in bare(measured, name, data, repetitions, seed=1)]
            reseeded.append(paired(other, found["bare"])[0])
            shown.append(f"{less[-1]:+.4f}")
        lines.append(f"| {name} | {' | '.join([*shown, f'{gap:+.3f} ± {error:.3f}'])} |")
        print(lines[-1], flush=True)
    headings = ["set", "LR", "HGB", "bare LightGBM", *models, "chosen", *(["lightgbm − bare"] if less else [])]
    said = f"What validation chooses is at least the best reference, up to one standard error, on {sum(kept)} of "
    said += f"{len(kept)} sets."
    if less:
        said += f"\n\n`lightgbm` less bare LightGBM: {over_sets(less)} Bare LightGBM with another seed of its draws of "
        said += f"columns less itself: {over_sets(reseeded)}"
    rule = "|---|" + "--:|" * len(headings)
    table = [f"| {' | '.join([*headings, 'chosen − best reference'])} |", rule, *lines]
    return "\n".join([said, "", *table, ""])


def if_equal(sets: int, repetitions: int) -> str:
    """On how many sets a model would be at least an equally good one, up to one standard error of so many splits."""
    from scipy.stats import t

    share = float(t.cdf(1, repetitions - 1))
    return f"Of two models that are equally good, one is so on {share:.0%} of sets: on {share * sets:.0f} of {sets}."


def over_sets(differences: Sequence[float]) -> str:
    """A difference of means by set: its mean over sets, and on how many it is at least −.002."""
    error = stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else float("nan")
    near = sum(d >= -0.002 for d in differences)
    return f"{mean(differences):+.4f} ± {error:.4f} over sets, at least −.002 on {near} of {len(differences)}."


def paired(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """Mean of the differences and its standard error."""
    d = [x - y for x, y in zip(a, b, strict=True)]
    return mean(d), stdev(d) / len(d) ** 0.5 if len(d) > 1 else float("nan")


def main() -> None:
    """Train what is missing, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--models", nargs="*", default=None)
    parser.add_argument("--without", default="", help="with --models: no sets whose names begin so")
    parser.add_argument("--only", nargs="+", choices=SETS, metavar="SET", help="with --models: these sets only")
    arguments = parser.parse_args()
    if arguments.models:
        left = [n for n in SETS if not (arguments.without and n.startswith(arguments.without))]
        sets = {name: SETS[name] for name in arguments.only or left}
        text = of_models(Measured(arguments.lines), arguments.models, arguments.repetitions, sets)
        print(text)
        if arguments.out:
            head = (
                "# Models with `none` beside references\n\nAP of two classes, macro-F1 at the tuned rule of more, on "
                f"sets that no default was chosen by; {arguments.repetitions} splits. Made by `make models`.\n\n"
            )
            arguments.out.write_text(head + text, encoding="utf-8")
        return
    measured, reps = Measured(arguments.lines), range(arguments.repetitions)
    lines, kept, ways = [], [], []
    for name, data in SETS.items():
        ours = [score(one) for one in measured.run([["strategy=none", *data, f"split={r}", f"seed={r}"] for r in reps])]
        references(measured, name, data, len(reps))
        lr, hgb = ([score(measured.lines[f"{kind} {name} {r}"]) for r in reps] for kind in ("lr", "hgb"))
        lines.append(line(name, ours, lr, None if any(np.isnan(hgb)) else hgb))
        kept.append("| yes |" in lines[-1])
        if "%" in lines[-1]:
            ways.append(float(lines[-1].split("|")[-2].strip(" %")) >= 50)
        print(lines[-1], flush=True)
    said = f"At least logistic regression on {sum(kept)} of {len(kept)} sets; "
    said += (
        f"half of the way to gradient boosting or more on {sum(ways)} of {len(ways)}. {if_equal(len(kept), len(reps))}"
    )
    print(said)
    if arguments.out:
        text = ["# `none` with `mlp` beside logistic regression and gradient boosting", "",
                "AP of two classes, macro-F1 at the tuned rule of more, on sets that no default was chosen by; "
                f"{len(reps)} splits. Made by `make quality`.", "", said, "",
                "| set | mlp | LR | mlp − LR | at least | HGB | of the way |", "|---|--:|--:|--:|---|--:|--:|",
                *lines, ""]  # fmt: skip
        arguments.out.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
