"""Whole groups for a part: a search for those whose rows, in all and of each class, come nearest to what is wished.

A random choice is made first, so that splits differ; groups that are larger than the part are left out of it. Then
groups are moved in or out, or swapped, as long as that brings the counts nearer. Of few groups all choices are tried.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Choice = npt.NDArray[np.bool_]

FEW = 14  # groups up to which all choices are tried
STARTS = 30  # random choices that are improved, until one is near enough
STEPS = 400  # of the search at most
NEAR = 0.02  # relative distance from the wished rows and classes that is near enough
_SWAPS = 256  # groups on either side that are tried for a swap
MOST_CELLS = 50_000_000  # groups × classes; beyond, classes but the rarest are counted together


def group_counts(group: Integers, y: Integers, classes: int) -> Integers:
    """Rows of each group, in all and per class, (groups, 1 + C)."""
    n = int(group.max()) + 1
    rows = np.bincount(group, minlength=n)
    if n * classes > MOST_CELLS:
        rarest = int(np.bincount(y, minlength=classes).argmin())
        return np.column_stack([rows, np.bincount(group[y == rarest], minlength=n)]).astype(np.int64)
    counts = np.bincount(group * classes + y, minlength=n * classes).reshape(n, classes)
    return np.column_stack([rows, counts]).astype(np.int64)


def pick(counts: Integers, fraction: float, rng: np.random.Generator) -> Choice:
    """Which groups make up about a fraction of all rows and of each class, (groups,) bool.

    counts: (groups, k), the rows in all and per class of the groups to choose from.
    """
    wished = fraction * counts.sum(axis=0)
    if len(counts) <= FEW:
        return _nearest_of_all(counts, wished, rng)
    best, least = np.zeros(len(counts), dtype=np.bool_), np.inf
    for _ in range(STARTS):
        choice = _improve(draw(counts, wished, rng), counts, wished, rng)
        far = float(distance(counts[choice].sum(axis=0).astype(np.float64), wished))
        if far < least:
            best, least = choice, far
        if far <= NEAR**2:
            break
    return best


def distance(sums: npt.NDArray[np.float64], wished: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far counts (…, k) are from the wished: the rows count as much as all classes together."""
    relative = ((sums - wished) / np.maximum(wished, 1.0)) ** 2
    return np.asarray(relative[..., 0] + relative[..., 1:].mean(axis=-1))


def draw(counts: Integers, wished: npt.NDArray[np.float64], rng: np.random.Generator) -> Choice:
    """Groups in random order, as many as there is room for; one that is larger than the part is left out."""
    order = rng.permutation(len(counts))
    order = order[counts[order, 0] <= wished[0]]
    filled = np.cumsum(counts[order, 0])
    chosen = np.zeros(len(counts), dtype=np.bool_)
    chosen[order[filled <= wished[0]]] = True
    return chosen


def _improve(chosen: Choice, counts: Integers, wished: npt.NDArray[np.float64], rng: np.random.Generator) -> Choice:
    """The choice after single moves and swaps that bring it nearer."""
    sums = counts[chosen].sum(axis=0).astype(np.float64)
    now = float(distance(sums, wished))
    for _ in range(STEPS):
        if now <= NEAR**2:
            break
        sign = np.where(chosen, -1, 1)[:, None]
        moved = distance(sums + sign * counts, wished)
        best = int(moved.argmin())
        if moved[best] < now:
            sums, now = sums + sign[best] * counts[best], float(moved[best])
            chosen[best] = not chosen[best]
            continue
        swap = _best_swap(chosen, counts, sums, wished, rng)
        if swap is None or swap[2] >= now:
            break
        out, into, now = swap
        sums = sums - counts[out] + counts[into]
        chosen[out], chosen[into] = False, True
    return chosen


def _best_swap(
    chosen: Choice, counts: Integers, sums: npt.NDArray[np.float64], wished: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[int, int, float] | None:  # fmt: skip
    """The best of some swaps: (group to leave, group to come, distance then)."""
    outs, ins = (rng.permutation(np.flatnonzero(side))[:_SWAPS] for side in (chosen, ~chosen))
    if not len(outs) or not len(ins):
        return None
    then = distance(sums - counts[outs][:, None] + counts[ins][None], wished)
    out, into = np.unravel_index(int(then.argmin()), then.shape)
    return int(outs[out]), int(ins[into]), float(then[out, into])


def _nearest_of_all(counts: Integers, wished: npt.NDArray[np.float64], rng: np.random.Generator) -> Choice:
    """The nearest of all choices that leave a group on either side; one of them by chance where several are near."""
    n = len(counts)
    choices = (np.arange(1, 2**n - 1)[:, None] >> np.arange(n)) & 1 if n > 1 else np.zeros((1, n), dtype=np.int64)
    far = distance((choices @ counts).astype(np.float64), wished)
    near = np.flatnonzero(far <= max(float(far.min()) * 1.0001, NEAR**2))
    return np.asarray(choices[rng.choice(near)] == 1)


def folds(counts: Integers, k: int, rng: np.random.Generator) -> Integers:
    """A fold for each group, (groups,): a group larger than a fold has one of its own, the others share the rest."""
    fold = np.full(len(counts), -1, dtype=np.int64)
    names = rng.permutation(k)
    used = 0
    for group in np.argsort(-counts[:, 0], kind="stable")[: k - 1]:
        left = fold < 0
        if counts[group, 0] <= counts[left, 0].sum() / (k - used):
            break
        fold[group], used = names[used], used + 1
    for i in range(used, k - 1):
        rest = np.flatnonzero(fold < 0)
        fold[rest[pick(counts[rest], 1 / (k - i), rng)]] = names[i]
    fold[fold < 0] = names[k - 1]
    return fold


def giants(counts: Integers, fractions: Sequence[float], names: Sequence[str]) -> str:
    """What is said of a group so large that the parts cannot be as wished; '' for none."""
    total, largest = int(counts[:, 0].sum()), int(counts[:, 0].argmax())
    share = counts[largest, 0] / total
    if share <= min(fractions):
        return ""
    name = names[largest] if names else str(largest)
    return f"group {name[:40]!r} holds {share:.1%} of the rows: it trains always, and is never tested"
