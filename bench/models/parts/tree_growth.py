"""Trees of one fit as they grow: LightGBM's boosters, on all rows or on those drawn for each round.

LightGBM's own sampling knows nothing of a recipe's samplers, and a row of weight zero is not absent to it (a leaf's
least number of rows counts it). So the rows of a round that leaves some out are a data set of their own: the tree is
grown on these, written down and taken back, and the texts of all rounds become one model at the end. Rounds on all
rows, whatever their weights, are one booster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import torch

from bench.models.parts.tree_columns import binned
from bench.models.parts.tree_objective import Objective
from strategies.spec import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from bench.models.lightgbm import LightGBM

Scores: TypeAlias = npt.NDArray[np.float64]


def started(model: LightGBM, recipe: Recipe, objective: Objective, rows: Tensor) -> Trees:
    """Trees of no round yet, for a recipe whose first round has these rows."""
    threads = torch.get_num_threads()
    train, val = binned(recipe.train.x, recipe.val.x, model.max_bin, model.min_data_in_leaf, threads)
    if not any(train.feature_num_bin(i) > 1 for i in range(train.num_feature())):
        return _Unsplit(objective, val)
    settings = parameters(model, recipe, objective.scale, threads)
    if recipe.sampler and len(rows) < len(recipe.train):
        return _Renewed(objective, train, val, settings)
    return _Growing(objective, train, val, settings, rows)


def parameters(model: LightGBM, recipe: Recipe, scale: float, threads: int) -> dict[str, Any]:
    """LightGBM's, for an objective of this scale: no penalty, no least gain; a leaf's least Hessian is its default.

    (Without that, sums of Hessians that became tiny are rounding errors, on which LightGBM ends with an error.)
    """
    classes = recipe.train.n_classes
    return {
        "objective": "none",
        "num_class": 1 if classes == 2 else classes,
        "learning_rate": model.learning_rate,
        "num_leaves": model.num_leaves,
        "min_data_in_leaf": model.min_data_in_leaf,
        "feature_fraction": model.feature_fraction,
        "max_bin": model.max_bin,
        "min_sum_hessian_in_leaf": 1e-3 * scale,
        "lambda_l2": 0.0,
        "min_gain_to_split": 0.0,
        "boost_from_average": False,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "seed": recipe.generator("trees").initial_seed() % (1 << 30),
        "verbosity": -1,
    }


class Trees(Protocol):
    """Trees of so many rounds."""

    def grow(self, rows: Tensor, weight: Tensor | None) -> None:
        """One round on these rows, with these weights (None: ones). It may find nothing to split, and the next may."""
        ...

    def validation(self) -> Scores:
        """Scores of the validation rows, (n,) or (n, K)."""
        ...

    def text(self, rounds: int) -> str:
        """The model of the first rounds, as LightGBM writes it; empty where it has no tree."""
        ...


class _Unsplit:
    """What a table comes to whose columns no two leaves can share: no trees."""

    def __init__(self, objective: Objective, val: lgb.Dataset) -> None:
        self.scores = zeros(objective, val)

    def grow(self, rows: Tensor, weight: Tensor | None) -> None:
        pass

    def validation(self) -> Scores:
        return self.scores

    def text(self, rounds: int) -> str:
        return ""


def zeros(objective: Objective, data: lgb.Dataset) -> Scores:
    """The scores of rows under no trees."""
    n = data.num_data()
    return np.zeros(n if objective.scores == 1 else (n, objective.scores))


class _Growing:
    """One booster on the same rows (all, or a part of them), with new weights each round."""

    def __init__(
        self,
        objective: Objective,
        train: lgb.Dataset,
        val: lgb.Dataset,
        settings: Mapping[str, Any],
        rows: Tensor,
    ) -> None:
        self.objective = objective
        self.all = len(rows) == train.num_data()
        self.booster = lgb.Booster(dict(settings), train if self.all else part(train, rows))
        self.booster.add_valid(val, "validation")
        self.trees: list[int] = []  # of the booster after each round: none where nothing could be split

    def grow(self, rows: Tensor, weight: Tensor | None) -> None:
        at = None if self.all else rows
        self.booster.update(fobj=lambda scores, _: self.objective(scores, at, weight))
        self.trees.append(self.booster.current_iteration())

    def validation(self) -> Scores:
        return _scores_of(self.booster)["validation"]

    def text(self, rounds: int) -> str:
        kept = self.trees[rounds - 1] if rounds else 0
        return self.booster.model_to_string(num_iteration=kept, start_iteration=0) if kept else ""


class _Renewed:
    """A booster that forgets each tree once it is written down, on the rows drawn for it; scores are summed here."""

    def __init__(self, objective: Objective, train: lgb.Dataset, val: lgb.Dataset, settings: Mapping[str, Any]) -> None:
        self.objective, self.settings = objective, dict(settings)
        self.sets = {"training": train, "validation": val}
        self.scores = {name: zeros(objective, data) for name, data in self.sets.items()}
        self.texts: list[str] = []  # of each round, empty where its rows could not be split
        self.booster: lgb.Booster | None = None
        self.rows: lgb.Dataset | None = None

    def grow(self, rows: Tensor, weight: Tensor | None) -> None:
        former, self.rows = self.rows, part(self.sets["training"], rows)
        if self.booster is None:
            self.booster = self.fresh(self.rows)
        at = rows.numpy()
        empty = self.booster.update(
            train_set=self.rows, fobj=lambda _, __: self.objective(self.scores["training"][at], rows, weight)
        )
        del former  # LightGBM reads the former rows once more when it is given others
        if empty:
            self.booster = None  # it would keep a tree of nothing
            self.texts.append("")
            return
        for name, scores in _scores_of(self.booster).items():
            self.scores[name] += scores
        self.texts.append(self.booster.model_to_string())
        self.booster.rollback_one_iter()

    def fresh(self, rows: lgb.Dataset) -> lgb.Booster:
        """A booster without trees, whose draws of columns go on from those of the last."""
        booster = lgb.Booster({**self.settings, "seed": self.settings["seed"] + len(self.texts)}, rows)
        for name, data in self.sets.items():
            booster.add_valid(data, name)
        return booster

    def validation(self) -> Scores:
        return self.scores["validation"]

    def text(self, rounds: int) -> str:
        return joined([text for text in self.texts[:rounds] if text])


def part(train: lgb.Dataset, rows: Tensor) -> lgb.Dataset:
    """Some of the rows, which are in their order."""
    return train.subset(rows.tolist()).construct()


def _scores_of(booster: lgb.Booster) -> dict[str, Scores]:
    """What the trees so far give the rows of each validation set, by the set's name."""
    found: dict[str, Scores] = {}
    names = iter(booster.name_valid_sets)

    def keep(scores: Scores, _: lgb.Dataset) -> tuple[str, float, bool]:
        found[next(names)] = scores
        return "", 0.0, False

    booster.eval_valid(keep)
    return found


def joined(texts: list[str]) -> str:
    """One model of several, their trees one after another; empty of none."""
    if not texts:
        return ""
    head, _, rest = texts[0].partition("\nTree=0\n")
    tail = rest[rest.index("\nend of trees") :]
    trees = [tree for text in texts for tree in _trees_of(text)]
    head = re.sub(r"\ntree_sizes=[^\n]*\n", "\n", head)  # without it, trees are read one after another
    return head + "".join(f"\nTree={i}\n{tree}" for i, tree in enumerate(trees)) + tail


def _trees_of(text: str) -> list[str]:
    """The trees of a model's text, without their numbers."""
    body = text[text.index("\nTree=0\n") : text.index("\nend of trees")]
    return re.split(r"\nTree=\d+\n", body)[1:]
