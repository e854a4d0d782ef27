"""Where a network's rows are embedded: adversarial training moves them there (`bench.training.adversarial`)."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - the name that torch users know
from torch import Tensor, nn


class EmbeddingPlace(nn.Module):
    """What comes in goes out, except in the two passes of an adversarial step: noted in one, moved in the other.

    `row_axes`: how many of the first axes say which row an embedding is of; all others are the row's own.
    """

    def __init__(self, row_axes: int) -> None:
        super().__init__()
        self.row_axes = row_axes
        self.noted: list[Tensor] | None = None
        self.shifts: list[Tensor] = []

    def forward(self, h: Tensor) -> Tensor:
        if self.shifts:
            return h + self.shifts.pop(0)
        if self.noted is not None:
            h = h if h.requires_grad else h.detach().requires_grad_()  # a frozen encoder's
            h.retain_grad()
            self.noted.append(h)
        return h

    def aim(self, share: Tensor) -> None:
        """From here on the embeddings that were noted, in their order, are moved; share: (K,), a member's each."""
        noted, self.noted = self.noted or [], None
        self.shifts = [worst_shift(h.detach(), h.grad, share, self.row_axes) for h in noted if h.grad is not None]

    def rest(self) -> None:
        """What comes in goes out again."""
        self.noted, self.shifts = None, []


def worst_shift(h: Tensor, grad: Tensor, share: Tensor, row_axes: int) -> Tensor:
    """Along the gradient, row by row: `share` (K,) times the length of the row's own embedding h, shaped like h.

    Padding has no gradient, and does not count towards the length. A row whose loss has no gradient stays.
    """
    there = grad.ne(0).any(-1, keepdim=True)
    g, own = grad.flatten(row_axes), (h * there).flatten(row_axes)
    largest = g.abs().amax(-1, keepdim=True)  # squares of small gradients would vanish
    direction = F.normalize(g / largest.where(largest > 0, 1), dim=-1)
    length = own.norm(dim=-1, keepdim=True) * share.to(h).view(-1, *(1,) * (g.dim() - 1))
    shift: Tensor = (length * direction).view(h.shape)
    return shift
