"""A table's schema as a YAML file that people read, edit and give back."""

from __future__ import annotations

import yaml

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.schema import KINDS, ColumnKind, Table


def describe(table: Table) -> list[str]:
    """The schema as lines to show: every column with its kind, distinct and missing values, then the classes."""
    width = max(len(name) for name in (*table.frame.columns, *table.ignored))
    lines = [f"{table.name}: {len(table):,} rows, target {table.target!r}"]
    for column in table.columns:
        values = table.frame[column.name]
        facts = f"{values.nunique():,} distinct, {int(values.isna().sum()):,} missing"
        lines.append(f"  {column.name:<{width}}  {column.kind:<11}  {facts}")
    lines += [f"  {name:<{width}}  ignored      {why}" for name, why in sorted(table.ignored.items())]
    counts = table.counts()
    shares = [f"{c} {n:,} ({n / len(table):.1%})" for c, n in zip(table.classes, counts, strict=True)]
    lines.append("classes: " + listing(shares))
    return lines


def schema_yaml(table: Table) -> str:
    """The schema as YAML that can be edited and given back as data.schema_file."""
    lines = [
        f"# Schema of {table.name!r} for target {table.target!r}, as used.".replace("\n", " "),
        f"# To change it, edit the kinds ({', '.join(KINDS)}) and pass data.schema_file=<this file>.",
        "# strict: a file with columns that are not listed is refused; one without a listed column always is.",
        "strict: true",
        "columns:",
    ]
    kinds: dict[str, ColumnKind] = {c.name: c.kind for c in table.columns}
    kinds.update(dict.fromkeys(table.ignored, "ignored"))
    for name in sorted(kinds):
        line = yaml.safe_dump({name: kinds[name]}, allow_unicode=True, width=10**6).rstrip("\n")
        why = table.ignored.get(name, "")
        line = f"{line}  # {why}" if why and "\n" not in line + why else line
        lines.append("  " + line.replace("\n", "\n  "))
    return "\n".join(lines) + "\n"


def parse_schema(text: str, where: str) -> tuple[dict[str, ColumnKind], bool]:
    """Column kinds from the YAML of `schema_yaml`, possibly edited, and whether other columns are refused.

    A plain mapping from columns to kinds will do as well, and is not strict.

    Raises:
        DataError: not a mapping from column names to kinds; names the file and the entry.
    """
    try:
        raw = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise DataError(f"data.schema_file {where}: expected YAML, got {error}") from error
    strict = False
    if isinstance(raw, dict) and isinstance(raw.get("columns"), dict) and set(raw) <= {"columns", "strict"}:
        strict, raw = raw.get("strict") is True, raw["columns"]
    if not isinstance(raw, dict):
        raise DataError(f"data.schema_file {where}: expected 'column: kind' lines, got {type(raw).__name__}")
    return {str(name): known_kind(str(name), kind) for name, kind in raw.items()}, strict


def known_kind(column: str, kind: object) -> ColumnKind:
    """The kind, if it is one.

    Raises:
        DataError: it is not; names the column and lists the kinds.
    """
    for known in KINDS:
        if kind == known:
            return known
    raise DataError(
        f"kind of column {column!r}: expected one of {', '.join(KINDS)}, got {kind!r}. "
        f"{suggest(str(kind), KINDS) or 'Use one of these'}".rstrip()
    )
