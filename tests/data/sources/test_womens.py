"""The embedded reviews: what each target must not see, and what is recorded of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from bench.data.tables.schema import Table
from tests import ROOT
from tests.data.asked import asked

GIVES_AWAY = {
    "one_star": {"Rating", "Recommended IND"},
    "not_recommended": {"Rating", "Recommended IND"},
    "class": {"Class Name", "Clothing ID", "Department Name", "Division Name"},
}


def womens(target: str, **options: Any) -> Table:
    return asked("womens", target=target, min_class_rows=43, **options).load()


@pytest.mark.parametrize("target", sorted(GIVES_AWAY))
def test_columns_that_give_the_target_away_are_absent(target: str) -> None:
    table = womens(target)
    assert set(table.ignored) == GIVES_AWAY[target]
    assert not GIVES_AWAY[target] & set(table.frame)
    for name, other in table.other.items():
        assert set(other.drops) == GIVES_AWAY[name] & set(table.frame)
        assert len(other.y) == len(table)


def test_womens_targets_are_as_published() -> None:
    one_star, classes, not_recommended = (womens(t) for t in ("one_star", "class", "not_recommended"))
    assert one_star.classes == not_recommended.classes == ("0", "1")
    assert one_star.y.mean() == pytest.approx(0.036, abs=0.001)
    assert not_recommended.y.mean() == pytest.approx(0.178, abs=0.01)
    assert len(classes.classes) == 18
    assert not {"Chemises", "Casual bottoms"} & set(classes.classes)
    assert any("Chemises (1)" in line for line in classes.log)
    assert any("dropped 6 rows without target" in line for line in classes.log)
    assert (one_star.other["class"].y == -1).any()
    sources = [t.transfer_source for t in (one_star, classes, not_recommended)]
    assert sources == ["class", "one_star", "class"]
    assert "Clothing ID" in one_star.names("categorical")
    assert "positive class: 1 (3.6%)" in one_star.log


def test_fingerprints_are_recorded() -> None:
    """Results are keyed by these: a change of cleaning that alters them raises the source's version."""
    recorded = {
        "one_star": "c7fdd3e703a9b863",
        "class": "7928590f8add16e7",
        "not_recommended": "8269ca4753b9a345",
    }
    assert {t: womens(t).fingerprint[:16] for t in recorded} == recorded


def test_sample_is_a_megabyte() -> None:
    path = ROOT / "bench/data/sources/embedded/womens.parquet"
    assert path.stat().st_size < 1_000_000
    assert len(pd.read_parquet(path)) == 10_000
