"""K models as one module: an optional encoder and a head, each initialised from its own random streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.models.parts.layers import Affine, Cosine, Dropout, Layer
from bench.models.parts.ordinary import Ordinary
from strategies.spec import CosineHead, Features, LinearHead, Recipe


@dataclass(frozen=True)
class MemberSettings:
    """Hyperparameters of a network in which the members of a stack may differ."""

    dropout: float = 0.0
    penalty: float = 0.0  # rate of ½‖weights‖²
    lasso: float = 0.0  # rate of ‖weights‖₁


class Network(nn.Module):
    """encoder: Features -> (K, B, d); head: what the encoder gives (without one, the features) -> (K, B, outputs)."""

    def __init__(self, encoder: nn.Module | None, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.half_rates: Tensor | None = None  # (K,) float64, half of each member's penalty; None: no penalty
        self.lasso_rates: Tensor | None = None  # (K,) float64; None: no member has any

    @property
    def recordable(self) -> bool:
        """Whether a CUDA graph can hold its steps: it draws noise only from the generators that it was assigned."""
        return not any(isinstance(module, Ordinary) for module in self.modules())

    def forward(self, x: Features) -> Tensor:
        out: Tensor = self.head(x if self.encoder is None else self.encoder(x))
        return out

    def penalty(self) -> Tensor | float:
        """½ · rate · ‖weights‖² and rate · ‖weights‖₁ summed over members, intercepts left out (as scikit-learn's)."""
        total: Tensor | float = 0.0
        if self.half_rates is None and self.lasso_rates is None:
            return total
        weights = [p for name, p in self.named_parameters() if not name.endswith("bias")]
        if self.half_rates is not None:
            norms = torch.stack([(p**2).sum((1, 2)) for p in weights]).sum(0)
            total = (norms * self.half_rates.to(norms.dtype)).sum()
        if self.lasso_rates is not None:
            sizes = torch.stack([p.abs().sum((1, 2)) for p in weights]).sum(0)
            total = total + (sizes * self.lasso_rates.to(sizes.dtype)).sum()
        return total

    def start(self, k: int, recipe: Recipe, prior: Tensor) -> None:
        """Initialise member k: from its streams, then from `recipe.init`, the head's bias at the log prior."""
        for part in ("encoder", "head"):
            generator = recipe.generator(part)
            for module in getattr(self, part).modules() if getattr(self, part) is not None else ():
                if isinstance(module, Layer):
                    module.reset(k, generator)
                    module.fit(k, recipe.train.x)
        bias = getattr(self.head, "bias", None)
        if recipe.prior_bias and bias is not None and isinstance(recipe.head, LinearHead) and recipe.head.out is None:
            bias.data[k] = prior.clamp_min(1e-6).log().to(bias.dtype)
        if recipe.init is not None:
            own = self.state_dict(keep_vars=True)
            for name, value in _initial_state(recipe).items():
                if name.startswith("encoder.") or recipe.keep_head:
                    own[name].data[k] = value[0]

    def keep(self, members: Sequence[int]) -> None:
        """Drop all other members. Every entry of the state has the member axis, buffers included."""
        for value in self.state_dict(keep_vars=True).values():
            value.data = value.data[list(members)].contiguous()

    def assign(
        self, settings: Sequence[MemberSettings], streams: Sequence[torch.Generator], share: tuple[int, int] = (0, 1)
    ) -> None:
        """Give each member its settings and its stream of dropout noise; `share`: rank and number of ranks."""
        like = next(self.parameters())
        penalties = torch.tensor([0.5 * s.penalty for s in settings], dtype=torch.float64, device=like.device)
        self.half_rates = penalties if any(s.penalty for s in settings) else None
        lasso = torch.tensor([s.lasso for s in settings], dtype=torch.float64, device=like.device)
        self.lasso_rates = lasso if any(s.lasso for s in settings) else None
        for module in self.modules():
            if isinstance(module, Dropout):
                module.assign([s.dropout for s in settings], streams, share, like)
            elif isinstance(module, Ordinary):
                module.streams = streams


def _initial_state(recipe: Recipe) -> dict[str, Tensor]:
    """The parameters of `recipe.init`, looked up through any wrapper.

    Raises:
        TypeError: the initial predictor has no parameters (an average of models, say).
    """
    found = recipe.init
    while found is not None and not hasattr(found, "state"):
        found = getattr(found, "base", None)
    if found is None:
        raise TypeError("init: expected a predictor that is one trained model, got a combination of several")
    state: dict[str, Tensor] = found.state
    return state


def made_head(members: int, width: int, head: LinearHead | CosineHead, n_classes: int) -> Layer:
    """The head that a recipe specifies, over encodings (K, B, width)."""
    outputs = head.out or n_classes
    if isinstance(head, CosineHead):
        return Cosine(members, width, outputs, head.scale)
    return Affine(members, width, outputs)
