"""A cell trained on training and validation rows together, once validation has said for how long and decided how.

Of the fits that the record is of, each gives the step of its best look; the refit trains exactly as many steps (trees),
looking at nothing, and no rows stop it. Temperature and decision rule stay those that validation rows, unseen then,
have given; only the prior that logits embody is the refit's own, and a threshold on raw log odds moves with it.
Test rows are in neither. What is reported of a model stays what was measured before the refit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch

from bench.data.features.encode import Encoded, encode
from bench.evaluation.ranked import ranking_scores
from bench.evaluation.views import Floats, Ints, log_loss, margin
from bench.export.decision import DecisionRule
from bench.export.errors import ExportError
from bench.models.registry import takes
from bench.sweep.plan import Planned
from bench.sweep.runner import training
from bench.training.trainer import Outcome, drive
from strategies.predictor import Predictor
from strategies.spec import Recipe, Training
from strategies.stack import answer

Steps = list[list[int]]
"""Of each list of recipes that a strategy asked for, the steps that led to each one's best look."""


@dataclass(frozen=True)
class Refit:
    """steps: of the last list of fits, those that are evaluated. rows: that it was trained on. before, after: what the
    recorded and this model come to on the test rows, by name of the metric."""

    predictor: Predictor
    data: Encoded
    steps: tuple[int, ...]
    rows: int
    before: dict[str, float]
    after: dict[str, float]

    def said(self) -> dict[str, Any]:
        """What a model's folder says of it."""
        return {"rows": self.rows, "steps": list(self.steps), "before": self.before, "after": self.after}


def observed(train: Training, steps: Steps) -> Training:
    """A strategy at work, and in `steps` for how long each of its fits was best trained."""
    return _passed_on(train, lambda asks, _: asks, lambda asks, got: steps.append(list(map(_best_step, asks, got))))


def _best_step(recipe: Recipe, predictor: Predictor) -> int:
    if recipe.select == "last":
        return recipe.max_steps
    return max(1, int(getattr(predictor, "notes", {}).get("best_step", recipe.max_steps)))


def for_steps(train: Training, steps: Steps) -> Training:
    """A strategy at work whose every fit takes the steps that are given, looking at nothing.

    Raises:
        ExportError: it asks for other fits than those whose steps these are, or for one that validation steers.
    """

    def fixed(asks: Sequence[Recipe], turn: int) -> Sequence[Recipe]:
        known = steps[turn] if turn < len(steps) else []
        if len(known) != len(asks):
            raise ExportError(
                f"refit=true: expected {len(known)} fits, as without the validation rows, got {len(asks)}: the number "
                "depends on the rows; export without refit"
            )
        return [_fixed(recipe, own) for recipe, own in zip(asks, known, strict=True)]

    return _passed_on(train, fixed, lambda asks, got: None)


def _fixed(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with so many steps; of trees, so many rounds.

    Raises:
        ExportError: scores of validation rows change what it does in training.
    """
    if recipe.steer is not None:
        raise ExportError(
            "refit=true: expected a strategy that sees validation rows only to stop, got one whose class weights "
            "follow them in training; there would be none left to follow. Export without refit"
        )
    model: Any = recipe.model
    own = {"model": replace(model, max_trees=steps)} if hasattr(model, "max_trees") else {"max_steps": steps}
    return replace(recipe, select="last", **own)


def _passed_on(
    train: Training,
    asked: Callable[[Sequence[Recipe], int], Sequence[Recipe]],
    told: Callable[[Sequence[Recipe], Sequence[Predictor]], None],
) -> Training:
    """A strategy whose recipes are changed on their way out (by recipes and turn), and whose predictors are seen."""
    turn, asks = 0, next(train)
    while True:
        try:
            got: Sequence[Predictor | Exception] = yield asked(asks, turn)
        except Exception as error:
            got = [error]
        else:
            told(asks, cast("Sequence[Predictor]", got))
        try:
            turn, asks = turn + 1, answer(train, got)()
        except StopIteration as stop:
            made: Predictor = stop.value
            return made


def refit(planned: Planned, data: Encoded, predictor: Predictor, steps: Steps, rule: DecisionRule) -> Refit:
    """Train a cell again on training and validation rows; `predictor`, `rule`: as recorded, `steps`: what led to it.

    Raises:
        ExportError: the imbalance of the data was imposed on the training rows, or training fails.
    """
    if data.table.imbalance is not None:
        raise ExportError(
            "refit=true: expected the imbalance that the data have, got one that was imposed on the training rows "
            "(data.imbalance), which validation rows lack; export without refit"
        )
    config = planned.cell.data
    both = encode(data.table, data.partition.with_validation(), config, takes(planned.cell.model))
    outcomes: list[Outcome] = []
    torch.manual_seed(planned.cell.seed)
    run = for_steps(training(planned, both), steps)
    drive([run], lambda _, outcome: outcomes.append(outcome), device=torch.device("cpu"))
    (made,) = outcomes
    if isinstance(made, ExportError):
        raise made
    if isinstance(made, Exception):
        raise ExportError(f"refit=true: {planned.label}: training on all rows failed: {made}") from made
    y, weight = data.test_y.numpy(), data.weights().get("test")
    return Refit(
        made,
        both,
        tuple(steps[-1]),
        len(both.train),
        _figures(_logits(predictor, data), y, weight, rule),
        _figures(_logits(made, both), y, weight, moved(rule, made)),
    )


def moved(rule: DecisionRule, predictor: Predictor) -> DecisionRule:
    """A rule for another model of the same logits but for the prior that they embody."""
    prior = predictor.prior.double().numpy()
    own = replace(rule, prior=tuple(prior.tolist()))
    if rule.threshold is None or rule.costs is not None or rule.matrix is not None or rule.name == "argmax":
        return own
    by = float(margin(np.log(prior)[None])[0] - margin(np.log(rule.prior)[None])[0])
    return replace(own, threshold=rule.threshold + by)


def _logits(predictor: Predictor, data: Encoded) -> Floats:
    return np.asarray(predictor.logits(data.test).numpy(), dtype=np.float64)


def _figures(logits: Floats, y: Ints, weight: Floats | None, rule: DecisionRule) -> dict[str, float]:
    """What a model comes to on the test rows, which no fit and no rule has seen."""
    found = {"log loss, recalibrated": log_loss(rule.views(logits)["recalibrated"], y, weight)}
    if logits.shape[1] > 2:
        return found
    return {"average precision": ranking_scores(margin(logits), y, weight)[1], **found}
