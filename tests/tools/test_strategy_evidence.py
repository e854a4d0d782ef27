"""What the page of strategies says of each: from its card, from marked tests, from boards computed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from strategies.registry import STRATEGIES
from tests.tools.strategy_evidence import here, measured, published, witnesses

COLUMNS = "data,target,model,strategy,aspect,difference,difference_low,difference_high"


@pytest.mark.parametrize("name", sorted(STRATEGIES.own()))
def test_every_strategy_says_what_was_published_and_has_a_witness(name: str) -> None:
    card = STRATEGIES.card(name)
    assert published(card).endswith(".")
    assert here(card).endswith(".")
    assert witnesses().get(name), f"mark a test with @pytest.mark.oracle({name!r}, 'by what')"


def test_witnesses_are_of_strategies_that_there_are() -> None:
    assert set(witnesses()) == set(STRATEGIES.own())
    (first, *_) = witnesses()["label_smoothing"]
    assert (first.path, first.test, first.by) == (
        "tests/strategies/test_label_smoothing.py",
        "test_it_is_torchs",
        "torch",
    )


def test_a_card_says_both_over_line_breaks_and_nothing_where_it_has_none() -> None:
    card = "First.\n\nEffect: none. Published: better on\nimages. Not on all. Here: it\nis not."
    assert published(card) == "better on images. Not on all."
    assert here(card) == "it is not."
    assert published("First.") == here("First.") == ""
    assert published("First. Published: a gain.") == "a gain."


def board(root: Path, *rows: str) -> Path:
    """Published boards of which one has these rows, the others none."""
    for name, lines in (("trees-and-nets", rows), ("v2", ()), ("catalogue", ())):
        (root / name).mkdir()
        (root / name / "changes.csv").write_text("\n".join((COLUMNS, *lines)) + "\n", encoding="utf-8")
    return root


def test_over_data_sets_the_interval_is_students_of_their_means(tmp_path: Path) -> None:
    """Three sets, of which one has two targets of -.01 and .03: values .01, .02, .06; t of 2 degrees is 4.303."""
    rows = [
        f"{data},{target},mlp,focal,order,{value},-9,9"
        for data, target, value in (("a", "x", -0.01), ("a", "y", 0.03), ("b", "x", 0.02), ("c", "x", 0.06))
    ]
    (found,) = measured(
        "focal", board(tmp_path, *rows, "a,x,mlp,ldam,order,5,-9,9", "a,x,mlp,focal,probabilities,5,-9,9")
    )
    assert (found.board, found.model, found.sets) == ("trees-and-nets", "mlp", "3 sets")
    own = found.changes["order"]
    assert own.mean == pytest.approx(0.03)
    deviation = ((0.02**2 + 0.01**2 + 0.03**2) / 2) ** 0.5
    assert own.half == pytest.approx(4.30265 * deviation / 3**0.5, rel=1e-4)


def test_of_few_data_sets_each_has_the_boards_own_interval(tmp_path: Path) -> None:
    """Targets apart, none left out; the baseline, which has no difference to itself, is no line."""
    root = board(
        tmp_path,
        "a,x,mlp,focal,order,.01,-.02,.04",
        "a,y,mlp,focal,order,.02,,",
        "a,x,lightgbm,focal,tuned,.03,.01,.05",
        "a,x,mlp,none,order,,,",
    )
    found = measured("focal", root)
    assert [(one.model, one.sets, list(one.changes)) for one in found] == [
        ("mlp", "a x", ["order"]), ("mlp", "a y", ["order"]), ("lightgbm", "a x", ["tuned"]),
    ]  # fmt: skip
    assert (found[0].changes["order"].low, found[1].changes["order"].low) == (-0.02, None)
    assert measured("none", root) == ()
