"""Every bad file comes to what the corpus says, and the committed table says what they are told today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.data.sources.corpus import CASES, OUT, Case, markdown, told


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_a_bad_file_is_refused_or_named_aloud(case: Case) -> None:
    outcome, said = told(case)
    assert outcome == case.expected, said
    if outcome == "error":
        (message,) = said
        assert re.fullmatch(r"[^\n]+: expected .+, (got:?|but there is) .+\. \S.+", message), (
            "what, expected, got, remedy"
        )
        assert len(message) < 400


def test_faults_are_named_once() -> None:
    assert len({case.fault for case in CASES}) == len(CASES)


def test_the_committed_table_is_current() -> None:
    assert OUT.read_text(encoding="utf-8") == markdown(), "run: python -m tests.data.sources.corpus"
