"""Fashion-MNIST: images of clothes; a long tail or a step is imposed on the training rows."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError
from bench.data.fetching.fetch import Package
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import Table, TableConfig

IMBALANCE = 100.0
_LARGEST = 1000  # training rows of the largest class
NAMES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
FOLDER = "./usr/share/datasets/fashion-mnist/"
IMAGES, LABELS = f"{FOLDER}train-images-idx3-ubyte.gz", f"{FOLDER}train-labels-idx1-ubyte.gz"


@dataclass(frozen=True)
class FashionMnistLt(FetchedSource):
    """60,000 images, ten classes; data.imbalance (100 by default) shapes the training rows."""

    name = "fashion_mnist_lt"
    title = "60,000 images of clothes, 28 × 28, long tail imposed on the training rows"
    licence = "MIT"
    targets: ClassVar = {"article": "the article shown, ten classes, 1,000 to 10 training images"}
    package = Package("Debian", "dataset-fashion-mnist")
    members: ClassVar = {
        IMAGES: "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
        LABELS: "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    }
    citation = "Fashion-MNIST (Xiao, Rasul & Vollgraf 2017), Zalando, in Debian's dataset-fashion-mnist"

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        """60,000 images of 28 × 28 pixels, one column per pixel."""
        pixels = idx(gzip.decompress(files[IMAGES])).reshape(-1, 28 * 28)
        labels = idx(gzip.decompress(files[LABELS]))
        columns = {f"pixel_{i // 28:02d}_{i % 28:02d}": pa.array(pixels[:, i]) for i in range(28 * 28)}
        columns["article"] = pa.array([NAMES[i] for i in labels])
        return {"fashion_mnist_lt": pa.table(columns)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        return self.build(
            columns,
            target,
            config,
            kinds=dict.fromkeys(columns, "numeric"),
            imbalance=IMBALANCE,
            largest=_LARGEST,
            duplicates="keep",
        )


def idx(data: bytes) -> npt.NDArray[np.uint8]:
    """An array in the IDX format of MNIST: two zero bytes, type 8 (bytes), dimensions, big-endian sizes, values.

    Raises:
        DataError: another format.
    """
    if data[:3] != b"\0\0\x08":
        raise DataError(f"IDX file: expected unsigned bytes, got the header {data[:4]!r}")
    sizes = np.frombuffer(data, ">i4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(tuple(sizes.tolist()))
