"""What differs between two recordings of the equality guard (tests/tools/equality.py), in lines that can be read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any
SHOWN: Final = 8  # differences listed for one record, study, file, …


def compare(before: Mapping[str, Json], after: Mapping[str, Json], sections: Sequence[str]) -> int:
    """Print what differs, section by section; the exit code."""
    for when, side in (("before", before), ("after", after)):
        print(f"{when}: {side['about']['tree']}")
    if before["about"]["versions"] != after["about"]["versions"]:
        print("packages differ:", *differences(before["about"]["versions"], after["about"]["versions"]), sep="\n  ")
    different = 0
    for section in sections:
        old, new = before[section], after[section]
        found = {name: list(entry(name, old, new)) for name in dict.fromkeys([*old, *new])}
        found = {name: lines for name, lines in found.items() if lines}
        print(f"\n{section}: {len(old)} before, {len(new)} after, {len(found) or 'none'} differ")
        for name, lines in found.items():
            more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
            print(f"  {name}", *lines[:SHOWN], *more, sep="\n    ")
        different += len(found) + (not old)
    print("\nequal" if not different else f"\n{different} differences")
    return 1 if different else 0


def entry(name: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
    """How one entry differs."""
    if name not in new:
        yield "only before"
    elif name not in old:
        yield "only after"
    else:
        yield from differences(old[name], new[name])


def differences(old: Json, new: Json) -> Iterator[str]:
    """How two values differ: by path; texts by line; a value that moved is said once."""
    if is_text(old) and is_text(new):
        yield from list(difflib.unified_diff(old, new, lineterm="", n=0))[2:]
        return
    left, right = dict(leaves(old)), dict(leaves(new))
    gone, come = ({p: v for p, v in a.items() if p not in b} for a, b in ((left, right), (right, left)))
    for path, value in gone.items():
        to = [p for p, v in come.items() if same(v, value) and p.rpartition(".")[2] == path.rpartition(".")[2]]
        if len(to) == 1:
            del come[to[0]]
        yield f"{path}: moved to {to[0]}" if len(to) == 1 else f"{path}: {shown(value)} → nothing"
    yield from (f"{path}: nothing → {shown(value)}" for path, value in come.items())
    for path, value in left.items():
        if path in right and not same(value, right[path]):
            yield f"{path}: {shown(value)} → {shown(right[path])}"


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """The plain values inside, by path; the order of keys is none of them."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if not inside:
        yield path or "all of it", value
        return
    for name, one in inside:
        yield from leaves(one, f"{path}.{name}".lstrip("."))


def same(one: Json, other: Json) -> bool:
    """Whether two plain values are equal to the last digit, and of one type: 1 is not 1.0, nor true."""
    return json.dumps(one) == json.dumps(other)


def is_text(value: Json) -> bool:
    """Whether a value is lines of text."""
    return isinstance(value, list) and bool(value) and all(isinstance(line, str) for line in value)


def shown(value: Json) -> str:
    """A value on one line of bearable length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 90 else f"{text[:88]}…"
