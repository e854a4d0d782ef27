"""What the verbs do, as plain functions of composed configurations; each returns an exit code."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from bench.cli.cells import prepare
from bench.config import Settings, settings

if TYPE_CHECKING:
    from bench.sweep.plan import Planned

INTERRUPTED = 130


def run(configurations: Sequence[Mapping[str, Any]], console: Console) -> int:
    """Train cells that have no record; print the table of the sweep."""
    from bench.leaderboard.publish import print_boards  # noqa: PLC0415 - statistics are for the end
    from bench.sweep.run import report_failures  # noqa: PLC0415
    from bench.sweep.run import run as sweep  # noqa: PLC0415

    planned, options = prepare(configurations)
    introduce(planned, console, schemas=Path(options.results) / "schemas")
    try:
        summary = sweep(planned, options, console)
    except KeyboardInterrupt:
        console.print("interrupted: finished cells are recorded; the same command goes on from there")
        return INTERRUPTED
    print_boards(Path(options.results), console, keys=[p.key for p in planned])
    report_failures(summary, console)
    return summary.exit_code


def introduce(planned: Sequence[Planned], console: Console, schemas: Path | None = None) -> None:
    """What was read, once per table: what was dropped and why; of a user's own file the inferred schema too.

    With `schemas` the schema is saved there; edited, it is given back with data.schema_file=….
    """
    from bench.data.loaded import loaded_table  # noqa: PLC0415 - pandas
    from bench.data.tables.schema_file import describe, schema_yaml  # noqa: PLC0415
    from bench.records.files import publish as write  # noqa: PLC0415

    for config in dict.fromkeys(p.cell.data for p in planned):
        data = loaded_table(config)
        console.print(Text(f"{data.name} · {data.target}: {'; '.join(data.log)}", style="dim"), soft_wrap=True)
        if config.source.name != "file":
            continue
        for text in describe(data):
            console.print(Text(f"  {text}"), soft_wrap=True)
        if schemas is not None:
            path, content = schemas / f"{data.fingerprint[:12]}.yaml", schema_yaml(data)
            write(path, lambda temporary, content=content: put(temporary, content), replace=True)  # type: ignore[misc]
            console.print(Text(f"  schema saved: {path}"), soft_wrap=True)


def put(path: Path, text: str) -> None:
    """Write a text file."""
    path.write_text(text, encoding="utf-8")


def plan(configurations: Sequence[Mapping[str, Any]], console: Console) -> int:
    """Say what `run` would do, and how long it may take."""
    from bench.records.record import FAILURES  # noqa: PLC0415
    from bench.records.store import Store  # noqa: PLC0415
    from bench.sweep.plan import outlook, tally  # noqa: PLC0415
    from bench.sweep.run import duration, worker_count  # noqa: PLC0415

    planned, options = prepare(configurations)
    ahead = outlook(planned, Store(options.results), retry_failed=options.run.retry_failed)
    introduce(planned, console)
    for text in tally(planned):
        console.print(Text(text), soft_wrap=True)
    done, skipped, failed = ahead.count("done"), ahead.count("skipped"), ahead.count(*FAILURES)
    console.print(
        f"{len(planned)} cells: {done} done, {skipped} skipped, {failed} failed, {len(ahead.to_do)} to do",
        highlight=False,
    )
    if failed and not options.run.retry_failed:
        console.print("failed cells are not run again unless run.retry_failed=true", highlight=False)
    workers = worker_count(options, len(ahead.to_do))
    if ahead.to_do and ahead.seconds is None:
        console.print("no estimate: nothing comparable is on record yet", highlight=False)
    elif ahead.seconds:
        console.print(
            f"about {duration(ahead.seconds / workers)} on {workers} workers, from past cells", highlight=False
        )
    return 0


def tune(configurations: Sequence[Mapping[str, Any]], console: Console) -> int:
    """Search hyperparameters on validation rows: every strategy the same number of trials."""
    from bench.tuning.driver import summarize  # noqa: PLC0415 - Optuna and the trainer
    from bench.tuning.driver import tune as search  # noqa: PLC0415
    from bench.tuning.report import write  # noqa: PLC0415

    options, began = settings(configurations[0]), time.monotonic()
    try:
        reports = search(configurations, options, console)
    except KeyboardInterrupt:
        console.print("interrupted: finished trials are kept; the same command goes on from there")
        return INTERRUPTED
    for report in reports:
        if not report.skipped:
            write(report.study)
    return summarize(reports, time.monotonic() - began, console)


def tune_status(options: Settings, console: Console) -> int:
    """One line per study under the results folder."""
    from bench.tuning.report import overview  # noqa: PLC0415 - Optuna

    return overview(Path(options.results), console, options.tune.storage)


def tune_show(options: Settings, console: Console, wanted: Mapping[str, str | None]) -> int:
    """The best settings of the studies of a strategy, a data set, a model."""
    from bench.tuning.report import show as show_best  # noqa: PLC0415 - Optuna

    return show_best(Path(options.results), console, wanted)


def status(options: Settings, console: Console) -> int:
    """Say what the results folder holds."""
    from bench.leaderboard.status import status as show_status  # noqa: PLC0415

    show_status(Path(options.results), console)
    return 0


def publish(options: Settings, console: Console) -> int:
    """Print the boards and write them under the results folder, or as a snapshot where `board.name` is set."""
    from bench.leaderboard.publish import for_settings  # noqa: PLC0415

    command = shlex.join(["imbench", *sys.argv[1:]])
    return for_settings(options.board, Path(options.results), console, command)


def advise(options: Settings, console: Console) -> int:
    """Say which strategy the records speak for, given `need` and `budget`."""
    from bench.leaderboard.advice.terminal import for_settings  # noqa: PLC0415

    return for_settings(options, console)


def compare(folders: Sequence[str], options: Settings, console: Console) -> int:
    """Print what changed between two snapshots or results folders; 1 if a rule of `board.fail_if` holds."""
    from bench.leaderboard.compare import compare as show_changes  # noqa: PLC0415
    from bench.records.files import ResultsError  # noqa: PLC0415

    if len(folders) != 2:
        raise ResultsError(f"compare: expected two folders, got {len(folders)}; use imbench compare BEFORE AFTER")
    return show_changes(
        Path(folders[0]), Path(folders[1]), console, rules=options.board.fail_if, metric=options.board.metric
    )


def strategies(console: Console) -> int:
    """One line per strategy: its name and the first sentence of its card."""
    from strategies.registry import STRATEGIES  # noqa: PLC0415

    listing([(name, first_line(STRATEGIES.card(name))) for name in STRATEGIES.names()], console)
    return 0


def models(console: Console) -> int:
    """One line per model."""
    from bench.models.registry import MODELS  # noqa: PLC0415

    listing([(name, first_line(MODELS.card(name))) for name in MODELS.names()], console)
    return 0


def data_list(console: Console) -> int:
    """One line per data source, and one per target; what is still to be fetched says so."""
    from bench.data.sources.registry import SOURCES  # noqa: PLC0415

    rows = []
    for source in map(SOURCES.get, SOURCES.names()):
        state = "" if source.fetched() else f" · not here yet: imbench data get {source.name}"
        rows.append((source.name, f"{source.title} ({source.licence}){state}"))
        rows += [(f"  {target}", text) for target, text in source.targets.items()]
    listing(rows, console)
    return 0


def data_get(names: Sequence[str], console: Console) -> int:
    """Fetch public data sets into the cache."""
    from bench.data.inspect.report import get  # noqa: PLC0415 - pyarrow

    return get(list(names), console)


def data_cache(arguments: Sequence[str], console: Console) -> int:
    """Show what the cache holds, or clear it."""
    from bench.data.inspect.report import cache  # noqa: PLC0415 - pyarrow

    return cache(list(arguments), console)


def data_check(configuration: Mapping[str, Any], console: Console) -> int:
    """Look at a data set and write its schema; exit code 1 where it cannot be split."""
    from bench.config import read_data  # noqa: PLC0415
    from bench.data.inspect.check import check as look  # noqa: PLC0415 - pandas
    from bench.data.inspect.report import save_schema, show  # noqa: PLC0415

    config = read_data(configuration.get("data", {}))
    table = config.load()
    findings = look(table, config.test_fraction, config.val_fraction)
    show(findings, console)
    save_schema(table, Path(settings(configuration).results), console, config)
    return 1 if findings.refused else 0


def results_check(options: Settings, console: Console) -> int:
    """Verify that every record parses and that its predictions are what was recorded."""
    from bench.records.files import ResultsError  # noqa: PLC0415
    from bench.records.store import Store  # noqa: PLC0415

    store, wrong, count = Store(options.results), [], 0
    for path in store.paths():
        count += 1
        try:
            record = store.read(path)
            if record.status == "done":
                store.predictions(record)
        except ResultsError as error:
            wrong.append(str(error))
    for problem in wrong:
        console.print(Text(problem), soft_wrap=True)
    console.print(f"{count} records checked, {len(wrong)} wrong", highlight=False)
    return 1 if wrong else 0


def results_gc(options: Settings, console: Console) -> int:
    """Delete what interrupted runs left behind; files younger than an hour may be in use and stay."""
    from bench.records.store import Store  # noqa: PLC0415

    old = [p for p in Store(options.results).orphans() if time.time() - p.stat().st_mtime > 3600]
    for path in old:
        path.unlink(missing_ok=True)
    console.print(f"deleted {len(old)} left-over files", highlight=False)
    return 0


def first_line(card: str) -> str:
    """The first sentence of a card."""
    return " ".join(card.partition("\n\n")[0].split())


def listing(rows: Sequence[tuple[str, str]], console: Console) -> None:
    """Names and texts in two columns."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for name, text in rows:
        grid.add_row(Text(name), Text(text))
    console.print(grid)
