"""The decision rule that is asked for: of the highest F1, of least cost, of a budget of alerts, of false positives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.evaluation.costs import break_even, fit_cost_threshold
from bench.evaluation.rules import threshold_of_alerts, threshold_of_false_positives
from bench.evaluation.views import Floats, Ints, margin
from bench.evaluation.weighting import row_weights
from bench.export.decision import DecisionRule
from bench.export.errors import ExportError

_KNOWN = "tuned, argmax, alerts:SHARE, fpr:SHARE, cost, or cost:fp=NUMBER,fn=NUMBER"


def asked_rule(
    rule: DecisionRule,
    asked: str,
    rows: tuple[Floats, Ints, Floats | None],
    data_costs: Mapping[str, float | str] | Floats | None,
    columns: Mapping[str, Floats],
) -> DecisionRule:
    """A rule with the threshold that `asked` implies on validation rows.

    Args:
        rule: the tuned one.
        asked: `tuned`; `argmax` of raw logits; `alerts:0.05`, at most this share of rows; `fpr:0.01`, at most this
            share of the negative ones; `cost`, the least cost by data.cost, or by costs that are given.
        rows: raw logits (n, 2), labels (n,) and weights (n,) of the validation rows.
        data_costs: what the data say that decisions cost: of two classes by outcome, of several a matrix (C, C).
        columns: the costs (n,) of the columns that these name, of the validation rows.

    Raises:
        ExportError: an unknown rule, or one that has no meaning for these data.
    """
    (logits, y, weight), (kind, _, rest) = rows, asked.partition(":")
    weight = row_weights(weight, len(y))
    costs: Floats | None = None
    if asked == "cost" and isinstance(data_costs, np.ndarray):
        matrix = tuple(map(tuple, data_costs.tolist()))
        return replace(rule, matrix=matrix, name=asked).seen_on(logits, y, weight)
    if kind not in ("tuned", "argmax") and logits.shape[1] != 2:
        raise ExportError(
            f"rule={asked}: expected two classes, got {logits.shape[1]}; use rule=tuned, or rule=cost with data.cost"
        )
    if asked == "tuned":
        found = rule
    elif asked == "argmax":
        binary = logits.shape[1] == 2
        found = replace(rule, threshold=0.0) if binary else replace(rule, tau=0.0)
    elif kind in ("alerts", "fpr"):
        share, z = _share(asked, rest), margin(logits)
        found = replace(
            rule,
            threshold=threshold_of_alerts(z, share, weight)
            if kind == "alerts"
            else threshold_of_false_positives(z, y, share, weight),
        )
    elif kind == "cost":
        given = _costs(asked, rest) if rest else data_costs
        if given is None or isinstance(given, np.ndarray):
            raise ExportError(
                f"rule={asked}: expected costs of the data (data.cost), got none; say rule=cost:fp=1,fn=20"
            )
        found = replace(rule, costs=dict(given))
        try:
            costs = found.costs_of(columns, len(y))
        except ValueError as error:
            raise ExportError(f"rule={asked}: {error}") from None
        assert costs is not None
        above = margin(rule.views(logits)["recalibrated"]) - break_even(costs)
        found = replace(found, threshold=fit_cost_threshold(above, y, costs, weight))
    else:
        raise ExportError(f"rule={asked}: expected {_KNOWN}, got another; choose one")
    return replace(found, name=asked).seen_on(logits, y, weight, costs=costs)


def _share(asked: str, text: str) -> float:
    """A share of rows.

    Raises:
        ExportError: it is none.
    """
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise ExportError(f"rule={asked}: expected a share above 0 and below 1, such as alerts:0.05; correct it")
    return share


def _costs(asked: str, text: str) -> dict[str, float | str]:
    """Costs that are given as numbers.

    Raises:
        ExportError: they are none, or one of both mistakes lacks.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    try:
        found: dict[str, float | str] = {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        found = {}
    if not {"fp", "fn"} <= {*found} <= {"fp", "fn", "tp", "tn"}:
        raise ExportError(f"rule={asked}: expected costs of both mistakes as in cost:fp=1,fn=20; correct it")
    return found
