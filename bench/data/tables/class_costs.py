"""What decisions among several classes cost: from `data.cost` by the names of classes to a matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError, listing, suggest

Costs = Mapping[str, float | str | Mapping[str, float]]
"""`data.cost`. Two classes: fp, fn, tp, tn -> number or column. Several: a row's true class -> what any mistake about
it costs, or decided class -> cost, where `other` stands for all that are not named."""

OUTCOMES = ("tn", "fp", "fn", "tp")
OTHER = "other"


def of_outcomes(cost: Costs) -> bool:
    """Whether costs are those of two classes, by outcome."""
    return set(cost) <= set(OUTCOMES)


def cost_matrix(cost: Costs, classes: Sequence[str]) -> npt.NDArray[np.float64]:
    """What deciding for class d costs where c is true, (C, C) at [c, d]; right decisions cost 0 unless they are named.

    Raises:
        DataError: a class that there is not, a mistake without a cost, one by column, or one that costs less than the
            right decision.
    """
    for name in cost:
        if name not in classes:
            raise DataError(
                f"data.cost: expected classes of the target, got {name!r}. {suggest(name, classes)}"
                f"Classes: {listing(classes)}"
            )
    found = np.full((len(classes), len(classes)), np.nan)
    for c, name in enumerate(classes):
        held = cost.get(name)
        if isinstance(held, str) or held is None:
            what = "none" if held is None else f"the column {held!r}, which only two classes can have"
            raise DataError(
                f"data.cost.{name}: expected what mistakes about {name!r} cost, as a number or by the class decided "
                f"for, got {what}"
            )
        by_class = held if isinstance(held, Mapping) else {OTHER: held}
        found[c] = _row(name, by_class, classes)
        low = [classes[d] for d in range(len(classes)) if found[c, d] < found[c, c]]
        if low:
            raise DataError(
                f"data.cost.{name}: expected a mistake to cost at least what the right decision does, got less for "
                f"{listing(low)}. Correct the costs"
            )
    return found


def _row(name: str, by_class: Mapping[str, float], classes: Sequence[str]) -> list[float]:
    """What each decision costs where the class of that name is true.

    Raises:
        DataError: a class that there is not, or a mistake without a cost.
    """
    for decided in by_class:
        if decided not in classes and decided != OTHER:
            raise DataError(
                f"data.cost.{name}: expected classes of the target or {OTHER}, got {decided!r}. "
                f"{suggest(decided, classes)}Classes: {listing(classes)}"
            )
    missing = [d for d in classes if d != name and d not in by_class]
    if missing and OTHER not in by_class:
        raise DataError(
            f"data.cost.{name}: expected a cost of every mistake, got none of deciding for {listing(missing)}. Add "
            f"them, or {OTHER}: what all the others cost"
        )
    rest = by_class.get(OTHER, 0.0)
    return [by_class.get(d, 0.0 if d == name else rest) for d in classes]
