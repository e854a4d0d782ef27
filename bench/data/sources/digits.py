"""scikit-learn's digits with a long tail imposed on the training rows: a tiny image set."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError
from bench.data.sources.parts.public import pick_target
from bench.data.tables.build import Origin, build
from bench.data.tables.config import DataConfig
from bench.data.tables.decode import Values
from bench.data.tables.schema import Table

VERSION = 1
IMBALANCE = 20.0


def load(config: DataConfig) -> Table:
    """1,797 images of 8 × 8 pixels, ten classes; data.imbalance (20 by default) shapes the training rows.

    Raises:
        DataError: a target other than 'digit', or a scikit-learn without its data.
    """
    target = pick_target(config)
    images = digits()
    columns = {
        f"pixel_{row}_{column}": Values("number", images[:, 8 * row + column])
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
    return build(columns, Values("number", images[:, 64]), target, config, origin)


def digits() -> npt.NDArray[np.float64]:
    """64 pixels and the digit of each image (1797, 65), from the file behind `sklearn.datasets.load_digits`.

    Importing scikit-learn for it would take longer than all the rest of planning.

    Raises:
        DataError: the installed scikit-learn has no such file.
    """
    package = find_spec("sklearn")
    path = Path(str(package and package.origin)).parent / "datasets" / "data" / "digits.csv.gz"
    try:
        text = gzip.decompress(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise DataError(f"data=digits_lt: expected scikit-learn's digits in {path}, got {error}") from error
    return np.loadtxt(text.splitlines(), delimiter=",")
