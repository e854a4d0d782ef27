"""The registry of data sources, and the way in: a configuration becomes a cleaned table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, cast

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.config import DataConfig
from bench.data.tables.schema import Table

if TYPE_CHECKING:
    from bench.data.sources.parts.public import PublicSet

__all__ = ["SOURCES", "DataConfig", "Source", "find_source", "load_table"]

GENERATED = ("rows", "prevalence", "noise", "drift", "world")


@dataclass(frozen=True)
class Source:
    """A source of tables: a module of this package with `load(config)`, imported when it is used.

    `version` is raised when a mistake in it is repaired, so that results are redone. `public`: the name of the
    module's `PublicSet`, where the data must be fetched first.
    """

    name: str
    version: int
    title: str
    licence: str
    module: str
    targets: Mapping[str, str] = field(default_factory=dict)  # target -> one line; the first is the default
    function: str = "load"
    public: str = ""

    def load(self, config: DataConfig) -> Table:
        """The cleaned table that `config` asks for.

        Raises:
            DataError: the configuration or the data are not usable.
        """
        if config.path is not None and self.name != "file":
            raise DataError(f"data.path: expected unset for source {self.name!r}. To read a file, set data=file")
        for key in GENERATED:
            if getattr(config, key) is not None and self.name != "impressions":
                raise DataError(
                    f"data.{key}: expected unset for source {self.name!r}, got {getattr(config, key)}. "
                    "It shapes generated data: set data=impressions"
                )
        module = import_module(f"bench.data.sources.{self.module}")
        read = cast(Callable[[DataConfig], Table], getattr(module, self.function))
        return read(config)

    def fetchable(self) -> PublicSet | None:
        """What `data get` fetches, or None where nothing needs to be."""
        if not self.public:
            return None
        return cast("PublicSet", getattr(import_module(f"bench.data.sources.{self.module}"), self.public))


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source(
            "womens", 1, "Women's Clothing E-Commerce Reviews, an embedded sample of 10,000 rows",
            "CC0-1.0, as published", "womens",
            {
                "one_star": "the review gives one star of five (3.6%)",
                "class": "product class, 18 with a long tail",
                "not_recommended": "the customer does not recommend the product (17.8%)",
            },
        ),
        Source(
            "digits_lt", 1, "scikit-learn's digits, 8 × 8 pixels, long tail imposed on the training rows",
            "BSD-3-Clause", "digits", {"digit": "the digit shown, ten classes"},
        ),
        Source("file", 1, "your own CSV, TSV or Parquet file, or folder of Parquet", "yours", "file"),
        Source(
            "impressions", 1, "generated e-commerce impressions with a known p(y|x), any number of rows", "MIT",
            "impressions", {"click": "the item shown is clicked, at the prevalence asked for",
            "purchase": "it is clicked and bought, at the prevalence asked for; clicks to transfer from"},
        ),
        Source(
            "cdnow", 1, "customers of an online music shop 1997-98, 23,570 rows", "none stated", "cdnow",
            {
                "buys_30d": "buys again within 30 days of 1997-10-01 (7.7%)",
                "buys_7d": "buys again within 7 days of 1997-10-01 (1.8%)",
            },
            public="SET",
        ),
        Source(
            "open_bandit", 1, "a fashion shop's recommendations with their propensities, 60,000 rows", "Apache-2.0",
            "open_bandit",
            {
                "click": "the item shown is clicked (.48%: 287 of 60,000, so expect ties and wide intervals)",
                "click_women": "the same in the women's campaign; the men's is there to transfer from",
            },
            public="SET",
        ),
        Source(
            "caravan", 1, "CoIL Challenge 2000 with its split, 9,822 rows", "non-commercial; GPL-2", "caravan",
            {"purchase": "buys caravan insurance (6.0%)"}, public="FULL",
        ),
        Source(
            "caravan_islr", 1, "CoIL Challenge 2000, its 5,822 training rows", "non-commercial; GPL-3", "caravan",
            {"purchase": "buys caravan insurance (6.0%)"}, function="load_islr", public="ISLR",
        ),
        Source(
            "lending_club", 1, "loans of 2016 Q1, 9,857 rows", "GPL-3", "lending_club",
            {"bad_loan": "charged off, late or in default (5.25%)"}, public="SET",
        ),
        Source(
            "census_kdd", 1, "census income 1994-95, 299,285 rows", "CC BY 4.0", "census_kdd",
            {"over_50k": "income above 50,000 (6.2%)"}, public="SET",
        ),
        Source(
            "keel", 1, "KEEL's 100 classic imbalanced sets; data.name says which", "none stated", "keel",
            {"positive": "the rare class, as KEEL made it"}, public="SET",
        ),
        Source(
            "fashion_mnist_lt", 1, "60,000 images of clothes, 28 × 28, long tail imposed on the training rows", "MIT",
            "fashion_mnist", {"article": "the article shown, ten classes, 1,000 to 10 training images"}, public="SET",
        ),
    )
}  # fmt: skip


def find_source(name: str) -> Source:
    """A source by its registry name.

    Raises:
        DataError: no such source; suggests one.
    """
    if name not in SOURCES:
        raise DataError(f"Unknown data source {name!r}. {suggest(name, SOURCES)}Known: {listing(SOURCES)}")
    return SOURCES[name]


def load_table(config: DataConfig) -> Table:
    """Load and clean the table that `config` names.

    Raises:
        DataError: unknown source, or unusable configuration or data; says what to do.
    """
    return find_source(config.source).load(config)
