"""Which strategies and which blocks of a table with gaps make a table without."""

from __future__ import annotations

from collections.abc import Mapping

from bench.leaderboard.text.words import list_of, plural, short


def complete(
    scores: Mapping[str, Mapping[str, Mapping[str, float]]], *, noun: str = "block"
) -> tuple[list[str], list[str], list[str]]:
    """Strategies with a value on at least half of the blocks; blocks with all values of all of these; what is left out.

    Nothing is filled in: a strategy or a block with a gap is left out and named. `scores` are values by block, strategy
    and target; `noun` is what a block is called in what is said.
    """
    names = sorted({s for by_strategy in scores.values() for s in by_strategy})
    present = {s: [d for d in scores if s in scores[d]] for s in names}
    strategies = [s for s in names if 2 * len(present[s]) >= len(scores)]
    used, notes = [], []
    for data, by_strategy in scores.items():
        targets = {t for by_target in by_strategy.values() for t in by_target}
        lacking = [s for s in strategies if set(by_strategy.get(s, ())) != targets]
        if lacking:
            who = list_of(short(s, 80) for s in lacking)
            notes.append(f"{noun.capitalize()} {short(data, 80)} is left out: no value of {who}.")
        else:
            used.append(data)
    notes += [
        f"{short(s, 80)} is left out: it has values on {len(present[s])} of {plural(len(scores), noun)}."
        for s in names
        if s not in strategies
    ]
    return strategies, used, notes
