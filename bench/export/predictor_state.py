"""Trained predictors as plain data, tensors and texts, and predictors from these. Nothing is pickled.

A predictor is a tree: a network or an estimator at the leaves; averages (`Mean`) and what changes logits above them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch

from bench.config import read_model
from bench.export.encoder_state import Plain, field_of, field_state
from bench.export.errors import ExportError
from bench.models.registry import Portable, kind
from bench.training.estimators import FittedEstimator
from bench.training.predictor import Architecture, Fitted
from strategies.features import Field
from strategies.parts.relabelled import Coarsened
from strategies.predictor import Cost, Costed, Mean, Predictor, Shifted
from strategies.spec import CosineHead, LinearHead
from strategies.tau_norm import Normalised

if TYPE_CHECKING:
    from torch import Tensor

    from strategies.model import Model

_DERIVED: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "shifted": (Shifted, ("delta",)),
    "normalised": (Normalised, ("factors", "bias", "prior")),
    "coarsened": (Coarsened, ("coarse",)),
}
"""What is made of one other predictor: its class, and the tensors that make it of that one, in this order."""
_HEADS = {"linear": LinearHead, "cosine": CosineHead}


@dataclass
class Parts:
    """What a predictor is made of, each under a name of its own; `encoder`: folder of the tokens that it reads."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    encoder: str = ""


def dump_predictor(predictor: Predictor, model: Model, parts: Parts, name: str = "model") -> Plain:
    """A predictor of a cell with this model as plain data; its tensors and texts go into `parts`, under `name`.

    Raises:
        ExportError: nobody knows how to write it down.
    """
    match predictor:
        case FittedEstimator():
            return _estimator_state(predictor, model, parts, name)
        case Costed():
            return dump_predictor(predictor.base, model, parts, name)
        case Shifted() | Normalised() | Coarsened():
            kind, held = next((kind, held) for kind, (cls, held) in _DERIVED.items() if isinstance(predictor, cls))
            parts.tensors |= {f"{name}.{own}": getattr(predictor, own) for own in held}
            return {"kind": kind, "name": name, "base": dump_predictor(predictor.base, model, parts, f"{name}.0")}
        case Mean():
            members = [dump_predictor(p, model, parts, f"{name}.{i}") for i, p in enumerate(predictor.parts)]
            return {"kind": "mean", "members": members}
        case Fitted():
            return _network_state(predictor, parts, name)
    raise ExportError(
        "export: expected a network, an estimator, or what the strategies here make of such, got "
        f"{type(predictor).__name__}, which a strategy of your own made; return one of these from it"
    )


def load_predictor(state: Mapping[str, Any], parts: Parts) -> Predictor:
    """The predictor of such data.

    Raises:
        ExportError: a part is missing, or a kind or model that this version does not know.
    """
    try:
        match state["kind"]:
            case "shifted" | "normalised" | "coarsened":
                cls, held = _DERIVED[state["kind"]]
                own = [parts.tensors[f"{state['name']}.{part}"] for part in held]
                found: Predictor = cls(load_predictor(state["base"], parts), *own)
                return found
            case "mean":
                return Mean(tuple(load_predictor(member, parts) for member in state["members"]))
            case "network":
                return _network(state, parts)
            case "estimator":
                return _estimator(state, parts)
    except KeyError as error:
        raise ExportError(f"model: expected its part {error}, got none; export it anew") from None
    raise ExportError(f"model: expected a kind of predictor that is known here, got {state['kind']!r}; update imbench")


def _model_state(model: Model) -> Plain:
    """Name, version and hyperparameters of a model."""
    return {"name": model.name, "version": model.version, "settings": asdict(cast(Any, model))}


def _model_of(state: Mapping[str, Any]) -> Model:
    """The model of such data.

    Raises:
        ExportError: it is of another version, which does other things with the same weights.
    """
    model = read_model({"name": state["name"], **state["settings"]})
    if model.version != state["version"]:
        raise ExportError(
            f"model {model.name}: expected version {model.version}, which is installed, got weights of version "
            f"{state['version']}; use the version of imbench that wrote them, or export anew"
        )
    return model


def _prior_state(predictor: Predictor, parts: Parts, name: str) -> Plain:
    parts.tensors[f"{name}.prior"] = predictor.prior
    return {"name": name, "prior_exact": bool(predictor.prior_exact)}


def _network_state(fitted: Fitted, parts: Parts, name: str) -> Plain:
    """A network: its architecture, and its parameters under their own names."""
    made = fitted.architecture
    parts.tensors |= {f"{name}.state.{path}": value for path, value in fitted.state.items()}
    head = {"kind": "cosine" if isinstance(made.head, CosineHead) else "linear", **asdict(made.head)}
    return {
        "kind": "network",
        **_prior_state(fitted, parts, name),
        "model": _model_state(made.model),
        "head": head,
        "n_classes": made.n_classes,
        "schema": [field_state(f) for f in made.schema],
        "resolved": _resolved(made.model, made.schema),
    }


def _resolved(model: Model, schema: tuple[Field, ...]) -> Plain:
    """What a model's defaults come to here, the package that it is from included; empty where it does not say."""
    found = getattr(model, "resolved", None)
    return {} if found is None else cast(Plain, found(schema))


def _network(state: Mapping[str, Any], parts: Parts) -> Fitted:
    head = dict(state["head"])
    made = Architecture(
        _model_of(state["model"]),
        tuple(field_of(f, parts.encoder) for f in state["schema"]),
        _HEADS[head.pop("kind")](**head),
        state["n_classes"],
    )
    here, trained = _resolved(made.model, made.schema), state.get("resolved")
    if trained is not None and here != trained:
        raise ExportError(
            f"model {made.model.name}: expected {trained}, with which it was trained, got {here}; install what it was "
            "trained with, or export anew"
        )
    prefix = f"{state['name']}.state."
    return Fitted(
        architecture=made,
        state={path.removeprefix(prefix): v for path, v in parts.tensors.items() if path.startswith(prefix)},
        prior=parts.tensors[f"{state['name']}.prior"],
        prior_exact=state["prior_exact"],
        cost=Cost(),
        device=torch.device("cpu"),
    )


def _estimator_state(fitted: FittedEstimator, model: Model, parts: Parts, name: str) -> Plain:
    """An estimator: what it says that it is made of."""
    if not isinstance(model, Portable):
        raise ExportError(
            f"model {model.name}: expected an estimator that can be written down, got one without `to_parts` and "
            '`from_parts` (CONTRIBUTING, "Add a model"); give it these'
        )
    own = model.to_parts(fitted.base)
    parts.tensors |= {f"{name}.{part}": value for part, value in own.items() if not isinstance(value, str)}
    parts.texts |= {f"{name}.{part}": value for part, value in own.items() if isinstance(value, str)}
    held = {"model": _model_state(model), "parts": sorted(own)}
    return {"kind": "estimator", **_prior_state(fitted, parts, name), **held}


def _estimator(state: Mapping[str, Any], parts: Parts) -> Predictor:
    model, name = _model_of(state["model"]), state["name"]
    if not isinstance(model, Portable):
        raise ExportError(f"model {model.name}: expected an estimator, got a {kind(model)} network; update imbench")
    both: dict[str, Tensor | str] = {**parts.tensors, **parts.texts}
    own = {part: both[f"{name}.{part}"] for part in state["parts"]}
    return model.from_parts(own, parts.tensors[f"{name}.prior"], prior_exact=state["prior_exact"])
