"""What a search prints: its progress, a line for each study, and what became of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optuna.trial import TrialState
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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


def display(console: Console) -> Progress:
    """One bar over all studies; hidden where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


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


def summarize(reports: Sequence[Report], seconds: float, console: Console) -> int:
    """Print what was found and what failed; the exit code."""
    for r in reports:
        if r.skipped:
            console.print(f"{escape(r.study.label)}: skipped: {escape(r.skipped)}", soft_wrap=True, highlight=False)
            continue
        totals = r.study.totals()
        text = (
            f"{escape(r.study.label)}: {totals['trials']:.0f} trials, {totals['steps']:,.0f} steps, "
            f"{totals['seconds']:.0f} s of training -> {escape(str(r.study.folder))}"
        )
        console.print(text, soft_wrap=True, highlight=False)
        for failure in r.failures:
            console.print(f"  [red]failed[/] {escape(failure)}", soft_wrap=True, highlight=False)
    console.print(f"{len(reports)} studies in {duration(seconds)}", highlight=False)
    return 0 if all(r.met for r in reports) else 1
