"""Many records for measuring: how long tables take, cold and warm.

    python -m tests.tools.synthetic FOLDER [--records 100000]

Writes record files as large as real ones (20 data sets × 5 models × 20 strategies × 5 splits × 10 seeds) and times
reading them with no index, with a fresh one, and after one record was added.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np

from bench.evaluation.registry import columns
from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import tables_csv
from bench.records import index
from bench.records.record import Record, digest
from bench.records.store import Store

DESIGN = (20, 5, 20, 5, 10)  # data sets, models, strategies, splits, seeds


def records(design: Sequence[int] = DESIGN) -> Iterator[Record]:
    """Records of a full grid with plausible numbers in every binary column."""
    generator = np.random.default_rng(0)
    names = columns(2)
    for d, m, k, split, seed in product(*map(range, design)):
        values = (0.4 + 0.01 * k + generator.normal(0, 0.02, len(names))).tolist()
        config = {
            "schema": 1,
            "data": {"source": f"data{d}", "version": 1, "target": "y", "fingerprint": digest(d)},
            "model": {"name": f"model{m}", "version": 1, "dim": 32, "dropout": 0.3},
            "strategies": [[f"strategy{k}", 1, {"ratio": 1.0}]] if k else [],
            "train": {"max_steps": 1000, "batch_size": 256, "lr": 0.01, "weight_decay": 0.0},
            "split": split,
            "seed": seed,
        }
        yield Record(
            key=digest(config),
            status="done",
            data=f"data{d}",
            target="y",
            model=f"model{m}",
            strategy="none" if k == 0 else f"strategy{k}",
            split=split,
            seed=seed,
            config=config,
            traits={"rows": 9995, "n_train": 6496, "n_test": 1999, "n_classes": 2, "train_counts": [6264, 232]},
            metrics=dict(zip(names, values, strict=True)),
            per_class={"support": [1928.0, 71.0]},
            cost={"wall_seconds": 1.0, "fits": 1, "steps": 260, "train_seconds": 0.7 + 0.01 * k, "peak_mb": 566.0},
            notes={"batches": 260.0},
            curve=[[20.0 * i, 0.1] for i in range(30)],
            environment={"python": "3.11", "imbench": "0.1.0", "device": "cpu"},
            created="2026-01-01T00:00:00+00:00",
        )


def fill(root: Path, wanted: int) -> int:
    """Write up to `wanted` record files, without waiting for the disk; returns how many there are."""
    store, count = Store(root), 0
    for count, record in enumerate(records(), 1):
        path = store.path(record.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        if count == wanted:
            break
    return count


def timed(root: Path) -> tuple[float, float, float]:
    """Seconds to read the records, to make the boards, and to write them as CSV."""
    start = time.perf_counter()
    ledger = index.read(root)
    read = time.perf_counter()
    tables = boards(ledger)
    made = time.perf_counter()
    tables_csv.comma_separated(tables)
    return read - start, made - read, time.perf_counter() - made


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill a folder and print the times."""
    first_line = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tests.tools.synthetic", description=first_line)
    parser.add_argument("folder", type=Path, help="a folder of its own; kept afterwards")
    parser.add_argument("--records", type=int, default=100_000)
    options = parser.parse_args(arguments)
    print(f"{fill(options.folder, options.records):,} records in {options.folder}")
    index.index_path(options.folder).unlink(missing_ok=True)
    for name in ("cold, no index", "warm", "warm again"):
        read, made, written = timed(options.folder)
        print(
            f"{name:>16}: {read + made + written:6.2f} s = read {read:.2f} + boards {made:.2f} + CSV {written:.2f}",
            flush=True,
        )
    changed = next(iter(Store(options.folder).paths()))
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    read, made, written = timed(options.folder)
    total = read + made + written
    print(f"{'one file changed':>16}: {total:6.2f} s = read {read:.2f} + boards {made:.2f} + CSV {written:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
