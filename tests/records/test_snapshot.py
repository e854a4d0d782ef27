"""Snapshots do not change, hold all that tables need, and can be compared by rule."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.config import BoardConfig
from bench.leaderboard import publish as publishing
from bench.leaderboard.boards.build import boards
from bench.leaderboard.compare import compare, parse
from bench.leaderboard.formats import tables_csv
from bench.leaderboard.publish import for_settings
from bench.records import snapshot
from bench.records.files import ResultsError, file_digest
from bench.records.snapshot import read
from tests.leaderboard.builders import golden_records, make, row, series, stored


def listen() -> Console:
    return Console(width=120, record=True, file=io.StringIO())


def published(root: Path, records: list[Any], name: str = "v1", **options: Any) -> Path:
    stored(root, records)
    settings = BoardConfig(name=name, bootstrap=0, **options)
    assert for_settings(settings, root, listen(), "imbench publish board.name=v1")
    return root / "published" / name


def test_a_snapshot_holds_tables_records_environment_and_command(tmp_path: Path) -> None:
    folder = published(tmp_path, golden_records())
    names = {f"leaderboard.{e}" for e in ("html", "md", "csv", "tex", "json")} | {"changes.csv"}
    names |= {"records.parquet", "manifest.json"}
    assert {path.name for path in folder.iterdir()} == names
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["command"] == "imbench publish board.name=v1"
    assert manifest["records"] == len(golden_records())
    assert {"python", "imbench", "platform"} <= manifest["made_by"].keys()
    assert all(file_digest(folder / name) == sha for name, sha in manifest["files"].items())
    assert names - {"manifest.json"} == manifest["files"].keys()
    again = tables_csv.comma_separated(boards(read(folder)))
    assert again == (folder / "leaderboard.csv").read_text(encoding="utf-8")
    assert snapshot.names(tmp_path) == ["v1"]
    assert not list((tmp_path / "published").glob(".*"))


def test_a_snapshot_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    folder = published(tmp_path, series("none", [0.1, 0.2]))
    before = file_digest(folder / "records.parquet")
    stored(tmp_path, series("focal", [0.3, 0.2]))
    with pytest.raises(ResultsError, match=r"board\.overwrite=true"):
        for_settings(BoardConfig(name="v1", bootstrap=0), tmp_path, listen(), "x")
    assert file_digest(folder / "records.parquet") == before
    assert for_settings(BoardConfig(name="v1", overwrite=True, bootstrap=0), tmp_path, listen(), "x")
    assert len(read(folder)) == 4
    assert [path.name for path in folder.parent.iterdir()] == ["v1"]


@pytest.mark.parametrize("name", ["../up", "UP", "", ".hidden", "a/b", "x" * 65, "end."])
def test_names_are_folder_names_everywhere(tmp_path: Path, name: str) -> None:
    stored(tmp_path, series("none", [0.1, 0.2]))
    with pytest.raises(ResultsError, match=r"board\.name"):
        for_settings(BoardConfig(name=name), tmp_path, listen(), "x")
    assert not (tmp_path / "published").exists()


def test_records_that_are_not_those_written_are_refused(tmp_path: Path) -> None:
    folder = published(tmp_path, series("none", [0.1, 0.2]))
    (folder / "records.parquet").write_bytes((folder / "records.parquet").read_bytes()[:-1] + b"x")
    with pytest.raises(ResultsError, match="SHA-256"):
        read(folder)
    with pytest.raises(ResultsError, match="found neither"):
        read(tmp_path / "nothing")


# --- compare --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Focal loses .03 AP and takes twice as long; oversample is gone; transfer is new."""
    cost = {"fits": 1, "steps": 10, "train_seconds": 3.0, "peak_mb": 5.0}
    before = [*series("none", [0.3, 0.4, 0.5]), *series("focal", [0.4, 0.5, 0.6]), *series("oversample", [0.2, 0.2])]
    after = [*series("none", [0.3, 0.4, 0.5]), *series("focal", [0.37, 0.46, 0.58], cost=cost)]
    after += series("transfer", [0.9, 0.8])
    return stored(tmp_path / "before", before), stored(tmp_path / "after", after)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ("", 0),
        ("average_precision<-0.01", 1),
        ("average_precision<-0.031", 0),
        ("raw/average_precision < -0.01", 1),
        ("score<-5%", 1),
        ("score<-7%", 0),  # .03 of .5 is 6%
        ("score@none<0", 0),
        ("score@foc*<0", 1),
        ("train_seconds>50%", 1),
        ("train_seconds@none>0", 0),
        ("missing>0", 1),
        ("missing>1", 0),
        ("runs<0", 0),
        ("score@none<0; missing>0", 1),
    ],
)
def test_rules(two: tuple[Path, Path], rules: str, code: int) -> None:
    console = listen()
    assert compare(*two, console, rules=rules) == code
    assert ("FAIL" in console.export_text()) == bool(code)


def test_what_changed_is_shown_with_its_interval(two: tuple[Path, Path]) -> None:
    """−.03, −.04, −.02: mean −.03, half 4.3027 · .01 / √3 = .0248."""
    console = listen()
    compare(*two, console)
    text = console.export_text()
    assert "−.030 ± .025" in text
    assert "Only before: oversample" in text
    assert "Only after: transfer" in text


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("average_precision", "expected WHAT"),
        ("average_precision<-0.0.1", "expected WHAT"),
        ("avrage_precision<0", "Did you mean"),
        ("macro_f1<0", "default/macro_f1"),
        ("missing@focal>0", "leave out the @"),
        ("score@nobody<0", "could never fail"),
        ("tuned/mcc<0", "could never fail"),
        ("score=0", "expected WHAT"),
    ],
)
def test_a_rule_that_cannot_work_is_an_error_and_not_a_pass(two: tuple[Path, Path], rules: str, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        compare(*two, listen(), rules=rules)


def test_rules_are_read_as_documented() -> None:
    rule, other = parse("tuned/f1@focal*<=-1.5e-2 ; train_seconds>20 %")
    assert (rule.what, rule.strategy, rule.how, rule.size, rule.relative) == ("tuned/f1", "focal*", "<=", -0.015, False)
    assert (other.what, other.strategy, other.size, other.relative) == ("train_seconds", "*", 20.0, True)


def test_snapshot_against_results(tmp_path: Path) -> None:
    folder = published(tmp_path, series("none", [0.3, 0.4]))
    assert compare(folder, tmp_path, listen(), rules="score<0;missing>0") == 0


def test_nothing_in_common_is_an_error(tmp_path: Path) -> None:
    one, other = stored(tmp_path / "a", series("none", [0.1])), stored(tmp_path / "b", series("none", [0.1], data="e"))
    with pytest.raises(ResultsError, match="no row in common"):
        compare(one, other, listen())


def test_only_common_seeds_decide(tmp_path: Path) -> None:
    """A seed that one side lacks must not look like a change."""
    one = stored(tmp_path / "a", series("none", [0.1, 0.2]))
    other = stored(tmp_path / "b", [*series("none", [0.1, 0.2]), make("none", 2, 0.0)])
    assert compare(one, other, listen(), rules="score<0") == 0
    assert row(boards(read(other))[0], "none").score.mean == pytest.approx(0.1)


def test_a_terminal_is_given_some_boards_and_files_all(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(publishing, "PRINTED", 2)
    root = stored(tmp_path, [r for name in "abcde" for r in series("none", [0.1, 0.2], data=name)])
    console = Console(width=80, record=True, file=io.StringIO())
    publishing.publish(root, console=console, options=publishing.Options(plots=False, draws=0))
    text = console.export_text()
    assert "Not printed, but in the files: 3 more boards." in text
    assert "b: only none has a value." in text
    assert "c: only none" not in text
    assert "## e · t · m" in (root / "leaderboard.md").read_text(encoding="utf-8")
