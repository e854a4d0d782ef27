"""What a system needs and what training may cost: the keys of `need` and `budget` that `imbench advise` answers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Need:
    """What the system needs. `rows`, `rarest` and `imbalance` describe the data; None: any measured data count.

    `latency` is a least number of rows a second. Commented in conf/config.yaml.

    Raises:
        ValueError: a number is not above 0, or neither ranking nor probabilities are needed.
    """

    ranking: bool = True
    probabilities: bool = False
    latency: float | None = None
    explainability: bool = False
    extra: bool = True
    rows: float | None = None
    rarest: float | None = None
    imbalance: float | None = None

    def __post_init__(self) -> None:
        if not (self.ranking or self.probabilities):
            raise ValueError("need: expected need.ranking or need.probabilities to be true, got neither")
        for name in ("latency", "rows", "rarest", "imbalance"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"need.{name}: expected a number above 0, got {value}")

    @property
    def traits(self) -> dict[str, float]:
        """What is known of the data, under the names of records' traits."""
        given = {"rows": self.rows, "rarest": self.rarest, "imbalance_ratio": self.imbalance}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What training may cost: minutes and fits of one cell, and the device it runs on; None: no limit."""

    minutes: float | None = None
    fits: int | None = None
    device: Literal["cpu", "cuda"] | None = None
