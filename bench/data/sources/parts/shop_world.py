"""The world behind generated impressions: who sees what, and how likely a click and a purchase are.

Items by popularity (Zipf), users in segments and countries, sessions of several positions, tastes that drift, labels
that are flipped. Every effect works through columns that a model sees, so the stored probability is that given x.
Rows come in batches, each from its own random stream, in the order of time: any number of rows, never all in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError

VERSION = 1  # of the rows; the source has the same
BATCH = 100_000  # rows
ITEMS, CATEGORIES, BRANDS, SEGMENTS, SIGNALS = 2000, 20, 60, 8, 18
_ZIPF = 1.1  # exponent of the items' popularity
_COUNTRIES = ("DE", "FR", "IT", "ES", "NL", "PL", "SE", "AT", "BE", "DK", "FI", "PT")
DEVICES, CHANNELS = ("phone", "tablet", "desktop"), ("search", "home", "mail", "advert", "related")
_POSITIONS = 10

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class World:
    """What decides the rows. `prevalence`: expected share of the target; `noise`: share of its labels flipped."""

    rows: int = 20_000
    prevalence: float = 0.02
    noise: float = 0.0
    drift: float = 0.0
    world: int = 0
    target: str = "click"

    def digest(self) -> str:
        """16 hexadecimal digits that name these rows."""
        text = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Tastes:
    """The effects behind the clicks, drawn once per world; arrays by code."""

    popularity: Array
    item: Array
    category: Array  # of each item
    brand: Array  # of each item
    price: Array  # of each item
    liking: Array  # (segments, categories)
    later: Array  # the same, at the end of time, per unit of drift
    country: Array
    signals: Array
    trust: Array  # in brands, of those who have clicked
    buying: Array  # signals of those who have clicked

    @staticmethod
    def draw(world: int) -> Tastes:
        """The tastes of a world."""
        g, after = np.random.default_rng([world, 0]), np.random.default_rng([world, 4])
        popularity = 1 / np.arange(1, ITEMS + 1) ** _ZIPF
        return Tastes(
            popularity=np.cumsum(popularity / popularity.sum()),
            item=g.normal(0, 0.5, ITEMS),
            category=g.integers(0, CATEGORIES, ITEMS),
            brand=g.integers(0, BRANDS, ITEMS),
            price=np.exp(g.normal(3, 0.8, ITEMS)).round(2),
            liking=g.normal(0, 0.7, (SEGMENTS, CATEGORIES)),
            later=g.normal(0, 1.0, (SEGMENTS, CATEGORIES)),
            country=g.normal(0, 0.4, len(_COUNTRIES)),
            signals=g.normal(0, 0.15, SIGNALS) * (np.arange(SIGNALS) < SIGNALS // 2),
            trust=after.normal(0, 0.5, BRANDS),
            buying=after.normal(0, 0.15, SIGNALS) * (np.arange(SIGNALS) % 3 == 0),
        )


def draw(world: World, tastes: Tastes, batch: int, start: int, n: int) -> dict[str, Array]:
    """Columns of n rows from row `start` on; codes for categories."""
    g = np.random.default_rng([world.world, 1, batch])
    session = np.cumsum(g.random(n) < 0.2)  # five impressions on average
    sessions = int(session[-1]) + 1
    user = g.integers(0, max(world.rows // 40, 10), sessions)
    when = (start + np.arange(n)) / world.rows
    c: dict[str, Array] = {}
    c["item"] = np.searchsorted(tastes.popularity, g.random(n)).clip(max=ITEMS - 1)
    c["category"], c["brand"] = tastes.category[c["item"]], tastes.brand[c["item"]]
    traits = np.random.default_rng([world.world, 2]).integers(0, 2**31, 4096)[user % 4096] + user
    c["segment"] = (traits % SEGMENTS)[session]
    share = np.cumsum(1 / np.arange(1, len(_COUNTRIES) + 1))
    c["country"] = np.searchsorted(share / share[-1], (traits % 9973) / 9973)[session]
    c["device"] = g.integers(0, len(DEVICES), sessions)[session]
    c["channel"] = g.integers(0, len(CHANNELS), sessions)[session]
    first = np.flatnonzero(np.diff(session, prepend=-1))
    c["position"] = np.minimum(
        np.arange(n) - first[np.searchsorted(first, np.arange(n), side="right") - 1], _POSITIONS - 1
    )
    c["weekday"] = (when * 56).astype(np.int64) % 7
    c["returning"] = (g.random(sessions) < 0.4).astype(np.int64)[session]
    hour = (g.normal(16, 4, sessions) % 24)[session]
    c["hour"], c["night"] = hour.round(2), np.cos(hour / 24 * 2 * np.pi).round(4)
    c["price"] = tastes.price[c["item"]]
    c["discount"] = (g.random(n) < 0.3) * g.uniform(0, 0.5, n).round(3)
    c["rating"] = (3.5 + 0.8 * tastes.item[c["item"]] + g.normal(0, 0.4, n)).clip(1, 5).round(2)
    c["reviews"] = g.poisson(2000 * np.diff(tastes.popularity, prepend=0)[c["item"]] + 1).astype(np.float64)
    c["item_age"] = g.exponential(120, n).round(0)
    c["user_age"] = (18.0 + (traits % 53))[session]
    c["visits"] = g.poisson(3, sessions)[session].astype(np.float64)
    c["basket"] = (g.exponential(20, sessions)[session]).round(2)
    c["affinity"] = g.normal(0, 1, n).round(4)
    c["day"] = (when * 56).round(4)
    for i in range(SIGNALS):
        c[f"signal_{i:02d}"] = g.normal(0, 1, n).astype(np.float32).astype(np.float64).round(4)
    c["user"], c["session"], c["timestamp"] = user[session], session + batch * BATCH, start + np.arange(n)
    return c


def logits(c: dict[str, Array], tastes: Tastes, drift: float) -> Array:
    """Log odds of a click but for a constant, from the columns alone."""
    z = tastes.item[c["item"]] + tastes.country[c["country"]] - 0.9 * np.log1p(c["position"])
    z = z + tastes.liking[c["segment"], c["category"]]
    z = z + drift * c["day"] / 56 * tastes.later[c["segment"], c["category"]]
    z = z + 0.6 * c["affinity"] + 1.5 * c["discount"] - 0.3 * (np.log(c["price"]) - 3) ** 2
    z = z + 0.25 * c["returning"] + 0.2 * np.log1p(c["visits"]) - 0.15 * (c["device"] == 0)
    for i, effect in enumerate(tastes.signals):
        if effect:
            z = z + effect * c[f"signal_{i:02d}"]
    return np.asarray(z, dtype=np.float64)


def conversion(c: dict[str, Array], tastes: Tastes) -> Array:
    """Log odds of a purchase after a click but for a constant, from the columns alone."""
    z = tastes.trust[c["brand"]] + 0.5 * tastes.item[c["item"]] + 0.5 * tastes.liking[c["segment"], c["category"]]
    z = z + 2.0 * c["discount"] - 0.4 * (np.log(c["price"]) - 3) + 0.5 * (c["rating"] - 3.5)
    z = z + 0.4 * c["returning"] + 0.3 * np.log1p(c["visits"]) + 0.3 * c["affinity"]
    for i, effect in enumerate(tastes.buying):
        if effect:
            z = z + effect * c[f"signal_{i:02d}"]
    return np.asarray(z, dtype=np.float64)


@dataclass(frozen=True)
class Odds:
    """The constants in the logits of a click, and of a purchase after one (None where clicks are the target)."""

    click: float
    purchase: float | None = None

    @staticmethod
    def of(world: World, tastes: Tastes) -> Odds:
        """Those that make the expected share of the target the prevalence asked for.

        Raises:
            DataError: flipped labels alone are more.
        """
        wanted = (world.prevalence - world.noise) / (1 - 2 * world.noise)
        if wanted <= 0 or wanted >= 1:
            raise DataError(
                f"data.prevalence: expected between data.noise ({world.noise}) and one less that, got "
                f"{world.prevalence}: flipped labels alone are more. Lower data.noise"
            )
        c = draw(replace(world, rows=BATCH), tastes, 2**20, 0, BATCH)  # a batch that no table has
        z = logits(c, tastes, world.drift)
        if world.target == "click":
            return Odds(solve(z, 1.0, wanted))
        click = solve(z, 1.0, wanted**0.5)
        return Odds(click, solve(conversion(c, tastes), sigmoid(z + click), wanted))


def solve(z: Array, base: Array | float, wanted: float) -> float:
    """The constant k with mean(base * sigmoid(z + k)) = wanted, by bisection."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (base * sigmoid(z + middle)).mean() < wanted else (low, middle)
    return low


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    return np.asarray(1 / (1 + np.exp(-z)))


def probabilities(c: dict[str, Array], world: World, tastes: Tastes, odds: Odds) -> tuple[Array, Array]:
    """p(click | x) and p(target | x), before labels are flipped."""
    click = sigmoid(logits(c, tastes, world.drift) + odds.click)
    return click, click if odds.purchase is None else click * sigmoid(conversion(c, tastes) + odds.purchase)


def batches(world: World) -> Iterator[dict[str, Array]]:
    """The rows in order, up to `BATCH` at a time: codes and numbers, labels int64 and `truth` float64.

    Labels are `click`, and `purchase` where that is the target.
    """
    tastes = Tastes.draw(world.world)
    odds = Odds.of(world, tastes)
    for batch, start in enumerate(range(0, world.rows, BATCH)):
        n = min(BATCH, world.rows - start)
        columns = draw(world, tastes, batch, start, n)
        click, p = probabilities(columns, world, tastes, odds)
        columns["truth"] = p * (1 - world.noise) + (1 - p) * world.noise
        labels = np.random.default_rng([world.world, 3, batch])
        if world.target == "click":
            columns["click"] = (labels.random(n) < columns["truth"]).astype(np.int64)
        else:
            u = labels.random(n)  # one draw decides both: no purchase without a click
            flipped = np.random.default_rng([world.world, 5, batch]).random(n) < world.noise
            columns["click"] = (u < click).astype(np.int64)
            columns["purchase"] = ((u < p) ^ flipped).astype(np.int64)
        yield columns


NAMES: dict[str, list[str]] = {
    "item": [f"i{i:04d}" for i in range(ITEMS)],
    "category": [f"c{i:02d}" for i in range(CATEGORIES)],
    "brand": [f"b{i:02d}" for i in range(BRANDS)],
    "segment": [f"s{i}" for i in range(SEGMENTS)],
    "country": list(_COUNTRIES),
    "device": list(DEVICES),
    "channel": list(CHANNELS),
    "position": [str(i) for i in range(1, _POSITIONS + 1)],
    "weekday": [str(i) for i in range(1, 8)],
    "returning": ["no", "yes"],
}
