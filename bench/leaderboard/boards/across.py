"""Boards of several data sets together: which blocks are used, and what they can and cannot tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.evaluation.registry import metric_of
from bench.leaderboard.boards.aspects import TITLES, Verdicts, effects_of
from bench.leaderboard.boards.complete import complete
from bench.leaderboard.boards.grouping import assignments, varying
from bench.leaderboard.boards.model import Board
from bench.leaderboard.statistics.data_sets import Blocks, Pair, against_baseline, analyse, blocks_needed
from bench.leaderboard.statistics.intervals import LEVEL
from bench.leaderboard.statistics.verdicts import ROPE
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import both, list_of, opponent, plural, short
from bench.records.record import canonical


@dataclass(frozen=True)
class AspectAcross:
    """One aspect (`aspects.TITLES`) over data sets: each strategy's pair with the baseline, above 0 is better."""

    name: str
    label: str
    higher_is_better: bool
    against: Mapping[str, Pair]


@dataclass(frozen=True)
class AcrossDataSets:
    """All data sets of one model: `blocks` is None where fewer than two can be compared.

    `sentence` answers the question first; `targets` are the boards behind each block. `aspects` say what treatments
    change beside the ranking metric, `effects` the same in words. `higher_is_better` is of the ranking metrics.
    """

    model: str
    title: str
    baseline: str | None
    blocks: Blocks | None
    targets: Mapping[str, tuple[str, ...]]
    metrics: tuple[str, ...]
    notes: tuple[str, ...]
    sentence: str = ""
    aspects: tuple[AspectAcross, ...] = ()
    effects: str = ""
    higher_is_better: bool = True

    @property
    def answer(self) -> str:
        """The sentence, and what treatments do to decisions and probabilities."""
        return f"{self.sentence} {self.effects}".strip()


def summaries(boards: Sequence[Board], *, rope: float = ROPE) -> list[AcrossDataSets]:
    """One summary for each model and training settings with boards of two or more data sets.

    A data set is the block, all targets of it together. What a generator makes of other settings (rows, prevalence) is
    another data set.
    """
    groups: dict[tuple[str, str], list[Board]] = defaultdict(list)
    for board in boards:
        own = {name: value for name, value in board.settings.items() if name.partition(".")[0] != "data"}
        groups[board.model, canonical(own)].append(board)
    found = []
    for (model, _), members in sorted(groups.items()):
        blocks = _blocks(members)
        if len(set(blocks.values())) > 1:
            found.append(_summary(model, members, blocks, rope))
    return found


def _blocks(boards: Sequence[Board]) -> dict[str, str]:
    """The block of each board by its slug: its data set, with the generator's settings that tell tables apart."""
    asked: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for board in boards:
        asked[board.data][board.slug] = board.traits.get("generated") or {}
    found = {}
    for data, by_slug in asked.items():
        for slug, apart in varying(by_slug).items():
            found[slug] = f"{data} ({list_of(assignments(apart))})" if apart else data
    return found


def _summary(model: str, boards: Sequence[Board], blocks_of: Mapping[str, str], rope: float) -> AcrossDataSets:
    scores: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    upwards = any(board.score.higher_is_better for board in boards)
    for board in boards:
        sign = -1.0 if upwards and not board.score.higher_is_better else 1.0  # where boards differ, up is better
        for row in board.rows:
            if row.score is not None:
                scores[blocks_of[board.slug]][row.label][board.title] = sign * row.score.mean
    strategies, used, left_out = complete(scores)
    kept = {b.title: b for b in boards if blocks_of[b.slug] in used}
    table = _averaged(scores, strategies, used)
    baselines = {b.baseline for b in boards if b.baseline}
    baseline = next(iter(baselines)) if len(baselines) == 1 else None
    blocks = None
    if len(used) > 1 and len(strategies) > 1:
        blocks = analyse(table, baseline=baseline, rope=rope, higher_is_better=upwards)
    targets = {d: tuple(b.target for b in kept.values() if blocks_of[b.slug] == d) for d in used}
    made = {blocks_of[b.slug]: b.data for b in kept.values() if b.traits.get("generated")}
    related = [data for data, count in Counter(made.values()).items() if count > 1]
    metrics = tuple(dict.fromkeys(b.score.key for b in kept.values()))
    notes = (*left_out, *_sentences(blocks, targets, metrics, len(strategies)), *_related(related))
    title, sentence = f"Across data sets · {short(model, 80)}", sentence_of(blocks, baseline)
    aspects = _aspects(list(kept.values()), blocks_of, baseline, rope) if blocks is not None and baseline else ()
    enough = blocks is not None and len(blocks.names) >= blocks_needed(len(strategies) - 1)
    effects = effects_of({a.name: _verdicts(a) for a in aspects}, opponent(baseline or "")) if enough else ""
    return AcrossDataSets(
        model, title, baseline, blocks, targets, metrics, notes, sentence, aspects, effects, higher_is_better=upwards
    )


def _averaged(
    scores: Mapping[str, Mapping[str, Mapping[str, float]]], strategies: Sequence[str], used: Sequence[str]
) -> dict[str, dict[str, float]]:
    """{strategy: {block: mean over targets}}."""
    return {s: {d: sum(scores[d][s].values()) / len(scores[d][s]) for d in used} for s in strategies}


def _aspects(
    boards: Sequence[Board], blocks_of: Mapping[str, str], baseline: str, rope: float
) -> tuple[AspectAcross, ...]:
    """The aspects that at least two blocks have; of each, the blocks and strategies without a gap."""
    found = []
    for name in TITLES:
        scores: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        labels: dict[str, bool] = {}
        for board in boards:
            for aspect in board.aspects:
                if aspect.name == name:
                    labels[aspect.column.label] = bool(aspect.column.higher_is_better)
                    for label, value in aspect.values.items():
                        scores[blocks_of[board.slug]][label][board.title] = value
        strategies, used, _ = complete(scores)
        if len(used) > 1 and baseline in strategies and len(strategies) > 1:
            upwards = all(labels.values())
            table = _averaged(scores, strategies, used)
            against = against_baseline(table, baseline, rope=rope, higher_is_better=upwards)
            found.append(AspectAcross(name, " or ".join(labels), upwards, against))
    return tuple(found)


def _verdicts(aspect: AspectAcross) -> Verdicts:
    better = {name: pair.mean for name, pair in aspect.against.items() if pair.verdict == "better"}
    return Verdicts(aspect.label, better, [name for name, pair in aspect.against.items() if pair.verdict == "worse"])


def sentence_of(blocks: Blocks | None, baseline: str | None) -> str:
    """The answer over data sets: who beats doing nothing on a further data set like these, as far as it was shown."""
    if blocks is None:
        return "Fewer than two data sets have a value of every strategy: nothing is said across them."
    n, k = len(blocks.names), len(blocks.standings) - 1
    against = [s for s in blocks.standings if s.against is not None]
    if baseline is None or not against:
        return f"No common baseline over {plural(n, 'data set')}: only mean ranks are shown."
    named = opponent(baseline)
    pairs = {s.name: s.against for s in against if s.against}
    better = [(name, pair) for name, pair in pairs.items() if pair.verdict == "better"]
    worse = [name for name, pair in pairs.items() if pair.verdict == "worse"]
    parts = []
    if better:
        name, pair = max(better, key=lambda found: found[1].mean)
        parts.append(
            f"over {plural(n, 'data set')} {name} beats {named}, by {number(pair.mean, 3)} on average "
            f"({pair.wins}/{pair.ties}/{pair.losses} wins/ties/losses)"
        )
        if others := [other for other, _ in better if other != name]:
            parts.append(f"so {'does' if len(others) == 1 else 'do'} {list_of(others)}")
    elif n < blocks_needed(k):
        parts.append(f"{plural(n, 'data set')} cannot show that anything beats {named}: that takes {blocks_needed(k)}")
    else:
        parts.append(f"over {plural(n, 'data set')} nothing was shown to beat {named}")
    if worse:
        parts.append(f"{list_of(worse)} {both(len(worse))} worse")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _related(data: Sequence[str]) -> Iterator[str]:
    if data:
        yield (
            f"Blocks of one generator ({list_of(short(d, 80) for d in data)}) share how items, users and tastes are "
            "drawn: they say less about other data than as many data sets of their own."
        )


def _sentences(
    blocks: Blocks | None, targets: Mapping[str, tuple[str, ...]], metrics: Sequence[str], k: int
) -> Iterator[str]:
    if blocks is None:
        yield "Fewer than two blocks have a value of every strategy, so nothing is said across data sets."
        return
    n = len(blocks.names)
    several = [d for d, t in targets.items() if len(t) > 1]
    yield (
        f"{plural(n, 'block')}, one for each data set"
        + (f" (targets of one data set are averaged: {list_of(short(d, 80) for d in several)})" if several else "")
        + f": {list_of(short(d, 80) for d in blocks.names)}."
    )
    if len(metrics) > 1:
        labels = list_of(f"{metric_of(m).label} ({m})" for m in metrics)
        yield f"Blocks are scored by different metrics, {labels}: ranks stay comparable, mean differences less so."
    all_pairs, with_baseline = blocks_needed(k * (k - 1) // 2), blocks_needed(k - 1)
    if n < with_baseline:
        yield (
            f"Wilcoxon-Holm cannot separate anything with {plural(n, 'block')}: it takes {with_baseline} for the "
            f"{plural(k - 1, 'comparison')} with the baseline and {all_pairs} for all {k * (k - 1) // 2} pairs, even "
            "if one strategy won on every block. So nothing here is called significant."
        )
    elif n < all_pairs:
        yield (
            f"Wilcoxon-Holm over all {k * (k - 1) // 2} pairs needs {all_pairs} blocks to separate anything; only the "
            f"{plural(k - 1, 'comparison')} with the baseline can be judged with {n}."
        )
    p = blocks.friedman[1]
    verdict = "some strategies differ" if p <= LEVEL else "no evidence that any strategy differs from another"
    yield f"Friedman's test over blocks: p = {p:.2g}, {verdict}."
    yield (
        "Estimand: the difference on a further data set like these. Wins and losses are by more than "
        f"{blocks.rope:g}, the region of practical equivalence; P(better), P(same) and P(worse) are Bayesian "
        "signed-rank posteriors."
    )
