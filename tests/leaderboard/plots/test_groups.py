"""Pictures of groups: one a metric, of the groups and means of the board."""

from __future__ import annotations

from bench.leaderboard.boards.build import boards
from bench.leaderboard.plots.groups import Groups
from bench.leaderboard.plots.parts.figure import Evidence
from bench.records.columns import of_records
from tests.leaderboard.boards.test_subgroups import board, entry, grouped


def test_a_picture_shows_the_means_of_each_group_and_none_where_undefined() -> None:
    subject = board()
    (served,) = Groups().data(subject, Evidence(()))
    assert served.words.title == "AUROC per group"
    assert [row[0] for row in served.words.rows] == ["DE", "FR", "<b>"]
    assert {label: [v and round(v, 6) for v in own] for label, own in served.means.items()} == {
        "focal": [0.75, 0.8, None], "none": [0.65, 0.8, None],
    }  # fmt: skip
    svg = Groups().draw(served).render("x", "t", "d")
    assert svg.count('class="mark"') == 2 + 1  # focal in two groups, and its name
    assert "&lt;b&gt;" in svg


def test_calibration_has_a_picture_of_its_own_with_the_line_that_is_right() -> None:
    groups = {
        name: {**entry(100, 40, 0.6, 0.5), "calibration_intercept": own} for name, own in (("DE", 0.4), ("FR", -0.6))
    }
    (subject,) = boards(of_records([grouped("none", 0, groups)]))
    auroc, calibration = Groups().data(subject, Evidence(()))
    assert (auroc.ideal, calibration.ideal) == (None, 0.0)
    assert calibration.words.caption.endswith("Dashed: 0, which is right.")
    assert 'class="dash"' in Groups().draw(calibration).render("x", "t", "d")


def test_one_group_is_no_comparison() -> None:
    (subject,) = boards(of_records([grouped("none", 0, {"DE": entry(100, 40, 0.6, 0.5)})]))
    assert not list(Groups().data(subject, Evidence(())))
