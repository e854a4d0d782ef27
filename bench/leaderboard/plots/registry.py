"""The figures that there are, found by their files, and what they make of boards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.regret import Family
from bench.leaderboard.plots.parts.evidence import read_evidence
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Picture
from bench.leaderboard.plots.parts.svg import standalone
from bench.records.store import Store
from strategies.registry import Registry

FIGURES: Final[Registry[Figure[Any, Any]]] = Registry("figure", "bench.leaderboard.plots")


def figures_of(subject: type) -> list[Figure[Any, Any]]:
    """The figures that show Board, Family or AcrossDataSets, in the order of a page."""
    found = [cls() for cls in map(FIGURES.get, FIGURES.names()) if cls.of is subject]
    return sorted(found, key=lambda figure: (figure.order, figure.name))


def pictures(
    subject: Board | Family | AcrossDataSets, slug: str, evidence: Evidence | None = None
) -> Iterator[tuple[str, Picture]]:
    """The pictures of a subject and the names of their figures; without evidence, none of those that are optional."""
    for figure in figures_of(type(subject)):
        if evidence is not None or not figure.optional:
            for picture in figure.pictures(subject, slug, evidence or Evidence(())):
                yield figure.name, picture


def evidence_of(board: Board, store: Store | None) -> Evidence:
    """What the figures of a board need of its records and their predictions; without a store, what the board tells."""
    return read_evidence(board, store, figures_of(Board))


def drawn(found: Sequence[Family]) -> dict[str, str]:
    """Figures of families as SVG files, `regret-rows-raw-auroc.svg` and so on; of several families, numbered."""
    return {
        f"{name}{f'-{i}' if len(found) > 1 else ''}{picture.slug.removeprefix(family.slug)}.svg": standalone(
            picture.svg
        )
        for i, family in enumerate(found, 1)
        for name, picture in pictures(family, family.slug)
    }
