"""Groups of test rows: means by hand, undefined with a reason, the largest shown, and every format has them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.subgroups import MOST, tables
from bench.leaderboard.formats import boards_json, tables_csv
from bench.leaderboard.formats.html import page
from bench.leaderboard.formats.latex import latex
from bench.leaderboard.formats.markdown import markdown
from bench.records import snapshot, table_file
from bench.records.columns import of_records
from bench.records.record import Record
from tests.leaderboard.builders import HOSTILE, make, terminal

TRAITS = {"n_train": 800, "n_test": 200, "n_classes": 2}


def entry(rows: int, positives: int, auroc: float | None, ap: float | None) -> dict[str, Any]:
    return {"rows": rows, "positives": positives, "auroc": auroc, "average_precision": ap}


def grouped(strategy: str, seed: int, groups: dict[str, Any], **fields: Any) -> Record:
    traits = {**TRAITS, "groups": groups, "group_column": "country", "n_groups": 30, **fields.pop("traits", {})}
    return make(strategy, seed, 0.5 + seed / 100, traits=traits, **fields)


def board() -> Board:
    records = []
    for strategy, gain in (("none", 0.0), ("focal", 0.1)):
        for seed in (0, 1):
            groups = {
                "DE": entry(100, 40, 0.6 + gain + seed / 10, 0.5), "FR": entry(60, 6, 0.8, 0.2 + seed / 10),
                "<b>": entry(40, 0, None, None),
            }  # fmt: skip
            records.append(grouped(strategy, seed, groups))
    (found,) = boards(of_records(records))
    return found


def test_the_worst_group_is_the_lowest_or_the_farthest_from_the_ideal() -> None:
    """Of calibration 0 is right: -.6 is worse than .4."""
    own = {"DE": 0.4, "FR": -0.6, "IT": 0.1}
    groups = {name: {**entry(100, 40, 0.6, 0.5), "calibration_intercept": v} for name, v in own.items()}
    (found,) = boards(of_records([grouped("none", 0, groups)]))
    assert found.subgroups is not None
    assert found.subgroups.worst("none", "calibration_intercept") == pytest.approx(-0.6)
    shown = {title: lines for title, _, lines in tables(found.subgroups, ["none"], None)}
    assert shown["Calibration intercept recalibrated per group"][-2][-1].replace("−", "-") in ("-.600", "-0.600")
    assert any("by how much log odds are too low" in note for note in found.subgroups.notes())


def test_values_are_means_over_seeds_and_spread_is_of_the_means() -> None:
    groups = board().subgroups
    assert groups is not None
    assert [(g.name, g.rows, g.prevalence) for g in groups.shown] == [("DE", 100, 0.4), ("FR", 60, 0.1), ("<b>", 40, 0)]
    de, fr, empty = groups.values["focal"]["auroc"]
    assert de is not None
    assert fr is not None
    assert (de.mean, fr.mean, empty) == (pytest.approx(0.75), pytest.approx(0.8), None)
    assert de.half == pytest.approx(0.05 * 12.706, rel=1e-4)  # t with one degree of freedom, s/sqrt(2) = .05
    assert groups.spread("none", "auroc") == pytest.approx(0.8 - 0.65)
    assert groups.spread("none", "average_precision") == pytest.approx(0.25)
    assert groups.worst("none", "auroc") == pytest.approx(0.65)


def test_notes_tell_what_is_hidden_undefined_and_not_comparable() -> None:
    groups = board().subgroups
    assert groups is not None
    notes = " ".join(groups.notes())
    assert "3 groups of country with most test rows, of 30; 27 are not shown" in notes
    assert "Undefined for <b>: no positive test row." in notes
    assert "2 of 3 groups have fewer than 20 test rows of a class" in notes
    assert "favours groups with many positives (McDermott et al. 2024" in notes


def test_only_the_largest_are_shown() -> None:
    groups = {f"g{i:02d}": entry(100 + i, 50, 0.5, 0.5) for i in range(15)}
    (found,) = boards(of_records([grouped("none", 0, groups)]))
    assert found.subgroups is not None
    assert [g.name for g in found.subgroups.shown] == [f"g{i:02d}" for i in range(14, 14 - MOST, -1)]


def test_groups_with_few_rows_are_counted_and_not_shown() -> None:
    """Also where they are all that there are: then nothing else is said."""
    few = {"n_groups": 30, "n_groups_few": 28}
    groups = {"DE": entry(100, 50, 0.7, 0.5), "FR": entry(60, 30, 0.6, 0.5)}
    (found,) = boards(of_records([grouped("none", 0, groups, traits=few)]))
    assert found.subgroups is not None
    first = next(iter(found.subgroups.notes()))
    assert "2 groups of country with most test rows, of 30; 28 have too few test rows of a class" in first
    (nothing,) = boards(of_records([grouped("none", 0, {}, traits={"n_groups": 30, "n_groups_few": 30})]))
    assert nothing.subgroups is not None
    assert len(list(nothing.subgroups.notes())) == 1
    for text in (terminal(nothing), markdown([nothing]), page([nothing], [], {}, title="t")):
        assert "30 have too few test rows" in text


def test_a_group_that_is_undefined_on_one_split_is_a_mean_over_the_others() -> None:
    per_split = [{"DE": entry(50, 5, 0.7, 0.3)}, {"DE": entry(50, 0, None, None)}, {"DE": entry(50, 10, 0.9, 0.3)}]
    records = [grouped("none", 0, groups, split=split) for split, groups in enumerate(per_split)]
    (found,) = boards(of_records(records))
    assert found.subgroups is not None
    (interval,) = found.subgroups.values["none"]["auroc"]
    assert interval is not None
    assert (interval.mean, interval.n) == (pytest.approx(0.8), 2)
    assert "Undefined on some splits, and a mean over the others: DE." in list(found.subgroups.notes())
    assert found.subgroups.shown[0].prevalence == pytest.approx(0.1)


def test_many_classes_have_macro_f1_and_accuracy() -> None:
    groups = {"DE": {"rows": 50, "accuracy": 0.75, "macro_f1": 0.5}}
    records = [grouped("none", 0, groups, key="tuned/macro_f1", traits={"n_classes": 4})]
    (found,) = boards(of_records(records))
    ((title, headings, lines), (second, _, others)) = found.group_tables()
    assert (title, second) == ("Macro-F1 tuned per group", "Accuracy tuned per group")
    assert headings == ["Group", "Rows", "none"]
    assert lines == [["DE", "50", ".500"], ["Worst", "", ".500"], ["Spread", "", "–"]]
    assert others[0][-1] == ".750"
    assert found.subgroups is not None
    assert any("groups average other classes" in note for note in found.subgroups.notes())


def test_every_format_shows_the_groups() -> None:
    found = board()
    for text in (terminal(found), markdown([found]), page([found], [], {}, title="t"), latex([found])):
        for words in ("AUROC per group", "AP per group", "Spread", "country", "McDermott", ".750"):
            assert words in text
    assert "<b>" not in page([found], [], {}, title="t")
    lines = list(csv.DictReader(io.StringIO(tables_csv.groups_csv([found]))))
    assert len(lines) == 3 * 2 * 2
    gap = next(x for x in lines if x["group"] == "<b>" and x["strategy"] == "focal" and x["metric"] == "auroc")
    assert (gap["mean"], gap["undefined"]) == ("", "no positive test row")
    document = json.loads(boards_json.json_text([found]))["boards"][0]["groups"]
    assert document["spread"]["none"]["auroc"] == pytest.approx(0.15)
    assert len(document["entries"]) == 12


def test_wide_tables_are_divided_and_not_cut() -> None:
    records = [grouped(f"strategy_{i:02d}", 0, {"DE": entry(50, 25, 0.61 + i / 100, 0.5)}) for i in range(12)]
    (found,) = boards(of_records(records))
    text = terminal(found, 80)
    assert all(f".{61 + i}0" in text for i in range(12))
    assert max(map(len, text.splitlines())) <= 80
    assert latex([found]).count(r"\begin{tabular}") > 3


def test_hostile_groups_are_escaped() -> None:
    records = [grouped("none", 0, {h: entry(20 + i, 10, 0.5, 0.5) for i, h in enumerate(HOSTILE)})]
    (found,) = boards(of_records(records))
    assert "<script" not in page([found], [], {}, title="t").partition("</style>")[2].rpartition("<script>")[0]
    assert "<script" not in markdown([found])
    terminal(found)


def test_records_without_groups_have_no_such_table(tmp_path: Path) -> None:
    (found,) = boards(of_records([make("none", 0), make("focal", 0)]))
    assert found.subgroups is None
    assert not list(found.group_tables())
    assert tables_csv.groups_csv([found]) == ""


def test_groups_and_regrets_are_in_snapshots_and_older_snapshots_are_read(tmp_path: Path) -> None:
    """The first format had neither column: what it holds is read, and the rest is absent."""
    truth = {"bayes": {"log_loss": 0.1}, "raw": {"log_loss": 0.02}}
    records = [grouped("none", 0, {"DE": entry(50, 5, 0.7, 0.3)}, traits={"truth": truth})]
    folder = tmp_path / "published" / "now"
    snapshot.write(folder, of_records(records), {}, command="c")
    (new,) = boards(snapshot.read(folder))
    assert new.subgroups is not None
    assert new.rows[0].regrets["raw/log_loss"].mean == 0.02

    table = table_file.to_arrow(of_records(records)).drop_columns(["groups"])
    pq.write_table(table.replace_schema_metadata({"format": "imbench-ledger-1"}), tmp_path / "old.parquet")
    (old,) = boards(table_file.of_arrow(table_file.read_table(tmp_path / "old.parquet")))
    assert old.subgroups is None
    assert old.rows[0].score == new.rows[0].score
