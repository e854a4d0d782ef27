"""`imbench.ImbalancedClassifier`: a strategy and a model as a classifier of scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from bench.cli.compose import compose_one
from bench.config import Cell, read_cell
from bench.data.tables.schema import ColumnKind
from bench.errors import Complaint
from bench.evaluation.views import Floats, log_softmax, margin
from bench.export.rows_in_memory import fit_table, table_of_frame

_LARGEST_SEED = 2**31 - 1


class ImbalancedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A treatment of class imbalance as a classifier of scikit-learn: for pipelines, `cross_val_score` and grids.

    A part of the rows given to `fit` (15%, `data.val_fraction`) validates: it stops training, calibrates probabilities
    and sets the decision rule. `predict_proba` gives recalibrated probabilities, whatever the treatment does to raw
    ones; `predict` follows the threshold of the highest F1 of the rarer class (several classes: of the highest
    macro-F1), which is seldom a probability of one half.

    Args:
        strategy: a name, such as `class_weights` (`imbench strategies` lists them), or a sequence of them, a stack.
        model: `mlp`, `linear` or `lightgbm`.
        settings: overrides as of the shell: `("strategy.focal.gamma=3", "train.max_steps=500")`.
        kinds: column -> numeric, categorical, text or ignored, where a data frame's types do not say it.
        decision: `tuned` as said above, or `argmax`: the most probable class.
        random_state: of the validation rows, initial weights and the order of rows.

    Attributes after `fit`: `classes_`, `n_features_in_`, `model_` (what `imbench.load` gives, in memory).
    """

    def __init__(
        self,
        strategy: str | Sequence[str] = "class_weights",
        model: str = "mlp",
        *,
        settings: Sequence[str] = (),
        kinds: Mapping[str, ColumnKind] | None = None,
        decision: str = "tuned",
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.strategy, self.model, self.settings = strategy, model, settings
        self.kinds, self.decision, self.random_state = kinds, decision, random_state

    _typed: bool  # whether `fit` was given numbers only

    def fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> ImbalancedClassifier:  # noqa: N803
        """Train on rows X (n, d), an array of numbers or a data frame of any columns, with labels y (n,).

        Raises:
            ValueError: rows, labels, or settings that cannot be used; says what to do.
        """
        if self.decision not in ("tuned", "argmax"):
            raise ValueError(f"decision: expected tuned or argmax, got {self.decision!r}")
        frame = self._frame(X, y, reset=True)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y: expected labels of at least two classes, got 1 class ({self.classes_[0]!r}) in {len(y)} rows; "
                "add rows of others"
            )
        counts = np.bincount(codes)
        # Of two classes the rarer one is the positive one: what the rule of decisions is about.
        self._order = np.array([1, 0]) if len(counts) == 2 and counts[0] < counts[1] else np.arange(len(counts))
        place = np.argsort(self._order)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        rows = np.arange(len(y)) if weight is None else np.flatnonzero(weight > 0)
        try:
            table = table_of_frame(
                frame.iloc[rows].reset_index(drop=True),
                self._kinds(frame),
                place[codes[rows]].astype(np.int64),
                [str(self.classes_[i]) for i in self._order],
                None if weight is None else np.asarray(weight[rows], dtype=np.float64),
            )
            for name, why in table.ignored.items():
                if why != "as declared":
                    warnings.warn(f"column {name!r} is left out: {why}; say with kinds= how to use it", stacklevel=2)
            self.model_ = fit_table(table, self._cell())
        except Complaint as error:
            raise ValueError(str(error)) from error
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Recalibrated probabilities (n, C) of `classes_`."""
        logits = self._logits(X)
        return np.exp(log_softmax(self.model_.rule.views(logits)["recalibrated"]))[:, self._inverse()]

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Scores whose sign (two classes, (n,)) or largest entry (several, (n, C)) is what `predict` gives."""
        logits, rule = self._logits(X), self.model_.rule
        if self.decision == "argmax":
            moved = rule.views(logits)["recalibrated"]
            return self._signed(margin(moved)) if logits.shape[1] == 2 else moved[:, self._inverse()]
        if rule.threshold is not None:
            return self._signed(margin(logits) - rule.threshold)
        return rule.scores(logits)[:, self._inverse()]

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """The class (n,) of each row."""
        scores = self.decision_function(X)
        found: npt.NDArray[Any] = self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]
        return found

    def _signed(self, z: Floats) -> Floats:
        """Log odds of the positive class as those of the second of `classes_`."""
        return z if self._order[1] == 1 else -z

    def _inverse(self) -> npt.NDArray[np.int64]:
        """Where each of `classes_` stands among the model's."""
        return np.argsort(self._order)

    def _logits(self, X: Any) -> Floats:  # noqa: N803
        """Raw logits of rows.

        Raises:
            ValueError: columns or cells that cannot be read.
        """
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        try:
            return self.model_.logits(frame)
        except Complaint as error:
            raise ValueError(str(error)) from error

    def _frame(self, X: Any, y: Any = "no_validation", *, reset: bool) -> pd.DataFrame:  # noqa: N803
        """Rows as a data frame; an array of numbers gets names of its own."""
        typed = not (isinstance(X, pd.DataFrame) and not all(map(pd.api.types.is_numeric_dtype, X.dtypes)))
        typed = typed if reset else self._typed
        if typed:
            checked = validate_data(self, X, y, reset=reset, dtype="numeric", ensure_all_finite="allow-nan")
            values = checked[0] if isinstance(checked, tuple) else checked
            found = pd.DataFrame({f"x{i:06d}": column for i, column in enumerate(values.astype(np.float64).T)})
        else:
            validate_data(self, X, y, reset=reset, skip_check_array=True)
            found = X.reset_index(drop=True)
        if reset:
            self._typed = typed
        return found

    def _kinds(self, frame: pd.DataFrame) -> Mapping[str, ColumnKind]:
        """The kinds that are known; all of an array of numbers, whose columns go by number or by the frame's names."""
        if not self._typed:
            return self.kinds or {}
        names = dict(zip(getattr(self, "feature_names_in_", ()), frame, strict=False))
        found: dict[str, ColumnKind] = dict.fromkeys(map(str, frame), "numeric")
        return found | {names.get(name, name): kind for name, kind in (self.kinds or {}).items()}

    def _cell(self) -> Cell:
        """Strategies, model and training as the shell's overrides say.

        Raises:
            ConfigError: an unknown name or setting.
        """
        names = [self.strategy] if isinstance(self.strategy, str) else [*self.strategy]
        seed = check_random_state(self.random_state).randint(_LARGEST_SEED)
        if isinstance(self.random_state, int | np.integer):
            seed = int(self.random_state) % _LARGEST_SEED
        own = [f"strategy=[{','.join(names)}]", f"model={self.model}", f"seed={seed}"]
        return read_cell(compose_one(["data=file", *own, *self.settings]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
