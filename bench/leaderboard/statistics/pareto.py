"""The Pareto front of quality and cost."""

from __future__ import annotations

from collections.abc import Sequence


def pareto(points: Sequence[tuple[str, float, float]], *, higher_is_better: bool) -> list[str]:
    """Names of the points (name, cost, quality) that no other one beats in one and equals in the other."""
    sign = 1.0 if higher_is_better else -1.0

    def beaten(cost: float, quality: float) -> bool:
        return any(
            (c <= cost and sign * q >= sign * quality) and (c < cost or sign * q > sign * quality) for _, c, q in points
        )

    return [name for name, cost, quality in points if not beaten(cost, quality)]
