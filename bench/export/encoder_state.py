"""What encoders have learned of the training rows, as plain data, and encoders from that: one pair of functions a kind.

Plain data are what JSON holds. Floats keep every bit: JSON writes the shortest text that reads as the same number.
To export another kind of encoder, add an entry to `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.data.features.category_encoders import CategoryEncoder, OneHotEncoder, TargetEncoder
from bench.data.features.encoder import Encoder
from bench.data.features.numeric_encoder import NumericEncoder, Standard
from bench.data.features.text_encoder import TextEncoder, TokenEncoder
from bench.export.errors import ExportError
from strategies.features import Field

Plain = dict[str, Any]


@dataclass(frozen=True)
class EncoderKind:
    """A kind of encoder: its class, what it has learned as plain data, and the encoder of such data."""

    cls: type[Any]
    dump: Callable[[Any], Plain]
    load: Callable[[Plain], Any]


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


def load_encoders(states: Sequence[Mapping[str, Any]]) -> list[Encoder]:
    """Encoders that do to new rows what those did that were written down.

    Raises:
        ExportError: a kind that this version does not know.
    """
    found: list[Encoder] = []
    for state in states:
        kind = KINDS.get(state["kind"])
        if kind is None:
            raise ExportError(
                f"model: expected encoders of the kinds {', '.join(KINDS)}, got {state['kind']!r}; use the version of "
                "imbench that wrote it"
            )
        found.append(kind.load(dict(state)))
    return found


def field_state(field: Field) -> Plain:
    """A field as plain data."""
    return {"name": field.name, "kind": field.kind, "sizes": list(field.sizes), "width": field.width}


def field_of(state: Mapping[str, Any]) -> Field:
    """The field of such data."""
    return Field(state["name"], state["kind"], tuple(state["sizes"]), state["width"])


_MEASURES = ("gaps", "fenced", "low", "high", "median", "size", "mean", "constant", "scale")


def _numeric_state(encoder: NumericEncoder) -> Plain:
    """Of each column its scale; infinite fences are null."""
    columns = []
    for name, standard in zip(encoder.columns, encoder.standards, strict=True):
        own = {measure: getattr(standard, measure) for measure in _MEASURES}
        finite = {m: (v if isinstance(v, bool) or math.isfinite(v) else None) for m, v in own.items()}
        columns.append({"name": name, **{m: bool(v) if isinstance(v, np.bool_) else v for m, v in finite.items()}})
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


KINDS: dict[str, EncoderKind] = {
    "numeric": EncoderKind(NumericEncoder, _numeric_state, _numeric),
    "categories": EncoderKind(CategoryEncoder, _category_state, _category),
    "one_hot": EncoderKind(
        OneHotEncoder, lambda e: _category_state(e.codes), lambda state: OneHotEncoder(_category(state))
    ),
    "target_shares": EncoderKind(TargetEncoder, _target_state, _target),
    "tf_idf": EncoderKind(TextEncoder, _text_state, _text),
    "tokens": EncoderKind(TokenEncoder, _token_state, _token),
}
