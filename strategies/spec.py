"""The contract: what a strategy is given, what it may ask for, and how strategies compose.

A strategy never trains. It turns one `Recipe` (everything needed to train one model, and no test rows) into
the recipes that it wants trained, and turns the resulting `Predictor`s into one. Only torch is imported
here, so that a strategy can be read, tested and reused without the harness.

Import from here whatever a strategy needs; where it is written:

- `strategies.strategy`: `Strategy`, the class to inherit from, and `Training`, the generator that says what to train
- `strategies.recipe`: `Recipe` with its losses, heads and samplers, and the error `Clash`
- `strategies.predictor`: `Predictor`, a trained model with the prior that it embodies, its `Cost`, and the
  error `Inapplicable`
- `strategies.features`: `Features`, `Field`, `Bag` and `Split`, the rows as models see them
- `strategies.stack`: `Chain`, a stack of strategies as one, and `lockstep`, many generators advanced together

Nothing of torch is *used* while this module or a strategy is imported (types are imported for the type checker only):
a sweep is planned, and found to be done already, from names, versions and fields, a second before torch would be there.
"""

from strategies.features import Bag, Features, Field, Split
from strategies.model import Model, Takes, Watch
from strategies.predictor import Cost, Inapplicable, Predictor
from strategies.recipe import (
    Augment,
    Clash,
    CosineHead,
    CrossEntropy,
    Head,
    LinearHead,
    Loss,
    Recipe,
    Sampler,
    Steer,
    TokenHead,
    negative_at,
    per_row,
)
from strategies.stack import Chain, lockstep
from strategies.strategy import Strategy, Training

__all__ = [
    "Augment",
    "Bag",
    "Chain",
    "Clash",
    "CosineHead",
    "Cost",
    "CrossEntropy",
    "Features",
    "Field",
    "Head",
    "Inapplicable",
    "LinearHead",
    "Loss",
    "Model",
    "Predictor",
    "Recipe",
    "Sampler",
    "Split",
    "Steer",
    "Strategy",
    "Takes",
    "TokenHead",
    "Training",
    "Watch",
    "lockstep",
    "negative_at",
    "per_row",
]
