"""What a record is about, and records of cells that came to nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from bench.cli.compose import compose, hydra_loader
from bench.config import read_cell
from bench.records.background_writer import unwritable
from bench.records.record import FAILURES, Record, canonical, failed_record
from bench.records.store import Store
from bench.sweep.plan import Planned, identify
from tests.command_line import TINY, imbench


def planned(*overrides: str) -> Planned:
    with hydra_loader() as loader:
        (raw,) = compose(loader, [[*TINY, *overrides]])
    return identify(read_cell(raw))


@pytest.mark.parametrize("strategy", ["none", "focal", "transfer", "[transfer,focal]"])
def test_all_records_of_a_cell_say_alike_which_it_is(strategy: str) -> None:
    """Whether its process died, its record could not be written, or it is done; extra labels are marked in each."""
    cell = planned(f"strategy={strategy}", "split=1", "seed=3")
    done = Record(**cell.identity(), status="done", metrics={"raw/auroc": 0.5}, notes={"a": 1.0}, created="then")
    lost = failed_record(cell.identity(), "crashed", "its worker process died")
    strange = unwritable(done, TypeError("no\nnumber"))
    assert done.identity() == lost.identity() == strange.identity() == cell.identity()
    assert lost.uses_extra is ("transfer" in strategy)
    assert (lost.split, lost.seed, lost.key, lost.config) == (1, 3, cell.key, cell.config)
    assert (strange.status, strange.created, strange.metrics, strange.notes) == ("failed", "then", {}, {})
    assert strange.reason == "its record could not be written: TypeError: no number"


def test_a_failed_record_holds_what_is_known_and_no_outcome() -> None:
    cell = planned()
    found = failed_record(cell.identity(), "oom", "too much", environment={"threads": 1}, traceback="Traceback …")
    assert found.status in FAILURES
    assert found.created
    said = {"status", "reason", "created", "environment", "traceback", *Record.IDENTITY}
    plain = Record(**cell.identity(), status="oom")
    assert all(getattr(found, f.name) == getattr(plain, f.name) for f in fields(Record) if f.name not in said)


def test_a_cell_is_identified_by_the_fields_of_its_record(tmp_path: Path) -> None:
    """A record that a run wrote says what the plan said."""
    assert imbench("run", "strategy=oversample", *TINY, results=tmp_path) == 0
    (record,) = Store(tmp_path)
    cell = planned("strategy=oversample")
    assert canonical(record.identity()) == canonical(cell.identity())  # as text: JSON has no tuples
    assert set(Record.IDENTITY) <= {f.name for f in fields(Record)}
    assert replace(record, reason="other").identity() == record.identity()
