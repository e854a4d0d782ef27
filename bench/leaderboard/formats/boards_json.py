"""Boards as JSON: everything that is on them, numbers in full."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.boards.subgroups import entries
from bench.leaderboard.formats.tables_csv import chances, judged
from bench.leaderboard.statistics.intervals import Interval


def json_text(boards: Iterable[Board], **more: Any) -> str:
    """Everything on the boards as JSON, sorted keys, numbers in full; `more` holds further top-level members."""
    document = {"format": "imbench-boards-2", "boards": [_json_board(board) for board in boards], **more}
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=True) + "\n"


def _json_board(board: Board) -> dict[str, Any]:
    absent = {kind: [asdict(absence) for absence in getattr(board, kind)] for kind in ("failed", "skipped", "missing")}
    return {
        "data": board.data,
        "target": board.target,
        "model": board.model,
        "settings": board.settings,
        "variant": board.variant,
        "traits": board.traits,
        "n_classes": board.n_classes,
        "baseline": board.baseline,
        "ranked_by": board.score.key,
        "higher_is_better": bool(board.score.higher_is_better),
        "splits": board.design.splits,
        "n_units": board.n_units,
        "sentence": board.sentence,
        "effects": board.effects,
        "aspects": [
            {
                "name": aspect.name,
                "metric": aspect.column.key,
                "higher_is_better": bool(aspect.column.higher_is_better),
                "strategies": {label: {"mean": v, **judged(aspect, label)} for label, v in aspect.values.items()},
            }
            for aspect in board.aspects
        ],
        "notes": list(board.notes),
        "further": list(board.further),
        "comparison": _json_comparison(board),
        "columns": [asdict(column) for column in board.columns],
        "rows": [_json_row(row) for row in board.rows],
        **absent,
        "groups": _json_groups(board),
    }


def _json_comparison(board: Board) -> dict[str, Any]:
    """What verdicts rest on; the differences themselves stand in the rows."""
    found = board.comparison
    return {
        "judged": found.judged,
        "repeats": found.repeats,
        "given_split": board.design.given,
        "test_train_ratio": board.design.ratio,
        "overlap": found.overlap,
        "overlap_estimated": found.estimated,
        "rope": found.rope,
        "ruled_out_by": {label: sorted(others) for label, others in found.beaten_by.items() if others},
    }


def _json_groups(board: Board) -> dict[str, Any] | None:
    groups = board.subgroups
    if groups is None:
        return None
    worst, spread = (
        {label: {m: of(label, m) for m in groups.metrics} for label in groups.values}
        for of in (groups.worst, groups.spread)
    )
    own = {"total": groups.total, "entries": list(entries(groups)), "notes": list(groups.notes())}
    return {**own, "worst": worst, "spread": spread}


def _json_row(row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "strategy": row.strategy,
        "parameters": row.parameters,
        "runs": row.n,
        "uses_extra": row.uses_extra,
        "tuned": row.tuned,
        "budget": asdict(row.budget) if row.budget else None,
        "values": dict(row.values),
        "score": _json_interval(row.score),
        "score_rows": _json_interval(row.score_rows),
        "difference": asdict(row.difference) if row.difference else None,
        "difference_rows": _json_interval(row.difference_rows),
        "p_holm": row.adjusted_p,
        "verdict": row.verdict,
        "could_be_best": row.could_be_best,
        **chances(row),
        "prior_exact": row.prior_exact,
        "records": [key for _, key in row.keys],
        "regrets": {name: asdict(interval) for name, interval in row.regrets.items()},
    }


def json_summary(summary: AcrossDataSets) -> dict[str, Any]:
    """What several data sets say together, as JSON values."""
    return asdict(summary)


def _json_interval(interval: Interval | None) -> dict[str, Any] | None:
    return asdict(interval) if interval else None
