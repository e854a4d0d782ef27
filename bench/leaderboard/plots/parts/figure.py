"""What a figure is: data first, with a table and alternative text, and drawing second."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from bench.leaderboard.boards.model import Row
from bench.leaderboard.plots.parts.svg import Drawing
from bench.records.record import Record


@dataclass(frozen=True)
class Words:
    """What a figure says without its picture: title, caption, the table of its numbers, and alternative text.

    `about` names the board or the data sets that it shows; `slug` ends the name of its place on a page. `diagram` names
    the picture alone, where this is not the title.
    """

    slug: str
    title: str
    about: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    description: str
    diagram: str = ""


class _Worded(Protocol):
    """The data of a figure: plain values, and the words for them."""

    @property
    def words(self) -> Words: ...


@dataclass(frozen=True)
class Picture:
    """A plot with its words and its numbers: nothing on a page is only a picture."""

    slug: str
    title: str
    caption: str
    svg: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Labelled = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Labels (n,), logits (n, C) and weights (n,) of some rows; all weights are 1 where the data have none."""


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one strategy, as far as they are read: records, and test and validation rows where stored.

    `costs`: of each with predictions, what decisions on its test rows cost (n, C²); `queries` (n,): which query showed
    each of them. None where the data do not say.
    """

    n_classes: int
    records: Sequence[Record]
    predictions: Sequence[tuple[Labelled, Labelled]]
    costs: Sequence[npt.NDArray[np.float64]] = ()
    queries: Sequence[npt.NDArray[np.int64]] = ()


@dataclass(frozen=True)
class Evidence:
    """The rows of a board that are drawn, and what figures measured in their runs: figure -> label -> value."""

    shown: tuple[Row, ...]
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


Subject = TypeVar("Subject")
Data = TypeVar("Data", bound=_Worded)


class Figure(ABC, Generic[Subject, Data]):
    """One kind of figure. An entry is a file of `plots/` with a subclass whose `name` is the file's name.

    `of` is the class of what it shows: Board, Family or AcrossDataSets. Those of one subject stand by rising `order`.
    One that is `optional` is left out by board.plots=false, and is given evidence otherwise.
    """

    name: ClassVar[str]
    of: ClassVar[type]
    order: ClassVar[float]
    optional: ClassVar[bool] = False

    def measure(self, runs: Runs) -> Any:
        """What it needs of one strategy's predictions, which are in memory only during this call; None for nothing."""
        return None

    @abstractmethod
    def data(self, subject: Subject, evidence: Evidence) -> Iterator[Data]:
        """What each of its pictures shows; none where it does not apply."""

    @abstractmethod
    def draw(self, data: Data) -> Drawing:
        """The picture of some data."""

    def pictures(self, subject: Subject, slug: str, evidence: Evidence) -> Iterator[Picture]:
        """Its pictures of a subject whose place on the page is `slug`."""
        for data in self.data(subject, evidence):
            words = data.words
            name = f"{slug}-{words.slug}"
            svg = self.draw(data).render(name, f"{words.diagram or words.title}, {words.about}", words.description)
            yield Picture(name, words.title, words.caption, svg, words.headings, words.rows)
