"""From a model to its network, whichever way the model offers it."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import cast

from bench.models.parts.network import MemberSettings, Network, made_head
from bench.models.parts.ordinary import Ordinary
from bench.models.registry import OrdinaryNetwork, StackableNetwork, TokenReader
from strategies.spec import CosineHead, Field, Head, Inapplicable, LinearHead, Model, TokenHead


def build_network(model: Model, members: int, schema: tuple[Field, ...], head: Head, n_classes: int) -> Network:
    """A network of K members, not initialised; an ordinary module's head is put on its encoding here.

    Raises:
        TypeError: the model is no network.
        ValueError: its module does not give what it should.
        Inapplicable: the head needs an encoding, or tokens, and the model has none.
    """
    if isinstance(head, TokenHead):
        return _build_token_network(model, members, schema, n_classes)
    if isinstance(model, StackableNetwork):
        return model.build_stack(members, schema, head, n_classes)
    if not isinstance(model, OrdinaryNetwork):
        raise TypeError(f"model {model.name!r}: expected a network, got an estimator, which trains itself")
    made = Ordinary(members, partial(model.build, schema, head, n_classes), f"model {model.name}")
    width, outputs = made.width(schema), head.out or n_classes
    if model.has_encoder and made.ensemble:
        raise ValueError(
            f"model {model.name}: expected encodings (rows, width) of a module with has_encoder, got three axes; an "
            "ensemble in one gives logits (rows, members, classes) and has has_encoder = False"
        )
    if model.has_encoder:
        return Network(made, made_head(members, width, head, n_classes))
    if isinstance(head, CosineHead):
        raise Inapplicable(f"model {model.name} has no encoding to compare by cosine; use model=mlp")
    if width != outputs:
        raise ValueError(
            f"model {model.name}: expected {outputs} logits a row, got {width}; give head.out or n_classes outputs, or "
            "set has_encoder = True to have a head put on them"
        )
    return Network(None, made)


def _build_token_network(model: Model, members: int, schema: tuple[Field, ...], n_classes: int) -> Network:
    """A network that guesses masked tokens: one at a time, as all that reads tokens."""
    if members > 1 or not isinstance(model, TokenReader):
        raise Inapplicable(
            f"model {model.name}: expected one model that reads the tokens of an encoder, got {members} of this kind; "
            "use model=text_transformer"
        )
    from bench.models.parts.token_head import TokenNetwork  # noqa: PLC0415 - needed by few

    made = Ordinary(1, partial(model.build, schema, LinearHead(), n_classes), f"model {model.name}")
    return TokenNetwork(made, cast(int, made.module.states_width))


def stacks_with(model: Model) -> Hashable:
    """What models must share to train as one stack; of an ordinary module everything."""
    return model.stacks_with() if isinstance(model, StackableNetwork) else cast(Hashable, model)


def member_settings(model: Model, n_classes: int, rows: int) -> MemberSettings:
    """The settings in which members of a stack may differ; of ordinary modules there are none."""
    return model.member_settings(n_classes, rows) if isinstance(model, StackableNetwork) else MemberSettings()
