"""Keys read as text are those that a YAML parser and Hydra find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import pytest
import yaml

from bench.cli.compose import compose_one
from bench.cli.keys import ROOT, file_keys, groups, is_search, keys_of

FILES = sorted(str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.glob("*/*.yaml"))


def leaves(raw: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and values; a mapping in braces, as the files write it on one line, is a value."""
    for key, value in raw.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def at(config: Mapping[str, Any], path: str) -> object:
    """What stands there."""
    return reduce(lambda node, name: node[name], path.split("."), config)


@pytest.mark.parametrize("name", FILES)
def test_they_have_the_paths_and_defaults_that_hydra_composes(name: str) -> None:
    """An experiment or the base of a group alone is no choice of its own."""
    group, _, choice = name.partition("/")
    if group in ("table", "experiment"):
        return
    whole = compose_one([f"{group}={choice}"])
    found = {key.path: yaml.safe_load(key.default) for key in file_keys(group, choice) if not is_search(key.path)}
    assert found == {path: at(whole, path) for path in found}
    if group != "model":  # a model may set keys of `train` besides its own
        own = {p for p, _ in leaves(whole) if p.startswith(f"{group}.") and not is_search(p)}
        mappings = {p: v for p, v in found.items() if isinstance(v, dict) and v}  # as those of costs
        assert {p for p in found if p not in mappings} | {f"{p}.{k}" for p, v in mappings.items() for k in v} == own


@pytest.mark.parametrize("section", ["run", "board", "need", "budget", "seed", "split", "tuned", "results", "debug"])
def test_sections_of_the_main_file_are_complete(section: str) -> None:
    composed = dict(leaves(compose_one([])))
    found = {key.path: yaml.safe_load(key.default) for key in keys_of(section)}
    assert found == {p: v for p, v in composed.items() if p == section or p.startswith(f"{section}.")}


def test_groups_are_those_of_the_defaults_list() -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    listed = [entry for entry in raw["defaults"] if isinstance(entry, Mapping)]
    chosen = {k: v for entry in listed for k, v in entry.items() if not k.startswith("override")}
    assert {name: yaml.safe_load(key.default) for name, key in groups().items()} == chosen


def test_comments_come_along() -> None:
    (key,) = [key for key in keys_of("train") if key.path == "train.lr"]
    assert (key.default, key.comment) == ("0.003", "AdamW")
    assert [key.path for key in keys_of("tune.storage")] == ["tune.storage"]
