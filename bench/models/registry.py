"""Which models there are, and what each must offer: one of `build`, `build_stack` and `fit`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, cast, runtime_checkable

from strategies.model import Model, Takes, Watch
from strategies.registry import Registry, RegistryError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.models.parts.network import MemberSettings, Network
    from strategies.predictor import Predictor
    from strategies.spec import CosineHead, Field, LinearHead, Recipe, Strategy

MODELS: Registry[Model] = Registry("model", "bench.models", "imbench.models")


@runtime_checkable
class OrdinaryNetwork(Model, Protocol):
    """A network like any other: no member axis, no rules. One at a time on a CPU, by `torch.func` where that pays."""

    def build(self, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int) -> nn.Module:
        """A module with initial parameters, drawn from torch's global stream, which the harness has seeded.

        With `has_encoder` it maps Features of B rows to encodings (B, d), and the harness puts the head on them;
        else to logits (B, head.out or n_classes), or to (B, members, head.out or n_classes), an ensemble in one: each
        member has a loss on every row, and their probabilities are averaged.
        """
        ...


@runtime_checkable
class Pretrained(OrdinaryNetwork, Protocol):
    """A network that starts from weights which lie on the disk."""

    def to_fill(self) -> Model:
        """The same without reading these weights: for a module whose parameters are filled in afterwards."""
        ...


@runtime_checkable
class TokenReader(OrdinaryNetwork, Protocol):
    """A network over the tokens of a pretrained encoder, which can be asked which token it was that a batch hides.

    Its module has `table` (V, e), the table of tokens, and `states_width`; where a batch has the column MASKED
    (`strategies.features`), it gives the states (M, states_width) of these tokens, row by row, in place of encodings.
    """

    longest: int  # tokens of a text that it reads
    reads_tokens: ClassVar[bool]


@runtime_checkable
class StackableNetwork(Model, Protocol):
    """A network whose parameters have a leading axis of K members that never touch one another.

    The law is checked before the first stack is trained (`bench.models.parts.laws`): member k of K gives what it gives
    alone, and a row what it gives alone.
    """

    def build_stack(
        self, members: int, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int
    ) -> Network:
        """A network of K members; parameters are not initialised."""
        ...

    def stacks_with(self) -> Hashable:
        """What models must share to train as one stack: all that decides shapes."""
        ...

    def member_settings(self, n_classes: int, rows: int) -> MemberSettings:
        """The settings in which members of a stack may differ; `rows` is the number of training rows."""
        ...


Honoured = Literal["weight", "sampler", "loss", "offset", "steer"]
"""What of a recipe an estimator may say that it honours; networks honour all of it, and more."""


@runtime_checkable
class Estimator(Model, Protocol):
    """A model that trains itself, such as trees. It honours what `honours` names; all else is refused with the reason.

    `budget` names the keys of `train` that mean something to it: the others are no part of its run key.
    """

    honours: ClassVar[frozenset[Honoured]]
    budget: ClassVar[frozenset[str]]

    def fit(self, recipe: Recipe, watch: Watch) -> Predictor:
        """Train on `recipe.train`, report validation scores to `watch`, and stop when that says so.

        The predictor's `cost` counts steps (trees, iterations); what else a record holds of costs the harness adds.
        """
        ...


@runtime_checkable
class Portable(Estimator, Protocol):
    """An estimator whose predictors can be written down without pickle: as named tensors and texts."""

    def to_parts(self, predictor: Predictor) -> Mapping[str, Tensor | str]:
        """What the predictor that `fit` returned is made of, its prior aside; texts become files of their own."""
        ...

    def from_parts(self, parts: Mapping[str, Tensor | str], prior: Tensor, *, prior_exact: bool) -> Predictor:
        """The same predictor again."""
        ...


def kind(model: type[Model] | Model) -> Literal["ordinary", "stackable", "estimator"]:
    """How a model is trained, by the one method of three that it has.

    Raises:
        RegistryError: it has none of them, or several.
    """
    kinds: dict[str, Literal["ordinary", "stackable", "estimator"]]
    kinds = {"build": "ordinary", "build_stack": "stackable", "fit": "estimator"}
    found = [name for name in kinds if callable(getattr(model, name, None))]
    if len(found) != 1:
        raise RegistryError(
            f"model {getattr(model, 'name', model)!r}: expected one method of build (a network), build_stack (networks "
            f"with a leading member axis) and fit (an estimator), got {' and '.join(found) or 'none'}"
        )
    return kinds[found[0]]


def takes(model: type[Model] | Model) -> Takes:
    """What a model is given of the data; what every model once was, where it does not say."""
    return cast(Takes, getattr(model, "takes", Takes()))


def train_keys(model: type[Model] | Model) -> frozenset[str] | None:
    """The keys of `train` that mean something to a model; None: all of them, as to every network."""
    return cast(Estimator, model).budget if kind(model) == "estimator" else None


def refusal(model: type[Model] | Model, strategy: Strategy) -> str:
    """Why a strategy cannot be used with a model, as far as both say; empty where nothing speaks against it."""
    if strategy.needs_encoder and not model.has_encoder:
        return f"works on a learned representation, and model {model.name!r} has none; use model=mlp"
    if strategy.needs_tokens and not getattr(model, "reads_tokens", False):
        return f"works on the tokens of an encoder, and model {model.name!r} reads none; use model=text_transformer"
    if strategy.moves_embeddings and not getattr(model, "embeds", False):
        return f"moves the embeddings of rows, and model {model.name!r} has none; use model=mlp or text_transformer"
    if kind(model) == "estimator":
        missing = sorted(strategy.owns - cast(Estimator, model).honours)
        if missing:
            return f"sets the {' and the '.join(missing)}, which model {model.name!r} cannot honour; use model=mlp"
        if strategy.in_batches:
            return f"{strategy.in_batches}, and model {model.name!r} has no batches; use model=mlp"
    return ""
