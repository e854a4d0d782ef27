"""The plot over two parameters: own scales, a surface near trials only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from bench.tuning.contour import contour, far
from bench.tuning.space import Dimension

PAIR = ("train.lr", "strategy.focal.gamma")


def study() -> Any:
    space = (Dimension(PAIR[0], low=1e-4, high=1e-1, log=True), Dimension(PAIR[1], low=0.0, high=5.0))
    identity = SimpleNamespace(columns=("raw/average_precision",), space=space)
    return cast(Any, SimpleNamespace(identity=identity, label="s"))


def trials(n: int) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": range(n),
            "state": "COMPLETE",
            PAIR[0]: 10 ** generator.uniform(-4, -1, n),
            PAIR[1]: generator.uniform(0, 5, n),
            "raw/average_precision": generator.uniform(0.2, 0.4, n),
        }
    )


def test_axes_have_the_scales_that_were_searched_and_every_trial_is_a_point() -> None:
    axes = contour(trials(12), PAIR, study()).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    drawn = [np.asarray(points.get_offsets()) for points in axes.collections]
    (points,) = [places for places in drawn if len(places) == 12]
    assert np.allclose(points, trials(12)[[*PAIR]].to_numpy())


@pytest.mark.parametrize(("n", "surfaces"), [(5, 0), (12, 1)])
def test_few_trials_get_no_surface(n: int, surfaces: int) -> None:
    axes = contour(trials(n), PAIR, study()).axes[0]
    assert sum(type(drawn).__name__ == "QuadContourSet" for drawn in axes.collections) == surfaces


def test_far_is_far_from_every_trial() -> None:
    """Against the distance written out."""
    generator = np.random.default_rng(1)
    grid, points = generator.uniform(size=(7, 2)), generator.uniform(size=(4, 2))
    wanted = [min(float(np.hypot(*(place - point))) for point in points) > 0.18 for place in grid]
    assert far(grid, points).tolist() == wanted
