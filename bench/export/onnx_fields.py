"""Encoders in ONNX: from the columns of a table, as they are typed, to the fields of features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.data.features.category_encoders import MISSING, UNKNOWN, CategoryEncoder, TargetEncoder
from bench.data.features.encoder import Encoder
from bench.data.features.numeric_encoder import NumericEncoder
from bench.data.tables.standard import FARTHEST
from bench.export.onnx_graph import Graph, no_form


def field_in(graph: Graph, encoder: Encoder) -> str:
    """What an encoder makes of its columns.

    Raises:
        ExportError: it has no form in ONNX here.
    """
    if isinstance(encoder, NumericEncoder) and not encoder.kept:
        return _numbers(graph, encoder)
    if isinstance(encoder, CategoryEncoder) and not encoder.hashed:
        return graph.beside([_codes(graph, name, encoder.known[name]) for name in encoder.columns])
    if isinstance(encoder, TargetEncoder):
        return graph.beside([_shares(graph, encoder, i) for i in range(len(encoder.columns))])
    raise no_form(type(encoder).__name__, "numbers, categories and their class shares (no text, no hashed categories)")


def _numbers(graph: Graph, encoder: NumericEncoder) -> str:
    """float (n, width): as `Standard`, all columns at once, in double precision."""
    found, own = graph.beside([graph.column(name, "double") for name in encoder.columns]), encoder.standards

    def row(values: Sequence[float]) -> str:
        return graph.constant([values], np.float64)

    missing = graph.node("IsNaN", found)
    z = graph.node("Where", missing, row([s.median for s in own]), found)
    z = graph.node("Min", graph.node("Max", z, row([s.low for s in own])), row([s.high for s in own]))
    if any(s.knots is not None for s in own):
        each = [graph.node("Gather", z, graph.constant([i], np.int64), axis=1) for i in range(len(own))]
        pairs = [(z, s.knots, s.places) for z, s in zip(each, own, strict=True)]
        z = graph.beside([z if k is None or p is None else _interpolated(graph, z, k, p) for z, k, p in pairs])
    z = graph.node("Sub", graph.node("Div", z, row([s.size for s in own])), row([s.mean for s in own]))
    z = graph.node("Div", z, row([s.scale for s in own]))
    z = graph.node("Min", graph.node("Max", z, row([-FARTHEST] * len(own))), row([FARTHEST] * len(own)))
    z = graph.cast(graph.node("Mul", z, row([0.0 if s.constant else 1.0 for s in own])), "FLOAT")
    if not encoder.indicated:
        return z
    gaps = graph.node("Gather", graph.cast(missing, "FLOAT"), graph.constant(encoder.indicated, np.int64), axis=1)
    return graph.beside([z, gaps])


def _interpolated(graph: Graph, z: str, knots: npt.NDArray[np.float64], places: npt.NDArray[np.float64]) -> str:
    """double (n, 1): as `np.interp(z, knots, places)`, the sum of a ramp for each gap between knots."""
    first = graph.constant([places[0]], np.float64)
    if len(knots) == 1:
        return graph.node("Add", graph.node("Mul", z, graph.constant([0.0], np.float64)), first)
    share = graph.node("Sub", z, graph.constant([knots[:-1]], np.float64))
    share = graph.node("Div", share, graph.constant([np.diff(knots)], np.float64))
    share = graph.node(
        "Min", graph.node("Max", share, graph.constant(0.0, np.float64)), graph.constant(1.0, np.float64)
    )
    return graph.node("Add", graph.node("MatMul", share, graph.constant(np.diff(places)[:, None], np.float64)), first)


def _codes(graph: Graph, name: str, known: dict[str, int]) -> str:
    """int64 (n, 1): the code of each string."""
    return graph.node(
        "LabelEncoder",
        _strings(graph, name),
        domain="ai.onnx.ml",
        keys_strings=["", *known],
        values_int64s=[MISSING, *known.values()],
        default_int64=UNKNOWN,
    )


def _shares(graph: Graph, encoder: TargetEncoder, i: int) -> str:
    """float (n, shown classes): standardised shares of a column's categories, of all others the overall ones."""
    name, shown = encoder.columns[i], len(encoder.shown)
    labels = [label for label in encoder.tables[name] if label]
    block = slice(i * shown, (i + 1) * shown)
    table = (encoder.translate(name, labels) - encoder.mean[block]) / encoder.scale[block]
    at = graph.node(
        "LabelEncoder",
        _strings(graph, name),
        domain="ai.onnx.ml",
        keys_strings=[*labels, ""],
        values_int64s=list(range(len(labels) + 1)),
        default_int64=len(labels),
    )
    rows = graph.node("Gather", graph.constant(table, np.float32), at, axis=0)  # (n, 1, shown)
    return graph.node("Squeeze", rows, graph.constant([1], np.int64))


def _strings(graph: Graph, name: str) -> str:
    """The input of a column, which several encoders may read."""
    return name if any(entry.name == name for entry in graph.inputs) else graph.column(name, "string")
