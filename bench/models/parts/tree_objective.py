"""A recipe's loss as trees need it: gradient and diagonal of the Hessian per row, and the constant to start from.

Two classes have one score z, which stands for the logits (0, z): one tree a round instead of two. More have a score
each, and the Hessian's diagonal times K/(K-1), as the scores of a row may all be shifted (Friedman 2001, algorithm 6).

Losses of the true class's probability alone say in closed form how they change with its logarithm
(`in_log_p`, see `strategies.recipe.CrossEntropy`); of the others torch finds both derivatives. A Hessian that may be
negative, as focal's is for rare classes, is no curvature to divide by: h = max(|h|, .05 |g|) then, which bounds a
leaf's step at 20 whatever the scale of the loss. Closed forms of such losses are in float32, LightGBM's own type.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from torch.nn.functional import one_hot

if TYPE_CHECKING:
    from torch import Tensor

    from strategies.spec import Loss, Recipe

_FLOOR = 0.05  # of the gradient
_ROWS = 1 << 15  # at a time: what is computed of them stays in the second cache
_LEAST_SLOPE = 1e-12  # of a loss at the guess of its best constant: below it, that is the guess


@runtime_checkable
class OfTrueClass(Protocol):
    """A loss that depends on nothing but p_t, the probability of the true class."""

    def in_log_p(self, p: Tensor, q: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """First and second derivative in log p_t where p_t is `p` and 1 - p_t is `q`, each exact where it is small.

        Numbers where they are constant: if the second is not negative, the loss is convex in the logits.
        """
        ...


class Objective:
    """The loss of a recipe on scores (n,) of two classes or (n, K) of more.

    start: the logits (C,) of no tree; scores: how many a row has. Derivatives are divided by the power of two nearest
    to the loss's scale, where cross entropy's is 1, and `scale` is what is left of it.
    """

    def __init__(self, recipe: Recipe, mass: Tensor) -> None:
        offset = torch.tensor(recipe.offset or (0.0,) * recipe.train.n_classes, dtype=torch.float64)
        self.loss, self.convex, self.y = recipe.loss, convex(recipe.loss), recipe.train.y
        best = best_constant(recipe.loss, mass, offset)
        at_zero = not recipe.prior_bias and recipe.offset is None  # an offset may stand in for the prior: `best` knows
        self.start = torch.zeros_like(offset) if at_zero else best
        self.classes = len(offset)
        self.scores = 1 if self.classes == 2 else self.classes
        self.added = self.start + offset  # an offset is there in training only
        if self.classes == 2:
            self.added = self.added[1] - self.added[0]
        self.labels = self.as_labels(self.y)
        scale = self.scale_at(best + offset, mass.double().clamp_min(0.5))
        self.unit = 2.0 ** round(math.log2(scale))
        self.scale = scale / self.unit

    def as_labels(self, y: Tensor) -> Tensor:
        """Classes, or for the closed form of two their signs: -1 and 1."""
        signs = self.classes == 2 and isinstance(self.loss, OfTrueClass)
        return (y * 2 - 1).to(torch.float64 if self.convex else torch.float32) if signs else y

    def scale_at(self, logits: Tensor, mass: Tensor) -> float:
        """The mean Hessian of the loss at constant logits, over that of cross entropy at its own: 1 for the latter."""
        share, y = mass / mass.sum(), torch.arange(self.classes)
        z = logits.expand(self.classes, -1)
        _, h = self.derivatives(z[:, 1] - z[:, 0] if self.classes == 2 else z, self.as_labels(y))
        ours = float((h.view(self.classes, -1).mean(1) * share).sum())
        theirs = float((share * (1 - share)).mean()) * (1 if self.classes == 2 else self.classes / (self.classes - 1))
        return ours / theirs if math.isfinite(ours) and ours > 0 else 1.0

    def __call__(
        self, scores: npt.NDArray[np.float64], rows: Tensor | None, weight: Tensor | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Gradient and Hessian, shaped as the scores, of training rows (None: all) with these weights (None: ones)."""
        z = torch.from_numpy(scores)
        found = [torch.empty(z.shape, dtype=torch.float32) for _ in range(2)]
        labels = self.labels if rows is None else self.labels[rows]
        for at in range(0, len(z), _ROWS):
            part = slice(at, at + _ROWS)
            both = self.derivatives(z[part] + self.added, labels[part])
            for whole, values in zip(found, both, strict=True):
                if weight is not None:
                    torch.mul(values, weight[part].view(-1, *[1] * (z.dim() - 1)) / self.unit, out=whole[part])
                else:
                    torch.mul(values, 1 / self.unit, out=whole[part])
        return found[0].numpy(), found[1].numpy()

    def derivatives(self, z: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and Hessian of scores to which start and offset were added; labels: classes, or signs of two."""
        if not isinstance(self.loss, OfTrueClass):
            return self.by_autograd(z, labels)
        return self.of_margins(self.loss, z, labels) if z.dim() == 1 else self.of_scores(self.loss, z, labels)

    def of_margins(self, loss: OfTrueClass, z: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
        """Closed form for two classes: p_t is the logistic function of the true class's margin.

        In place where a value is not needed again: that takes a fifth off, and is the same to the bit.
        """
        margin = z * sign if self.convex else z.float().mul_(sign)
        p, q = margin.sigmoid(), _above_zero(margin.neg_().sigmoid_())
        first, second = loss.in_log_p(p, q)
        g, h = first * q, (second * q).sub_(p.mul_(first)).mul_(q)
        return g.mul_(sign), h if self.convex else floored(g, h)

    def of_scores(self, loss: OfTrueClass, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Closed form for several classes."""
        p, true = z.softmax(1), one_hot(y, self.classes).bool()
        q = _above_zero(p.masked_fill(true, 0).sum(1, keepdim=True))
        first, second = loss.in_log_p(p[true].unsqueeze(1), q)
        slope = torch.where(true, q, -p)  # of log p_t in each logit
        g = first * slope
        h = second * slope**2 - first * p * torch.where(true, q, 1 - p)
        h = h if self.convex else floored(g, h)
        return g, h * (self.classes / (self.classes - 1))

    def by_autograd(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Both derivatives of any loss, by differentiating twice."""
        logits = torch.stack([torch.zeros_like(z), z], 1) if z.dim() == 1 else z.clone()
        columns = [1] if z.dim() == 1 else range(self.classes)
        with torch.enable_grad():
            logits.requires_grad_()
            value = self.loss(logits.unsqueeze(0), y.unsqueeze(0)).sum()
            (g,) = torch.autograd.grad(value, logits, create_graph=True)
            h = torch.stack([_second_derivative(g, logits, c) for c in columns], 1)
        g = g.detach()[:, list(columns)]
        h = floored(g, h)
        return (g[:, 0], h[:, 0]) if z.dim() == 1 else (g, h * (self.classes / (self.classes - 1)))

    def logits(self, scores: npt.NDArray[np.float64]) -> Tensor:
        """Logits (n, C) that scores stand for, float64: the start added, no offset."""
        return logits_of(scores, self.start)


def logits_of(scores: npt.NDArray[np.float64], start: Tensor) -> Tensor:
    """Logits (n, C) of the scores of trees that started from `start` (C,)."""
    z = torch.from_numpy(np.array(scores))
    if z.dim() == 1:
        z = z + (start[1] - start[0])
        return torch.stack([torch.zeros_like(z), z], 1)
    return z + start


def floored(g: Tensor, h: Tensor) -> Tensor:
    """|h|, and at least a share of |g|; in the place of h."""
    return torch.maximum(h.abs_(), g.abs().mul_(_FLOOR), out=h)


def _second_derivative(g: Tensor, logits: Tensor, column: int) -> Tensor:
    """Of one entry of the gradient in its own logit, (n,); zero of a loss that is linear."""
    if not g.requires_grad:
        return torch.zeros(len(g), dtype=g.dtype)
    (h,) = torch.autograd.grad(g[:, column].sum(), logits, retain_graph=True, materialize_grads=True)
    return h[:, column].detach()


def _above_zero(q: Tensor) -> Tensor:
    """The probability of the other classes, which formulas divide by; in its place."""
    return q.clamp_min_(torch.finfo(q.dtype).tiny)


def convex(loss: Loss) -> bool:
    """Whether a loss says that it is convex in the logits: its second derivative in log p_t a number, not negative."""
    half = torch.tensor([0.5])
    second = loss.in_log_p(half, half)[1] if isinstance(loss, OfTrueClass) else math.nan
    return isinstance(second, int | float) and second >= 0


def best_constant(loss: Loss, mass: Tensor, offset: Tensor) -> Tensor:
    """The logits (C,) float64, mean 0, of the least loss on rows with this mass per class, if all had the same.

    Of cross entropy the log prior less the offset, where the search for others begins. A class without rows counts as
    half a row.
    """
    mass = mass.double().clamp_min(0.5)
    share, y = mass / mass.sum(), torch.arange(len(mass))

    def slope(z: Tensor) -> tuple[Tensor, Tensor]:
        """The loss and its gradient."""
        with torch.enable_grad():
            z = z.detach().clone().requires_grad_()
            value = (loss((z + offset).expand(1, len(y), len(y)), y.unsqueeze(0))[0] * share).sum()
            return value.detach(), torch.autograd.grad(value, z)[0]

    guess = share.log() - offset
    guess = guess - guess.mean()
    steep = float(slope(guess)[1].abs().max())
    if not _LEAST_SLOPE < steep < math.inf:
        return guess
    scale = 2.0 ** -round(math.log2(steep))  # so that the search is the same for a loss of any scale

    def scaled(z: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        value, gradient = slope(torch.from_numpy(z.copy()))
        return float(value) * scale, gradient.numpy() * scale

    # scipy's search, as torch.optim loads torch's compiler: seconds for a fit of milliseconds.
    with np.errstate(all="ignore"):  # a loss without a least value sends it far away
        found = torch.from_numpy(minimize(scaled, guess.numpy(), jac=True, method="BFGS", options={"gtol": 1e-9}).x)
    found = found - found.mean()
    return found if bool(found.isfinite().all()) and bool(slope(found)[0] <= slope(guess)[0]) else guess
