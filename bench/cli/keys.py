"""The keys of the configuration, with defaults and comments: YAML files read as text, so that help is instant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import bench.conf  # type: ignore[import-not-found]  # conf/ as it is installed

ROOT = Path(bench.conf.__path__[0])
LINE = re.compile(
    r"(?P<indent> *)(?P<key>[\w-]+):"
    r"(?: +(?P<value>'[^']*'|\"[^\"]*\"|[^#\s](?:[^#]|(?<! )#)*?))?"
    r"\s*(?:# *(?P<comment>.*))?"
)
_CHOICE = re.compile(r" *- (?:optional )?(?P<group>\w+): (?P<name>\w+) *(?:# *(?P<comment>.*))?")
_INCLUDED = re.compile(r"/(?P<group>\w+)@_here_: *(?P<name>\w+)")
SEARCH = ("space", "neutral")  # sections for `tune`, no settings


@dataclass(frozen=True)
class Key:
    """One key: its path, its default as the file writes it, and the comment beside it."""

    path: str
    default: str
    comment: str = ""


def choices(group: str) -> list[str]:
    """The files of a group, by name, without those that others build on.

    An unknown group has none.
    """
    return sorted(path.stem for path in (ROOT / group).glob("*.yaml"))


@cache
def groups() -> dict[str, Key]:
    """The groups of conf/config.yaml, in its order: name -> its key, with the default choice."""
    found = map(_CHOICE.fullmatch, read("config").splitlines())
    return {m["group"]: Key(m["group"], m["name"], m["comment"] or "") for m in found if m is not None}


def keys_of(section: str) -> list[Key]:
    """What help shows of a section: the keys of a mapping, or one line for a single key or a choice of files."""
    group = section.partition(".")[0]
    if group in groups() and choices(group) != ["default"]:
        return [groups()[group]]
    every = file_keys(group, "default") if group in groups() else _parsed(read("config"))
    own = [key for key in every if key.path == section or key.path.startswith(f"{section}.")]
    return [key for key in own if not is_search(key.path)]


def file_keys(group: str, name: str) -> list[Key]:
    """The keys of one choice, such as (`data`, `womens`), under the paths that they have in the configuration.

    Keys of a file that it builds on follow its own. Empty where there is no such file.
    """
    text = read(f"{group}/{name}")
    package = re.match(r"# @package (\S+)", text)
    prefix = "" if package and package[1] == "_global_" else f"{package[1] if package else group}."
    own = [replace(key, path=prefix + key.path) for key in _parsed(text)]
    for base in _INCLUDED.finditer(text):
        below = _parsed(read(f"{base['group']}/{base['name']}"))
        own += [replace(key, path=prefix + key.path) for key in below if prefix + key.path not in {k.path for k in own}]
    return own


def is_search(path: str) -> bool:
    """Whether a path lies in a section that says what `tune` searches, instead of setting something."""
    return bool({*SEARCH} & {*path.split(".")})


def read(name: str) -> str:
    """The text of conf/NAME.yaml; empty where there is none."""
    path = ROOT / f"{name}.yaml"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _parsed(text: str) -> list[Key]:
    """The keys with a value, by dotted path; `defaults` and Hydra's own section are left out."""
    found: list[Key] = []
    open_sections: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            continue
        indent = len(match["indent"])
        open_sections = [(at, name) for at, name in open_sections if at < indent]
        path = ".".join([*(name for _, name in open_sections), match["key"]])
        if path.partition(".")[0] in ("defaults", "hydra") or match["value"] is None:
            open_sections.append((indent, match["key"]))
        else:
            found.append(Key(path, match["value"].strip(), (match["comment"] or "").strip()))
    return found


def describe(keys: Iterable[Key]) -> list[tuple[str, str]]:
    """Two columns for help: `train.lr=0.01` and what it is."""
    rows = []
    for key in keys:
        known = choices(key.path) if key.path in groups() else []
        listed = f"one of {', '.join(known)}" if known else ""
        rows.append((f"{key.path}={key.default}", "; ".join(filter(None, [key.comment, listed]))))
    return rows
