"""Every figure that there is: found by its file, on the page where it applies, with a table and words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.leaderboard.boards.across import AcrossDataSets, summaries
from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.regret import Family, families
from bench.leaderboard.plots.parts.figure import Evidence
from bench.leaderboard.plots.registry import FIGURES, evidence_of, figures_of, pictures
from bench.records.columns import of_records
from bench.records.store import Store
from tests.evaluation.test_reevaluate import finished
from tests.leaderboard.boards.test_regret import grid
from tests.leaderboard.builders import series

SUBJECTS: tuple[Any, ...] = (Board, Family, AcrossDataSets)


def test_figures_are_found_by_their_files_and_stand_in_order() -> None:
    names = {subject: [figure.name for figure in figures_of(subject)] for subject in SUBJECTS}
    assert names[Board] == [
        "differences", "cost", "precision_recall", "top_rows", "in_query", "cost_curve", "class_recall", "groups",
        "reliability",
    ]  # fmt: skip
    assert names[Family] == ["regret"]
    assert names[AcrossDataSets] == ["critical_difference"]
    assert sorted(FIGURES.names()) == sorted(name for found in names.values() for name in found)


def subjects(root: Path) -> list[tuple[Any, Evidence | None]]:
    """A board of two classes and one of four with predictions, a family, data sets together."""
    found: list[tuple[Any, Evidence | None]] = []
    for classes in (2, 4):
        store = Store(root / str(classes))
        records = [finished(store, classes, seed, says_more=True) for seed in (0, 1, 2)]
        for seed in range(3):
            value = (records[seed].metrics["raw/average_precision"] or 0) + 0.05 * seed
            records += series("focal", [], seed=seed) + [
                record for record in series("oversample", [value] * 3, traits=records[0].traits) if record.seed == seed
            ]
        (board,) = boards(of_records(records))
        found.append((board, evidence_of(board, store)))
    tables = boards(of_records(grid((1000, 4000), (0.1, 0.3))))
    found += [(family, None) for family in families(tables)]
    sets = [r for d in "abc" for s, v in (("none", 0.3), ("focal", 0.4)) for r in series(s, [v] * 3, data=d)]
    return [*found, *((across, None) for across in summaries(boards(of_records(sets))))]


def test_every_figure_applies_to_something_and_has_words_and_numbers(tmp_path: Path) -> None:
    """A table as wide as its headings, a title and a description in the picture, a name of its own."""
    drawn = set()
    for subject, evidence in subjects(tmp_path):
        found = list(pictures(subject, "here", evidence))
        assert len({picture.slug for _, picture in found}) == len(found)
        for name, picture in found:
            drawn.add(name)
            assert picture.slug.startswith("here-")
            assert picture.title
            assert picture.caption
            assert picture.rows
            assert {len(row) for row in picture.rows} == {len(picture.headings)}
            assert f'<title id="{picture.slug}-t">' in picture.svg
            assert f'<desc id="{picture.slug}-d">' in picture.svg
            assert "nan" not in picture.svg
    assert drawn == set(FIGURES.names())


def test_optional_figures_need_evidence(tmp_path: Path) -> None:
    """With board.plots=false there is none, and what the board alone tells is drawn."""
    (board, evidence), *_ = subjects(tmp_path)
    assert evidence is not None
    drawn = dict.fromkeys(name for name, _ in pictures(board, "here"))
    assert [*drawn] == [figure.name for figure in figures_of(Board) if not figure.optional]


def test_a_misspelt_figure_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="Did you mean 'reliability'"):
        FIGURES.get("reliabilty")
