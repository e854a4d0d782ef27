"""Drawing by hand: the few shapes, scales and axes that the plots of a page are made of. Colours are the page's."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Final

from bench.leaderboard.text.words import clean, short

WIDTH: Final = 680
"""Of every figure, in its own units: text of 12 is 12 pixels where a figure is as wide as its column."""


@dataclass
class Drawing:
    """Collects shapes; classes name roles (`axis`, `grid`, `a` accent, `r` reference), never colours."""

    height: float
    width: float = WIDTH
    parts: list[str] = field(default_factory=list)

    def line(self, start: tuple[float, float], stop: tuple[float, float], kind: str) -> None:
        """A straight line."""
        (x1, y1), (x2, y2) = start, stop
        self.parts.append(f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>')

    def path(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Connected points; none for fewer than two."""
        found = [f"{x:.1f} {y:.1f}" for x, y in points]
        if len(found) > 1:
            self.parts.append(f'<path class="{kind}" d="M{"L".join(found)}"/>')

    @contextmanager
    def series(self, name: str, kind: str) -> Iterator[None]:
        """What is drawn within belongs to one strategy: it has a colour of its own, and can be told from the others."""
        self.parts.append(f'<g class="series {kind}" data-name="{escaped(name)}">')
        yield
        self.parts.append("</g>")

    def ring(self, at: tuple[float, float], radius: float = 3.5) -> None:
        """A circle in the colour of its series, empty."""
        self.parts.append(f'<circle class="ring" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:g}"/>')

    def dot(self, at: tuple[float, float], kind: str, radius: float = 3.5) -> None:
        """A filled circle."""
        self.parts.append(f'<circle class="{kind}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:g}"/>')

    def bar(self, at: tuple[float, float], size: tuple[float, float], kind: str) -> None:
        """A rectangle with soft corners, from its top left."""
        self.parts.append(
            f'<rect class="{kind}" x="{at[0]:.1f}" y="{at[1]:.1f}" width="{max(0.5, size[0]):.1f}" '
            f'height="{size[1]:.1f}" rx="2"/>'
        )

    def text(self, at: tuple[float, float], words: str, kind: str = "", anchor: str = "") -> None:
        """One line of text; `anchor` is start, middle or end."""
        attributes = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
        self.parts.append(f'<text{attributes} x="{at[0]:.1f}" y="{at[1]:.1f}">{escaped(words)}</text>')

    def render(self, slug: str, title: str, description: str) -> str:
        """The SVG element, named and described for who cannot see it."""
        return (
            f'<svg role="img" viewBox="0 0 {self.width:g} {self.height:g}" aria-labelledby="{slug}-t {slug}-d">'
            f'<title id="{slug}-t">{escaped(title)}</title><desc id="{slug}-d">{escaped(description, 2000)}</desc>'
            f"{''.join(self.parts)}</svg>"
        )


def standalone(svg: str) -> str:
    """An SVG element as a file of its own, with the page's colours, light or dark as its reader is."""
    style = f"<style>{asset('plot.css')}\nsvg{{background:var(--paper)}}</style>"
    opened, title, rest = svg.partition("<title")
    named = opened.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{named}{style}{title}{rest}\n"


@lru_cache(maxsize=4)
def asset(file: str) -> str:
    """A style sheet or script of the page, as text."""
    text = files("bench.leaderboard").joinpath("templates", file).read_text(encoding="utf-8")
    return re.sub(r"\n+", "\n", text).strip()


def escaped(text: str, limit: int = 400) -> str:
    """Text that HTML and SVG show as it is."""
    return html.escape(short(clean(text), limit), quote=True)


@dataclass(frozen=True)
class Scale:
    """Numbers to places, linear or logarithmic; `ticks` are the round numbers within."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        at = math.log(max(value, self.low)) if self.log else value
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.stop - self.start)

    def ticks(self, about: int = 4) -> list[float]:
        """Round numbers: multiples of 1, 2 or 5; powers of ten (and 2, 5 times them where there is room).

        A logarithmic scale too short for two of these takes the multiples.
        """
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            steps = (1,) if last - first > 3 else (1, 2, 5)
            values = [m * 10.0**e for e in range(first, last + 1) for m in steps]
            found = [v for v in values if self.low * 0.999 <= v <= self.high * 1.001]
            if len(found) > 1:
                return found
        step = _step((self.high - self.low) / about) if self.high > self.low else 1.0
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [round((first + i) * step, 10) for i in range(count)]


def _step(size: float) -> float:
    power = 10.0 ** math.floor(math.log10(size))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= size * 0.999)


def tick_text(value: float) -> str:
    """`.25`, `1`, `−.02`, `3,000`: as few digits as tell ticks apart."""
    text = f"{abs(value):,.6f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{abs(value):,.0f}"
    text = text[1:] if text.startswith("0.") else text
    return f"−{text}" if value < 0 else text


def label_places(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights for labels that wish to stand at `wanted`, moved apart to at least `gap`, in the order given."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    places = list(wanted)
    at = low
    for i in order:
        places[i] = at = max(at, wanted[i])
        at += gap
    limit = high
    for i in reversed(order):
        places[i] = min(places[i], limit)
        limit = places[i] - gap
    return places
