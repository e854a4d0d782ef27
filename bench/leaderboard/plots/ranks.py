"""Who is better than whom: intervals of difference and rank on one data set, critical differences over several."""

from __future__ import annotations

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.plots.parts.svg import Drawing, Figure, Scale, label_places, tick_text
from bench.leaderboard.text import half_width, number, short, signed

_NAMES = 168.0
_LINE = 24.0
_TOP = 40.0


def intervals(board: Board, limit: int = 40) -> Figure | None:
    """Difference to the baseline, over seeds and over test rows, and the ranks that the tests leave open."""
    rows = [row for row in board.rows if row.score is not None and row.ranks is not None][:limit]
    if len(rows) < 2 or board.baseline is None:
        return None
    ends = [0.0]
    for row in rows:
        for found in (row.difference, row.difference_rows):
            if found is not None:
                ends += [v for v in (found.low, found.high, found.mean) if v is not None]
    margin = (max(ends) - min(ends)) * 0.06 or 0.01
    x = Scale(min(ends) - margin, max(ends) + margin, _NAMES, 470)
    count = max(high for row in rows if row.ranks for high in row.ranks)
    ranks = Scale(0.5, count + 0.5, 510, 676)
    bottom = _TOP + len(rows) * _LINE
    drawing = Drawing(bottom + 20)
    drawing.text((x(0), 11), f"{board.score.label} − {short(board.baseline, 24)}", "axis-name", "middle")
    drawing.text((510, 11), "Rank, 1 is best", "axis-name")
    for value in x.ticks(5):
        drawing.line((x(value), _TOP - 10), (x(value), bottom - 4), "zero" if value == 0 else "grid")
        drawing.text((x(value), bottom + 12), tick_text(value), "tick", "middle")
    for place in range(1, count + 1):
        if count <= 12 or place in (1, count) or place % 5 == 0:
            drawing.text((ranks(place), _TOP - 14), str(place), "tick", "middle")
            drawing.line((ranks(place), _TOP - 8), (ranks(place), bottom - 4), "grid")
    for i, row in enumerate(rows):
        y = _TOP + (i + 0.5) * _LINE - 2
        drawing.text((_NAMES - 12, y + 4), short(row.label, 24), "name", "end")
        _difference(drawing, row, x, y)
        if row.ranks:
            low, high = ranks(row.ranks[0] - 0.38), ranks(row.ranks[1] + 0.38)
            drawing.bar((low, y - 4), (high - low, 8), "span")
    table = tuple(
        (row.label, signed(row.difference.mean, 3) if row.difference else "baseline",
         _range(row.difference), _range(row.difference_rows), f"{row.ranks[0]}–{row.ranks[1]}" if row.ranks else "–")
        for row in rows
    )  # fmt: skip
    over = "seeds" if board.design.splits <= 1 else "splits"
    resampled = any(row.difference_rows for row in rows)
    thin = "; thin line: 95% bootstrap range over test rows, models held fixed" if resampled else ""
    caption = (
        f"Left: difference to {board.baseline}; dot and thick line: mean and 95% t interval over {over}{thin}. Right: "
        "ranks that the Holm-adjusted tests leave open."
    )
    description = "; ".join(f"{r[0]}: {r[1]}, rank {r[4]}" for r in table)
    slug = f"{board.slug}-ranks"
    headings = ("Strategy", f"Δ {board.baseline}", f"95% over {over}", "95% over test rows", "rank range")
    svg = drawing.render(slug, f"Differences and ranks, {board.title}", description)
    return Figure(slug, "Differences and ranks", caption, svg, headings, table)


def _difference(drawing: Drawing, row: Row, x: Scale, y: float) -> None:
    if row.difference is None:
        drawing.dot((x(0), y), "r-dot", 3)
        return
    if row.difference_rows and row.difference_rows.low is not None and row.difference_rows.high is not None:
        drawing.line((x(row.difference_rows.low), y), (x(row.difference_rows.high), y), "thin")
    if row.difference.low is not None and row.difference.high is not None:
        drawing.line((x(row.difference.low), y), (x(row.difference.high), y), "thick")
    drawing.dot((x(row.difference.mean), y), "a-dot", 4)


def _range(interval: object) -> str:
    low, high = getattr(interval, "low", None), getattr(interval, "high", None)
    return "–" if low is None or high is None else f"{signed(low, 3)} to {signed(high, 3)}"


def critical_difference(summary: AcrossDataSets, slug: str) -> Figure | None:
    """Demšar's diagram: mean ranks on a line, bars under strategies that Wilcoxon-Holm does not separate."""
    blocks = summary.blocks
    if blocks is None:
        return None
    k = len(blocks.standings)
    scale = Scale(1, k, 200, 480)
    half = (k + 1) // 2
    cliques = [c for c in blocks.cliques if len(c) > 1]
    top = 34.0 + 11 * len(cliques) + 14
    drawing = Drawing(top + half * 20 + 10)
    drawing.text((0, 11), "Mean rank, 1 is best", "axis-name")
    drawing.line((scale(1), 30), (scale(k), 30), "axis")
    for place in range(1, k + 1):
        drawing.line((scale(place), 26), (scale(place), 30), "axis")
        drawing.text((scale(place), 20), str(place), "tick", "middle")
    at = {s.name: scale(s.mean_rank) for s in blocks.standings}
    for i, clique in enumerate(cliques):
        y = 41 + 11.0 * i
        drawing.line((at[clique[0]] - 4, y), (at[clique[-1]] + 4, y), "thick")
    left, right = blocks.standings[:half], blocks.standings[half:]
    for side, standings in ((-1, left), (1, tuple(reversed(right)))):
        wanted = [top + 20.0 * i for i in range(len(standings))]
        for standing, y in zip(standings, label_places(wanted, 20, top, top + 20 * half), strict=True):
            edge = 190.0 if side < 0 else 490.0
            drawing.path([(at[standing.name], 30), (at[standing.name], y), (edge, y)], "leader")
            drawing.dot((at[standing.name], 30), "a-dot", 3)
            text = f"{short(standing.name, 22)}  {standing.mean_rank:.2f}"
            drawing.text((edge + 6 * side, y + 4), text, "name", "end" if side < 0 else "start")
    rows = tuple((s.name, f"{s.mean_rank:.2f}", number(s.mean_score)) for s in blocks.standings)
    caption = (
        "Strategies under one bar are not separated by Wilcoxon's signed-rank test, Holm-adjusted over all pairs. "
        f"Nemenyi's critical difference, for comparison: {half_width(blocks.nemenyi)} ranks."
    )
    description = "Mean ranks: " + "; ".join(f"{r[0]} {r[1]}" for r in rows) + "."
    svg = drawing.render(slug, f"Critical differences, {summary.title}", description)
    return Figure(slug, "Mean ranks", caption, svg, ("Strategy", "mean rank", "mean score"), rows)
