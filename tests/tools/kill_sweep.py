"""Kill -9 whole sweeps at random instants, resume, compare.

    python -m tests.tools.kill_sweep [--instants 100] [--seed 0]

A third of the instants are drawn over the whole run, start-up included; the others over the moments in which records
are written: shortly after a random number of new ones has appeared. A folder is killed five times, each time while it
resumes what the last kill left; after each kill no record is torn and none lacks its predictions. Then the same command
runs to its end: keys, metrics and predictions equal an uninterrupted run's, no record that survived was written again,
and all that lies about besides is what `results gc` knows. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TypeAlias

from bench.records.store import Store
from tests.command_line import TINY, call, kill_tree, spawn

GRID = ("run", "-m", "strategy=none,oversample,focal", "seed=0,1,2,3", *TINY)
TIMES = 5  # a folder is killed

Found: TypeAlias = dict[str, tuple[object, object, object]]


def main() -> int:
    """Run the rounds; prints one line a kill and a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw, left, problems = random.Random(options.seed), Counter[int](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        began = time.monotonic()
        assert call(*GRID, "results=whole", cwd=cwd).returncode == 0
        length, whole = time.monotonic() - began, outcome(cwd / "whole")
        for kill in range(1, options.instants + 1):
            root = cwd / f"cut{(kill - 1) // TIMES}"
            if draw.random() < 1 / 3:
                kill_after(draw.uniform(0, length), 0, root)
            else:
                kill_after(draw.uniform(0, 0.2), draw.randint(1, 3), root)
            found, survived = check_cut(root, whole)
            left[survived] += 1
            if kill % TIMES == 0 or kill == options.instants:
                found += resume(root, whole)
            print(f"[{kill}/{options.instants}] {survived} of {len(whole)} records survive", *found, flush=True)
            problems += found
    print(f"{options.instants} kills; records after them: {dict(sorted(left.items()))}; {len(problems)} problems")
    return 1 if problems else 0


def outcome(root: Path) -> Found:
    """What must be equal, by key: status, metrics, hash of the predictions (which are read and verified)."""
    store = Store(root)
    found: Found = {}
    for record in store:
        store.predictions(record)
        found[record.key] = (record.status, record.metrics, record.predictions["sha256"])
    return found


def kill_after(wait: float, new: int, root: Path) -> None:
    """Start the sweep, let it add so many records, wait, and kill it with everything under it."""
    store = Store(root)
    enough = len(store.paths()) + new
    process = spawn(*GRID, f"results={root}", cwd=root.parent)
    while process.poll() is None and len(store.paths()) < enough:
        time.sleep(0.005)
    time.sleep(wait)
    kill_tree(process.pid)
    process.communicate()


def check_cut(root: Path, whole: Found) -> tuple[list[str], int]:
    """What is wrong right after the kill, and how many records there are."""
    try:
        found = outcome(root)
    except Exception as error:  # a torn record, missing or torn predictions
        return [f"after the kill: {error}"], -1
    return [f"after the kill: {key[:12]} differs" for key, one in found.items() if whole.get(key) != one], len(found)


def resume(root: Path, whole: Found) -> list[str]:
    """The same command again, to its end; what is wrong then."""
    store = Store(root)
    before = {path: path.stat().st_mtime_ns for path in store.paths()}
    done = call(*GRID, f"results={root}", cwd=root.parent)
    if done.returncode:
        return [f"resume: exit code {done.returncode}: {done.stdout[-300:]}"]
    problems = [] if outcome(store.root) == whole else ["after the resume: keys, metrics or predictions differ"]
    problems += [f"written twice: {p.stem[:12]}" for p, stamp in before.items() if p.stat().st_mtime_ns != stamp]
    orphans = set(store.orphans())
    stray = {p for p in store.runs.rglob("*") if p.is_file()} - orphans - set(store.paths())
    named = {store.root / record.predictions["file"] for record in store}
    return problems + [f"stray file {p.name}" for p in stray - named if not p.name.startswith((".probe", ".claims"))]


if __name__ == "__main__":
    sys.exit(main())
