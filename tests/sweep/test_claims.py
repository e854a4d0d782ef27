"""Claims: one process at a time is at a cell, and none outlives its process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from bench.records.record import digest
from bench.records.store import Store
from bench.sweep.claims import Claims
from tests.command_line import LAST_RESORT, TINY, ended, spawn

HOLD = """
import sys
from pathlib import Path
from bench.sweep.claims import Claims
claims = Claims(Path(sys.argv[1]))
print(*[claims.take(key) for key in sys.argv[2:]], flush=True)
sys.stdin.read()
"""
A, B, C = (digest(i) for i in range(3))


def holder(folder: Path, *keys: str) -> subprocess.Popen[str]:
    """A process that claims keys and keeps them until it ends."""
    command = [sys.executable, "-c", HOLD, str(folder), *keys]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().split() == ["True"] * len(keys)
    return process


def test_a_claim_keeps_others_away_and_ends_with_its_process(tmp_path: Path) -> None:
    process = holder(tmp_path, A, B)
    mine = Claims(tmp_path)
    assert [mine.take(key) for key in (A, B, C)] == [False, False, True]
    process.kill()
    process.wait(LAST_RESORT)
    assert [mine.take(key) for key in (A, B)] == [True, True]
    mine.close()


def test_what_is_given_back_is_free(tmp_path: Path) -> None:
    mine = Claims(tmp_path)
    assert mine.take(A)
    assert mine.take(A)  # by the same process, as often as it likes
    mine.give_back(A)
    process = holder(tmp_path, A)
    assert not mine.take(A)
    process.kill()
    process.wait(LAST_RESORT)
    mine.close()
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0]


def test_where_no_lock_can_be_had_everybody_works(tmp_path: Path) -> None:
    (tmp_path / ".claims").symlink_to(tmp_path / "elsewhere")
    assert Claims(tmp_path).take(A)
    assert Claims(tmp_path / "absent").take(A)
    assert not (tmp_path / "elsewhere").exists()


def test_two_sweeps_on_one_folder_share_the_work(tmp_path: Path) -> None:
    """Two real commands, begun at once: every cell is trained by one of them, and both end well with the whole table.

    What each says that it ran is what its workers trained; records of the other are counted apart.
    """
    command = ("run", "-m", "strategy=none,focal", "seed=0,1", *TINY, "run.workers=1")
    both = [spawn(*command, cwd=tmp_path) for _ in range(2)]
    said = [ended(process) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    trained = [sum(map(int, re.findall(r"^ran ([0-9]+) cells in", out, re.MULTILINE))) for out in said]
    assert sum(trained) == 4, said
    for out, own in zip(said, trained, strict=True):
        left = re.findall(r"; another command ran ([0-9]+)$|^([0-9]+) of 4 cells have a record", out, re.MULTILINE)
        assert own + sum(int(one or other) for one, other in left) == 4, out
    assert [record.status for record in Store(tmp_path / "results")] == ["done"] * 4
    tables = [re.findall(r"^ (?:none|focal) +2 .*$", out, re.MULTILINE) for out in said]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 2
