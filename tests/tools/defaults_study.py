"""How defaults were chosen: python -m tests.tools.defaults_study OUT.jsonl [--model lightgbm] [--arm NAME …].

Of training and of `mlp`, or of another model.

Only `none` is trained: a default must not be chosen by what a treatment gains from it. Choices were made by the sets
CHOSEN_ON alone, which were listed before anything was trained; REPORTED_ON are looked at once, with what was chosen.
Every arm differs from the defaults in one thing. Repetitions are (split r, seed r). Lines are kept as they come
(tests/tools/measured.py), so the command can be stopped and given again.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from tests.tools.measured import Measured, score

# Of KEEL's 100 sets those with at least 25 rare rows to train on, in alphabetical order, every second one.
KEEL_CHOSEN_ON = (
    "abalone-17_vs_7-8-9-10", "car-good", "ecoli-0_vs_1", "ecoli2", "glass-0-1-2-3_vs_4-5-6", "glass1", "iris0",
    "kr-vs-k-one_vs_fifteen", "kr-vs-k-zero-one_vs_draw", "pima", "shuttle-2_vs_5", "vehicle0", "vehicle2", "vowel0",
    "wisconsin", "yeast-0-2-5-7-9_vs_3-6-8", "yeast-0-5-6-7-9_vs_4", "yeast1", "yeast4",
)  # fmt: skip
KEEL_REPORTED_ON = (
    "abalone9-18", "car-vgood", "ecoli1", "flare-F", "glass0", "haberman", "kddcup-guess_passwd_vs_satan",
    "kr-vs-k-three_vs_eleven", "page-blocks0", "segment0", "shuttle-c0-vs-c4", "vehicle1", "vehicle3",
    "winequality-red-4", "yeast-0-2-5-6_vs_3-7-8-9", "yeast-0-3-5-9_vs_7-8", "yeast-2_vs_4", "yeast3", "yeast5",
)  # fmt: skip
GENERATED = ("data=impressions", "data.rows=30000", "data.prevalence=0.03", "data.world=1", "data.target=purchase")
CHOSEN_ON: Mapping[str, tuple[str, ...]] = {
    "lending_club": ("data=lending_club",),
    "cdnow": ("data=cdnow",),
    "impressions, world 1": GENERATED,
    "womens, not_recommended": ("data=womens", "data.target=not_recommended"),
    "womens, not_recommended, rarer": ("data=womens", "data.target=not_recommended", "data.imbalance=27"),
    **{f"keel {name}": ("data=keel", f"data.name={name}") for name in KEEL_CHOSEN_ON},
}
REPETITIONS = {"keel": 2}  # of the others: OF_OTHERS
OF_OTHERS = 3

ARMS: Mapping[str, tuple[str, ...]] = {
    "defaults": (),
    "linear numbers": ("model.bins=0",),
    "no hidden layer": ("model.hidden=[]",),
    "neither": ("model.hidden=[]", "model.bins=0"),
    "hidden 128": ("model.hidden=[128]",),
    "hidden 64, 64": ("model.hidden=[64,64]",),
    "hidden 64": ("model.hidden=[64]",),
    "4 bins": ("model.bins=4",),
    "16 bins": ("model.bins=16",),
    "no dropout": ("model.dropout=0",),
    "dropout .15": ("model.dropout=0.15",),
    "dropout .5": ("model.dropout=0.5",),
    "rate .01": ("train.lr=0.01",),
    "rate .001": ("train.lr=0.001",),
    "constant rate": ("train.decay=0",),
    "weight decay .1": ("train.weight_decay=0.1",),
    "weight decay 1": ("train.weight_decay=1.0",),
    "decay .15": ("train.decay=0.15",),
    "decay .5": ("train.decay=0.5",),
    "patience 5": ("train.patience=5",),
    "patience 20": ("train.patience=20",),
    "4 times steps and patience": ("train.max_steps=16000", "train.patience=40"),
}

_FIFTEEN = "model.num_leaves=15"
TREES: Mapping[str, tuple[str, ...]] = {
    "defaults": (),
    "15 leaves": (_FIFTEEN,),
    "15 leaves of 5 rows": (_FIFTEEN, "model.min_data_in_leaf=5"),
    "15 leaves, all columns": (_FIFTEEN, "model.feature_fraction=1.0"),
    "15 leaves, rate .1": (_FIFTEEN, "model.learning_rate=0.1"),
    "4 leaves": ("model.num_leaves=4",),
    "leaves of 10 rows": ("model.min_data_in_leaf=10",),
    "leaves of 40 rows": ("model.min_data_in_leaf=40",),
    "a quarter of columns": ("model.feature_fraction=0.25",),
    "rate .025": ("model.learning_rate=0.025", "model.patience=200"),
    "patience 50": ("model.patience=50",),
    "patience 200": ("model.patience=200",),
}
ARMS_OF = {"mlp": ARMS, "lightgbm": TREES}


def repetitions(name: str) -> int:
    """How many splits of a set."""
    return REPETITIONS.get(name.split(" ", maxsplit=1)[0], OF_OTHERS)


Found = dict[str, dict[str, list[float]]]


def scores(
    measured: Measured, arms: Mapping[str, Sequence[str]], sets: Mapping[str, Sequence[str]], model: str = "mlp"
) -> Found:
    """The board's metric of every repetition, by arm and set; trains what is missing."""
    found: Found = {arm: {} for arm in arms}
    for name, data in sets.items():
        reps = range(repetitions(name))
        jobs = [
            ["strategy=none", f"model={model}", *data, *own, f"split={r}", f"seed={r}"]
            for own in arms.values()
            for r in reps
        ]
        lines = measured.run(jobs)
        for i, arm in enumerate(arms):
            found[arm][name] = [score(line) for line in lines[i * len(reps) : (i + 1) * len(reps)]]
        print(f"{name:42}", *(f"{arm} {mean(found[arm][name]):.4f}" for arm in arms), flush=True)
    return found


def groups(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Means: of KEEL's sets together, of the others each."""
    by_group: dict[str, list[float]] = defaultdict(list)
    for name, values in found.items():
        by_group[name.split(" ")[0] if name.startswith("keel") else name].append(mean(values))
    return {name: mean(values) for name, values in by_group.items()}


def against(
    found: Mapping[str, Sequence[float]], base: Mapping[str, Sequence[float]]
) -> dict[str, tuple[float, float]]:
    """Mean paired difference to the defaults and its standard error, by group."""
    by_group: dict[str, list[float]] = defaultdict(list)
    for name, values in found.items():
        differences = [a - b for a, b in zip(values, base[name], strict=True)]
        by_group["keel" if name.startswith("keel") else name] += (
            [mean(differences)] if name.startswith("keel") else differences
        )
    return {name: (mean(d), stdev(d) / len(d) ** 0.5 if len(d) > 1 else float("nan")) for name, d in by_group.items()}


def tabled(found: Found) -> list[str]:
    """One line per arm, one column per group: score, and paired difference to the first arm."""
    base = next(iter(found.values()))
    names = list(groups(base))
    lines = [f"| arm | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}"]
    for arm, of_arm in found.items():
        shown, means = against(of_arm, base), groups(of_arm)
        cells = [
            f"{means[n]:.4f}" + ("" if of_arm is base else f" ({shown[n][0]:+.4f} ± {shown[n][1]:.4f})") for n in names
        ]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Train what is missing, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--model", choices=list(ARMS_OF), default="mlp")
    parser.add_argument("--arm", nargs="*", default=None)
    parser.add_argument("--sets", type=int, default=len(CHOSEN_ON), help="only the first ones")
    parser.add_argument("--without", default="", help="no sets whose names begin so")
    parser.add_argument("--write", type=Path, help="append the table to this file")
    arguments = parser.parse_args()
    known = ARMS_OF[arguments.model]
    arms = {name: known[name] for name in arguments.arm or known}
    sets = dict(list(CHOSEN_ON.items())[: arguments.sets])
    if arguments.without:
        sets = {name: data for name, data in sets.items() if not name.startswith(arguments.without)}
    lines = tabled(scores(Measured(arguments.lines), arms, sets, arguments.model))
    print("\n".join(lines))
    if arguments.write:
        with arguments.write.open("a", encoding="utf-8") as file:
            file.write("\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
