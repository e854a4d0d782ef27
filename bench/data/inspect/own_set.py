"""A table of one's own as a data set: a YAML file that says where it is and how it is read, so that `data=NAME` does.

The file holds the options that were asked for, the kinds that were found, and the positive class: a later version of
the table is read in the same way, or refused.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import yaml

from bench.data.config import DataConfig
from bench.data.errors import DataError
from bench.data.tables.config import TableConfig
from bench.data.tables.derive import BETWEEN
from bench.data.tables.roles import chosen
from bench.data.tables.schema import Table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # Hydra looks a file up by it


def asked_options(config: DataConfig) -> dict[str, Any]:
    """The options of a table that are not at their defaults, the source's own first."""
    found: dict[str, Any] = {}
    for holder, cls in ((config.source, type(config.source)), (config, TableConfig)):
        for field in fields(cls):
            value = getattr(holder, field.name)
            default = field.default if field.default is not MISSING else None
            if value != default:
                found[field.name] = listed(value)
    return found


def listed(value: Any) -> Any:
    """A value as YAML has it: tuples as lists, mappings as plain ones."""
    if isinstance(value, tuple):
        return [listed(v) for v in value]
    return {str(k): listed(v) for k, v in value.items()} if hasattr(value, "items") else value


def _own_set_yaml(config: DataConfig, table: Table) -> str:
    """The file of a data set: all options, the kinds of the columns, target and positive class."""
    options = asked_options(config)
    if "path" in options:
        options["path"] = str(Path(options["path"]).expanduser().resolve())
    kinds = {c.name: c.kind for c in table.columns} | dict.fromkeys(table.ignored, "ignored")
    made = {*(config.formats or {}), *_derived_names(config)}
    options["kinds"] = {n: k for n, k in sorted({**kinds, **(options.get("kinds") or {})}.items()) if n not in made}
    options |= {"target": table.target}
    if len(table.classes) == 2:
        options["positive"] = table.classes[1]
    head = {"defaults": [{"/table@_here_": "default"}, "_self_"], "source": config.source.name}
    counts = ", ".join(f"{c} {n:,}" for c, n in zip(table.classes, table.counts(), strict=True))
    note = f"# {len(table):,} rows: {counts}. Written by imbench data check … save=true; edit it as you like.\n"
    return note.replace("\r", " ") + yaml.safe_dump(
        {**head, **options}, allow_unicode=True, sort_keys=False, width=10**6
    )


def _derived_names(config: DataConfig) -> set[str]:
    """Names of columns that are made of others, or play a part: their kinds follow from that."""
    dates = {f"{name} {part}" for name in config.dates for part in ("days", "month", "weekday", "hour")}
    return dates | {BETWEEN.join(names) for names in config.crosses} | set(chosen(config).values()) | set(config.ignore)


def save_own_set(config: DataConfig, table: Table, folder: Path) -> Path:
    """Write the file into a folder of Hydra's search path, as data/NAME.yaml; NAME is the file's where none is given.

    Raises:
        DataError: no name that can be a file's, a file there that says something else, or a folder that cannot be
            written.
    """
    name = table.name if config.name is None and "path" in asked_options(config) else config.name
    if name is None or not NAME.fullmatch(name):
        raise DataError(
            f"data.name: expected a name for the data set of letters, digits and . _ -, got {name!r}. Say "
            "data.name=orders, for example"
        )
    path, text = folder / "data" / f"{name}.yaml", _own_set_yaml(config, table)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise DataError(
            f"{path}: expected no data set of that name, got another one. Delete it, or say another data.name"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: expected to write it there, got: {error}. Choose another folder") from error
    return path
