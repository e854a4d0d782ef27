"""What a board says in words: the verdict, what its intervals are about, what its marks mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.evaluation.registry import metric_of
from bench.leaderboard.boards.model import Budget, MetricColumn, Row
from bench.leaderboard.statistics.power import units_to_separate
from bench.leaderboard.statistics.seeds import Comparison, Design
from bench.leaderboard.text.numbers import half_width
from bench.leaderboard.text.words import list_of, plural


def verdict(
    rows: Sequence[Row], comparison: Comparison, smallest: float | None, design: Design, score: MetricColumn
) -> str:
    """What the repetitions can tell apart, in plain words."""
    scored = [row for row in rows if row.score is not None]
    if not scored:
        return "No finished run with a value of the ranking metric: nothing to compare yet."
    if len(scored) == 1:
        return f"Only {scored[0].label} has a value: nothing to compare it with yet."
    unit = "split" if design.splits > 1 else "seed"
    if design.inflation is None:
        return "No ranks: the records do not tell n_train and n_test, which the test over several splits needs."
    counts = [d.n for d in comparison.differences.values()]
    if max(counts, default=0) < 2:
        return (
            f"With one {unit} nothing can be told apart, so there are no ranks: one number cannot show how much the "
            f"next {unit} would change it. Run at least three, better five ({unit}=0,1,2,3,4)."
        )
    typical = max(set(counts), key=lambda n: (counts.count(n), n))
    start = f"With {plural(typical, unit)} and {plural(comparison.tested, 'comparison')}"
    if smallest is None:
        power = f"{start}, no variance between {unit}s was seen, so differences cannot be judged"
    elif smallest > _largest_realistic(scored, score):
        power = (
            f"{start}, no realistic difference can be told from chance: so few {unit}s would miss even half of the "
            f"range of {score.label} more often than 1 time in 5. Run at least five ({unit}=0,1,2,3,4)"
        )
    else:
        power = (
            f"{start}, a true difference must be about {half_width(smallest)} to be found 4 times in 5 (Holm-adjusted, "
            "5%); smaller ones are easily missed"
        )
    top = [row.label for row in scored if row.rank == 1]
    ranked = sum(row.rank is not None for row in scored)
    if len(top) == ranked:
        outcome = "No strategy is significantly better than another: all share rank 1"
    else:
        outcome = f"The top {len(top)} share rank 1" if len(top) > 1 else f"{top[0]} alone has rank 1"
    return f"{power}. {outcome}.{_top_two(scored, comparison, design)}"


def _largest_realistic(scored: Sequence[Row], score: MetricColumn) -> float:
    """Half the range of a metric within [0, 1]; for an unbounded one, the largest mean on the board."""
    realistic = metric_of(score.key).realistic
    if realistic is not None:
        return realistic
    return max((abs(row.score.mean) for row in scored if row.score), default=math.inf)


def _top_two(scored: Sequence[Row], comparison: Comparison, design: Design) -> str:
    """How many more units would separate the two best means, were what was seen the truth; empty where they are."""
    best = sorted((r for r in scored if r.score), key=lambda r: r.score.mean if r.score else 0.0)
    higher = len(best) > 1 and (best[0].rank or 0) >= (best[-1].rank or 0)
    first, second = (best[-1], best[-2]) if higher else (best[0], best[1])
    difference = comparison.between(first.label, second.label)
    if difference is None or difference.p is None or first.rank != second.rank:
        return ""
    unit = "split" if design.splits > 1 else "seed"
    names = f"{first.label} and {second.label}"
    needed = units_to_separate(difference, comparisons=max(1, comparison.tested), inflation=design.inflation or 0.0)
    if not difference.mean:
        return ""
    if needed is None:
        return f" No number of {unit}s up to 10,000 would separate the top two, {names}, at the difference seen."
    more = needed - difference.n
    if more <= 0:
        return ""
    return f" To separate the top two, {names}, about {more:,} more {unit}s would be needed at the difference seen."


def legend(rows: Sequence[Row]) -> Iterator[str]:
    """What rank, ± and marks mean."""
    yield (
        "Rank = 1 + number of strategies that are significantly better (paired t test on common seeds, Holm-adjusted "
        "over all pairs of a board, 5%); bold: rank 1, where any two can be told apart. ± is a 95% t interval, not "
        "adjusted. Δ is the paired difference. Costs are medians. – is undefined or not run."
    )
    if any(row.uses_extra for row in rows):
        yield "* learns from labels or data that the others do not have."
    if any(row.tuned for row in rows):
        yield "† hyperparameters tuned on validation; the others have their default or given values."


def explain(rows: Sequence[Row], reference: str | None, baseline: str, design: Design) -> Iterator[str]:
    """Estimand, tuning budgets, and where the differences use fewer pairs than the means."""
    yield design.estimand()
    if design.splits == 2:
        yield "Two splits leave one degree of freedom: run at least three (split=0,1,2) for intervals of any use."
    scored = [row for row in rows if row.score is not None]
    runs = {row.label: row.n for row in rows}
    if reference is None:
        yield f"No finished run of {baseline}: there is no difference to show."
    elif reference != baseline:
        yield f"Differences are to {reference}."
    for row in scored:
        d = row.difference
        if reference is not None and row.label != reference and d is None:
            yield f"{row.label} and {reference} have no seed in common: no difference."
        elif d is not None and d.constant:
            yield (
                f"{row.label} − {reference} is the same on all {plural(d.pairs, 'pair')}: without variance there is no "
                "test, so it does not count as significant."
            )
        elif d is not None and reference is not None and d.pairs < max(row.n, runs[reference]):
            yield f"{row.label} − {reference}: on the {plural(d.pairs, 'common pair')} of (split, seed) only."
    budgets = [f"{r.label} {budget_text(r.budget)}" for r in rows if r.budget]
    if budgets:
        yield f"Tuning budgets: {list_of(budgets)}."
    if any(r.budget and r.budget.odd for r in rows):
        yield "‡ tuned with another budget than most: the number of trials differs, so compare with care."


def shared_costs(together: Sequence[float]) -> Iterator[str]:
    """That seconds and memory are not each run's own, where runs trained as one stack; `together`: how many each."""
    stacked = [n for n in together if n > 1]  # NaN where nobody said so: before stacks
    if stacked:
        yield (
            f"{len(stacked):,} of {plural(len(together), 'run')} trained in stacks of up to {max(stacked):.0f} fits "
            "(`run.stack`): their seconds are equal shares and their memory is the stack's; fits and steps are theirs."
        )


def budget_text(budget: Budget) -> str:
    """`15 trials, 9,000 steps, 41 s`, as far as recorded."""
    parts = [plural(budget.trials, "trial")] if budget.trials else []
    parts += [f"{budget.steps:,.0f} steps"] if budget.steps else []
    parts += [f"{budget.seconds:,.0f} s"] if budget.seconds else []
    return f"({'; '.join(parts) or 'not recorded'})"
