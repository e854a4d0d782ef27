"""Records and boards for the tests: one cell, a series over seeds, a folder, hostile names, a row, a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from bench.leaderboard.boards.model import Board
from bench.leaderboard.formats import terminal as tables
from bench.records.record import Record, digest
from bench.records.store import Store
from bench.records.versions import VERSIONS
from tests import ROOT

GOLDEN = ROOT / "tests/leaderboard/golden"

HOSTILE = [
    "=HYPERLINK(\"http://evil\",\"x\")", "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "a|b", "`code`",
    "<script>alert(1)</script>", "new\nline", "<img src=x onerror=alert(1)>", "[red]markup[/red]",
    "[link](javascript:x)", "[/]", ":smile:", "**bold**", "_em_", "\\", "\\|", "\x1b[31mred",
    "\u202eevil", "a\0b", "x" * 5000, "", "$x$",
    "~~s~~", "https://evil.example", "@everyone", "&lt;b&gt;", "na,me", 'quo"te',
]  # fmt: skip


def make(
    strategy: str = "none",
    seed: int = 0,
    value: float | None = 0.5,
    *,
    split: int = 0,
    status: Any = "done",
    params: dict[str, Any] | None = None,
    train: dict[str, Any] | None = None,
    key: str = "raw/average_precision",
    data: str = "d",
    target: str = "t",
    model: str = "m",
    dropout: float | None = None,
    versions: Mapping[str, int] = VERSIONS,
    **fields: Any,
) -> Record:
    config = {
        "versions": dict(versions),
        "data": {"name": data, "target": target},
        "model": {"name": model, **({} if dropout is None else {"dropout": dropout})},
        "train": train or {"lr": 0.1},
        "strategies": [[strategy, 1, params or {}]],
        "split": split,
        "seed": seed,
        "schema": 1,
        **({"tuned": True} if fields.get("tuned") else {}),
        **({"strategy": fields["created"]} if "created" in fields else {}),  # of older records, and no setting
    }
    given_fields: dict[str, Any] = {
        "traits": {"n_train": 800, "n_test": 200, "n_classes": 2},
        "metrics": {key: value} if status == "done" else {},
        "cost": {"fits": 1, "steps": 10, "train_seconds": 1.5, "peak_mb": None} if status == "done" else {},
        **fields,
    }
    names: dict[str, Any] = {"data": data, "target": target, "model": model, "strategy": strategy}
    return Record(key=digest(config), status=status, config=config, split=split, seed=seed, **names, **given_fields)


def series(strategy: str, values: list[float | None], **fields: Any) -> list[Record]:
    return [make(strategy, seed, value, **fields) for seed, value in enumerate(values)]


def repeats(strategy: str, values: list[float], **fields: Any) -> list[Record]:
    """Repeats over splits: split r with seed r."""
    return [make(strategy, r, value, split=r, **fields) for r, value in enumerate(values)]


def stored(root: Path, records: list[Record]) -> Path:
    store = Store(root)
    for record in records:
        assert store.put(record)
    return root


def row(board: Board, label: str) -> Any:
    return next(r for r in board.rows if r.label == label)


def terminal(board: Board, width: int = 100) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(tables.terminal(board, width))
    return console.export_text()


def frame_of(records: list[Record]) -> Any:
    return pd.DataFrame({"record": records})


def listen(width: int = 100) -> Console:
    return Console(width=width, record=True, file=io.StringIO())


def golden_records() -> list[Record]:
    return [Record(**raw) for raw in json.loads((GOLDEN / "records.json").read_text(encoding="utf-8"))]
