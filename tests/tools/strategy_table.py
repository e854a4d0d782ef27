"""What each strategy is, found by driving it over a small table: what it changes, its prior, its fits, its models.

Only the paper is read from the card: the first that it cites with a year.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from bench.models.registry import MODELS, kind, refusal
from bench.training.estimators import refuse
from strategies.predictor import Costed, Predictor
from strategies.registry import STRATEGIES
from strategies.spec import Inapplicable, Recipe, Strategy
from strategies.stack import Chain
from tests.conftest import table
from tests.strategies.made_up import MadeUp, driven

_CITED = re.compile(
    r"((?:[A-Z][\w’'-]+)(?:(?:, | & )[A-Z][\w’'-]+)*(?: et al\.)?)[ (]+((?:19|20)\d\d)"
    r"(?:, (arXiv:\d{4}\.\d{4,5}|doi:\S+))?"
)
CHANGES = {
    "made": "makes rows",
    "sampler": "which rows are drawn",
    "weight": "row weights",
    "steer": "class weights, during training",
    "augment": "batches",
    "labels": "the labels",
    "loss": "the loss",
    "head": "the head",
    "offset": "logits in training",
    "init": "the start",
    "encoder_rate": "the encoder's rate",
    "adversarial": "a second pass of each step",
    "predictor": "predictions",
}
"""What a strategy can change, in the order in which the table says it."""
_SHORTER: dict[str, dict[str, int]] = {"meta_weight": {"steps": 1}}  # 200 looks ahead take seconds, and change no line


@dataclass(frozen=True)
class Described:
    """One line of the table: `exact` is of the prior, `fits` are all, `aside` those in service of others."""

    name: str
    paper: str
    link: str
    changes: tuple[str, ...]
    exact: bool
    aside: int
    fits: int
    models: tuple[str, ...]

    @property
    def cost(self) -> str:
        """Fits in all, of which in service of others."""
        return f"{self.fits}, {self.aside} of them aside" if self.aside else str(self.fits)


@cache
def described() -> tuple[Described, ...]:
    """Every strategy at its defaults."""
    return tuple(_described(name) for name in sorted(STRATEGIES.own()))


def _described(name: str) -> Described:
    strategy = STRATEGIES.get(name)(**_SHORTER.get(name, {}))
    recipe = table((0.875, 0.125)).recipe()
    asks, made = driven((strategy,), recipe)
    assert isinstance(made, Predictor), f"{name} on the toy table: {made}"
    paper, link = cited(STRATEGIES.card(name))
    treated = [ask for ask in asks if not ask.auxiliary]
    found = {change for ask in treated for change in _changes(recipe, ask)}
    if _is_derived(made):
        found.add("predictor")
    aside = sum(ask.auxiliary for ask in asks)
    assert Chain((strategy,)).fits_in_all == len(asks)
    models = tuple(model for model in sorted(MODELS.own()) if _takes(model, strategy, treated))
    changes = tuple(words for key, words in CHANGES.items() if key in found)
    return Described(name, paper, link, changes, made.prior_exact, aside, len(asks), models)


def _changes(given: Recipe, asked: Recipe) -> set[str]:
    """What of the recipe is another; rows that it was given and left out are drawn otherwise."""
    found = set(asked.treated()) & set(CHANGES)
    if asked.train.original is not None:
        found = found - {"sampler"} | {"made"}
    elif asked.train.weight is not given.train.weight:
        found.add("weight")
    if asked.train.n_classes != given.train.n_classes or asked.val.y is not given.val.y:
        found.add("labels")
    return found


def _is_derived(made: Predictor) -> bool:
    """Whether what comes out is more than what one recipe was answered by: the last, of several stages."""
    while isinstance(made, Costed):
        made = made.base
    return not isinstance(made, MadeUp)


def _takes(name: str, strategy: Strategy, treated: Sequence[Recipe]) -> bool:
    """Whether a model can be trained with it, as far as models and strategies say."""
    model = MODELS.get(name)
    if refusal(model, strategy):
        return False
    try:
        if kind(model) == "estimator":
            for ask in treated:
                refuse(replace(ask, model=model()))
    except Inapplicable:
        return False
    return True


def cited(card: str) -> tuple[str, str]:
    """Authors with year, and the address of the first work that a card cites; empty where it cites none."""
    found = _CITED.search(" ".join(card.split()))
    if found is None:
        return "", ""
    authors, year, place = found.groups()
    where, _, number = (place or "").partition(":")
    number = number.rstrip(".,;:")
    number = number[:-1] if number.endswith(")") and number.count("(") < number.count(")") else number
    base = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}.get(where, "")
    return f"{authors} {year}", base + number if base else ""


def models_in_words(models: Sequence[str]) -> str:
    """`all`, what they have in common, or their names."""
    known = {name: MODELS.get(name) for name in sorted(MODELS.own())}
    networks = [name for name, model in known.items() if kind(model) != "estimator"]
    encoders = [name for name, model in known.items() if model.has_encoder]
    for words, names in (("all", list(known)), ("networks", networks), ("with an encoder", encoders)):
        if list(models) == names:
            return words
    return ", ".join(f"`{name}`" for name in models)
