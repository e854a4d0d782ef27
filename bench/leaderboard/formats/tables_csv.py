"""Boards as CSV: text that a spreadsheet does not run, numbers to 12 digits, undefined ones empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.leaderboard.boards import regret
from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Absence, Aspect, Board, Row
from bench.leaderboard.boards.regret import Family
from bench.leaderboard.boards.subgroups import entries
from bench.leaderboard.statistics.data_sets import Standing
from bench.printed import clean


def comma_separated(boards: Sequence[Board]) -> str:
    """All boards as one table, a line for each strategy, numbers to 12 digits, undefined ones empty."""
    metrics = list(dict.fromkeys(c.key for board in boards for c in board.columns if c.panel != "cost"))
    costs = list(dict.fromkeys(c.key for board in boards for c in board.columns if c.panel == "cost"))
    lines = [_record(board, row) for board in boards for row in board.rows]
    lead = list(lines[0]) if lines else []
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*lead, *metrics, *costs])
    rows = (row for board in boards for row in board.rows)
    for line, row in zip(lines, rows, strict=True):
        rest = [row.values.get(key) for key in (*metrics, *costs)]
        writer.writerow([_csv_entry(value) for value in (*line.values(), *rest)])
    return stream.getvalue()


def _record(board: Board, row: Row) -> dict[str, str | float | bool | None]:
    score, difference = row.score, row.difference
    return {
        **_names(board),
        "ranked_by": board.score.key,
        "higher_is_better": bool(board.score.higher_is_better),
        "strategy": row.label,
        "parameters": "; ".join(f"{key}={value}" for key, value in row.parameters.items()),
        "uses_extra": row.uses_extra,
        "tuned": row.tuned,
        "trials": row.trials,
        "tuning_steps": row.budget.steps if row.budget else None,
        "runs": row.n,
        "runs_expected": board.n_units,
        "failed": _count(row, board.failed),
        "skipped": _count(row, board.skipped),
        "missing": _count(row, board.missing),
        "mean": score.mean if score else None,
        "low": score.low if score else None,
        "high": score.high if score else None,
        "baseline": board.baseline,
        "difference": difference.mean if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
        "pairs": difference.pairs if difference else None,
        "difference_rows_low": row.difference_rows.low if row.difference_rows else None,
        "difference_rows_high": row.difference_rows.high if row.difference_rows else None,
        "p": difference.p if difference else None,
        "p_holm": row.adjusted_p,
        "verdict": row.verdict,
        "could_be_best": row.could_be_best,
        **chances(row),
        "prior_exact": row.prior_exact,
    }


def chances(row: Row) -> dict[str, float | None]:
    """How likely a row is better than the baseline, the same, and worse."""
    found = row.chances
    return {
        "p_better": found.first if found else None,
        "p_same": found.same if found else None,
        "p_worse": found.second if found else None,
    }


def _names(board: Board) -> dict[str, str]:
    settings = "; ".join(f"{key}={value}" for key, value in board.variant.items())
    return {"data": board.data, "target": board.target, "model": board.model, "settings": settings}


def _count(row: Row, absences: Iterable[Absence]) -> int:
    return sum(len(a.units) for a in absences if a.label == row.label)


def _csv_entry(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _csv_text(value) if isinstance(value, str) else f"{value:.12g}"


def _csv_text(text: str) -> str:
    """Text that a spreadsheet shows instead of evaluating: ' before a leading = + - @ tab or carriage return."""
    text = clean(text.encode("utf-8", "replace").decode("utf-8"), keep="\t\r\n")
    risky = text[:1] in ("\t", "\r", "\n") or text.lstrip()[:1] in tuple("=+-@＝＋－＠")
    return f"'{text}" if text and risky else text


def changes_csv(boards: Iterable[Board]) -> str:
    """What each strategy changes, a line for each board, strategy and aspect; empty where no board has aspects."""
    return _table(
        {
            **_names(board),
            "strategy": label,
            "aspect": aspect.name,
            "metric": aspect.column.key,
            "higher_is_better": bool(aspect.column.higher_is_better),
            "mean": value,
            "baseline": board.baseline,
            **judged(aspect, label),
        }
        for board in boards
        for aspect in board.aspects
        for label, value in aspect.values.items()
    )


def judged(aspect: Aspect, label: str) -> dict[str, Any]:
    """The difference of a strategy in one aspect, and its verdict."""
    found = aspect.comparison.differences.get(label)
    return {
        "difference": found.mean if found else None,
        "difference_low": found.low if found else None,
        "difference_high": found.high if found else None,
        "p_holm": aspect.comparison.adjusted.get(label),
        "verdict": aspect.comparison.verdicts.get(label),
    }


def groups_csv(boards: Iterable[Board]) -> str:
    """All groups of all boards, a line for each group, strategy and metric; empty where no board has groups."""
    return _table(
        {**_names(board), **entry}
        for board in boards
        if board.subgroups is not None
        for entry in entries(board.subgroups)
    )


def across_csv(summaries: Iterable[AcrossDataSets]) -> str:
    """What several data sets say together, a line for each model and strategy; empty where nothing is said."""
    return _table(
        _across(summary, standing)
        for summary in summaries
        if summary.blocks is not None
        for standing in summary.blocks.standings
    )


def regret_csv(families: Iterable[Family]) -> str:
    """Every point of every regret curve; empty where there is none."""
    return _table(entry for family in families for entry in regret.entries(family))


def _across(summary: AcrossDataSets, standing: Standing) -> dict[str, str | float | None]:
    pair, blocks = standing.against, len(summary.targets)
    return {
        "model": summary.model,
        "blocks": blocks,
        "metrics": "; ".join(summary.metrics),
        "strategy": standing.name,
        "mean_rank": standing.mean_rank,
        "mean_score": standing.mean_score,
        "baseline": summary.baseline,
        "difference": (pair.mean if summary.higher_is_better else -pair.mean) if pair else None,
        "wins": pair.wins if pair else None,
        "ties": pair.ties if pair else None,
        "losses": pair.losses if pair else None,
        "p": pair.p if pair else None,
        "p_holm": pair.adjusted if pair else None,
        "p_better": pair.posterior.first if pair and pair.posterior else None,
        "p_same": pair.posterior.same if pair and pair.posterior else None,
        "p_worse": pair.posterior.second if pair and pair.posterior else None,
    }


def _table(entries: Iterable[Mapping[str, Any]]) -> str:
    """CSV of entries with the same keys; empty without any."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for number, entry in enumerate(entries):
        if number == 0:
            writer.writerow(entry)
        writer.writerow([_csv_entry(value) for value in entry.values()])
    return stream.getvalue()
