"""What a board says in words: the answer first, then what its intervals are about and what its marks mean."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

from bench.evaluation.registry import metric_of
from bench.leaderboard.boards.ablation import answer_of_ablation, is_ablation
from bench.leaderboard.boards.model import Board, Budget, Row
from bench.leaderboard.statistics.design import ENOUGH, LOOK
from bench.leaderboard.statistics.power import detectable
from bench.leaderboard.text.numbers import half_width, number, with_range
from bench.leaderboard.text.words import both, list_of, opponent, plural

_REMEDY = f"To get one, run repeats={ENOUGH} (or repeats={LOOK} for a look)"
"""What to run for a comparison over splits."""

_MOST = 8
"""So many names in a list of a sentence; the table has all."""


def sentence_of(board: Board) -> str:
    """The answer to the reader's question: does a treatment beat doing nothing, by how much, and who could be best."""
    scored = [row for row in board.rows if row.score is not None]
    if not scored:
        return "No finished run with a value of the ranking metric: nothing to compare yet."
    if len(scored) == 1:
        return f"Only {scored[0].label} has a value: nothing to compare it with yet."
    if board.few:
        return board.few
    if not board.judged:
        return _not_judged(board)
    if board.baseline is None:
        return f"{_could_be_best(board)} Nothing is said of doing nothing: there is no finished run of it."
    return f"{answer_of_ablation(board) if is_ablation(board) else answer(board)}{look(board)}"


def _not_judged(board: Board) -> str:
    """Why there is no verdict, and what to run for one."""
    design, n = board.design, board.comparison.repeats
    if design.splits > 1 and design.ratio is None:
        return "No verdict: the records do not tell n_train and n_test, which a verdict over several splits needs."
    if design.splits > 1:
        return f"No verdict: {plural(n, 'repeat')} are too few. {_REMEDY}."
    if design.given and n < LOOK:
        return f"No verdict: {plural(n, 'seed')} on the given split {both(n)} too few; run five (seed=0,1,2,3,4)."
    if design.given:
        return (
            "No verdict: what other test rows would change is unknown, because not every strategy's test rows were "
            "resampled (board.bootstrap, and the reasons below)."
        )
    tuned = ", and hyperparameters were tuned on that split" if any(row.tuned for row in board.rows) else ""
    varied = f"only seeds were varied ({n}), on one split" if n > 1 else "there is one split and one seed"
    return (
        f"No verdict: {varied}{tuned}, so what other test rows would change was not seen. {_REMEDY} "
        "instead of seed= and split=."
    )


def answer(board: Board, among: Collection[str] | None = None) -> str:
    """The sentence of a board whose strategies were judged; of all rows, or of those that are left to choose from."""
    rows = [row for row in board.rows if among is None or row.label in among]
    better, worse, same = ([row for row in rows if row.verdict == word] for word in ("better", "worse", "same"))
    baseline = str(board.baseline)
    against = opponent(baseline)
    parts = []
    if better:
        first, others = better[0], better[1:]
        parts.append(f"{first.label} beats {against} by {with_range(first.difference)} {board.score.label}")
        if others:
            parts.append(f"so {'does' if len(others) == 1 else 'do'} {_names(others)}")
        contenders = board.comparison.could_be_best([row.label for row in rows])
        rivals = [r for r in rows if r.label in contenders and r.label not in (first.label, board.baseline)]
        if rivals:
            parts.append(f"{_names(rivals)} could be as good")
    else:
        parts.append(f"Nothing was shown to beat {against}{_would_have(board)}")
    if same:
        region = number(board.comparison.rope, 2)
        parts.append(f"{_names(same)} {both(len(same))} practically the same (within ±{region})")
    if worse:
        parts.append(f"{_names(worse)} {both(len(worse))} worse")
    return f"{'; '.join(parts)}."


def _would_have(board: Board) -> str:
    """`: with 10 repeats a difference of .05 would have been found 4 times in 5, smaller ones are easily missed`."""
    smallest = detectable(board.comparison)
    if smallest is None:
        return ""
    repeats = plural(board.comparison.repeats, board.design.noun)
    if smallest > _largest_realistic(board):
        return f": {repeats} that vary so much could not have shown it"
    return (
        f": with {repeats} a difference of {half_width(smallest)} would have been found 4 times in 5, smaller ones are "
        "easily missed"
    )


def _could_be_best(board: Board) -> str:
    rows = [row for row in board.rows if row.could_be_best]
    return f"{_names(rows)} could be best." if len(rows) > 1 else f"{_names(rows)} is better than all others."


def look(board: Board) -> str:
    """That the repeats are enough for a look only; empty from ten on."""
    n = board.comparison.repeats
    if n >= ENOUGH:
        return ""
    remedy = f"repeats={ENOUGH}" if board.design.splits > 1 else f"{ENOUGH} seeds"
    return f" This is a look: it rests on {plural(n, board.design.noun)}; a verdict takes {remedy}."


def _names(rows: Sequence[Row]) -> str:
    more = len(rows) - _MOST
    return list_of(row.label for row in rows[:_MOST]) + (f" and {plural(more, 'other')}" if more > 0 else "")


def _largest_realistic(board: Board) -> float:
    """Half the range of a metric within [0, 1]; for an unbounded one, the largest mean on the board."""
    realistic = metric_of(board.score.key).realistic
    if realistic is not None:
        return realistic
    return max((abs(row.score.mean) for row in board.rows if row.score), default=math.inf)


def further(board: Board) -> Iterator[str]:
    """Which differences the repeats at hand find, and what more of them would bring; nothing where that is absurd."""
    found = board.comparison
    now = detectable(found)
    if not board.judged or now is None or now > _largest_realistic(board):
        return
    comparisons = plural(found.tested, "comparison")
    yield (
        f"From the board's own variance: with {plural(found.repeats, board.design.noun)} and {comparisons} a true "
        f"difference of {half_width(now)} is found 4 times in 5 (Holm-adjusted, 5%)."
    )
    more = [n for n in (ENOUGH, 2 * ENOUGH) if n > found.repeats]
    sizes = [f"{half_width(size)} with {n}" for n in more if (size := detectable(found, n)) is not None]
    if sizes:
        yield f"More repeats, at the same variance: {list_of(sizes)}. What overlapping training rows share stays."


def legend(rows: Sequence[Row], rope: float, *, judged: bool, aspects: int = 0) -> Iterator[str]:
    """What the marks mean."""
    yield (
        "Ordered by mean, which is no verdict. ± of a score and of Δ, the paired difference, is a 95% interval, not "
        "adjusted. Costs are medians. – is undefined or not run."
    )
    if judged:
        yield (
            "better and worse: two-sided test against the baseline with moderated variances, Holm-adjusted (5%); same: "
            f"the 90% interval lies within ±{number(rope, 2)} (board.rope); undecided: neither was shown."
        )
        yield (
            "Could be best: nobody else was shown to be better (Hsu 1984, Dunnett's critical value, 5%); bold where "
            "that holds of some only."
        )
    if judged and aspects > 1:
        yield (
            "What each changes: differences to the baseline, each column judged by itself: ▲ better, ▼ worse, = the "
            "same, · undecided. Default decides for the most probable class, tuned by a rule chosen on validation."
        )
    if any(row.uses_extra for row in rows):
        yield "* learns from labels or data that the others do not have."
    if any(row.tuned for row in rows):
        yield "† hyperparameters tuned on validation; the others have their default or given values."
    if any(row.prior_exact is False for row in rows):
        yield (
            "° its objective is no pure shift of the class prior: prior correction does not undo what it does to "
            "probabilities, so look at the recalibrated figures instead."
        )


def explain(board: Board, wanted: str) -> Iterator[str]:
    """Estimand, tuning budgets, and where the differences use fewer pairs than the means."""
    found, reference = board.comparison, board.baseline
    yield board.design.estimand(found.overlap, estimated=found.estimated)
    scored = [row for row in board.rows if row.score is not None]
    runs = {row.label: row.n for row in board.rows}
    if reference is None:
        yield f"No finished run of {wanted}: there is no difference to show."
    elif reference != wanted:
        own = f", {wanted}" if is_ablation(board) else ""
        yield f"Differences are to {'the ' if own else ''}{reference}{own}."
    counted = board.design.counted
    if counted is not None and len(counted) < board.n_units:
        yield (
            f"Means are over one seed a split; {plural(board.n_units - len(counted), 'further run')} of each strategy "
            "tell the noise of seeds from that of splits."
        )
    for row in scored:
        d = row.difference
        if reference is not None and row.label != reference and d is None:
            yield f"{row.label} and {reference} have no {board.design.noun} in common: no difference."
        elif row.verdict == "identical":
            yield f"{row.label} gave the values of {reference} in every repeat: it is left out of the comparisons."
        elif d is not None and d.constant:
            yield (
                f"{row.label} − {reference} is the same on all {plural(d.pairs, 'pair')}: without variance there is no "
                "test, so it does not count as shown."
            )
        elif d is not None and reference is not None and d.pairs < _runs(board, max(row.n, runs[reference])):
            yield f"{row.label} − {reference}: on the {plural(d.pairs, 'common pair')} of (split, seed) only."
    budgets = [f"{r.label} {budget_text(r.budget)}" for r in board.rows if r.budget]
    if budgets:
        yield f"Tuning budgets: {list_of(budgets)}."
    if any(r.budget and r.budget.odd for r in board.rows):
        yield "‡ tuned with another budget than most: the number of trials differs, so compare with care."


def _runs(board: Board, n: int) -> int:
    """Of n runs, those that count as repeats."""
    return n if board.design.counted is None else min(n, len(board.design.counted))


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
