"""What a metric is: an entry that holds name, direction, views, place on boards and formula.

A column of a record is `view/metric`. Which views a metric has follows from its kind:

- *ranking* metrics read the order of the raw scores only (`raw`): prior correction and temperature are
  monotone for two classes and cannot change them;
- *probability* metrics read probabilities in each of `VIEWS`;
- *decision* metrics read predicted classes under each of `RULES`;
- metrics of *queries*, *costs* and *groups* `need` what only some data say: a record without has no such column;
- those of the *gap* between training and test rows need scores of training rows, which records of older versions lack.

Imports nothing heavy: boards read entries where nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Final, Generic, Literal, TypeVar

Given = TypeVar("Given")
Kind = Literal["ranking", "probability", "decision", "query", "cost", "gap", "group"]
Panel = Literal["quality", "decisions", "probabilities"]

VIEWS: Final = ("raw", "corrected", "recalibrated")
"""As trained · prior-corrected · corrected, then temperature (binary: and intercept) from validation."""

RULES: Final = ("default", "tuned")
"""Argmax of the raw logits · threshold (binary) or tau (multi-class) fitted on validation."""


class UndefinedMetricError(ValueError):
    """The data do not determine this metric (for example, no positive rows); the message is the reason."""


@dataclass(frozen=True)
class Place:
    """Where a column stands on boards: its panel, and its position there by rising `order`.

    A terminal and a paper have no room for columns of `detail`: pages, CSV and JSON have them.
    """

    panel: Panel
    order: float
    detail: bool = False


Places = Mapping[str, Place]
"""View or rule -> the place of that column; columns without one are in records only."""


def shown(panel: Panel, order: float, *views: str) -> dict[str, Place]:
    """These views in a panel of every board."""
    return {view: Place(panel, order) for view in views}


def detail(panel: Panel, order: float, *views: str) -> dict[str, Place]:
    """These views in a panel of pages, CSV and JSON."""
    return {view: Place(panel, order, detail=True) for view in views}


@dataclass(frozen=True, kw_only=True)
class Metric(Generic[Given]):
    """One metric. `formula` gives its value from what evaluation has computed once, or raises UndefinedMetricError.

    `ideal` is set for metrics that aim at a value instead of an extreme; for these the *distance* from `ideal` is what
    should be small, `higher_is_better` is False and sorting by the value itself is meaningless.

    `binary` and `multiclass` say where its columns stand on boards of two classes, or of more; None: it does not exist
    there. `realistic` is the largest difference between two strategies that can be expected: half the range for a
    metric within [0, 1], None for an unbounded one. `bounds`: the least and the largest value that it can have.
    """

    kind: ClassVar[Kind]
    views: ClassVar[tuple[str, ...]]
    panel: ClassVar[Panel]
    needs: ClassVar[str] = ""  # what the record must hold beside labels and scores: `query`, `cost`, `train`, `group`

    name: str
    label: str
    description: str
    formula: Callable[[Given], float]
    higher_is_better: bool
    ideal: float | None
    binary: Places | None
    multiclass: Places | None
    realistic: float | None
    bounds: tuple[float, float]

    @classmethod
    def entry(
        cls,
        label: str,
        *,
        higher_is_better: bool | None = None,
        ideal: float | None = None,
        binary: Places | None,
        multiclass: Places | None,
        realistic: float | None = 0.5,
        bounds: tuple[float, float] | None = None,
    ) -> Callable[[Callable[[Given], float]], Metric[Given]]:
        """Makes a metric of its formula: the function's name is the metric's, its docstring the description.

        Raises:
            ValueError: neither direction nor ideal is given, or both; or a place is of a view that the kind lacks.
        """
        if (higher_is_better is None) == (ideal is None):
            raise ValueError(f"metric {label!r}: expected either higher_is_better or ideal, got both or neither")
        for view in {**(binary or {}), **(multiclass or {})}:
            if view not in cls.views:
                raise ValueError(f"metric {label!r}: expected places of {', '.join(cls.views)}, got one of {view!r}")

        def of(formula: Callable[[Given], float]) -> Metric[Given]:
            return cls(
                name=formula.__name__,
                label=label,
                description=" ".join((formula.__doc__ or "").split()),
                formula=formula,
                higher_is_better=bool(higher_is_better),
                ideal=ideal,
                binary=binary,
                multiclass=multiclass,
                realistic=realistic,
                bounds=bounds or ((0.0, 1.0) if realistic is not None else (-inf if ideal is not None else 0.0, inf)),
            )

        return of

    def places(self, n_classes: int) -> Places | None:
        """Where its columns stand on boards of this number of classes; None: it does not exist there."""
        return self.binary if n_classes == 2 else self.multiclass

    def applies(self, n_classes: int) -> bool:
        """Whether the metric exists for this number of classes (2 is binary)."""
        return self.places(n_classes) is not None
