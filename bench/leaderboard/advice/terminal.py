"""Advice for a terminal: the answer first, then what it rests on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.leaderboard.advice.advise import Advice, advise
from bench.leaderboard.advice.textbook import on_all, textbook
from bench.leaderboard.publish import picked, select
from bench.leaderboard.reading import read_records, say_left_out
from bench.leaderboard.status import say_empty
from bench.leaderboard.text.numbers import number, signed
from bench.leaderboard.text.words import clean, list_of
from bench.records.columns import RecordTable

_NAME: Final = re.compile(r"[\w.-]+")


def for_settings(settings: Any, console: Console) -> str:
    """Advise as the sections `need`, `budget` and `board` of a configuration say; returns the step that follows.

    That is an `export` of the choice where it is one strategy, without settings of its own, of one data set and model;
    else `publish`; empty without records.
    """
    root = Path(settings.results)
    records = read_records(root)
    say_left_out(records, console)
    if not len(records):
        say_empty(root, console)
        return ""
    chosen = select(records, picked(settings.board))
    advice = advise(chosen, settings.need, settings.budget, rope=settings.board.rope)
    print_advice(advice, console)
    return _step(chosen, advice.choice)


def _step(records: RecordTable, choice: str | None) -> str:
    cells = [{records.text(name, i) for i in range(len(records))} for name in ("data", "model")]
    if choice is None or not _NAME.fullmatch(choice) or any(len(names) != 1 for names in cells):
        return "publish"
    (data,), (model,) = cells
    return f"export data={data} strategy={choice} model={model}" if _NAME.fullmatch(data) else "publish"


def print_advice(advice: Advice, console: Console) -> None:
    """Print the advice, its rules, its candidates, and the textbook beside the measurements."""
    console.print(Text(clean(advice.sentence), style="bold"))
    if advice.effects:
        console.print(Text(clean(advice.effects)))
    if advice.alternatives:
        console.print(
            Text(clean(f"Pareto alternatives (quality against training time): {list_of(advice.alternatives)}"))
        )
    console.print()
    for number_of, step in enumerate(advice.steps, 1):
        console.print(Text(clean(f"{number_of}. {step.rule}: {step.outcome}"), style="dim"))
    if not advice.steps:
        console.print(Text("No rule left anything out.", style="dim"))
    if not advice.candidates:
        return
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=Text(f"Measured: {clean(advice.metric)}"),
        title_justify="left",
        title_style="bold",
    )
    table.add_column("Strategy", overflow="fold")
    several = advice.data_sets > 1
    lead = ["Mean rank"] if several else []
    for heading in (*lead, "Mean", "Δ none", "vs none", "Log loss", "Train s", "Fits", "Boards"):
        table.add_column(heading, justify="right")
    for c in advice.candidates:
        table.add_row(
            Text(clean(c.name + ("*" if c.uses_extra else "")), style="bold" if c.name == advice.choice else ""),
            *([f"{c.rank:.2f}"] if several else []),
            number(c.quality),
            signed(c.gain, 3) if c.gain is not None else "",
            c.verdict,
            number(c.log_loss),
            number(c.seconds),
            number(c.fits, 0),
            str(c.boards),
        )
    console.print(table)
    _books(advice, console)


def _books(advice: Advice, console: Console) -> None:
    """Each candidate's textbook claim, whether it would hold here, and what was measured."""
    known = textbook()
    console.print(Text("Textbook and measurement", style="bold"))
    for c in advice.candidates:
        claim = known.claims.get(c.name.partition(" (")[0])
        if claim is None:
            continue
        console.print(Text(clean(f"{c.name} ({claim.family})"), style="bold" if c.name == advice.choice else ""))
        console.print(Padding(Text(f"books: {claim.claim} {claim.source}", style="dim"), (0, 0, 0, 2)))
        console.print(Padding(Text(f"on such data: {on_all(claim, advice.traits)}", style="dim"), (0, 0, 0, 2)))
        console.print(Padding(Text(clean(f"measured: {advice.measured.get(c.name, 'the baseline')}")), (0, 0, 0, 2)))
    console.print()
    for assumption in known.assumptions:
        console.print(Text(f"Assumed: {assumption}", style="dim"))
    if any(c.uses_extra for c in advice.candidates):
        console.print(Text("* learns from labels or data that the others do not have", style="dim"))
