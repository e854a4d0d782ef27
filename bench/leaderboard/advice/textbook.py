"""What textbooks claim, as data (templates/textbook.json), held against the traits of measured data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Claim:
    """One strategy's claim, and the conditions for and against it: trait -> {at_least or below, assumed}."""

    strategy: str
    family: str
    claim: str
    source: str
    when: Mapping[str, Mapping[str, Any]]
    against: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Textbook:
    """All claims, and the assumptions that filters use."""

    claims: Mapping[str, Claim]
    similar_within: float
    explainable_models: tuple[str, ...]
    assumptions: tuple[str, ...]


@lru_cache(maxsize=1)
def textbook() -> Textbook:
    """The claims that come with the package."""
    raw = json.loads(files("bench.leaderboard").joinpath("templates", "textbook.json").read_text(encoding="utf-8"))
    claims = {entry["strategy"]: Claim(**entry) for entry in raw["claims"]}
    names = ("similar_within", "explainable_models")
    return Textbook(
        claims,
        float(raw["similar_within"]["value"]),
        tuple(raw["explainable_models"]["value"]),
        tuple(f"{name} = {raw[name]['value']}: {raw[name]['why']}" for name in names if raw[name]["assumed"]),
    )


def applies(claim: Claim, traits: Mapping[str, Any]) -> str:
    """Whether the book would speak for or against a strategy on data with these traits, and by which condition."""
    against = [_text(trait, rule, traits) for trait, rule in claim.against.items() if _met(trait, rule, traits)]
    if against:
        return f"against ({'; '.join(against)})"
    if not claim.when:
        return "always"
    unknown = [trait for trait in claim.when if not isinstance(traits.get(trait), int | float)]
    if unknown:
        return f"unknown ({', '.join(unknown)} not given)"
    met = all(_met(trait, rule, traits) for trait, rule in claim.when.items())
    words = "; ".join(_text(trait, rule, traits) for trait, rule in claim.when.items())
    return f"for ({words})" if met else f"does not speak ({words})"


def on_all(claim: Claim, traits: Sequence[Mapping[str, Any]]) -> str:
    """`applies` for the data of several boards: the one answer, or how many of them get which."""
    answers = [applies(claim, own) for own in traits] or [applies(claim, {})]
    if len(set(answers)) == 1:
        return answers[0]
    kinds = Counter(found.partition(" (")[0] for found in answers)
    return "; ".join(f"{kind} on {count} of {len(answers)} boards" for kind, count in kinds.most_common())


def _met(trait: str, rule: Mapping[str, Any], traits: Mapping[str, Any]) -> bool:
    value = traits.get(trait)
    if not isinstance(value, int | float):
        return False
    return bool(value >= rule["at_least"]) if "at_least" in rule else bool(value < rule["below"])


def _text(trait: str, rule: Mapping[str, Any], traits: Mapping[str, Any]) -> str:
    bound = f"≥ {rule['at_least']:,}" if "at_least" in rule else f"< {rule['below']:,}"
    value = traits.get(trait)
    here = f", here {value:,.0f}" if isinstance(value, int | float) else ""
    return f"{trait} {bound}{' (assumed)' if rule.get('assumed') else ''}{here}"
