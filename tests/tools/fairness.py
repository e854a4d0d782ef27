"""Is the race fair? Strategies at 1, 4 and 16 times the budget: python -m tests.tools.fairness LINES [--write FILE].

More budget (steps and patience) must change the mean of `none` by at most .003, and no strategy's difference to `none`
by more than .005: else a board shows who was stopped when, and not who is better. Repetitions are (split r, seed r) on
the same rows for all budgets, so that changes are paired; their standard errors stand beside them, because with few
rare test rows a change of .005 is within the noise of five seeds.

Cells are kept as they come (tests/tools/measured.py): the same command goes on where it was stopped. `--write` makes
the table of what is there, without training. The whole (ten sets, five strategies, three budgets, five seeds) costs
hours of one core; `--small` (three sets, two strategies, two budgets, three seeds) is what runs in minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from tests.tools.measured import Measured, score

SETS: Mapping[str, tuple[str, ...]] = {  # the quick ones first
    "keel / yeast3": ("data=keel", "data.name=yeast3"),
    "keel / page-blocks0": ("data=keel", "data.name=page-blocks0"),
    "keel / winequality-red-4": ("data=keel", "data.name=winequality-red-4"),
    "digits_lt / digit": ("data=digits_lt",),
    "womens / one_star": ("data=womens", "data.target=one_star"),
    "impressions / purchase": ("data=impressions", "data.target=purchase", "data.rows=30000", "data.prevalence=0.03"),
    "cdnow / buys_30d": ("data=cdnow",),
    "womens / class": ("data=womens", "data.target=class"),
    "lending_club / bad_loan": ("data=lending_club",),
    "impressions / click": ("data=impressions",),
}
STRATEGIES = ("none", "class_weights", "oversample", "undersample", "focal")
BUDGETS = (1, 4, 16)
SMALL = (3, 2, 2, 3)  # how many of the sets, strategies, budgets and seeds
OF_NONE, OF_DIFFERENCES = 0.003, 0.005

Scores = dict[tuple[str, str, int], list[float]]  # (set, strategy, budget) -> by seed


def jobs(data: Sequence[str], strategy: str, budget: int, seeds: int, default: tuple[int, int]) -> list[list[str]]:
    """The cells of one entry; `default`: steps and patience of the defaults."""
    more = [f"train.max_steps={default[0] * budget}", f"train.patience={default[1] * budget}"]
    return [[f"strategy={strategy}", *data, *more, f"split={r}", f"seed={r}"] for r in range(seeds)]


def trained(
    measured: Measured, default: tuple[int, int], extent: tuple[int, int, int, int], only: Sequence[str], *, train: bool
) -> Scores:
    """Scores of all entries that are there, after training the missing ones.

    `extent`: how many of the sets, strategies, budgets and seeds; `only`: these sets.
    """
    sets, strategies, budgets, seeds = extent
    names = [name for name in list(SETS)[:sets] if not only or name in only]
    found: Scores = {}
    pairs = [(name, budget) for name in names for budget in BUDGETS[:2]]
    pairs += [(name, budget) for budget in BUDGETS[2:budgets] for name in names]  # what costs most, last
    for name, budget in pairs:
        asked = [job for s in STRATEGIES[:strategies] for job in jobs(SETS[name], s, budget, seeds, default)]
        if train:
            measured.run(asked)
        by_job = {tuple(line["job"]): line for line in measured.lines.values()}
        for i, strategy in enumerate(STRATEGIES[:strategies]):
            lines = [by_job.get(tuple(job)) for job in asked[i * seeds : (i + 1) * seeds]]
            if all(line is not None for line in lines):
                found[name, strategy, budget] = [score(line) for line in lines if line is not None]
        if train:
            shown = (f"{s} {mean(v):.4f}" for (n, s, b), v in found.items() if (n, b) == (name, budget))
            print(f"{budget}× {name}", *shown, flush=True)
    return found


def change(later: Sequence[float], sooner: Sequence[float]) -> tuple[float, float]:
    """Mean paired change and its standard error."""
    d = [a - b for a, b in zip(later, sooner, strict=True)]
    return mean(d), stdev(d) / len(d) ** 0.5 if len(d) > 1 else float("nan")


def table(found: Scores) -> list[str]:
    """One line per set and strategy: the score at each budget, and what more budget changed."""
    lines = [
        "| set | strategy | 1× | 4× | 16× | change at 4× | Δ none, 1× | Δ none, 4× | change of Δ | fair |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for name, strategy in dict.fromkeys((n, s) for n, s, _ in found):
        own = {b: found.get((name, strategy, b)) for b in BUDGETS}
        none = {b: found.get((name, "none", b)) for b in BUDGETS}
        cells = [f"{mean(v):.4f}" if v else "" for v in own.values()]
        if not (own[1] and own[4] and none[1] and none[4]):
            lines.append(f"| {name} | {strategy} | {' | '.join(cells)} | | | | | |")
            continue
        by, error = change(own[4], own[1])
        before, after = ([a - b for a, b in zip(own[k] or (), none[k] or (), strict=True)] for k in (1, 4))
        moved, noise = change(after, before)
        if strategy == "none":
            verdict = "yes" if abs(by) <= OF_NONE else "within noise" if abs(by) <= OF_NONE + 2 * error else "no"
            rest = "| | | "
        else:
            verdict = "yes" if abs(moved) <= OF_DIFFERENCES else "within noise" if abs(moved) <= 2 * noise else "no"
            rest = f"| {mean(before):+.4f} | {mean(after):+.4f} | {moved:+.4f} ± {noise:.4f} "
        lines.append(f"| {name} | {strategy} | {' | '.join(cells)} | {by:+.4f} ± {error:.4f} {rest}| {verdict} |")
    return lines


def main() -> None:
    """Train what is missing, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--write", type=Path, help="only make the table of what is there")
    parser.add_argument("--default", type=int, nargs=2, default=(4000, 10), help="steps and patience of the defaults")
    parser.add_argument("--title", default="as it is now")
    parser.add_argument("--only", nargs="+", choices=SETS, metavar="SET", default=[], help="these sets")
    parser.add_argument("--seeds", type=int, help="more of them, where five leave a change within the noise")
    parser.add_argument("--budgets", type=int, choices=(2, 3), help="2: without 16 times the budget")
    arguments = parser.parse_args()
    measured = Measured(arguments.lines)
    extent = SMALL if arguments.small else (len(SETS), len(STRATEGIES), len(BUDGETS), 5)
    extent = (*extent[:2], arguments.budgets or extent[2], arguments.seeds or extent[3])
    found = trained(measured, tuple(arguments.default), extent, arguments.only, train=arguments.write is None)
    lines = table(found)
    print("\n".join(lines))
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        text = [f"# Fairness of the race, {arguments.title}", "",
                "AP of two classes, macro-F1 at the tuned rule of more; means over (split r, seed r), ± one standard "
                "error of the paired change. Fair: `none` changes by at most .003 with four times the steps and "
                "patience, a difference to `none` by at most .005. Made by `make fairness`.", "",
                *lines, ""]  # fmt: skip
        arguments.write.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
