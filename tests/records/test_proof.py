"""Records prove themselves; what does not is named in one line, stops nobody and is in no board."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.evaluation.verify import problem
from bench.leaderboard.reading import read_records
from bench.leaderboard.status import status
from bench.records import index
from bench.records.files import ResultsError
from bench.records.store import Store
from tests.command_line import TINY, imbench
from tests.records.hostile import HOSTILE, genuine, put


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_named_in_one_line_and_hides_nothing(name: str, tmp_path: Path) -> None:
    """By boards, by `results check`, by `status` and by whoever asks for that record."""
    store = Store(tmp_path)
    assert store.put(genuine(1))
    path, said = put(store, name, 0), HOSTILE[name][1]
    found = read_records(tmp_path)
    assert found.keys == (genuine(1).key,)
    (line,) = found.left_out
    assert said in line
    assert "\n" not in line
    whole = problem(store, path)
    assert said in whole
    assert "\n" not in whole
    console = Console(record=True, width=400, file=open("/dev/null", "w"))  # noqa: SIM115
    status(tmp_path, console)
    assert ("Not counted" in console.export_text()) == (name not in ("too good", "far too good"))
    if name not in ("too good", "far too good"):
        with pytest.raises(ResultsError, match=r"expected|cannot"):
            store.proven(genuine(0).key)
    assert list(store.orphans()) == []


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("a folder", "a pipe", "a link to itself")])
def test_a_record_takes_the_place_of_what_is_none(name: str, tmp_path: Path) -> None:
    """That is what the advice comes to: the cell is trained again, and its record stands."""
    store = Store(tmp_path)
    put(store, name, 0)
    if name in ("too good", "far too good"):
        return  # computed anew, not trained
    assert store.settle(genuine(0)) == genuine(0)
    assert store.get(genuine(0).key) == genuine(0)


def test_predictions_that_were_damaged_heal(tmp_path: Path) -> None:
    """Deleting the record and running again gives the same name: what lies there is looked at."""
    store, key = Store(tmp_path), genuine(0).key
    named = store.put_predictions(key, b"content")
    (tmp_path / named["file"]).write_bytes(b"damaged")
    assert store.put_predictions(key, b"content") == named
    assert (tmp_path / named["file"]).read_bytes() == b"content"


def test_a_finished_cell_without_its_predictions_is_no_finished_cell(tmp_path: Path) -> None:
    store, key = Store(tmp_path), genuine(0).key
    record = genuine(0, predictions=store.put_predictions(key, b"content"))
    assert store.settle(record) == record
    (tmp_path / record.predictions["file"]).unlink()
    with pytest.raises(ResultsError, match="its predictions are gone"):
        store.proven(key)
    again = genuine(0, predictions=store.put_predictions(key, b"other content"), created="later")
    assert store.settle(again) == again


def test_left_over_files_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    """Neither through links nor under other names than ours; a link in the place of a file stays, too."""
    store, elsewhere = Store(tmp_path / "results"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    mine = elsewhere / f"{'ab' * 32}.{'0' * 12}.parquet"
    mine.write_text("mine")
    shard = store.runs / "ab"
    shard.mkdir(parents=True)
    (store.runs / "zz").symlink_to(elsewhere)
    (store.runs / "cd").symlink_to(elsewhere)
    (shard / "thesis.parquet").write_text("mine")
    (shard / ".notes.tmp").write_text("mine")
    (shard / f"{'ac' * 32}.{'0' * 12}.parquet").symlink_to(mine)
    ours = [shard / f"{'ab' * 32}.{'1' * 12}.parquet", shard / ".new-abc.tmp"]
    for path in ours:
        path.write_text("left over")
    assert store.orphans() == sorted(ours)


def test_a_cache_is_believed_by_who_wrote_it_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that somebody else made, or edited, costs time and changes nothing."""
    from bench.private_key import sealed, unsealed

    monkeypatch.setattr(index, "WORTH_IT", 2)
    store = Store(tmp_path)
    for seed in range(3):
        store.put(genuine(seed))
    expected = index.read(tmp_path)
    path = index.index_path(tmp_path)
    content = unsealed(path.read_bytes())
    assert content is not None
    assert unsealed(sealed(b"x") + b"y") is None
    path.write_bytes(bytes(32) + content)
    parsed, read = list[Path](), Store.read
    monkeypatch.setattr(Store, "read", lambda store, path: parsed.append(path) or read(store, path))  # type: ignore[func-returns-value]
    assert index.read(tmp_path).keys == expected.keys
    assert len(parsed) == 3


def test_metrics_are_held_against_the_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A plausible forgery is found by computing again, and the advice mends it."""
    command = ("run", "strategy=none", *TINY)
    assert imbench(*command, results=tmp_path) == 0
    (path,) = Store(tmp_path).paths()
    raw = json.loads(path.read_text())
    raw["metrics"]["default/accuracy"] = 0.987
    path.write_text(json.dumps(raw))
    assert imbench("results", "check", results=tmp_path, debug=False) == 0
    assert imbench("results", "check", "recompute=true", results=tmp_path, debug=False) == 1
    said = capsys.readouterr().out
    assert "default/accuracy is 0.987, and its predictions give" in said
    assert "imbench results evaluate overwrite=true" in said
    assert imbench("results", "evaluate", "overwrite=true", results=tmp_path, debug=False) == 0
    assert imbench("results", "check", "recompute=true", results=tmp_path, debug=False) == 0
