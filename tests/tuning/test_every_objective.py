"""What a shop judges models by: each such metric orders a board, has its figures, and can be tuned for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench.api.publishing import boards
from bench.evaluation.registry import direction
from bench.leaderboard.plots.registry import evidence_of, pictures
from bench.records.store import Store
from tests.command_line import imbench

ROWS = (
    "data=impressions", "data.rows=4000", "data.prevalence=0.15", "data.query=user", "data.group=country",
    "data.cost={fp: 1, fn: 6}", "model=linear", "train.max_steps=60", "train.eval_every=20",
)  # fmt: skip

FIGURES = {
    "cost/expected_cost": "cost_curve",
    "cost/savings": "cost_curve",
    "raw/lift_at_5pct": "top_rows",
    "raw/precision_at_5pct": "top_rows",
    "raw/recall_at_fpr_5pct": "top_rows",
    "raw/ndcg": "in_query",
    "raw/mrr": "in_query",
    "raw/mean_average_precision": "in_query",
    "raw/gauc": "in_query",
    "groups/worst_auroc": "groups",
    "groups/worst_calibration": "groups",
}
"""Of each metric, the figure of its own."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ran")
    assert imbench("run", "-m", "strategy=none,class_weights", *ROWS, "repeats=5", results=folder) == 0
    return folder


@pytest.mark.parametrize("column", FIGURES)
def test_a_board_is_ordered_by_it_and_shows_it_in_figures(ran: Path, column: str) -> None:
    (board,) = boards([f"results={ran}", f"board.metric={column}", "board.bootstrap=0"])
    means = [row.score.mean for row in board.rows if row.score is not None]
    assert (board.score.key, len(means)) == (column, 2)
    assert means == sorted(means, reverse=direction(column))
    assert "This is a look" in board.sentence  # judged, on five splits
    drawn = {name for name, _ in pictures(board, "here", evidence_of(board, Store(ran)))}
    assert {"differences", "cost", FIGURES[column]} <= drawn


def tuned(folder: Path, name: str) -> float:
    """The best value that a study of this objective found."""
    words = ("strategy=class_weights", f"tune.objective={name}", "tune.trials=2", "tune.batch=2")
    assert imbench("tune", *ROWS, *words, results=folder) == 0
    (found,) = folder.glob("tuned/*/best.yaml")
    best = yaml.safe_load(found.read_text(encoding="utf-8"))
    ((column, value),) = best["objective"].items()
    assert column.rpartition("/")[2] == name
    return float(value)


def test_the_worst_group_is_tuned_for(tmp_path: Path) -> None:
    assert 0 < tuned(tmp_path, "worst_auroc") <= 1


@pytest.mark.long
@pytest.mark.parametrize("name", [column.partition("/")[2] for column in FIGURES])
def test_it_is_tuned_for(tmp_path: Path, name: str) -> None:
    tuned(tmp_path, name)
