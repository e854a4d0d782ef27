"""What encoders have learned of the training rows, as plain data, and encoders from that: one pair of functions a kind.

Plain data are what JSON holds. Floats keep every bit: JSON writes the shortest text that reads as the same number.
To export another kind of encoder, add an entry to `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from bench.data.embeddings.folder import EncoderFolder
from bench.data.features.category_encoders import CategoryEncoder, OneHotEncoder, TargetEncoder
from bench.data.features.embedding_encoder import EmbeddingEncoder
from bench.data.features.encoder import Encoder
from bench.data.features.numeric_encoder import NumericEncoder
from bench.data.features.subword_encoder import SubwordEncoder
from bench.data.features.text_encoder import TextEncoder, TokenEncoder
from bench.data.tables.standard import Standard
from bench.export.errors import ExportError
from bench.export.text_encoder_folder import encoder_state
from strategies.features import Field

Plain = dict[str, Any]
Pretrained = Literal["tokens", "weights"]
FindEncoder = Callable[[Plain, bool], EncoderFolder]
"""From the state of a pretrained text encoder, and whether its weights are needed, to its folder."""


@dataclass(frozen=True)
class EncoderKind:
    """A kind of encoder: its class, what it has learned as plain data, and the encoder of such data.

    `pretrained`: what it needs of a pretrained text encoder, whose `EncoderFolder` `load` then finds as "encoder".
    """

    cls: type[Any]
    dump: Callable[[Any], Plain]
    load: Callable[[Plain], Any]
    pretrained: Pretrained | None = None


def dump_encoders(encoders: Sequence[Encoder]) -> list[Plain]:
    """The state of fitted encoders, in their order.

    Raises:
        ExportError: there is no way yet to write one of them down.
    """
    found = []
    for encoder in encoders:
        kind = next((name for name, known in KINDS.items() if type(encoder) is known.cls), None)
        if kind is None:
            raise ExportError(
                f"export: expected encoders of the kinds {', '.join(KINDS)}, got {type(encoder).__name__}, whose state "
                "nobody writes down yet; train without the option that asks for it"
            )
        found.append({"kind": kind, **KINDS[kind].dump(encoder)})
    return found


def pretrained_encoders(encoders: Sequence[Encoder]) -> dict[Pretrained, EncoderFolder]:
    """The pretrained text encoders that these need, by what they need of them."""
    needs = {kind.cls: kind.pretrained for kind in KINDS.values()}
    found = [(needs.get(type(encoder)), encoder) for encoder in encoders]
    return {need: cast(Any, encoder).folder for need, encoder in found if need is not None}


def named_with(encoders: Sequence[Encoder], *, copied: bool) -> Plain | None:
    """The pretrained text encoder of these by name, and how a model holds it; None where there is none."""
    found = pretrained_encoders(encoders)
    if not found:
        return None
    held = "trained" if "weights" not in found else "copied" if copied else "named"
    return {"name": next(iter(found.values())).name, "held": held}


def load_encoders(states: Sequence[Mapping[str, Any]], find: FindEncoder | None = None) -> list[Encoder]:
    """Encoders that do to new rows what those did that were written down; `find`: pretrained text encoders.

    Raises:
        ExportError: a kind that this version does not know, or a text encoder that is not there.
    """
    found: list[Encoder] = []
    for state in states:
        kind = KINDS.get(state["kind"])
        if kind is None:
            raise ExportError(
                f"model: expected encoders of the kinds {', '.join(KINDS)}, got {state['kind']!r}; use the version of "
                "imbench that wrote it"
            )
        own = dict(state)
        if kind.pretrained is not None:
            assert find is not None
            own["encoder"] = find(own["encoder"], kind.pretrained == "weights")
        found.append(kind.load(own))
    return found


def field_state(field: Field) -> Plain:
    """A field as plain data; of the folder whose tokens it holds, only that there is one."""
    own = {"name": field.name, "kind": field.kind, "sizes": list(field.sizes), "width": field.width}
    return {**own, "pretrained": True} if field.origin else own


def field_of(state: Mapping[str, Any], origin: str = "") -> Field:
    """The field of such data; `origin`: the folder of the pretrained encoder, for fields that hold its tokens."""
    folder = origin if state.get("pretrained") else ""
    return Field(state["name"], state["kind"], tuple(state["sizes"]), state["width"], folder)


_MEASURES = ("gaps", "fenced", "low", "high", "median", "size", "mean", "constant", "scale")


def _numeric_state(encoder: NumericEncoder) -> Plain:
    """Of each column its scale, and its quantiles where it has any; infinite fences are null."""
    columns = []
    for name, standard in zip(encoder.columns, encoder.standards, strict=True):
        own = {measure: getattr(standard, measure) for measure in _MEASURES}
        finite = {m: (v if isinstance(v, bool) or math.isfinite(v) else None) for m, v in own.items()}
        columns.append({"name": name, **{m: bool(v) if isinstance(v, np.bool_) else v for m, v in finite.items()}})
        if standard.knots is not None and standard.places is not None:
            columns[-1] |= {"knots": standard.knots.tolist(), "places": standard.places.tolist()}
    return {"missing": "kept" if encoder.kept else "imputed", "columns": columns}


def _numeric(state: Plain) -> NumericEncoder:
    made = NumericEncoder.__new__(NumericEncoder)
    made.columns, made.kept = tuple(c["name"] for c in state["columns"]), state["missing"] == "kept"
    made.standards = []
    for column in state["columns"]:
        standard = Standard.__new__(Standard)
        for measure in _MEASURES:
            setattr(standard, measure, column[measure])
        standard.low = -math.inf if column["low"] is None else column["low"]
        standard.high = math.inf if column["high"] is None else column["high"]
        if "knots" in column:
            standard.knots, standard.places = np.array(column["knots"]), np.array(column["places"])
        made.standards.append(standard)
    made.indicated = [i for i, standard in enumerate(made.standards) if standard.gaps and not made.kept]
    made.field = Field("numeric", "numeric", width=len(made.columns) + len(made.indicated))
    return made


def _category_state(encoder: CategoryEncoder) -> Plain:
    """Of each column its categories in the order of their codes, or its number of buckets."""
    known = {name: sorted(codes, key=codes.__getitem__) for name, codes in encoder.known.items()}
    return {"columns": list(encoder.columns), "known": known, "hashed": dict(encoder.hashed)}


def _category(state: Plain) -> CategoryEncoder:
    return CategoryEncoder.of_known(tuple(state["columns"]), state["known"], state["hashed"])


def _target_state(encoder: TargetEncoder) -> Plain:
    tables = {n: {c: shares.tolist() for c, shares in table.items()} for n, table in encoder.tables.items()}
    moments = {name: getattr(encoder, name).tolist() for name in ("overall", "mean", "scale")}
    return {"columns": list(encoder.columns), "n_classes": encoder.n_classes, "tables": tables, **moments}


def _target(state: Plain) -> TargetEncoder:
    tables = {n: {c: np.array(shares) for c, shares in table.items()} for n, table in state["tables"].items()}
    moments = {name: np.array(state[name]) for name in ("overall", "mean", "scale")}
    return TargetEncoder.of_shares(tuple(state["columns"]), state["n_classes"], tables, **moments)


def _text_state(encoder: TextEncoder) -> Plain:
    """Terms in the order of their numbers, with their inverse document frequencies."""
    vocabulary = encoder.vectorizer.vocabulary_
    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    return {
        "columns": list(encoder.columns),
        "cut_into": encoder.cut_into,
        "terms": terms,
        "idf": encoder.vectorizer.idf_.astype(np.float64).tolist(),
    }


def _text(state: Plain) -> TextEncoder:
    idf = np.array(state["idf"], dtype=np.float32)
    return TextEncoder.of_terms(tuple(state["columns"]), state["cut_into"], state["terms"], idf)


def _token_state(encoder: TokenEncoder) -> Plain:
    words = sorted(encoder.codes, key=encoder.codes.__getitem__)
    own = {"cut_into": encoder.cut_into, "words": words, "width": encoder.field.width}
    return {"columns": list(encoder.columns), **own}


def _token(state: Plain) -> TokenEncoder:
    return TokenEncoder.of_words(tuple(state["columns"]), state["cut_into"], state["words"], state["width"])


def _embedding_state(encoder: EmbeddingEncoder) -> Plain:
    """The encoder by name and digest; mean and scale of the training rows' vectors."""
    moments = {"mean": encoder.mean.astype(np.float64).tolist(), "scale": float(encoder.scale)}
    return {"columns": list(encoder.columns), "encoder": encoder_state(encoder.folder), **moments}


def _embedding(state: Plain) -> EmbeddingEncoder:
    mean = np.array(state["mean"], dtype=np.float32)
    return EmbeddingEncoder.of_moments(tuple(state["columns"]), state["encoder"], mean, state["scale"])


def _subword_state(encoder: SubwordEncoder) -> Plain:
    own = {"columns": list(encoder.columns), "width": encoder.field.width}
    return {**own, "encoder": encoder_state(encoder.folder)}


def _subwords(state: Plain) -> SubwordEncoder:
    return SubwordEncoder.of_width(tuple(state["columns"]), state["encoder"], state["width"])


KINDS: dict[str, EncoderKind] = {
    "numeric": EncoderKind(NumericEncoder, _numeric_state, _numeric),
    "categories": EncoderKind(CategoryEncoder, _category_state, _category),
    "one_hot": EncoderKind(
        OneHotEncoder, lambda e: _category_state(e.codes), lambda state: OneHotEncoder(_category(state))
    ),
    "target_shares": EncoderKind(TargetEncoder, _target_state, _target),
    "tf_idf": EncoderKind(TextEncoder, _text_state, _text),
    "tokens": EncoderKind(TokenEncoder, _token_state, _token),
    "embedding": EncoderKind(EmbeddingEncoder, _embedding_state, _embedding, "weights"),
    "subwords": EncoderKind(SubwordEncoder, _subword_state, _subwords, "tokens"),
}
