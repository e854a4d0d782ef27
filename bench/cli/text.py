"""Two columns and paragraphs at the width of the terminal, without rich: help must not wait for imports."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator

_WIDEST = 100  # columns that prose is set in, however wide the terminal is


def width() -> int:
    """Columns to write in."""
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def paragraphs(text: str) -> Iterator[str]:
    """The lines of a docstring: paragraphs filled to the width; lines that are indented stay as they are."""
    for number, block in enumerate(text.strip().split("\n\n")):
        if number:
            yield ""
        if any(line.startswith(" ") for line in block.splitlines()):
            yield from block.splitlines()
        else:
            yield from textwrap.wrap(" ".join(block.split()), width(), break_on_hyphens=False)


def columns(rows: Iterable[tuple[str, str]], *, left: int = 26, indent: str = "  ") -> Iterator[str]:
    """Names and texts side by side; a name longer than `left` gets a line of its own."""
    beside = len(indent) + left + 2
    for name, text in rows:
        lines = textwrap.wrap(text, max(width() - beside, 20), break_on_hyphens=False, break_long_words=False)
        if len(name) > left and lines:
            yield f"{indent}{name}"
            name = ""  # noqa: PLW2901 - said already
        yield f"{indent}{name:<{left}}  {lines[0] if lines else ''}".rstrip()
        yield from (" " * beside + line for line in lines[1:])
