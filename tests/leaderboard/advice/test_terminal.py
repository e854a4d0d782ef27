"""The step that follows from advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import main
from tests.leaderboard.boards.test_aspects import records
from tests.leaderboard.builders import repeats, stored

BETTER = [0.3, 0.31, 0.32, 0.33, 0.34, 0.35]


@pytest.mark.parametrize(
    ("more", "step"),
    [
        ([], "export data=d strategy=none model=m"),
        (repeats("none", BETTER, data="other"), "publish"),
        (repeats("none", BETTER, model="trees"), "publish"),
    ],
)
def test_the_choice_is_exported_where_it_names_one_cell(
    more: list[object], step: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without strategy=, `export` would take what stands first, which need not be what is advised."""
    root = stored(tmp_path, [*repeats("none", BETTER), *repeats("focal", [v + 0.001 for v in BETTER]), *more])
    assert main(["advise", f"results={root}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"next: imbench {step} results={root}"


def test_what_treatments_change_is_said_with_the_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for F1 hears that the threshold does it."""
    assert main(["advise", f"results={stored(tmp_path, records())}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "By the default rule oversample decides better than doing nothing, by .110 F1" in said
    assert "with the rule tuned on validation rows, nobody was shown to" in said
