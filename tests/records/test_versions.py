"""Versions of the harness: in every key, and told apart by status."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from bench.data.features.encoded_files import MADE_BY
from bench.leaderboard.status import status
from bench.records.record import digest
from bench.records.versions import VERSIONS, of_this_version
from tests.leaderboard.builders import make, stored


def test_a_record_that_names_no_versions_is_of_the_first_ones() -> None:
    assert of_this_version({"versions": dict(VERSIONS)})
    assert of_this_version({}) == all(version == 1 for version in VERSIONS.values())


@pytest.mark.parametrize("part", VERSIONS)
def test_raising_any_version_makes_another_key(part: str) -> None:
    raised = {**VERSIONS, part: VERSIONS[part] + 1}
    assert digest({"versions": dict(VERSIONS)}) != digest({"versions": raised})
    assert not of_this_version({"versions": raised})


def test_encoded_files_in_the_cache_are_of_the_versions_of_the_keys() -> None:
    """The data cannot see the records' versions; files of another encoding or splitting must not be taken for these."""
    assert {part: VERSIONS[part] for part in MADE_BY} == MADE_BY


def test_status_counts_records_of_another_version_apart(tmp_path: Path) -> None:
    """They are not among those that are done, and their failures are nobody's to try again."""
    first = {**VERSIONS, "training": 1}
    old = [make("none", 0, versions=first), make("focal", 0, status="oom", reason="no memory", versions=first)]
    root = stored(tmp_path, [*old, make("none", 1), make("none", 2)])
    console = Console(record=True, width=120)
    status(root, console)
    text = console.export_text()
    row = next(line for line in text.splitlines() if "another version" not in line and line.strip().endswith("4"))
    assert row.split()[-3:] == ["2", "2", "4"]  # done, of another version, cells
    assert "2 records of another version of encoding, training, splitting or evaluation" in text
    assert "retry_failed" not in text
