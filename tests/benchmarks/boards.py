"""Reading the records of a large results folder: with the index, against parsing every file."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from bench.records.index import index_path, read
from bench.records.record import Record, digest
from bench.records.store import Store
from tests.benchmarks.measure import Measured, timed

RECORDS = 20_000  # a fifth of the table's: writing a hundred thousand files takes longer than all other rows


def fill(root: Path, count: int) -> None:
    """Records like those of a sweep, without the fsync that publishing one costs."""
    import json
    from dataclasses import asdict

    metrics = {f"view{i}/metric{j}": 0.001 * i + 0.0173 * j for i in range(5) for j in range(8)}
    base = Record(
        key="",
        status="done",
        data="d",
        target="t",
        model="mlp",
        strategy="none",
        split=0,
        seed=0,
        metrics=metrics,
        cost={"fits": 1, "steps": 400, "train_seconds": 1.5, "wall_seconds": 2.0},
        traits={"n_classes": 2},
        config={"strategies": [], "train": {"lr": 0.01}},
    )
    store = Store(root)
    for i in range(count):
        config = {"strategies": [[f"s{i % 20}", 1, {}]], "train": {"lr": 0.01}, "seed": i}
        key = digest(config)
        path = store.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = replace(base, key=key, seed=i, strategy=f"s{i % 20}", config=config)
        path.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def measure() -> list[Measured]:
    """First read (parses, writes the index), then reads with it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill(root, RECORDS)
        parsed, _ = timed(lambda: read(root))
        assert index_path(root).exists()
        indexed = sorted(timed(lambda: read(root))[0] for _ in range(3))[1]
    full = 100_000 / RECORDS
    return [
        Measured(
            "boards",
            "100,000 records with the index",
            "absolute",
            indexed * full,
            2.0,
            unit="s",
            note=f"{RECORDS:,} records measured, times {full:g}: both reads are linear in the files",
        ),
        Measured(
            "boards",
            "reading with the index",
            "parsing every record",
            indexed / parsed,
            None,
            reference_seconds=parsed,
            our_seconds=indexed,
        ),
    ]
