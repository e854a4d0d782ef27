"""Public sets that were looked at before they were taken in: python -m tests.tools.checked_sets RESULTS.

Licence, what was found that would make a set easier than it is, the feature that alone tells most, and `none` with
three models from records. The commands that make the records are printed at the foot.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from bench.cli.compose import compose, hydra_loader
from bench.config import read_data
from bench.data.sources.rdatasets import SETS
from bench.data.tables.schema import Table, coded
from bench.records.record import Record
from bench.records.store import Store
from tests.tools.public_sets import row, scores

MODELS = ("linear", "mlp", "lightgbm")
LOOKED_AT = {
    "give_me_some_credit": "numbers of late payments are of before the two years; no leak",
    "tv_churn": "columns have no names; costs of decisions are no features; 1,743 equal rows are other customers",
    **{name: one.looked_at for name, one in SETS.items()},
}
ELSEWHERE = {  # AUROC / average precision of others, on splits of their own
    "give_me_some_credit": "TabArena: LightGBM .863, TabICLv2 .867",
    "tv_churn": "LR .586 / .074, HGB .668 / .105",
    "nassCDS": "LR .895 / .311, HGB .889 / .298",
    "hotel_rates": "with earlier bookings: LR .936 / .570, HGB .977 / .865",
    "Default": "LR .947 / .541, HGB .942 / .490",
}
RUN = "imbench run -m strategy=none model=linear,mlp,lightgbm results=R"
COMMANDS = (
    "imbench data get give_me_some_credit tv_churn rdatasets",
    f"{RUN} 'split=range(0,5)' data=rdatasets data.name={','.join(SETS)}",
    f"{RUN} 'split=range(0,5)' data=tv_churn",
    f"{RUN} 'split=range(0,3)' data=give_me_some_credit",
    "python -m tests.tools.checked_sets R",
)


def markdown(root: Path) -> str:
    """The whole file."""
    cells: dict[str, list[Record]] = defaultdict(list)
    for record in Store(root):
        if record.status == "done" and record.strategy == "none" and not record.tuned:
            cells[record.data].append(record)
    lines = [
        "# Public sets that were looked at before they were taken in",
        "",
        "AUROC / average precision of `none`, default settings, means over splits ± one standard deviation over them. "
        "Best feature: the AUROC of the one that alone tells most, numbers by their order, categories by the share of "
        "positives that they have in the other half of the rows. Others' figures: other splits, so near is all they "
        "need to be. The last column says how many of the splits below were run.",
        "",
        row(("set / target", "licence", "rows", "positive", "best feature", "looked at", *MODELS, "others", "splits")),
        "|---|---|--:|--:|---|---|--:|--:|--:|---|--:|",
        *(set_line(name, cells[name]) for name in LOOKED_AT),
        "",
        "## Commands",
        "",
        "```sh",
        *COMMANDS,
        "```",
    ]
    return "\n".join(lines) + "\n"


def set_line(name: str, records: list[Record]) -> str:
    """One set, by the splits that every model has."""
    having = [{r.split for r in records if r.model == model} for model in MODELS]
    records = [r for r in records if r.split in set.intersection(*having)]
    table = loaded(name)
    feature, auroc = best_feature(table)
    return row(
        (
            f"{name} / {table.target}",
            table.licence,
            f"{len(table):,}",
            f"{table.y.mean():.2%}",
            f"{feature} {auroc:.3f}",
            LOOKED_AT[name],
            *(scores([r for r in records if r.model == model]) for model in MODELS),
            ELSEWHERE.get(name, "–"),
            len({r.split for r in records}),
        )
    )


def loaded(name: str) -> Table:
    """A set as its YAML asks for it."""
    words = ["data=rdatasets", f"data.name={name}"] if name in SETS else [f"data={name}"]
    with hydra_loader() as loader:
        (raw,) = compose(loader, [words])
    return read_data(raw["data"]).load()


def best_feature(table: Table) -> tuple[str, float]:
    """The feature that alone ranks the rows of two classes best, and its AUROC."""
    half = np.random.default_rng(0).permutation(len(table)) % 2 == 0
    found = {}
    for column in table.columns:
        if column.kind == "numeric":
            numbers = table.frame[column.name]
            auroc = roc_auc_score(table.y, numbers.fillna(numbers.median()))
            found[column.name] = max(auroc, 1 - auroc)
        else:
            codes = coded(table.frame[column.name])[0].astype(np.int64) + 1
            found[column.name] = np.mean([held_out(codes, table.y, rows) for rows in (half, ~half)])
    best = max(found, key=lambda name: found[name])
    return best, float(found[best])


def held_out(codes: np.ndarray, y: np.ndarray, fitted: np.ndarray) -> float:
    """AUROC of the rows that were not fitted by each category's share of positives, drawn to the mean by five rows."""
    rows = np.bincount(codes[fitted], minlength=codes.max() + 1)
    positive = np.bincount(codes[fitted], weights=y[fitted], minlength=codes.max() + 1)
    share = (positive + 5 * y[fitted].mean()) / (rows + 5)
    return float(roc_auc_score(y[~fitted], share[codes[~fitted]]))


def main() -> None:
    """Read records, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a results folder")
    parser.add_argument("--out", type=Path, default=Path("results/data/checked-sets.md"))
    options = parser.parse_args()
    options.out.write_text(markdown(options.results), encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()
