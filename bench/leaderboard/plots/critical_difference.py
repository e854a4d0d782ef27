"""Demšar's diagram: mean ranks on a line, bars under strategies that Wilcoxon-Holm does not separate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Words
from bench.leaderboard.plots.parts.svg import Drawing, Scale, label_places
from bench.leaderboard.statistics.data_sets import Standing
from bench.leaderboard.text.numbers import half_width, number
from bench.leaderboard.text.words import short


@dataclass(frozen=True)
class MeanRanks:
    """Strategies with their mean ranks, the best first, and the sets of them that are not separated."""

    words: Words
    standings: tuple[Standing, ...]
    cliques: tuple[tuple[str, ...], ...]


class CriticalDifference(Figure[AcrossDataSets, MeanRanks]):
    """Who is better than whom over several data sets."""

    name = "critical_difference"
    of = AcrossDataSets
    order = 10

    def data(self, subject: AcrossDataSets, evidence: Evidence) -> Iterator[MeanRanks]:
        blocks = subject.blocks
        if blocks is None:
            return
        rows = tuple((s.name, f"{s.mean_rank:.2f}", number(s.mean_score)) for s in blocks.standings)
        words = Words(
            slug="cd",
            title="Mean ranks",
            about=subject.title,
            caption="Strategies under one bar are not separated by Wilcoxon's signed-rank test, Holm-adjusted over all "
            f"pairs. Nemenyi's critical difference, for comparison: {half_width(blocks.nemenyi)} ranks.",
            headings=("Strategy", "mean rank", "mean score"),
            rows=rows,
            diagram="Critical differences",
            description=f"Mean ranks: {'; '.join(f'{r[0]} {r[1]}' for r in rows)}.",
        )
        cliques = tuple(tuple(clique) for clique in blocks.cliques if len(clique) > 1)
        yield MeanRanks(words, tuple(blocks.standings), cliques)

    def draw(self, data: MeanRanks) -> Drawing:
        k = len(data.standings)
        scale = Scale(1, k, 200, 480)
        half = (k + 1) // 2
        top = 34.0 + 11 * len(data.cliques) + 14
        drawing = Drawing(top + half * 20 + 10)
        drawing.text((0, 11), "Mean rank, 1 is best", "axis-name")
        drawing.line((scale(1), 30), (scale(k), 30), "axis")
        for place in range(1, k + 1):
            drawing.line((scale(place), 26), (scale(place), 30), "axis")
            drawing.text((scale(place), 20), str(place), "tick", "middle")
        at = {s.name: scale(s.mean_rank) for s in data.standings}
        for i, clique in enumerate(data.cliques):
            y = 41 + 11.0 * i
            drawing.line((at[clique[0]] - 4, y), (at[clique[-1]] + 4, y), "thick")
        left, right = data.standings[:half], data.standings[half:]
        for side, standings in ((-1, left), (1, tuple(reversed(right)))):
            wanted = [top + 20.0 * i for i in range(len(standings))]
            for standing, y in zip(standings, label_places(wanted, 20, top, top + 20 * half), strict=True):
                edge = 190.0 if side < 0 else 490.0
                drawing.path([(at[standing.name], 30), (at[standing.name], y), (edge, y)], "leader")
                drawing.dot((at[standing.name], 30), "a-dot", 3)
                text = f"{short(standing.name, 22)}  {standing.mean_rank:.2f}"
                drawing.text((edge + 6 * side, y + 4), text, "name", "end" if side < 0 else "start")
        return drawing
