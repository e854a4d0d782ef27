"""scikit-learn's digits with a long tail imposed on the training rows: a tiny image set."""

from __future__ import annotations

import numpy as np

from bench.data.build import Origin, build
from bench.data.config import DataConfig
from bench.data.decode import Values
from bench.data.public import pick_target
from bench.data.schema import Table

VERSION = 1
IMBALANCE = 20.0


def load(config: DataConfig) -> Table:
    """1,797 images of 8 × 8 pixels, ten classes; data.imbalance (20 by default) shapes the training rows.

    Raises:
        DataError: a target other than 'digit'.
    """
    target = pick_target(config)
    from sklearn.datasets import load_digits  # noqa: PLC0415 - a second that only this source needs

    pixels, digit = load_digits(return_X_y=True)
    columns = {
        f"pixel_{row}_{column}": Values("number", pixels[:, 8 * row + column].astype(np.float64))
        for row in range(8)
        for column in range(8)
    }
    origin = Origin(
        name="digits_lt",
        file="digits_lt",
        source="digits_lt",
        imbalance=IMBALANCE,
        kinds=dict.fromkeys(columns, "numeric"),
        version=VERSION,
        licence="BSD-3-Clause (scikit-learn; UCI optdigits, CC BY 4.0)",
    )
    return build(columns, Values("number", digit.astype(np.float64)), target, config, origin)
