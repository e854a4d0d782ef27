"""The table of public sets from records: python -m tests.tools.public_sets RESULTS [--out results/data/public-sets.md].

The commands that make the records are printed at its foot; sets of other sources than SETS and KEEL are left out.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, median, stdev

from bench.data.sources.keel import Keel
from bench.data.sources.parts.coil import coil_score
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.registry import SOURCES
from bench.records.predictions import unpack
from bench.records.record import Record
from bench.records.store import Store

MODELS = ("linear", "mlp")
SETS = {  # (source, target) -> reference figures of the collection's notes, on splits of their own
    ("womens", "one_star"): "tf-idf LR .928 / .36",
    ("womens", "not_recommended"): "tf-idf LR AUROC .948",
    ("womens", "class"): "tf-idf LR macro-F1 .377 (balanced .470)",
    ("cdnow", "buys_30d"): "LR .783 / .311",
    ("cdnow", "buys_7d"): "LR .786 / .119",
    ("open_bandit", "click"): "none",
    ("open_bandit", "click_women"): "none",
    ("caravan", "purchase"): "CoIL score: below",
    ("caravan_islr", "purchase"): "none",
    ("lending_club", "bad_loan"): "LR .748 / .149",
    ("census_kdd", "over_50k"): "gradient boosting .945 / .648",
    ("digits_lt", "digit"): "none",
    ("fashion_mnist_lt", "article"): "none",
}
RUN = "imbench run -m strategy=none model=linear,mlp 'split=range(0,5)' results=R"
GIVEN = "imbench run -m strategy=none model=linear,mlp 'seed=range(0,5)' results=R"
COIL = "'strategy=none,class_weights' model=linear,mlp data=caravan results=R"
COMMANDS = (
    "imbench data get cdnow open_bandit caravan caravan_islr lending_club census_kdd keel fashion_mnist_lt",
    f"{RUN} data=womens data.target=one_star,not_recommended,class",
    f"{RUN} data=cdnow data.target=buys_30d,buys_7d",
    f"{RUN} data=open_bandit data.target=click,click_women",
    f"{RUN} data=caravan_islr,lending_club,digits_lt,fashion_mnist_lt",
    f"{GIVEN} data=caravan,census_kdd",
    f"{RUN} data=keel data.name=$(python -c 'from bench.data.sources.keel import HASHES; print(*HASHES, sep=\",\")')",
    f"imbench tune -m {COIL} tune.trials=15",
    f"imbench run -m {COIL} 'seed=range(0,5)'",
    f"imbench run -m {COIL} 'seed=range(5,10)' tuned=true tune.trials=15",
    "python -m tests.tools.public_sets R",
)

Cells = list[Record]


def markdown(root: Path) -> str:
    """The whole file."""
    cells: dict[tuple[str, str], Cells] = defaultdict(list)
    keel: dict[str, Cells] = defaultdict(list)
    coil: dict[tuple[str, str, bool], Cells] = defaultdict(list)
    store, unfinished = Store(root), 0
    for record in store:
        source = record.config["data"]["source"]
        unfinished += record.status != "done"
        if record.status != "done":
            continue
        if source == "caravan":
            coil[record.strategy, record.model, record.tuned].append(record)
        if record.strategy == "none" and not record.tuned:
            (keel[record.data] if source == "keel" else cells[source, record.target]).append(record)
    lines = [
        "# Public sets: `none`, linear and mlp",
        "",
        "Sets that were taken in later, with what was looked at first: [checked-sets.md](checked-sets.md).",
        "",
        "Two classes: AUROC / average precision of the raw scores; more: macro-F1 at the default rule / at the rule "
        "tuned on validation rows. Means over splits and seeds, ± one standard deviation over them. Default "
        "hyperparameters. Prevalence is that of the training rows. Reference figures are those of the notes that the "
        "collection was chosen by: other models and splits, so near is all they need to be.",
        "",
        "| set / target | source | licence | rows | classes | linear | mlp | reference | splits × seeds |",
        "|---|---|---|--:|---|--:|--:|---|--:|",
        *(set_line(key, cells[key]) for key in SETS if key in cells),
        "",
        *(f"Not run: {s}/{t}." for s, t in SETS if (s, t) not in cells),
        f"{unfinished} cells without result.",
        "",
        *coil_lines(store, coil),
        *keel_lines(keel),
        *commands(),
    ]
    return "\n".join(lines) + "\n"


def commands() -> list[str]:
    """How it was made."""
    return ["", "## Commands", "", "```sh", *COMMANDS, "```"]


def set_line(key: tuple[str, str], records: Cells) -> str:
    """One set and target."""
    source = SOURCES.get(key[0])
    origin = source.citation if issubclass(source, FetchedSource) else source.title
    seeds = f"{len({r.split for r in records})} × {len({r.seed for r in records})}"
    texts = (
        f"{key[0]} / {key[1]}",
        origin,
        records[0].traits["licence"],
        f"{records[0].traits['rows']:,}",
        classes(records[0]),
        *(scores([r for r in records if r.model == m]) for m in MODELS),
        SETS[key],
        seeds,
    )
    return row(texts)


def row(texts: Sequence[object]) -> str:
    """A line of a table."""
    return "| " + " | ".join(str(t).replace("|", "\\|") for t in texts) + " |"


def classes(record: Record) -> str:
    """`2, 3.6%`, or the number of classes and the ratio of the largest to the smallest."""
    counts = record.traits["train_counts"]
    if len(counts) == 2:
        return f"2, {counts[1] / sum(counts):.2%}"
    return f"{len(counts)}, ratio {max(counts) / min(counts):.0f}"


def scores(records: Cells) -> str:
    """The metrics of one model."""
    if not records:
        return "–"
    binary = records[0].traits["n_classes"] == 2
    names = ("raw/auroc", "raw/average_precision") if binary else ("default/macro_f1", "tuned/macro_f1")
    return " / ".join(spread([r.metrics[name] for r in records]) for name in names)


def spread(values: Iterable[float | None]) -> str:
    """`.812 ± .010`; undefined values are counted, not averaged away."""
    every = list(values)
    found = [v for v in every if v is not None]
    if not found:
        return "undefined"
    text = short(mean(found)) + (f" ± {short(stdev(found))}" if len(found) > 1 else "")
    return text + (f" ({len(every) - len(found)} undefined)" if len(found) < len(every) else "")


def short(value: float) -> str:
    """Three digits, without the leading zero."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def coil_lines(store: Store, cells: dict[tuple[str, str, bool], Cells]) -> list[str]:
    """The challenge's score: buyers among the 800 test rows with the highest scores."""
    lines = [
        "## CoIL Challenge 2000",
        "",
        "Buyers among the 800 highest scored of the challenge's 4,000 test rows; 238 buyers in all, 47.6 at random, "
        "121 by the winner (naive Bayes). Ties count in expectation. Tuned: 15 trials on validation rows, then "
        "trained with seeds that the search has not seen.",
        "",
        "| strategy | model | tuned | score, mean | least to most | AUROC | seeds |",
        "|---|---|---|--:|---|--:|--:|",
    ]
    for (strategy, model, tuned), records in sorted(cells.items()):
        found = []
        for record in records:
            _, y, logits = unpack(store.predictions(record), "test")
            found.append(coil_score(logits[:, 1] - logits[:, 0], y))
        texts = (
            strategy,
            model,
            "yes" if tuned else "no",
            f"{mean(found):.1f}",
            f"{min(found):g} to {max(found):g}",
            spread([r.metrics["raw/auroc"] for r in records]),
            len(records),
        )
        lines.append(row(texts))
    return [*lines, ""]


def keel_lines(cells: dict[str, Cells]) -> list[str]:
    """A summary of KEEL's sets, then each of them."""
    lines = ["## KEEL", ""]
    if not cells:
        return [*lines, "Not run."]
    means = {
        metric: {
            model: [mean(v) for records in cells.values() if (v := defined(records, model, metric))] for model in MODELS
        }
        for metric in ("raw/auroc", "raw/average_precision")
    }
    for metric, of in means.items():
        texts = ", ".join(f"{m} {short(median(of[m]))} (least {short(min(of[m]))})" for m in MODELS if of[m])
        lines.append(f"- {metric.removeprefix('raw/')}, median over {len(cells)} sets of the mean over splits: {texts}")
    lines += [
        "",
        f"Source: {Keel.citation}; licence: {Keel.licence}.",
        "",
        "| set | rows | rare rows to train on | prevalence | linear | mlp | splits |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, records in sorted(cells.items()):
        first = min(records, key=lambda r: (r.split, r.seed))
        counts = first.traits["train_counts"]
        found = (scores([r for r in records if r.model == m]) for m in MODELS)
        texts = (
            name,
            f"{first.traits['rows']:,}",
            counts[1],
            f"{counts[1] / sum(counts):.2%}",
            *found,
            len({r.split for r in records}),
        )
        lines.append(row(texts))
    return lines


def defined(records: Cells, model: str, metric: str) -> list[float]:
    """The values of a metric that there are."""
    return [v for r in records if r.model == model and (v := r.metrics[metric]) is not None]


def main() -> None:
    """Read records, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a results folder")
    parser.add_argument("--out", type=Path, default=Path("results/data/public-sets.md"))
    options = parser.parse_args()
    text = markdown(options.results)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()
