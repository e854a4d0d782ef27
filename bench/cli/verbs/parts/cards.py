"""What there is, as lists of one line each, and one entry at length: its card, its keys, what `tune` searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.cli.keys import Key, file_keys, is_search, read
from bench.cli.text import columns, paragraphs
from strategies.registry import Registry


def print_list(rows: Sequence[tuple[str, str]], console: Console) -> None:
    """Names and texts in two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for name, text in rows:
        grid.add_row(Text(name), Text(text))
    console.print(grid)


def _first_sentence(card: str) -> str:
    """The first paragraph of a card, on one line."""
    return " ".join(card.partition("\n\n")[0].split())


def print_entries(registry: Registry[Any], group: str, names: Sequence[str], console: Console) -> None:
    """All entries of a registry, one line each; or the cards of those named. `group` is the folder of their YAML.

    Raises:
        RegistryError: there is no entry of a name; suggests the nearest.
    """
    if not names:
        print_list([(name, _first_sentence(registry.card(name))) for name in registry.names()], console)
        return
    for number, (name, card) in enumerate([(name, registry.card(name)) for name in names]):
        lines = [*([""] if number else []), name, "", *paragraphs(card), ""]
        print_lines(lines, console)
        keys = settings_of(registry, group, name)
        print_keys(keys, console) if keys else print_lines(["no settings"], console)


def print_keys(keys: Sequence[tuple[str, str]], console: Console) -> None:
    """Settings with their defaults, as help shows them."""
    print_lines(["keys, with their defaults:", *columns(keys)], console)


def print_lines(lines: Sequence[str], console: Console) -> None:
    """Lines as they are."""
    console.print(Text("\n".join(lines)), soft_wrap=True)


def settings_of(registry: Registry[Any], group: str, name: str) -> list[tuple[str, str]]:
    """The settings of an entry: path and default, and what they are; from its YAML, or from its class without one."""
    keys = [key for key in file_keys(group, name) if not is_search(key.path) and key.path != f"{group}.name"]
    searched = spaces(yaml.safe_load(read(f"{group}/{name}")) or {}, prefix=_own_path(group, name))
    if not read(f"{group}/{name}"):
        cls = registry.get(name)
        own = fields(cls) if is_dataclass(cls) else ()
        keys = [Key(f"{_own_path(group, name)}.{f.name}", repr(f.default)) for f in own]
    return [(f"{k.path}={k.default}", "; ".join(filter(None, [k.comment, searched.get(k.path, "")]))) for k in keys]


def _own_path(group: str, name: str) -> str:
    """Where the settings of an entry lie: strategies under their names, as several may be stacked."""
    return f"strategy.{name}" if group == "strategy" else group


def spaces(raw: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """What `tune` searches, by path: from the `space` of a YAML file, wherever in it that lies."""
    if "space" in raw:
        return {f"{prefix}.{key}": f"tune: {space_in_words(entry)}" for key, entry in raw["space"].items()}
    nested = {section: own for section, own in raw.items() if isinstance(own, Mapping)}
    return {path: text for section, own in nested.items() for path, text in spaces(own, section).items()}


def space_in_words(entry: Any) -> str:
    """`0.01 to 30 (log), also null` · `null, auto`; of two and of several classes, where they differ."""
    if isinstance(entry, Mapping) and set(entry) == {"binary", "multiclass"}:
        return f"{space_in_words(entry['binary'])} (two classes); {space_in_words(entry['multiclass'])} (several)"
    if isinstance(entry, Mapping):
        text = f"{entry['low']} to {entry['high']}{' (log)' if entry.get('log') else ''}"
        return text + "".join(f", also {plain(value)}" for value in entry.get("also", ()))
    return ", ".join(map(plain, entry))


def plain(value: Any) -> str:
    """A value as YAML writes it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
