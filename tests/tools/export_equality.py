"""How equal an exported model is to its record, by kind of predictor, and which of scikit-learn's checks it passes.

`python -m tests.tools.export_equality [OUT.md | --quick]` trains one small cell of each kind on generated orders,
exports it, reads the folder back and prints the largest differences of a probability; two minutes of a core.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pandas as pd

from bench.__main__ import main as command
from bench.evaluation.views import log_softmax
from bench.export.model_folder import load
from bench.records.predictions import unpack
from bench.records.store import Store
from tests.api.test_classifier import EXPECTED, QUICK, estimator_checks_generator
from tests.command_line import imbench, records
from tests.export.rows import orders

KINDS = {
    "linear": ("none", "model=linear"),
    "network": ("class_weights", "model=mlp"),
    "network, cosine head": ("ldam", "model=mlp"),
    "network, norms of the head changed": ("tau_norm", "model=mlp"),
    "network, several logits a class": ("class_decomposition", "model=mlp"),
    "shifted logits": ("logit_adjustment", "model=linear", "strategy.logit_adjustment.mode=posthoc"),
    "average of networks": ("balanced_bagging", "model=mlp", "strategy.balanced_bagging.members=3"),
    "network that is an ensemble": ("none", "model=tabm"),
    "trees": ("undersample", "model=lightgbm", "model.max_trees=30"),
    "average of trees": ("easy_ensemble", "model=lightgbm", "model.max_trees=10", "strategy.easy_ensemble.members=3"),
}
"""Kind of predictor -> strategy, model and settings."""

_ONNX = re.compile(r"by onnxruntime within (\S+) of")
_SHORT = ("train.max_steps=60", "train.eval_every=20", "train.batch_size=64")


@dataclass(frozen=True)
class Equality:
    """The largest differences of a probability to the record's, over its stored rows.

    read: the folder read back, rows from the file; alone: the same rows one at a time, against together; scored: the
    file that `imbench predict` writes; onnx: by onnxruntime, None where there is no ONNX. decisions: so many differ.
    """

    rows: int
    read: float
    alone: float
    scored: float
    decisions: int
    onnx: float | None


def measured(kind: str, folder: Path, *, classes: int) -> Equality:
    """One cell trained, exported and held to its record."""
    frame = orders()
    if classes > 2:
        frame["late"] = np.where(frame["late"] == "no", np.where(frame["gift"] == "True", "gift", "no"), "yes")
    frame = frame.drop(columns="gift" if classes > 2 else [])
    file, model, results = folder / "orders.csv", folder / "model", folder / "results"
    folder.mkdir(parents=True)
    frame.to_csv(file, index=False)
    strategy, *own = KINDS[kind]
    onnx = own[0] in ("model=linear", "model=mlp") and strategy != "class_decomposition"
    data = (
        "data=file",
        f"data.path={file}",
        "data.target=late",
        "data.formats={paid: currency}",
        "data.dates=[bought]",
    )
    cell = (
        *data,
        f"strategy={strategy}",
        *own,
        *_SHORT,
        *(("data.ignore=[note]",) if onnx or "model=tabm" in own else ()),
    )
    with redirect_stdout(io.StringIO()) as said:
        assert imbench("run", *cell, results=results) == 0
        words = ("onnx=true",) if onnx else ()
        assert imbench("export", *cell, f"out={model}", *words, results=results) == 0
    (record,), made = records(results).values(), load(model)
    text = pd.read_csv(file, dtype=str, keep_default_na=False)
    parts = [unpack(Store(results).predictions(record), part) for part in ("val", "test")]
    rows, logits = (np.concatenate([part[i] for part in parts]) for i in (0, 2))
    p, own_rows = made.predict_proba(text.iloc[rows], "raw"), text.iloc[rows[:20]]
    alone = np.concatenate([made.predict_proba(own_rows.iloc[[i]], "raw") for i in range(len(own_rows))])
    out = folder / "scored.parquet"
    with redirect_stdout(io.StringIO()):
        assert command(["predict", str(model), str(file), f"out={out}"]) == 0
    scored = pd.read_parquet(out).iloc[rows]
    shown = made.classes[1:] if classes == 2 else made.classes
    views, decided = made.rule.views(logits), np.array(made.classes)[made.rule.decide(logits)]
    off = [
        np.abs(scored[f"{view}/{name}"] - np.exp(log_softmax(views[view]))[:, made.classes.index(name)]).max()
        for view in views
        for name in shown
    ]
    found = _ONNX.search(said.getvalue())
    return Equality(
        rows=len(rows),
        read=float(np.abs(p - np.exp(log_softmax(logits))).max()),
        alone=float(np.abs(alone - p[:20]).max()),
        scored=float(max(off)),
        decisions=int(np.count_nonzero(scored["decision"].to_numpy() != decided)),
        onnx=float(found[1]) if found else None,
    )


def table(folder: Path, classes_of: Sequence[int]) -> str:
    """Every kind, for these numbers of classes, as Markdown."""
    lines = [
        "| predictor | classes | rows | read back | one row at a time | `imbench predict` | decisions apart | ONNX |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in KINDS:
        for classes in classes_of:
            own = measured(kind, folder / f"{kind} {classes}".replace(" ", "-").replace(",", ""), classes=classes)
            onnx = "–" if own.onnx is None else f"{own.onnx:.1g}"
            lines.append(
                f"| {kind} | {classes} | {own.rows} | {own.read:.1g} | {own.alone:.1g} | {own.scored:.1g} | "
                f"{own.decisions} | {onnx} |"
            )
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def checks() -> str:
    """What each check of scikit-learn's `check_estimator` says, as Markdown: those that pass in one line."""
    passed, skipped, excepted = list[str](), list[str](), list[str]()
    for estimator, check in estimator_checks_generator(QUICK):
        name = check.func.__name__
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                check(estimator)
            except SkipTest as error:
                skipped.append(f"{name} ({error})")
            except AssertionError as error:
                excepted.append(f"| `{name}` | {EXPECTED[name]} | {' '.join(str(error).split())[:80]} |")
            else:
                passed.append(name)
    head = ["| excepted | cause | what scikit-learn says |", "|---|---|---|"]
    said = f"{len(passed)} checks pass: {', '.join(passed)}." + (f" Skipped: {'; '.join(skipped)}." if skipped else "")
    return "\n".join([said, "", *head, *excepted])


def main() -> None:
    """Print both tables, or write them; with `--quick` the first alone, of two classes."""
    quick = sys.argv[1:] == ["--quick"]
    with tempfile.TemporaryDirectory() as folder:
        equality = table(Path(folder), (2,) if quick else (2, 3))
    if quick:
        print(equality)
        return
    text = f"""# Exported models held to their records

By `python -m tests.tools.export_equality`. The largest difference of a probability to the record's, over the validation
and test rows of a file of 400 orders (numbers, amounts, dates, categories, and text where there is no ONNX). ONNX: by
onnxruntime, against the model, on the test rows.

{equality}

## `check_estimator` of scikit-learn

`imbench.ImbalancedClassifier("none", "linear")`; `tests/api/test_classifier.py` runs each check as a test.

{checks()}
"""
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
