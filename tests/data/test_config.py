"""The section `data`: the keys of a source and those of every table."""

from __future__ import annotations

from typing import Any

import pytest

from bench.data.errors import DataError
from tests.data.asked import asked


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"source": "women"},
            r"Unknown data source 'women'. Did you mean 'womens'\? Known: caravan, caravan_islr, cdnow, ",
        ),
        ({"source": "womens", "target": "onestar"}, "Did you mean 'one_star'"),
        ({"source": None}, "data.source: expected a name, got None. Known: caravan"),
        ({"source": "womens", "path": "x"}, "data.path: expected unset for source 'womens', got 'x'. .*set data=file"),
        ({"source": "womens", "row": 1000}, "Unknown key 'data.row'"),
        ({"source": "impressions", "row": 1000}, "Unknown key 'data.row'. Did you mean 'data.rows'"),
        ({"source": "impressions", "path": "x.csv"}, "data.path: expected unset for source 'impressions'"),
        ({"source": "file", "world": 0}, "data.world: expected unset for source 'file', got 0"),
        ({"source": "womens", "ignore": ("Titel",)}, "Did you mean 'Title'"),
        ({"source": "digits_lt", "target": "x"}, "expected 'digit'"),
        (
            {"source": "womens", "rows": 1000},
            "data.rows: expected unset for source 'womens', got 1000.* data=impressions",
        ),
        ({"source": "impressions", "prevalence": 1.0}, "data.prevalence"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        asked(**options).load()


@pytest.mark.parametrize("key", ["path", "rows", "world"])
def test_a_key_of_another_source_may_be_null(key: str) -> None:
    """Files of one's own that list it stay usable."""
    assert asked("digits_lt", **{key: None}) == asked("digits_lt")


def test_configurations_have_hashes_that_see_every_key() -> None:
    """Tables and encoded parts are kept by configuration: two that differ anywhere must not be one."""
    changes: dict[str, Any] = {"kinds": {"a": "numeric"}, "hashed": {"a": 8}, "formats": {"a": "percent"}, "folds": 5}
    own = [asked("impressions", rows=rows) for rows in (100, 200)]
    configs = [*own, asked("womens"), *(asked("womens", **{k: v}) for k, v in changes.items())]
    assert len({hash(c) for c in configs}) == len(set(configs)) == 7
    assert hash(asked("womens", hashed={"a": 8, "b": 9})) == hash(asked("womens", hashed={"b": 9, "a": 8}))


def test_a_generator_says_what_it_was_asked_for() -> None:
    """Records know a table by its content, which does not tell the prevalence that was asked for."""
    config = asked("impressions", rows=5000, prevalence=0.1, noise=0.0)
    assert config.generated() == {"rows": 5000, "prevalence": 0.1, "noise": 0.0, "drift": 0.0, "world": 0}
    assert asked("womens").generated() == {}
