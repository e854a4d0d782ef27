"""What a search prints: the live view, and one table at the end."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from bench.tuning.progress import Report, SearchView, summarize


def study(name: str, done: int, best: float | None = None) -> Any:
    """A study as far as printing reads it."""
    default = SimpleNamespace(user_attrs={"origin": "default"}, values=[0.25])
    return SimpleNamespace(
        label=f"womens/one_star mlp {name}",
        identity=SimpleNamespace(name=name),
        tune=SimpleNamespace(trials=10),
        folder=Path("results/tuned") / name,
        finished=lambda: done,
        best=lambda: None if best is None else SimpleNamespace(values=[best], number=3),
        trials=lambda *states: [default] if best is not None else [],
        totals=lambda: {"trials": done, "steps": 12345, "seconds": 61.0},
    )


def console() -> Console:
    return Console(width=80, record=True, file=io.StringIO())


def test_the_view_counts_all_trials_and_keeps_the_best_of_each_study() -> None:
    shown = Console(width=100, force_terminal=True, file=io.StringIO())
    first, second = study("none", 4, 0.3), study("focal", 0)
    view = SearchView([first, second], shown)
    assert [(t.description, t.completed, t.total) for t in view.progress.tasks] == [
        ("all trials", 4, 20),
        ("womens/one_star mlp none", 4, 10),
        ("womens/one_star mlp focal", 0, 10),
    ]
    with view:
        second.finished, second.best = (lambda: 12), (lambda: SimpleNamespace(values=[0.4], number=1))
        view.update(second)
    total, _, focal = view.progress.tasks
    assert (total.completed, focal.completed, focal.fields["best"]) == (14, 10, "best 0.4000")
    second.finished = lambda: 0
    view.update(second, skipped=True)  # it has no more trials to come
    assert (total.completed, total.total, focal.fields["best"]) == (4, 10, "skipped")


def test_no_terminal_no_view() -> None:
    quiet = console()
    with SearchView([study("none", 4, 0.3), study("focal", 1)], quiet) as view:
        view.update(view.studies[0])
    assert quiet.export_text() == ""


def test_one_table_says_what_was_found_and_one_line_what_was_not() -> None:
    reports = [
        Report(cast(Any, study("none", 10, 0.31)), ()),
        Report(cast(Any, study("focal", 9, 0.33)), ("trial 3: diverged",)),
        Report(cast(Any, study("transfer", 0)), (), skipped="no other label"),
    ]
    said = console()
    assert summarize(reports, 5.0, said) == 1  # focal lacks a trial
    text = said.export_text()
    assert text.count("womens/one_star mlp none") == 1
    assert "0.3300" in text
    assert "0.2500" in text  # what the defaults reached
    assert "failed womens/one_star mlp focal: trial 3: diverged" in text
    assert "womens/one_star mlp transfer: skipped: no other label" in text
    assert "3 studies in" in text
    assert summarize(reports[:1], 5.0, said) == 0
    assert "1 study in" in said.export_text(clear=False)
