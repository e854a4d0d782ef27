"""What the Makefile lists by hand is what there is."""

from __future__ import annotations

import re

import pytest

from strategies.registry import STRATEGIES
from tests import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def listed(name: str) -> list[str]:
    """The names in a list of the Makefile."""
    (found,) = re.findall(rf"^{name} := (\S+)$", MAKEFILE, re.M)
    return found.split(",")


def test_every_strategy_is_on_a_published_board_of_networks() -> None:
    """A new one must be put on either list; both have the baseline, and share nothing else."""
    first, second = listed("TREATMENTS"), listed("LESSER")
    own = {name for name in STRATEGIES.names() if name not in STRATEGIES.plugged()}
    assert set(first) | set(second) == own
    assert set(first) & set(second) == {"none"}


@pytest.mark.parametrize("name", ["EIGHT", "TREATMENTS", "LESSER"])
def test_lists_of_strategies_begin_with_the_baseline_and_repeat_none(name: str) -> None:
    names = listed(name)
    assert names[0] == "none"
    assert len(set(names)) == len(names)
