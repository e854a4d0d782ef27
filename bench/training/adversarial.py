"""Adversarial steps: each row's loss once as it is, and once where its embedding is moved for the worse."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from bench.models.parts.embedding_place import EmbeddingPlace
from bench.models.parts.network import Network
from strategies.spec import Inapplicable


class AdversarialSteps:
    """The gradients of half the loss as it is and half the loss after the move (Miyato et al. 2017, eq. 1-4, 7).

    Half of each, so that penalties and the optimiser's constants mean what they mean for one loss. The move follows the
    gradient of the first pass and is a constant in the second; each pass draws dropout of its own.
    """

    def __init__(self, network: Network, shares: Tensor) -> None:
        """shares: (K,), how far each member's rows are moved, in lengths of their embeddings.

        Raises:
            Inapplicable: the network does not say where it embeds its rows.
        """
        self.places = [module for module in network.modules() if isinstance(module, EmbeddingPlace)]
        self.shares = shares
        if not self.places:
            raise Inapplicable("adversarial training moves the embeddings of rows, and this model has none")

    def backward(self, loss: Callable[[], Tensor], penalty: Tensor | float) -> None:
        """Leave the gradients of both passes, and of the penalty, with the parameters."""
        try:
            for place in self.places:
                place.noted = []
            (penalty + loss() / 2).backward()  # type: ignore[no-untyped-call]
            for place in self.places:
                place.aim(self.shares)
            (loss() / 2).backward()  # type: ignore[no-untyped-call]
        finally:
            for place in self.places:
                place.rest()
