"""YAML from files that may come from anybody: bounded before anything is built from it.

A file of a kilobyte can stand for gigabytes (aliases of aliases), and deep nesting ends in Python's own recursion limit
after minutes. Both are counted here on the stream of events, which needs neither memory nor recursion. Imports nothing
of ours.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

MOST_BYTES: Final = 4_000_000
MOST_NODES: Final = 400_000
"""Keys and values, those that aliases repeat counted each time: a schema of 100,000 columns has half of them."""
DEEPEST: Final = 50

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unbounded(ValueError):
    """Larger, deeper or more repeated than any file of settings; or no YAML. The message says which."""


def read_yaml(text: str, loader: Any = yaml.SafeLoader) -> Any:
    """What a text of YAML says.

    Raises:
        Unbounded: it is no YAML, or breaks a bound.
    """
    check_yaml(text)
    try:
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:  # a number of 5,000 digits, say
        raise Unbounded(f"it cannot be read: {' '.join(str(error).split())}") from error


def check_yaml(text: str) -> None:
    """Hold a text to the bounds.

    Raises:
        Unbounded: it is no YAML, or breaks one.
    """
    if len(text) > MOST_BYTES:
        raise Unbounded(f"it has {len(text):,} characters, and at most {MOST_BYTES:,} are read")
    counted = _Counted()
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            counted.take(event)
    except yaml.YAMLError as error:
        raise Unbounded(f"it is no YAML: {' '.join(str(error).split())}") from error


class _Counted:
    """What a stream of events amounts to, aliases written out."""

    def __init__(self) -> None:
        self.nodes = 0
        self.sizes: dict[str, int] = {}  # by anchor
        self.opened: list[tuple[str | None, int]] = []  # anchor of each open collection, and the nodes before it

    def take(self, event: Any) -> None:
        """Count one more event."""
        match event:
            case yaml.AliasEvent():
                if event.anchor not in self.sizes:
                    raise Unbounded(f"its alias *{event.anchor} is part of what it stands for")
                self.nodes += self.sizes[event.anchor]
            case yaml.ScalarEvent():
                self.nodes += 1
                self.sizes |= {event.anchor: 1} if event.anchor else {}
            case yaml.CollectionStartEvent():
                self.opened.append((event.anchor, self.nodes))
                self.nodes += 1
                self.sizes.pop(event.anchor or "", None)
            case yaml.CollectionEndEvent():
                anchor, before = self.opened.pop()
                self.sizes |= {anchor: self.nodes - before} if anchor else {}
        if len(self.opened) > DEEPEST:
            raise Unbounded(f"it is nested more than {DEEPEST} deep")
        if self.nodes > MOST_NODES:
            raise Unbounded(f"with its aliases written out it has more than {MOST_NODES:,} entries")
