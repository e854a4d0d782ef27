"""`python -m tests.tools.faults [--sweeps 100] [--studies 20]`: faults at length, and their figures.

Sweeps and studies are killed at random instants and resumed; 16 writers in 4 processes write 200 records each into one
folder; every file of the hostile corpus lies among good records; the disk of a folder is full. What is counted is what
went wrong: the exit code is 1 where anything did. `make test` has a short form of each.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import TrialState

from bench.evaluation.verify import problem
from bench.leaderboard.reading import read_records
from bench.records.files import ResultsError
from bench.records.store import Store
from bench.tuning.storage import GIVEN_BACK, read_storage
from tests.command_line import TINY, call, kill_tree, spawn
from tests.records.hostile import HOSTILE, genuine, put

SEARCH = ("tune", "strategy=focal", *TINY, "tune.trials=12", "tune.batch=4")
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def sweeps(kills: int, _: Path) -> tuple[str, int]:
    """Whole sweeps killed at random instants (tests/tools/kill_sweep.py)."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.kill_sweep", "--instants", str(kills)],
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout.splitlines() or [done.stderr[-200:]])[-1], done.returncode


def settings(root: Path) -> list[object]:
    """The proposals of the one study of a folder, in no order."""
    (folder,) = (path.parent for path in (root / "tuned").glob("*/journal.log"))
    study = optuna.load_study(study_name=folder.name, storage=read_storage(folder))
    finished = study.get_trials(deepcopy=False, states=FINISHED)
    assert not study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)), "a trial is left running"
    return sorted(repr((t.user_attrs["settings"], t.values)) for t in finished if GIVEN_BACK not in t.user_attrs)


def studies(kills: int, folder: Path) -> tuple[str, int]:
    """A search killed at random instants, again and again, ends with the trials of one that was left alone."""
    rng, wrong = random.Random(0), 0
    began = time.monotonic()
    call(*SEARCH, "results=whole", cwd=folder)
    length, whole = time.monotonic() - began, settings(folder / "whole")
    for kill in range(kills):
        name = f"cut{kill // 4}"
        process = spawn(*SEARCH, f"results={name}", cwd=folder)
        time.sleep(rng.uniform(0, length))
        kill_tree(process.pid)
        process.communicate()
        if kill % 4 == 3 or kill == kills - 1:
            done = call(*SEARCH, f"results={name}", cwd=folder)
            wrong += done.returncode != 0 or settings(folder / name) != whole
    return f"{kills} kills of searches of {len(whole)} trials; {wrong} ended with other proposals or scores", wrong


def write(root: str, writer: int) -> int:
    """One writer of 200 records that 15 others write as well; how often it was first."""
    return sum(Store(root).put(replace(genuine(seed), reason=f"{writer}" * 2000)) for seed in range(200))


def writers(_: int, folder: Path) -> tuple[str, int]:
    """16 writers of the same 200 keys: one winner each, and whole records."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        wins = pool.starmap(write, [(str(folder), i) for i in range(16)])
    store = Store(folder)
    whole = sum(len(set(record.reason)) <= 2 for record in store)
    wrong = (sum(wins) != 200) + (whole != 200) + len(store.orphans())
    return (
        f"16 writers, 200 keys: {sum(wins)} wins, {whole} whole records, {len(store.orphans())} left-over files",
        wrong,
    )


def corpus(_: int, folder: Path) -> tuple[str, int]:
    """Every hostile file among good records: each named in one line, and every good record still on its board."""
    store = Store(folder)
    for seed in range(50):
        store.put(genuine(seed))
    for i, name in enumerate(HOSTILE):
        put(store, name, 1000 + i)
    found = read_records(folder)
    named = sum(HOSTILE[name][1] in problem(store, store.path(genuine(1000 + i).key)) for i, name in enumerate(HOSTILE))
    wrong = (len(found) != 50) + (len(found.left_out) != len(HOSTILE)) + (named != len(HOSTILE))
    return f"{len(HOSTILE)} hostile files: {named} named, {len(found)} of 50 good records read", wrong


def full_disk(_: int, folder: Path) -> tuple[str, int]:
    """A folder of one megabyte: what was there is intact, and the complaint says what to do."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        return "full disk: not tried, mounting needs rights", 0
    try:
        store, stopped, count = Store(folder), "", 0
        try:
            for seed in range(10_000):
                store.put(replace(genuine(seed), reason="x" * 20_000))
                count += 1
        except ResultsError as error:
            stopped = str(error)
        whole = sum(record.reason == "x" * 20_000 for record in store)
        wrong = (whole != count) + ("No space left" not in stopped) + len(store.orphans())
        return f"full disk: {whole} of {count} records whole, then: {stopped[-60:]}", wrong
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def main() -> int:
    """Run all; a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=100, help="kills of sweeps; 0: none")
    parser.add_argument("--studies", type=int, default=20, help="kills of searches; 0: none")
    options = parser.parse_args()
    rounds: list[tuple[Callable[[int, Path], tuple[str, int]], int]] = [(corpus, 1), (writers, 1), (full_disk, 1)]
    rounds += [(studies, options.studies), (sweeps, options.sweeps)]
    problems = 0
    for attempt, times in rounds:
        if not times:
            continue
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            line, wrong = attempt(times, Path(folder))
            problems += wrong
            print(f"{line} ({wrong} problems, {time.monotonic() - began:.0f} s)", flush=True)
    print(f"{problems} problems in all")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
