"""python -m tests.benchmarks [ROW …] [--date 2026-01-31] [--out results/bench] [--trials 8]

Without rows: all of the table, and `gpu`. `scaling` writes the scaling curves and runs by name only.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import sys
import warnings
from pathlib import Path

from bench.training.threads import limit_threads
from tests.benchmarks import report
from tests.benchmarks.measure import Measured

ROWS = (
    "training",
    "stacking",
    "trees",
    "sweep",
    "planning",
    "text",
    "resampling",
    "similarity",
    "ranking",
    "boards",
    "large",
    "tuning",
    "gpu",
)


def main() -> int:
    """Run rows, print and write the table; 1 where a row failed to run (a missed target is a result, not a failure)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join((*ROWS, "scaling")))
    parser.add_argument("--date", default=datetime.datetime.now(tz=datetime.UTC).date().isoformat())
    parser.add_argument("--out", type=Path, default=Path("results/bench"))
    parser.add_argument("--trials", type=int, default=8, help="of the tuning row; the full study has 40")
    options = parser.parse_args()
    unknown = sorted(set(options.rows) - {*ROWS, "scaling"})
    if unknown:
        parser.error(f"unknown row {unknown[0]!r}; known: {', '.join((*ROWS, 'scaling'))}")
    warnings.simplefilter("ignore")
    limit_threads(1)
    failed = 0
    for row in options.rows or ROWS:
        if row == "scaling":
            from tests.benchmarks import scaling

            print("\n".join(map(str, scaling.write(options.out))))
            continue
        before = os.getloadavg()[0]
        try:
            found = run(row, options.trials)
        except Exception as error:  # the other rows are worth having
            failed += 1
            found = [Measured(row, "", "", None, None, note=f"failed: {type(error).__name__}: {error}"[:300])]
            failed += any(m.note.startswith("failed") for m in found)
        for m in found:
            print(line(m), flush=True)
        report.write(found, options.out, options.date, (before, os.getloadavg()[0]))
    return 1 if failed else 0


def run(row: str, trials: int) -> list[Measured]:
    """One row's measurements."""
    module = importlib.import_module(f"tests.benchmarks.{row}")
    found: list[Measured] = module.measure(trials) if row == "tuning" else module.measure()
    return found


def line(m: Measured) -> str:
    """`training  MLP …  1.02 × (target ≤ 1.1, met)`."""
    if m.value is None:
        return f"{m.row:<11} {m.what}: {m.note}"
    limit = "" if m.target is None else f" (target {'≥' if m.at_least else '≤'} {m.target:g})"
    verdict = {None: "", True: "", False: "  MISSED"}[m.met]
    return f"{m.row:<11} {m.what}: {m.value:.3g} {m.unit}{limit}{verdict}  {m.note}"


if __name__ == "__main__":
    sys.exit(main())
