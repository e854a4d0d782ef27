"""An exported model in memory: what scores rows. Needs neither the data, Hydra nor Lightning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing
from bench.data.features.encode import features_of
from bench.data.features.encoder import Encoder
from bench.data.tables.decode import decode
from bench.evaluation.new_prior import estimate_by_confusion, estimate_by_em
from bench.evaluation.views import Floats, log_softmax
from bench.export.decision import VIEWS, DecisionRule
from bench.export.input_schema import InputSchema
from strategies.predictor import Predictor

View = Literal["raw", "corrected", "recalibrated"]
PriorEstimate = Literal["em", "bbse"]
"""How class shares are estimated: by expectation maximisation, or from the confusion of decisions."""


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A trained model that scores tables with the columns of its training table.

    `facts`: what else its model.json says: data, target, strategy, key of its record, sentence of its board, versions.
    """

    classes: tuple[str, ...]
    input: InputSchema
    encoders: tuple[Encoder, ...]
    predictor: Predictor
    rule: DecisionRule
    facts: Mapping[str, Any]

    def predict_proba(
        self,
        frame: pd.DataFrame,
        view: View = "recalibrated",
        *,
        new_prior: npt.ArrayLike | None = None,
        strict: bool = True,
    ) -> Floats:
        """Probabilities (n, C) of the classes, in the order of `classes`.

        Args:
            frame: rows with the columns of the training table; values as they are in a file. Categories that no two
                training rows had are scored as an unknown one.
            view: `raw` as the model gives them; `corrected` to the prior of the population, which rebalanced training
                moves; `recalibrated` on validation rows besides: those to use as probabilities.
            new_prior: class shares (C,) of the rows to score, where they are others than the training data's; of two
                classes the share of the positive one will do.
            strict: refuse columns that the training table had not.

        Raises:
            DataError: columns are missing or new, or hold what cannot be read.
            ValueError: an unknown view, or a prior that is none.
        """
        if view not in VIEWS:
            raise ValueError(f"expected argument `view` to be one of {', '.join(VIEWS)}, but got {view!r}")
        logits = self.logits(frame, strict=strict)
        return np.exp(log_softmax(self.rule.views(logits, self.prior_of(new_prior))[view]))

    def predict(
        self, frame: pd.DataFrame, *, new_prior: npt.ArrayLike | None = None, strict: bool = True
    ) -> npt.NDArray[np.object_]:
        """The class (n,) of each row in its own words, by the rule that was tuned on validation rows.

        Raises:
            DataError, ValueError: as `predict_proba`.
        """
        columns = self._columns(frame, strict=strict)
        decided = self.rule.decide(self.logits_of(columns), self.prior_of(new_prior), costs=self.costs_of(columns))
        return np.array(self.classes, dtype=object)[decided]

    def logits(self, frame: pd.DataFrame, *, strict: bool = True) -> Floats:
        """Raw logits (n, C), float64.

        Raises:
            DataError: columns are missing or new, or hold what cannot be read.
        """
        return self.logits_of(self._columns(frame, strict=strict))

    def _columns(self, frame: pd.DataFrame, *, strict: bool) -> dict[str, Any]:
        """A frame's columns of pyarrow.

        Raises:
            DataError: they are not those of the training table, or not of one type each.
        """
        if not isinstance(frame, pd.DataFrame):
            raise DataError(
                f"frame: expected a data frame of pandas with the columns {listing(self.input.columns)}, got "
                f"{type(frame).__name__}; make one of it"
            )
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (ValueError, TypeError) as error:  # of pyarrow too; two columns of one name
            said = " ".join(str(error).split())[:300]
            raise DataError(f"frame: expected columns of one type, each with a name of its own, got: {said}") from None
        self.input.check(table.column_names, "frame", strict=strict)
        return dict(zip(table.column_names, table.columns, strict=True))

    def costs_of(self, columns: Mapping[str, Any]) -> Floats | None:
        """What decisions on rows cost (n, 4), where the rule is about costs.

        Raises:
            DataError: a column of costs is missing, or holds what is no cost.
        """
        found, n = dict[str, Floats](), len(next(iter(columns.values())))
        for name in self.rule.cost_columns:
            values = decode(columns[name]) if name in columns else None
            if values is None or values.storage != "number" or not bool(np.isfinite(values.data).all()):
                raise DataError(
                    f"column {name!r}: expected what decisions cost in every row, for the rule of the model"
                )
            found[name] = values.data
        try:
            return self.rule.costs_of(found, n)
        except ValueError as error:
            raise DataError(f"costs: {error}") from None

    def logits_of(self, columns: Mapping[str, Any], first: int = 0) -> Floats:
        """The same of columns of pyarrow; `first`: the number of their first row, for messages."""
        return self.logits_of_typed(self.input.frame(columns, first))

    def logits_of_typed(self, frame: pd.DataFrame, rows: npt.NDArray[np.int64] | None = None) -> Floats:
        """The same of typed features, of some rows or all."""
        if not len(frame):
            return np.zeros((0, len(self.classes)))
        return np.asarray(self.predictor.logits(features_of(self.encoders, frame, rows)).numpy(), dtype=np.float64)

    def estimate_prior(self, frame: pd.DataFrame, by: PriorEstimate = "em", *, strict: bool = True) -> Floats:
        """Class shares (C,) of rows without labels, where they may differ from the training data's.

        Args:
            frame: rows as for `predict_proba`, best thousands.
            by: `em` (Saerens et al. 2002), or `bbse` (Lipton et al. 2018), which needs no calibrated probabilities and
                more rows.
            strict: refuse columns that the training table had not.

        Raises:
            DataError: columns or cells that cannot be read, or scores that do not tell.
        """
        return self.estimated_prior(self.logits(frame, strict=strict), by)

    def estimated_prior(self, logits: Floats, by: PriorEstimate) -> Floats:
        """The same from raw logits (n, C)."""
        try:
            if by == "em":
                p = np.exp(log_softmax(self.rule.views(logits)["recalibrated"]))
                return estimate_by_em(p, np.array(self.rule.natural))
            if self.rule.costs is not None:
                raise ValueError("expected a rule of one threshold, got one of costs; estimate by em instead")
            decided = np.bincount(self.rule.decide(logits), minlength=len(self.classes)) / max(len(logits), 1)
            return estimate_by_confusion(decided, np.array(self.rule.confusion))
        except ValueError as error:
            raise DataError(f"new prior: {error}") from None

    def prior_of(self, given: npt.ArrayLike | None) -> Floats | None:
        """Class shares (C,) from what was given as such, or as the share of the positive class.

        Raises:
            ValueError: no shares.
        """
        if given is None:
            return None
        found = np.asarray(given, dtype=np.float64)
        if found.ndim == 0 and len(self.classes) == 2:
            found = np.array([1 - found, found])
        if found.shape != (len(self.classes),) or not bool(((found > 0) & (found < 1)).all()):
            raise ValueError(
                f"expected argument `new_prior` to be {len(self.classes)} shares above 0 and below 1, one for each of "
                f"{listing(self.classes)}, but got {given!r}"
            )
        return np.asarray(found / found.sum(), dtype=np.float64)
