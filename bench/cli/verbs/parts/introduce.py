"""What a command says of the data that it has read, before it does anything with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.data.loaded import loaded_table
from bench.data.tables.schema_file import describe, schema_yaml
from bench.records.files import write_text_atomically
from bench.sweep.plan import Planned


def introduce(planned: Sequence[Planned], console: Console, schemas: Path | None = None) -> None:
    """Print what was read, once per table: what was dropped and why; of a user's own file what was inferred, too.

    With `schemas`, a folder, the schema is saved there; edited, it is given back with data.schema_file=….

    Raises:
        ResultsError: the schema cannot be written.
    """
    for config in dict.fromkeys(p.cell.data for p in planned):
        data = loaded_table(config)
        console.print(Text(f"{data.name} · {data.target}: {'; '.join(data.log)}", style="dim"), soft_wrap=True)
        if config.source.name != "file" or {column.name for column in data.columns} <= {*(config.kinds or ())}:
            continue  # nothing was inferred: a set of imbench, or one that data check save=true wrote
        for text in describe(data):
            console.print(Text(f"  {text}"), soft_wrap=True)
        if schemas is not None:
            path = schemas / f"{data.fingerprint[:12]}.yaml"
            write_text_atomically(path, schema_yaml(data))
            console.print(Text(f"  schema saved: {path}"), soft_wrap=True)
