"""A table of shop orders as a file: every kind of column, and what can be read in several ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bench.config import read_data
from bench.data.config import DataConfig

WORDS = ("fits", "soft", "late", "torn", "lovely", "cheap", "return", "again", "blue", "never")


def orders(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Rows as text, as a file holds them. `late` is the target, one row in five."""
    g = np.random.default_rng(seed)
    late = g.random(n) < 0.2
    paid = np.exp(g.normal(3 + late, 0.7))
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(g.integers(0, 300, n), unit="D")
    note = [" ".join(g.choice(WORDS[2:6] if y and g.random() < 0.7 else WORDS, 5)) for y in late]
    frame = pd.DataFrame(
        {
            "order": [f"A{i:05d}" for i in range(n)],
            "weight": [f"{w:.3f}" if g.random() > 0.1 else "" for w in g.normal(2 + late, 1)],
            "paid": [f"€ {p:,.2f}".translate(str.maketrans(",.", ".,")) for p in paid],
            "size": [str(s) for s in g.choice([36, 38, 40, 42], n)],
            "code": [f"{c:03d}" for c in g.choice([7, 12, 105], n)],
            "shop": g.choice(["Köln", "北京", "York", ""], n, p=[0.4, 0.3, 0.2, 0.1]),
            "gift": np.where(g.random(n) < 0.3, "True", "false"),
            "bought": day.strftime("%d/%m/%Y"),
            "note": note,
            "late": np.where(late, "yes", "no"),
        }
    )
    frame.loc[3, "note"] = ""
    return frame


KINDS = {"size": "categorical", "code": "categorical"}
OPTIONS = {
    "formats": {"paid": "currency"},
    "dates": ["bought"],
    "crosses": [["shop", "size"]],
    "target_encode": ["shop"],
    "kinds": KINDS,
}
"""What is asked of the table beside its path and target."""


def asked(path: Path, **options: object) -> DataConfig:
    """The data section of the file."""
    return read_data({"source": "file", "path": str(path), "target": "late", **OPTIONS, **options})


def written(folder: Path, frame: pd.DataFrame | None = None) -> Path:
    """The table as CSV."""
    path = folder / "orders.csv"
    (orders() if frame is None else frame).to_csv(path, index=False)
    return path
