"""From a model's logits to probabilities in three views and to decisions, as its record's metrics have them.

With another class prior than the training data's, corrected and recalibrated log odds move by as much as the log odds
of the priors differ, and a decision keeps its threshold on the probability (Saerens et al. 2002, eq. 2.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.tables.class_costs import OUTCOMES
from bench.evaluation.costs import break_even, checked_costs, least_expected
from bench.evaluation.new_prior import confusion_of
from bench.evaluation.rules import fit_tau, fit_threshold, tau_decisions
from bench.evaluation.views import (
    Floats,
    Ints,
    Temperature,
    checked_prior,
    fit_temperature,
    log_softmax,
    margin,
    natural_prior,
    prior_corrected,
)
from bench.evaluation.weighting import row_weights

VIEWS = ("raw", "corrected", "recalibrated")


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """prior: that the logits embody; natural: of the population, (C,) each. temperature, bias: of the recalibration.

    Two classes are decided by `threshold`, more by `tau` and the prior `trained` of the training rows. The threshold is
    on the raw log odds; with `costs` (fp, fn, tp, tn -> number, or column of the rows to score) on how far the
    recalibrated log odds are above each row's break-even. With `matrix` (C, C), at [c, d] the cost of deciding for d
    where c is true, each row gets the class of least expected cost. `name`: how the rule was chosen. `confusion`: share
    of validation rows (C, C) that it decided as i and that are j.
    """

    prior: tuple[float, ...]
    natural: tuple[float, ...]
    temperature: float
    bias: float
    threshold: float | None = None
    tau: float | None = None
    trained: tuple[float, ...] | None = None
    confusion: tuple[tuple[float, ...], ...] = ()
    costs: Mapping[str, float | str] | None = None
    matrix: tuple[tuple[float, ...], ...] | None = None
    name: str = "tuned"

    def views(self, logits: Floats, new_prior: npt.ArrayLike | None = None) -> dict[str, Floats]:
        """Logits (n, C) in each view; under `new_prior` (C,) where there is one."""
        corrected = prior_corrected(logits, self.prior, self.natural)
        recalibrated = Temperature(1.0 / self.temperature, self.bias).apply(corrected)
        found = {"raw": np.asarray(logits, dtype=np.float64), "corrected": corrected, "recalibrated": recalibrated}
        if new_prior is not None:
            moved = self.shift(new_prior)
            found |= {view: found[view] + moved for view in VIEWS[1:]}
        return found

    def shift(self, new_prior: npt.ArrayLike) -> Floats:
        """What a new class prior adds to each logit (C,)."""
        to = checked_prior(new_prior, "new_prior", len(self.natural))
        return np.asarray(np.log(to) - np.log(self.natural), dtype=np.float64)

    @property
    def cost_columns(self) -> tuple[str, ...]:
        """Columns that say what decisions on a row cost."""
        return tuple(sorted({held for held in (self.costs or {}).values() if isinstance(held, str)}))

    def costs_of(self, columns: Mapping[str, Floats], n: int) -> Floats | None:
        """What decisions on n rows cost (n, 4), from the numbers (n,) of `cost_columns`; None for rules without costs.

        Raises:
            ValueError: numbers that are not finite, or mistakes that cost less than right decisions.
        """
        if self.costs is None:
            return None
        held = [self.costs.get(outcome, 0.0) for outcome in OUTCOMES]
        each = [columns[value] if isinstance(value, str) else np.full(n, float(value)) for value in held]
        return checked_costs(np.stack(each, axis=1), n)

    def decide(self, logits: Floats, new_prior: npt.ArrayLike | None = None, *, costs: Floats | None = None) -> Ints:
        """Classes (n,) of raw logits (n, C); `costs` (n, 4) where the rule is about costs."""
        moved = 0.0 if new_prior is None else self.shift(new_prior)
        if self.matrix is not None:
            p = np.exp(log_softmax(self.views(logits, new_prior)["recalibrated"]))
            return least_expected(p, np.tile(np.ravel(self.matrix), (len(p), 1)))
        if self.costs is not None:
            assert costs is not None
            odds = margin(self.views(logits, new_prior)["recalibrated"])
            return (odds - break_even(costs) > (self.threshold or 0.0)).astype(np.int64)
        if self.threshold is not None:
            return (margin(logits + moved) > self.threshold).astype(np.int64)
        assert self.tau is not None
        assert self.trained is not None
        return tau_decisions(prior_corrected(logits, self.prior, self.natural) + moved, self.trained, self.tau)

    def scores(self, logits: Floats) -> Floats:
        """For several classes: of each row (n, C) that whose largest entry is the decision."""
        assert self.tau is not None
        moved = self.tau * np.log(np.array(self.trained))
        return np.asarray(prior_corrected(logits, self.prior, self.natural) - moved, dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> DecisionRule:
        """The rule of such data."""
        own: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in state.items()}
        for name in ("confusion", "matrix"):
            own[name] = None if state.get(name) is None else tuple(tuple(row) for row in state[name])
        return cls(**own)

    def seen_on(self, logits: Floats, y: Ints, weight: Floats | None, *, costs: Floats | None = None) -> DecisionRule:
        """The rule with the confusion of its decisions on validation rows: logits (n, C), labels, weights, costs."""
        found = confusion_of(self.decide(logits, costs=costs), y, len(self.natural), weight)
        return replace(self, confusion=tuple(map(tuple, found.tolist())))


def fitted_rule(
    logits: Floats, y: Ints, weight: Floats | None, *, prior: Floats, natural: Floats, train_mass: Floats
) -> DecisionRule:
    """The rule from validation rows: logits (n, C) that embody `prior`, labels and weights (n,), as `evaluate` fits it.

    `natural` (C,): class shares of the population; `train_mass` (C,): weight of the training rows of each class.
    """
    weight = row_weights(weight, len(y))
    corrected = prior_corrected(logits, prior, natural)
    temperature, binary = fit_temperature(corrected, y, weight), logits.shape[1] == 2
    trained = natural_prior(train_mass)
    rule = DecisionRule(
        prior=tuple(prior.tolist()),
        natural=tuple(natural.tolist()),
        temperature=1.0 / temperature.scale,
        bias=temperature.bias,
        threshold=fit_threshold(margin(logits), y, weight) if binary else None,
        tau=None if binary else fit_tau(corrected, y, trained, weight),
        trained=None if binary else tuple(trained.tolist()),
    )
    return rule.seen_on(logits, y, weight)
