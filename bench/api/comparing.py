"""`imbench.compare`: strategies on a data frame in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.cli.cells import plan_cells
from bench.cli.console import Console
from bench.config import ConfigError
from bench.data.options import quoted
from bench.leaderboard.boards.bootstrap import attach
from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board
from bench.records.columns import of_records
from bench.records.files import ResultsError
from bench.records.store import Store
from bench.sweep.run import report_failures, run_sweep

from .overrides import compose_grid


def compare(
    frame: pd.DataFrame,
    target: str,
    strategies: Sequence[str | Sequence[str]] = ("none", "class_weights", "undersample", "focal"),
    *,
    model: str = "mlp",
    repeats: int = 5,
    settings: Sequence[str] = (),
    results: str | Path | None = None,
    quiet: bool = False,
) -> Board:
    """Which treatment of imbalance is worth using on the rows of a data frame, and by how much.

    Args:
        frame: features and labels.
        target: the column to predict.
        strategies: names, or sequences of names for stacks; with `none` among them there is a verdict.
        model: `mlp`, `linear` or `lightgbm`.
        repeats: splits of the rows: 5 for a look, 10 for a verdict.
        settings: further overrides as of the shell, such as `("data.ignore=[id]", "train.max_steps=500")`.
        results: folder of records, so that the same call goes on where the last one stopped; by default none are kept.
        quiet: print no progress (to standard error).

    Returns:
        A board: `sentence` (the answer), `rows` (the best first, each with `label`, `score`, `difference`, `verdict`).

    Raises:
        imbench.Complaint: the frame or the settings cannot be used, or no cell came to a result; says what to do.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ConfigError(f"frame: expected a data frame of pandas, got {type(frame).__name__}; make one of it")
    if target not in frame.columns:
        raise ConfigError(f"target={target!r}: expected a column of the frame, got none by that name")
    stacks = [name if isinstance(name, str) else f"[{','.join(name)}]" for name in strategies]
    with _folder(results) as root:
        path = root / "frame.parquet"
        try:
            frame.to_parquet(path, index=False)
        except (pa.ArrowException, ValueError, TypeError) as error:
            said = " ".join(str(error).split())
            raise ConfigError(f"frame: expected columns of one type each, got: {said}; convert them") from error
        own = [f"strategy={','.join(stacks)}", f"model={model}", f"repeats={repeats}", f"results={quoted(str(root))}"]
        data = ["data=file", f"data.path={quoted(str(path))}", f"data.target={quoted(target)}"]
        planned, options = plan_cells(compose_grid([*own, *data, *settings]))
        console = Console(stderr=True, quiet=quiet)
        outcome = run_sweep(planned, options, console)
        report_failures(outcome, console)
        store = Store(root)
        found = [r for p in planned if (r := store.proven(p.key)) is not None]
        made = boards(of_records(found))
        if len(made) != 1:
            reasons = "; ".join(dict.fromkeys(r.reason for r in found if r.reason))
            raise ResultsError(f"compare: expected results of one board, got {len(made)}: {reasons or 'no records'}")
        return attach(made[0], store) if made[0].design.given else made[0]


@contextmanager
def _folder(results: str | Path | None) -> Iterator[Path]:
    """The folder of records, or one that is gone afterwards."""
    if results is not None:
        root = Path(results).expanduser()
        root.mkdir(parents=True, exist_ok=True)
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="imbench-") as temporary:
        yield Path(temporary)
