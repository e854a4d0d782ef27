"""What a search prints: one live view of all studies, and at the end a table of what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from optuna.trial import TrialState
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bench.leaderboard.text.words import plural
from bench.sweep.progress import duration
from bench.tuning.study import Study


@dataclass(frozen=True)
class Report:
    """What became of a study."""

    study: Study
    failures: tuple[str, ...]
    skipped: str = ""  # why the strategy does not apply

    @property
    def met(self) -> bool:
        """Whether it has the trials that were asked for, or needs none."""
        return bool(self.skipped) or self.study.finished() >= self.study.tune.trials


class SearchView:
    """One live view of all studies: trials done and the time left, and a line for each study with its best so far.

    Hidden where there is no terminal. Of very many studies the first `LINES` have a line, all of them count.
    """

    LINES: ClassVar = 12

    def __init__(self, studies: Sequence[Study], console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[best]}", markup=False),
            TimeRemainingColumn(compact=True),
        )
        self.progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.studies = studies
        self.skipped: set[str] = set()
        goal = sum(study.tune.trials for study in studies)
        self.total = self.progress.add_task("all trials", total=goal, completed=self._finished(), best="")
        self.lines = {
            study.identity.name: self.progress.add_task(
                study.label,
                total=study.tune.trials,
                completed=_done(study),
                best=_best(study),
            )
            for study in (studies[: self.LINES] if console.is_terminal and len(studies) > 1 else ())
        }

    def __enter__(self) -> SearchView:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.progress.disable:  # before 13.8 rich ends a hidden view with an empty line
            self.progress.stop()

    def update(self, study: Study, *, skipped: bool = False) -> None:
        """A batch of a study has come back; a study that is skipped has no more trials to come."""
        if skipped:
            self.skipped.add(study.identity.name)
        goal = sum(self._goal(study) for study in self.studies)
        self.progress.update(self.total, completed=self._finished(), total=goal)
        if (line := self.lines.get(study.identity.name)) is not None:
            best = "skipped" if skipped else _best(study)
            self.progress.update(line, completed=_done(study), total=self._goal(study), best=best)

    def _goal(self, study: Study) -> int:
        """The trials that a study is to have."""
        return study.finished() if study.identity.name in self.skipped else study.tune.trials

    def _finished(self) -> int:
        return sum(map(_done, self.studies))


def _done(study: Study) -> int:
    """Finished trials, at most what was asked for."""
    return min(study.finished(), study.tune.trials)


def _best(study: Study) -> str:
    best = study.best()
    return "" if best is None else f"best {best.values[0]:.4f}"


def print_study(study: Study, skipped: str, console: Console) -> None:
    """`womens/one_star mlp focal  16/40 trials (2 pruned)  best .41 (trial 7)`."""
    console.print(standing(study, skipped), soft_wrap=True, highlight=False)


def standing(study: Study, skipped: str) -> str:
    """How far a study is, and its best trial so far; why it is skipped where it is."""
    if skipped:
        return f"{escape(study.label)}  skipped: {escape(skipped)}"
    best, pruned = study.best(), len(study.trials(TrialState.PRUNED))
    text = f"{escape(study.label)}  {study.finished()}/{study.tune.trials} trials ({pruned} pruned)"
    if best is None:
        return f"{text}  none complete yet"
    values = "  ".join(f"{c} {v:.4f}" for c, v in zip(study.identity.columns, best.values, strict=True))
    return f"{text}  best {values} (trial {best.number})"


def summarize(reports: Sequence[Report], seconds: float, console: Console, *, overlays: Sequence[Path] = ()) -> int:
    """Print one table of what was found, then what was skipped and what failed, and where files are; the exit code.

    `overlays`: plots of several studies' histories.
    """
    found = [report for report in reports if not report.skipped]
    if found:
        console.print(_table(found))
    for report in reports:
        if report.skipped:
            console.print(Text(f"{report.study.label}: skipped: {report.skipped}"), soft_wrap=True)
        for failure in report.failures:
            console.print(Text.assemble(("failed ", "red"), f"{report.study.label}: {failure}"), soft_wrap=True)
    for folder in sorted({str(report.study.folder.parent) for report in found}):
        console.print(Text(f"trials, settings and plots of each study: {folder}"), soft_wrap=True)
    for path in overlays:
        console.print(Text(f"histories side by side: {path}"), soft_wrap=True)
    console.print(f"{plural(len(reports), 'study')} in {duration(seconds)}", highlight=False)
    return 0 if all(report.met for report in reports) else 1


def _table(reports: Sequence[Report]) -> Table:
    """A line for each study: its trials, the best score, what the defaults reached, and what it took."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("Study", overflow="fold")
    for heading in ("Trials", "Best", "Default", "Steps", "Time"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for report in reports:
        study, totals = report.study, report.study.totals()
        best = study.best()
        grid.add_row(
            Text(study.label),
            f"{totals['trials']:.0f}",
            f"{best.values[0]:.4f}" if best is not None else "–",
            _default_score(study),
            f"{totals['steps']:,.0f}",
            duration(totals["seconds"]),
        )
    return grid


def _default_score(study: Study) -> str:
    """What the trial with the default settings reached; – where it has not come back."""
    defaults = [t for t in study.trials(TrialState.COMPLETE) if t.user_attrs.get("origin") == "default"]
    return f"{defaults[0].values[0]:.4f}" if defaults else "–"
