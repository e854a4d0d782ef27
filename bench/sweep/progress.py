"""How a sweep shows its progress: a bar on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.evaluation.registry import METRICS, ranking_metric
from bench.records.record import FAILURES, Record


class Display(AbstractContextManager["Display"]):
    """One progress bar on a terminal; one clean line per event elsewhere."""

    def __init__(self, console: Console, total: int, already: int) -> None:
        self.console, self.total, self.count = console, total, already
        self.already, self.elsewhere, self.began_at = already, 0, time.monotonic()
        self.running: dict[str, str] = {}
        self.progress: Progress | None = None
        if console.is_terminal:
            self.progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[now]}"),
                console=console,
                transient=True,
            )

    def __enter__(self) -> Display:
        if self.already:
            self.console.print(f"{self.already} of {self.total} cells have a record already", highlight=False)
        if self.progress is not None and self.already < self.total:
            self.progress.start()
            self.task = self.progress.add_task(
                "cells", total=self.total, completed=self.already, now="starting workers"
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.progress is not None:
            self.progress.stop()
        if self.count > self.already:
            seconds = time.monotonic() - self.began_at
            ran = self.count - self.already - self.elsewhere
            others = f"; another command ran {self.elsewhere}" if self.elsewhere else ""
            self.console.print(f"ran {ran} cells in {duration(seconds)}{others}", highlight=False)

    def began(self, key: str, label: str) -> None:
        """A cell has started."""
        self.running[key] = label
        self.refresh()

    def done(self, record: Record, label: str, *, elsewhere: bool = False) -> None:
        """A cell has a record, of this command or of another."""
        self.running.pop(record.key, None)
        self.count += 1
        self.elsewhere += elsewhere
        if self.progress is None or record.status in FAILURES:
            self.console.print(line(record, label, self.count, self.total), soft_wrap=True, highlight=False)
        self.refresh()

    def refresh(self) -> None:
        if self.progress is not None and hasattr(self, "task"):
            now = escape("; ".join(self.running.values()))
            width = max(self.console.width - 60, 10)
            self.progress.update(self.task, completed=self.count, now=now[:width])


def line(record: Record, label: str, number: int, total: int) -> str:
    """`[12/48] done womens/one_star mlp focal split=0 seed=1  average precision .352  5.1 s`."""
    head = f"[dim]{escape(f'[{number}/{total}]')}[/] {record.status} {escape(label)}"
    if record.status != "done":
        return f"{head}: {escape(record.reason)}"
    column = ranking_metric(int(record.traits["n_classes"]))
    value = record.metrics.get(column)
    name = METRICS[column.partition("/")[2]].label.lower()
    shown = "undefined" if value is None else f"{value:.3f}"
    return f"{head}  {name} {shown}  {record.cost['wall_seconds']:.1f} s"


def duration(seconds: float) -> str:
    """`42 s`, `3 min 10 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
