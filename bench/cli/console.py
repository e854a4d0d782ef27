"""The one place where text from elsewhere is made fit for a terminal: whatever a command prints goes through it.

Names of columns, classes and files may hold escape sequences, which move cursors, rename windows and colour lines; a
table of tables would have to clean each. rich's own styling is added later and stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from bench.printed import clean


class Console(RichConsole):
    """rich's console, for text that may come from anybody."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(clean(segment.text, keep="\n"), segment.style)

    def on_broken_pipe(self) -> None:
        """Nobody reads any more: the command ends as others do then, instead of as one that has failed."""
        raise BrokenPipeError
