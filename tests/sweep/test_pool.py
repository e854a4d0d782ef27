"""The pool of workers: each way of dying, hanging or raising costs the item that did it, and no other."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.config import RunConfig
from bench.machine import Place
from bench.records.files import ResultsError
from bench.sweep.batches import divided
from bench.sweep.pool import Event, InThisProcess, Lost, Pool
from bench.sweep.worker import Began, Finished
from tests.sweep.deeds import Deeds, Thing


@dataclass
class Heard:
    """What a pool told."""

    events: list[Event[Any]] = field(default_factory=list)

    def __call__(self, event: Event[Any]) -> None:
        self.events.append(event)

    @property
    def finished(self) -> list[str]:
        """Keys, in the order in which they were finished."""
        return [e.key for e in self.events if isinstance(e, Finished)]

    @property
    def lost(self) -> list[tuple[str, str, str]]:
        """Key, fate and reason."""
        return [(e.item.key, e.fate, e.reason) for e in self.events if isinstance(e, Lost)]


def things(names: str) -> list[Thing]:
    """One per letter."""
    return [Thing(name) for name in names]


def work_off(work: Deeds, *batches: list[Any], places: int = 1, **how: Any) -> Heard:
    """All batches, worked off."""
    heard = Heard()
    with Pool(work, [Place()] * places, heard, together=work.together, **how) as pool:
        for batch in batches:
            pool.submit(batch)
        while pool.busy:
            pool.wait()
    return heard


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize(
    ("deed", "loss"),
    [
        ("die", ("crashed", "its worker process died with signal SIGKILL, 2 times")),
        ("exit", ("crashed", "its worker process died with exit code 3, 2 times")),
        ("raise", ("failed", "ValueError: no luck")),
        ("die once", None),
        ("", None),
    ],
)
def test_an_item_that_ends_its_worker_is_lost_alone(
    deed: str, loss: tuple[str, str] | None, places: int, together: bool, tmp_path: Path
) -> None:
    """Two of nine do it, in batches of five and four; all others are finished, each once."""
    work = Deeds({"b": deed, "h": deed}, tmp_path / "log", together)
    heard = work_off(work, things("abcde"), things("fghi"), places=places)
    guilty = ["b", "h"] if loss else []
    assert sorted(heard.lost) == [(key, *loss) for key in guilty if loss]
    assert sorted(heard.finished) == sorted(set("abcdefghi") - set(guilty))


@pytest.mark.parametrize(("stack", "lives"), [("off", 2), ("auto", 4)])
def test_the_cell_that_takes_its_workers_down_is_found(stack: Any, lives: int, tmp_path: Path) -> None:
    """One of six kills every process that trains it. Of a stack nobody knows which it was, so that it is halved."""
    cells = [Thing(f"{seed}-{i}", seed) for seed in range(3) for i in range(2)]
    work = Deeds({"1-1": "die"}, tmp_path / "log", RunConfig(stack=stack).together)
    heard = work_off(work, cells, divide=divided)
    assert [(key, fate) for key, fate, _ in heard.lost] == [("1-1", "crashed")]
    assert sorted(heard.finished) == [c.key for c in cells if c.key != "1-1"]
    assert work.tries()["1-1"] == lives


@pytest.mark.parametrize("together", [False, True])
def test_an_item_that_takes_too_long_is_lost_alone(
    together: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that moves only when the item that hangs has begun, by more than a whole batch may take.

    Of items that run at once nobody knows which hangs: each half gets its time again, until it is alone.
    """
    now, heard = [0.0], Heard()
    monkeypatch.setattr("bench.sweep.pool.monotonic", lambda: now[0])

    work = Deeds({"d": "hang"}, tmp_path / "log", together)
    with Pool(work, [Place()], heard, timeout=50.0, fits=3, together=together) as pool:
        pool.submit(things("abcdef"))
        while pool.busy:
            pool.wait()
            now[0] += 1000 * any("d" in worker.running for worker in pool.workers)
    assert heard.lost == [("d", "timeout", "took longer than run.timeout=50 seconds for each of its 3 fits")]
    assert sorted(heard.finished) == list("abcef")


def test_a_worker_that_begins_nothing_is_late_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while it loads, say: it has the time of an item and a while to start; then its batch is divided."""
    now, heard = [0.0], Heard()
    monkeypatch.setattr("bench.sweep.pool.monotonic", lambda: now[0])
    with Pool(Deeds({"a": "stop"}, tmp_path / "log"), [Place()], heard, timeout=50.0) as pool:
        pool.submit(things("ab"))
        pool.feed()
        assert pool.until_late() == 170
        now[0] = 169
        pool.expire()
        assert (heard.lost, len(pool.workers)) == ([], 1)
        now[0] = 170
        pool.expire()
        while pool.busy:
            pool.wait()
    assert heard.lost == [("a", "timeout", "took longer than run.timeout=50 seconds")]
    assert heard.finished == ["b"]


@pytest.mark.parametrize(("together", "limit"), [(False, 60.0), (True, 120.0)])
def test_items_that_run_at_once_have_the_time_of_all_of_them(
    together: bool, limit: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a pool that waits wakes when the first of its workers is late."""
    now = [0.0]
    monkeypatch.setattr("bench.sweep.pool.monotonic", lambda: now[0])
    work = Deeds({"a": "hang", "b": "hang"} if together else {"b": "hang"}, tmp_path / "log", together)
    heard = Heard()
    with Pool(work, [Place()], heard, timeout=60.0, together=together) as pool:
        assert pool.until_late() is None
        pool.submit(things("ab"))
        while Began("b") not in heard.events:
            pool.wait()
        assert pool.until_late() == limit
        now[0] = limit - 1
        assert pool.until_late() == 1
        pool.expire()
        assert pool.busy
        assert heard.lost == []
        now[0] = limit
        pool.expire()
        assert len(pool.queue) == (2 if together else 0)
        assert [key for key, *_ in heard.lost] == ([] if together else ["b"])


def test_a_worker_that_dies_without_work_costs_nothing(tmp_path: Path) -> None:
    """kill -9 between two batches: the second is done by another process."""
    heard = Heard()
    with Pool(Deeds({}, tmp_path / "log"), [Place()], heard) as pool:
        for batch in ("ab", "cd"):
            pool.submit(things(batch))
            while pool.busy:
                pool.wait()
            (worker,) = pool.workers
            os.kill(worker.process.pid, signal.SIGKILL)
            worker.process.join()
        assert not pool.deaths
    assert heard.finished == list("abcd")
    assert heard.lost == []
    first, second = (
        {e.result for e in heard.events if isinstance(e, Finished) and e.key in keys} for keys in ("ab", "cd")
    )
    assert first.isdisjoint(second)


def test_a_disk_that_cannot_be_written_ends_everything(tmp_path: Path) -> None:
    work = Deeds({"b": "no disk"}, tmp_path / "log")
    with pytest.raises(ResultsError, match="the disk is full"):
        work_off(work, things("ab"), things("cd"))
    assert set(work.tries()) <= {"a", "b"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_leaving_the_pool_ends_its_workers(error: type[BaseException], tmp_path: Path) -> None:
    """However it is left: one worker hangs, one is free."""
    processes: list[Any] = []

    def interrupted() -> None:
        heard = Heard()
        with Pool(Deeds({"a": "hang"}, tmp_path / "log"), [Place()] * 2, heard) as pool:
            pool.submit(things("a"))
            pool.submit(things("b"))
            while Began("a") not in heard.events or heard.finished != ["b"]:
                pool.wait()
            processes.extend(w.process for w in pool.workers)
            raise error

    with pytest.raises(error):
        interrupted()
    assert len(processes) == 2
    assert all(p.exitcode is not None for p in processes)


def test_an_item_that_was_given_back_and_then_finished_is_not_done_again(tmp_path: Path) -> None:
    """A record on its way to the disk when its worker raised: it is told once, and taken from the waiting batch."""
    heard = Heard()
    with Pool(Deeds({"b": "raise"}, tmp_path / "log", together=True), [Place()], heard) as pool:
        pool.submit(things("ab"))
        pool.feed()
        (worker,) = pool.workers
        while [e.key for e in heard.events if isinstance(e, Began)].count("b") < 1:
            pool.wait()
        while worker.batch:
            pool.listen(worker)
        pool.take_in(worker, Finished("a", 1))
        pool.take_in(worker, Finished("a", 2))
        while pool.busy:
            pool.wait()
    assert [e for e in heard.events if isinstance(e, Finished)] == [Finished("a", 1)]
    assert [key for key, *_ in heard.lost] == ["b"]


def test_how_many_batches_would_not_wait(tmp_path: Path) -> None:
    """One per place, less those that work or wait."""
    with Pool(Deeds({}, tmp_path / "log"), [Place()] * 2, Heard()) as pool:
        assert (pool.idle, pool.busy) == (2, False)
        pool.submit(things("a"))
        assert (pool.idle, pool.busy) == (1, True)
        pool.feed()
        assert pool.idle == 1
        pool.submit(things("b"))
        pool.submit(things("c"))
        assert pool.idle == -1
        while pool.busy:
            pool.wait()
        assert pool.idle == 2


def test_workers_run_at_places_of_their_own(tmp_path: Path) -> None:
    """A worker that takes the place of a dead one runs where that did."""
    places = [Place(gpu="0"), Place(gpu="1")]
    seen: set[Place] = set()
    with Pool(Deeds({"a": "die once", "c": "die once"}, tmp_path / "log"), places, Heard()) as pool:
        pool.submit(things("ab"))
        pool.submit(things("cd"))
        while pool.busy:
            pool.wait()
            here = [w.place for w in pool.workers]
            assert len(here) == len(set(here))
            seen |= set(here)
    assert seen == set(places)


def test_debugging_does_the_same_in_this_process(tmp_path: Path) -> None:
    """What is begun and finished is told at once, and an exception is raised where a debugger can see it."""
    heard = Heard()
    with InThisProcess(Deeds({}, tmp_path / "log"), heard) as here:
        here.submit(things("ab"))
        assert (here.idle, here.busy) == (0, True)
        here.wait()
        assert not here.busy
    assert heard.events == [e for key in "ab" for e in (Began(key), Finished(key, os.getpid()))]
    with InThisProcess(Deeds({"a": "raise"}, tmp_path / "log"), heard) as here:
        here.submit(things("a"))
        with pytest.raises(ValueError, match="luck"):
            here.wait()
