"""Regret curves: families of generated data sets, points as recorded, blocks that are not mixed, plots with words."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import Any

import pytest

from bench.leaderboard.boards.across import summaries
from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.regret import METRICS, Family, families
from bench.leaderboard.formats import tables_csv
from bench.leaderboard.formats.html import page
from bench.leaderboard.plots.parts.figure import Picture
from bench.leaderboard.plots.registry import pictures
from bench.records.columns import of_records
from bench.records.record import Record, digest
from tests.leaderboard.builders import make


def regret_of(strategy: str, rows: float, prevalence: float, seed: int) -> float:
    return (0.02 if strategy == "none" else 0.3) * (1000 / rows) ** 0.5 * (prevalence / 0.1) * (1 + seed / 10)


def generated(
    strategy: str, rows: int, prevalence: float, seed: int, *, world: int = 0, truth: bool = True, **fields: Any
) -> Record:
    regret = regret_of(strategy, rows, prevalence, seed)
    traits: dict[str, Any] = {"n_train": rows * 0.65, "n_test": rows * 0.2, "n_classes": 2}
    if truth:
        views = {"raw": {"log_loss": regret, "auroc": regret / 2}, "corrected": {"log_loss": regret / 3}}
        traits |= {"truth": {"bayes": {"log_loss": 0.1}, **views}}
        traits |= {"generated": {"rows": rows, "prevalence": prevalence, "noise": 0.0, "world": world}}
    value = 0.5 + 0.1 * (strategy == "none") + seed / 50
    made = make(strategy, seed, value, data="impressions", traits=traits, **fields)
    data = {**made.config["data"], "fingerprint": digest([rows, prevalence, world])}
    config = {**made.config, "data": data}
    return Record(**{**vars(made), "config": config, "key": digest(config)})


def sweep(rows: tuple[int, ...] = (1000, 4000), prevalences: tuple[float, ...] = (0.1, 0.3), **fields: Any) -> Family:
    found = families(boards(of_records(grid(rows, prevalences, **fields))))
    assert len(found) == 1
    return found[0]


def grid(rows: tuple[int, ...], prevalences: tuple[float, ...], **fields: Any) -> list[Record]:
    return [
        generated(s, n, p, seed, **fields) for s in ("focal", "none") for n in rows for p in prevalences
        for seed in (0, 1, 2)
    ]  # fmt: skip


@pytest.mark.parametrize(("baseline", "said"), [
    ("none", "nobody was shown to order rows better than doing nothing at any of 4 points; worse by focal (at 4)"),
    ("focal", "doing nothing (at 4 of 4 points) orders rows better than focal"),
])  # fmt: skip
def test_who_orders_rows_better_by_the_truth_and_at_how_many_points_is_said(baseline: str, said: str) -> None:
    found = [
        generated(s, n, p, seed, split=seed) for s in ("focal", "none") for n in (1000, 4000) for p in (0.1, 0.3)
        for seed in range(10)
    ]  # fmt: skip
    made = boards(of_records(found), baseline=baseline)
    (family,) = families(made)
    assert family.sentence == f"By the true probabilities, {said}."
    assert f"By the true probabilities, {said}." in page(made, [], {}, [family], title="t")


def regret_curves(family: Family) -> list[Picture]:
    return [picture for _, picture in pictures(family, family.slug)]


def test_points_are_means_and_t_intervals_over_seeds() -> None:
    family = sweep()
    (first, interval), (second, _) = family.lines("focal", "raw/log_loss", "rows")[0.1]
    values = [regret_of("focal", 1000, 0.1, seed) for seed in range(3)]
    mean = sum(values) / 3
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / 2)
    assert (first, second) == (1000, 4000)
    assert interval.mean == pytest.approx(mean)
    assert interval.half == pytest.approx(4.302653 * deviation / math.sqrt(3), rel=1e-5)
    over_prevalence = family.lines("none", "corrected/log_loss", "prevalence")
    assert [(level, [v for v, _ in line]) for level, line in over_prevalence.items()] == [
        (1000, [0.1, 0.3]), (4000, [0.1, 0.3]),
    ]  # fmt: skip


def test_a_family_needs_two_points_on_a_line_and_known_truth() -> None:
    assert families(boards(of_records(grid((1000,), (0.1,))))) == []
    assert families(boards(of_records(grid((1000, 4000), (0.1,), truth=False)))) == []
    diagonal = grid((1000,), (0.1,)) + grid((4000,), (0.3,))
    assert families(boards(of_records(diagonal))) == []


def test_other_worlds_and_other_settings_are_other_families() -> None:
    records = grid((1000, 4000), (0.1,)) + grid((1000, 4000), (0.1,), world=1)
    records += grid((1000, 4000), (0.1,), train={"lr": 0.2})
    found = families(boards(of_records(records)))
    assert len(found) == 3
    assert len({family.slug for family in found}) == 3
    assert len({family.title for family in found}) == 3


def test_boards_that_differ_in_what_a_record_does_not_tell_are_not_drawn() -> None:
    """Two tables for one point, of other columns, say: which of them a curve should pass through is unknown."""
    records = grid((1000, 4000), (0.1,))
    other = {**records[0].config, "data": {**records[0].config["data"], "fingerprint": "f" * 64}}
    records.append(Record(**{**vars(records[0]), "config": other, "key": digest(other)}))
    assert families(boards(of_records(records))) == []


def test_one_axis_alone_gives_one_figure() -> None:
    assert [f.title for f in regret_curves(sweep(prevalences=(0.1,)))] == [f"Over rows: {m}" for m in METRICS.values()]
    assert [f.title for f in regret_curves(sweep(rows=(1000,)))] == [f"Over prevalence: {m}" for m in METRICS.values()]


def test_one_figure_for_each_metric_and_axis_holds_all_strategies() -> None:
    """Two points are not joined: a line would claim a course that nobody has seen."""
    figures = regret_curves(sweep())
    metrics = ["Log loss regret, raw", "Log loss regret, corrected", "AUROC regret"]
    assert [f.title for f in figures] == [f"Over {axis}: {m}" for axis in ("rows", "prevalence") for m in metrics]
    over_rows = figures[0]
    assert over_rows.headings == ("Strategy", "rows", "prevalence", "Log loss regret, raw")
    assert {len(f.rows) for f in figures} == {2 * 4}  # every level of both axes stands in the table
    assert over_rows.rows[0][:3] == ("none", "1,000", "10%")
    assert over_rows.rows[0][3].startswith(".0220 ± ")
    assert "focal .990 to .495" in over_rows.svg  # at the higher of two prevalences
    assert "those at 10% are in the table" in over_rows.caption
    assert over_rows.svg.count('<circle class="mark"') == 2 * 2
    assert over_rows.svg.count('class="curve"') == 2  # the two of the legend
    numbers = [float(n) for n in re.findall(r'c[xy]="([-\d.]+)"', over_rows.svg)]
    assert all(0 <= n <= 700 for n in numbers)
    longer = regret_curves(sweep(rows=(1000, 4000, 16000)))[0]
    assert longer.svg.count('class="curve"') == 4


def test_a_perfect_model_and_a_single_seed_can_be_drawn() -> None:
    """A regret of exactly 0 has no logarithm; one seed has no interval."""
    records = [r for r in grid((1000, 4000), (0.1,)) if r.seed == 0]
    perfect = [Record(**{**vars(r), "traits": {**r.traits, "truth": {"raw": {"auroc": 0.0}}}}) for r in records]
    for found in families(boards(of_records(perfect))):
        (figure,) = regret_curves(found)
        assert figure.rows[0][3] == ".0000"
        assert "nan" not in figure.svg


def test_the_level_with_most_points_is_drawn_and_the_others_are_said_to_be_in_the_table() -> None:
    """A sweep over rows at one prevalence, and over prevalence at one number of rows: each drawn where it has most."""
    family = sweep(prevalences=(0.05, 0.1, 0.2))
    figure = regret_curves(family)[0]
    assert "At prevalence 10%; those at 5%, 20% are in the table." in figure.caption
    assert len(figure.rows) == 2 * 2 * 3
    records = grid((1000, 4000, 16000), (0.1,)) + grid((1000,), (0.3, 0.5))
    cross = {f.title: f.caption for f in regret_curves(families(boards(of_records(records)))[0])}
    assert "At prevalence 10%" in cross["Over rows: Log loss regret, raw"]
    assert "At rows 1,000" in cross["Over prevalence: Log loss regret, raw"]


def test_the_data_file_has_every_point() -> None:
    lines = list(csv.DictReader(io.StringIO(tables_csv.regret_csv([sweep()]))))
    assert len(lines) == 2 * 4 * 3
    line = next(x for x in lines if (x["strategy"], x["rows"], x["prevalence"]) == ("none", "4000", "0.3"))
    assert (line["regret"], line["n"]) == ("raw/log_loss", "3")
    assert float(line["mean"]) == pytest.approx(0.02 * 0.5 * 3 * 1.1)
    assert tables_csv.regret_csv([]) == ""


def test_the_page_links_to_its_curves() -> None:
    tables = boards(of_records(grid((1000, 4000), (0.1, 0.3))))
    found = families(tables)
    text = page(tables, [], {}, found, title="t")
    assert f'<a href="#{found[0].slug}">Regret · impressions' in text
    assert f'<section id="{found[0].slug}"' in text


def test_boards_are_named_by_what_was_asked_for_in_the_order_of_numbers() -> None:
    tables = boards(of_records(grid((1000, 16000, 4000), (0.1,))))
    assert [b.title for b in tables] == [f"impressions · t · m · data.rows={n}" for n in (1000, 4000, 16000)]


def test_a_block_is_one_table_of_a_generator() -> None:
    """Rows and prevalences of a generator used to be averaged into one block, as if they were targets."""
    records = grid((1000, 4000), (0.1, 0.3)) + [make(s, seed, 0.5) for s in ("none", "focal") for seed in (0, 1)]
    (summary,) = summaries(boards(of_records(records)))
    assert summary.blocks is not None
    assert set(summary.blocks.names) == {
        "d",
        *(f"impressions (prevalence={p}, rows={n})" for n in (1000, 4000) for p in (0.1, 0.3)),
    }
    assert any("Blocks of one generator (impressions) share" in note for note in summary.notes)
    assert not any("averaged" in note for note in summary.notes)


def test_strategies_that_correction_does_not_undo_are_marked() -> None:
    family = sweep(fitted={"prior_exact": 0.0})
    assert family.inexact == {"focal", "none"}
    over_rows = regret_curves(family)[0]
    assert ">focal°</text>" in over_rows.svg
    assert "correction does not undo it" in over_rows.caption
    assert "focal°" in {row[0] for row in over_rows.rows}
    assert not sweep(fitted={"prior_exact": 1.0}).inexact
