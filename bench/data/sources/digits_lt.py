"""scikit-learn's digits with a long tail imposed on the training rows: a tiny image set."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError
from bench.data.sources.spec import Source, Table, TableConfig, Values

IMBALANCE = 20.0


@dataclass(frozen=True)
class DigitsLt(Source):
    """1,797 images of 8 × 8 pixels, ten classes; data.imbalance (20 by default) shapes the training rows."""

    name = "digits_lt"
    title = "scikit-learn's digits, 8 × 8 pixels, long tail imposed on the training rows"
    licence = "BSD-3-Clause (scikit-learn; UCI optdigits, CC BY 4.0)"
    targets: ClassVar = {"digit": "the digit shown, ten classes"}

    def load(self, config: TableConfig) -> Table:
        target, images = self.pick_target(config), digits()
        pixels = {
            f"pixel_{row}_{column}": Values("number", images[:, 8 * row + column])
            for row in range(8)
            for column in range(8)
        }
        columns = {**pixels, target: Values("number", images[:, 64])}
        return self.build(columns, target, config, kinds=dict.fromkeys(pixels, "numeric"), imbalance=IMBALANCE)


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
