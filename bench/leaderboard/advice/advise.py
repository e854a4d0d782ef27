"""Which strategy should I use? Filters and ranks measured records by what a system needs and may cost.

Rules only ever leave candidates out, each with its reason; the order comes from measurements, and verdicts are those of
the boards and no others. A strategy is recommended over the baseline only where a board says that it is better;
otherwise the board's own sentence is the answer, with the cheapest of those that could be best as the default. Textbook
claims are quoted beside, and decide nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, Final

from bench.leaderboard.advice.rules import Step, left, on_device, reasons_of, similar, unaffordable
from bench.leaderboard.advice.textbook import textbook
from bench.leaderboard.boards.build import BASELINE, boards
from bench.leaderboard.boards.columns import COST
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.boards.sentences import answer, look
from bench.leaderboard.statistics.data_sets import Blocks, analyse, blocks_needed
from bench.leaderboard.statistics.pareto import pareto
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import list_of, plural, short
from bench.needs import Allowance, Need
from bench.records.columns import RecordTable

_PROBABILITIES: Final = "recalibrated/log_loss"
_CONVINCED: Final = 0.95  # posterior probability that calls a strategy better across data sets


@dataclass(frozen=True)
class Candidate:
    """A strategy over the boards that count; `quality` and `gain` (over the baseline) are oriented as measured.

    `rank` is its mean place over data sets, `verdict` what the boards say of it against the baseline.
    """

    name: str
    rank: float
    quality: float
    gain: float | None
    log_loss: float | None
    seconds: float | None
    fits: float | None
    uses_extra: bool
    boards: int
    verdict: str = ""


@dataclass(frozen=True)
class Advice:
    """The answer with everything that it rests on. `strong`: whether the evidence separates the choice.

    `traits` are what the data of each board are like, as asked for where that was said; `data_sets` counts these.
    `effects` say what treatments do to decisions and probabilities, where there is one board.
    """

    choice: str | None
    strong: bool
    sentence: str
    steps: tuple[Step, ...]
    candidates: tuple[Candidate, ...]
    alternatives: tuple[str, ...]
    measured: Mapping[str, str] = field(default_factory=dict)
    traits: tuple[Mapping[str, Any], ...] = ()
    metric: str = ""
    data_sets: int = 0
    effects: str = ""


def advise(records: RecordTable, need: Need, allowance: Allowance, *, rope: float) -> Advice:
    """Advice from the records; without any that fit, advice that says what to measure."""
    steps: list[Step] = []
    if allowance.device:
        records = on_device(records, allowance.device, steps)
    metric = _PROBABILITIES if need.probabilities and not need.ranking else None
    tables = [b for b in boards(records, metric=metric, rope=rope) if any(row.score for row in b.rows)]
    tables = similar(tables, need, steps)
    if need.explainability:
        allowed = textbook().explainable_models
        kept = [b for b in tables if b.model in allowed]
        steps.append(Step(f"explainable: models {list_of(allowed)} only (assumed)", left(tables, kept, "board")))
        tables = kept
    survivors = {id(b): unaffordable(b, need, allowance) for b in tables}
    steps += reasons_of(tables, survivors)
    pairs = [(b, [r for r in b.rows if r.score and r.label not in survivors[id(b)]]) for b in tables]
    pairs = [(b, rows) for b, rows in pairs if rows]
    if not pairs:
        return Advice(
            None,
            False,
            "No measured record fits: relax a need or a budget, or measure strategies that could fit with imbench run.",
            tuple(steps),
            (),
            (),
        )
    candidates = _candidates(pairs)
    choice, strong, sentence = _choose(pairs, candidates, rope)
    points = [(c.name, c.seconds, -c.rank) for c in candidates if c.seconds is not None]
    front = [name for name in pareto(points, higher_is_better=True) if name != choice]
    traits = tuple({**board.traits, **need.traits} for board, _ in pairs)
    headings = dict.fromkeys(b.score.heading for b, _ in pairs)
    return Advice(
        choice,
        strong,
        sentence,
        tuple(steps),
        tuple(candidates),
        tuple(front),
        _measured(pairs),
        traits,
        list_of(headings),
        len({board.data for board, _ in pairs}),
        pairs[0][0].effects if len(pairs) == 1 else "",
    )


def _candidates(pairs: Sequence[tuple[Board, list[Row]]]) -> list[Candidate]:
    """Strategies by their mean rank over data sets (places within a board, averaged within a data set)."""
    ranks: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    rows_of: dict[str, list[tuple[Board, Row]]] = defaultdict(list)
    for board, rows in pairs:
        sign = -1 if board.score.higher_is_better else 1
        ordered = sorted(rows, key=lambda row: sign * (row.score.mean if row.score else 0.0))
        for place, row in enumerate(ordered, 1):
            ranks[row.label][board.data].append(place)
            rows_of[row.label].append((board, row))
    found = []
    for name, by_data in ranks.items():
        mine = rows_of[name]
        gains = [r.difference.mean for _, r in mine if r.difference]
        found.append(
            Candidate(
                name,
                fmean(fmean(places) for places in by_data.values()),
                fmean(r.score.mean for _, r in mine if r.score),
                fmean(gains) if gains else None,
                _middle(
                    r.values.get(_PROBABILITIES, r.score.mean if r.score and b.score.key == _PROBABILITIES else None)
                    for b, r in mine
                ),
                _middle(r.values.get(COST) for _, r in mine),
                _middle(r.values.get("fits") for _, r in mine),
                any(r.uses_extra for _, r in mine),
                len(mine),
                _verdicts(mine),
            )
        )
    return sorted(found, key=lambda c: (-c.boards, c.rank, c.name))


def _verdicts(rows: Sequence[tuple[Board, Row]]) -> str:
    """The verdict of one board; of several, on how many a strategy is better and worse."""
    if len(rows) == 1:
        board, row = rows[0]
        return board.verdict_text(row)
    counts = [(sum(row.verdict == word for _, row in rows), word) for word in ("better", "worse")]
    return list_of(f"{n} {word}" for n, word in counts if n)


def _middle(values: Any) -> float | None:
    found = [v for v in values if v is not None]
    return median(found) if found else None


def _choose(
    pairs: Sequence[tuple[Board, list[Row]]], candidates: Sequence[Candidate], rope: float
) -> tuple[str | None, bool, str]:
    """The choice, whether the evidence separates it, and why, in a sentence."""
    best = candidates[0].name
    if len(candidates) == 1:
        return best, False, f"Only {best} fits, so there is nothing to compare it with: the evidence is too weak."
    names = {board.data for board, _ in pairs}
    if len(names) > 1:
        return _over_blocks(pairs, candidates, rope)
    board, rows = pairs[0]
    if len(pairs) > 1:
        return _default(candidates, candidates, f"{plural(len(pairs), 'board')} of one data set are one block")
    labels = [row.label for row in rows]
    if not board.judged:
        return _until_more(candidates, board.sentence)
    statement = f"{answer(board, labels)}{look(board)}"
    winner = next((row for row in rows if row.verdict == "better"), None)
    if winner is not None:
        return winner.label, True, f"Use {winner.label}: on {board.title} {statement}"
    contenders = board.comparison.could_be_best(labels)
    return _until_more([c for c in candidates if c.name in contenders] or candidates, statement)


def _until_more(sharing: Sequence[Candidate], statement: str) -> tuple[str | None, bool, str]:
    """Where nothing was shown: the board's own sentence, and the cheapest of those that it does not rule out."""
    cheapest = _cheapest(sharing)
    sentence = (
        f"{statement} Until there is more, {cheapest.name} is the default: of those not ruled out, the one with the "
        "fewest fits, untreated before treated."
    )
    return cheapest.name, False, sentence


def _cheapest(candidates: Sequence[Candidate]) -> Candidate:
    return min(candidates, key=lambda c: (c.fits or 1, c.name != BASELINE, c.seconds or 0.0, c.rank))


def _over_blocks(
    pairs: Sequence[tuple[Board, list[Row]]], candidates: Sequence[Candidate], rope: float
) -> tuple[str | None, bool, str]:
    blocks = _blocks(pairs, rope)
    if blocks is None:
        return _default(candidates, candidates, "fewer than two data sets have a value of every strategy that fits")
    n, m = len(blocks.names), len(blocks.standings) - 1
    first = blocks.standings[0]
    against = first.against
    if against is not None and against.verdict == "better":
        why = f"better than {against.second} over {plural(n, 'data set')}"
        counts = f"{against.wins}/{against.ties}/{against.losses} wins/ties/losses"
        return first.name, True, f"Use {first.name}: {why} (Wilcoxon-Holm {_p_words(against.adjusted)}; {counts})."
    if against and against.posterior and against.posterior.first >= _CONVINCED and n >= blocks_needed(1):
        chance = number(against.posterior.first, 2)
        why = f"with probability {chance} it gains more than {rope:g} over {against.second}"
        return first.name, True, f"Use {first.name}: {why} on a further data set like these {n} (Bayesian signed-rank)."
    why = f"{plural(n, 'data set')} do not separate the strategies"
    if n < blocks_needed(m):
        why += f" (Wilcoxon-Holm needs {blocks_needed(m)} for {plural(m, 'comparison')})"
    return _default(candidates, candidates, why)


def _blocks(pairs: Sequence[tuple[Board, list[Row]]], rope: float) -> Blocks | None:
    """The data sets on which every strategy of any board has a value, targets and models averaged."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    counts: dict[str, int] = defaultdict(int)
    for board, rows in pairs:
        counts[board.data] += 1
        for row in rows:
            if row.score:
                scores[row.label][board.data].append(row.score.mean * (1 if board.score.higher_is_better else -1))
    used = [d for d in counts if all(len(by_data[d]) == counts[d] for by_data in scores.values())]
    if len(used) < 2 or len(scores) < 2:
        return None
    baseline = next((b.baseline for b, _ in pairs if b.baseline), BASELINE)
    return analyse({s: {d: fmean(v[d]) for d in used} for s, v in scores.items()}, baseline=baseline, rope=rope)


def _default(sharing: Sequence[Candidate], candidates: Sequence[Candidate], why: str) -> tuple[str | None, bool, str]:
    """Where data sets do not separate, the cheapest of those that they leave."""
    cheapest = _cheapest(sharing)
    best = candidates[0].name
    lead = f"; {best} has the best mean rank" if best != cheapest.name else ""
    sentence = (
        f"The evidence is too weak to choose: {why}{lead}. Until there is more, {cheapest.name} is the default: of "
        "those not separated, the one with the fewest fits, untreated before treated."
    )
    return cheapest.name, False, sentence


def _p_words(p: float) -> str:
    """`p = .021`, `p < .001`."""
    return "p < .001" if p < 0.001 else f"p = {number(p, 3)}"


def _measured(pairs: Sequence[tuple[Board, list[Row]]]) -> dict[str, str]:
    """What was measured of each strategy against the baseline, in words."""
    found: dict[str, str] = {}
    for label in dict.fromkeys(row.label for _, rows in pairs for row in rows):
        mine = [(b, r) for b, rows in pairs for r in rows if r.label == label and r.difference is not None]
        if not mine:
            continue
        better, worse = (sum(row.verdict == word for _, row in mine) for word in ("better", "worse"))
        mean = fmean(r.difference.mean for _, r in mine if r.difference)
        found[label] = (
            f"{number(mean, 3) if mean < 0 else '+' + number(mean, 3)} against {short(mine[0][0].baseline or '', 40)}; "
            f"shown to be better on {better}, worse on {worse} of {plural(len(mine), 'board')}"
        )
    return found
