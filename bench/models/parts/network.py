"""K models as one module: an optional encoder and a head, each initialised from its own random streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.models.parts.layers import Affine, Dropout, FieldSum, Layer
from strategies.spec import Features, Field, LinearHead, Recipe


@dataclass(frozen=True)
class Numbers:
    """Hyperparameters of a network in which the members of a stack may differ."""

    dropout: float = 0.0
    penalty: float = 0.0  # rate of ½‖weights‖²


class Network(nn.Module):
    """encoder: Features -> (K, B, d); head: what the encoder gives (without one, the features) -> (K, B, outputs)."""

    def __init__(self, encoder: nn.Module | None, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.half_rates: Tensor | None = None  # (K,) float64, half of each member's penalty; None: no penalty

    def forward(self, x: Features) -> Tensor:
        out: Tensor = self.head(x if self.encoder is None else self.encoder(x))
        return out

    def penalty(self) -> Tensor | float:
        """½ · rate · ‖weights‖² summed over members, intercepts left out (as scikit-learn's L2)."""
        if self.half_rates is None:
            return 0.0
        weights = [p for name, p in self.named_parameters() if not name.endswith("bias")]
        norms = torch.stack([(p**2).sum((1, 2)) for p in weights]).sum(0)
        return (norms * self.half_rates.to(norms.dtype)).sum()

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
            for name, value in initial_state(recipe).items():
                if name.startswith("encoder.") or recipe.keep_head:
                    own[name].data[k] = value[0]

    def members(
        self, numbers: Sequence[Numbers], streams: Sequence[torch.Generator], share: tuple[int, int] = (0, 1)
    ) -> None:
        """Give each member its numbers and its stream of dropout noise; `share`: rank and number of ranks."""
        like = next(self.parameters())
        penalties = torch.tensor([0.5 * n.penalty for n in numbers], dtype=torch.float64, device=like.device)
        self.half_rates = penalties if any(n.penalty for n in numbers) else None
        for module in self.modules():
            if isinstance(module, Dropout):
                module.members([n.dropout for n in numbers], streams, share, like)


def initial_state(recipe: Recipe) -> dict[str, Tensor]:
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


class Hidden(nn.Module):
    """The encoding of `mlp`: linear embeddings, and hidden layers on top of them laid beside.

    The direct path keeps the model at least a factorised linear one: on text, hidden layers alone lose.
    """

    def __init__(
        self, members: int, base: nn.Module, width: int, hidden: Sequence[int], dropout: float, *,
        beside: nn.Module | None = None,
    ) -> None:  # fmt: skip
        """`beside`: another map of the features, added to the base's."""
        super().__init__()
        self.base = base
        self.beside = beside
        layers: list[nn.Module] = []
        for size in hidden:
            # The base's output is needed once more, beside the layers; what follows is nobody else's.
            layers += [nn.ReLU(inplace=bool(layers)), Dropout(dropout), Affine(members, width, size)]
            width = size
        self.layers = nn.Sequential(*layers, nn.ReLU(inplace=True)) if layers else None
        self.dropout = Dropout(dropout)

    def forward(self, x: Features) -> Tensor:
        h: Tensor = self.base(x)
        if self.beside is not None:
            h = h + self.beside(x)
        out = h if self.layers is None else torch.cat([h, self.layers(h)], -1)
        dropped: Tensor = self.dropout(out)
        return dropped


class LinearLogits(nn.Module):
    """The network of a linear model: Features -> (K, B, C), weights starting at zero."""

    def __init__(self, members: int, schema: tuple[Field, ...], outputs: int) -> None:
        super().__init__()
        self.sum = FieldSum(members, schema, outputs, spread=0.0)
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Features) -> Tensor:
        out: Tensor = self.sum(x) + self.bias
        return out
