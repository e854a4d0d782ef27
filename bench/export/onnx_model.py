"""A model as one file of ONNX, where it is a network of numbers and categories: for runtimes without Python.

Inputs are the feature columns as they are typed, each (n, 1): numbers as doubles (NaN: missing), categories as strings
(empty: missing). Outputs: `logits` (n, C) as the model gives them, recalibrated `probabilities` (n, C), and the
`decision` (n,) as a position among the classes, which the file's metadata name.
"""

from __future__ import annotations

import json
import math
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor, nn

from bench.evaluation.views import Floats, log_softmax
from bench.export.decision import DecisionRule
from bench.export.errors import ExportError
from bench.export.model import ExportedModel
from bench.export.onnx_fields import field_in
from bench.export.onnx_graph import Graph, no_form
from bench.models.parts.layers import Affine, Cosine, Dropout, FieldSum, Hidden, LinearLogits
from bench.models.parts.piecewise import Piecewise
from bench.training.predictor import Fitted, network
from strategies.predictor import Costed, Mean, Predictor, Shifted
from strategies.tau_norm import Normalised

ONNX = "model.onnx"
_TOLERANCE = 1e-5
"""By so much a probability of the file may differ: runtimes add up in single precision in other orders."""

Fields = dict[str, str]
"""Field of the features -> its name in the graph."""


def to_onnx(model: ExportedModel) -> bytes:
    """The file of a model.

    Raises:
        ExportError: the package is not installed, or a part of the model has no form in ONNX here; says which.
    """
    graph = Graph()
    fields = {encoder.field.name: field_in(graph, encoder) for encoder in model.encoders}
    logits = _logits(graph, model.predictor, fields)
    classes = len(model.classes)
    outputs = {
        "logits": (logits, "DOUBLE", ["rows", classes]),
        "probabilities": (_probabilities(graph, logits, model.rule), "DOUBLE", ["rows", classes]),
    }
    if (decided := _decision(graph, logits, model.rule)) is not None:
        outputs["decision"] = (decided, "INT64", ["rows"])
    about = {"classes": json.dumps(model.classes, ensure_ascii=False), "rule": model.rule.name}
    return graph.finished(outputs, about)


def write_onnx(folder: Path, model: ExportedModel, rows: pd.DataFrame) -> float:
    """Write a model's file into its folder; the largest difference of a probability to the model's, of typed rows.

    Raises:
        ExportError: a package is not installed, the model has no form in ONNX, or the file predicts something else.
    """
    content = to_onnx(model)
    got = run_onnx(content, rows)["probabilities"]
    wanted = np.exp(log_softmax(model.rule.views(model.logits_of_typed(rows))["recalibrated"]))
    worst = float(np.abs(got - wanted).max())
    if not worst <= _TOLERANCE:
        raise ExportError(
            f"export onnx=true: expected probabilities within {_TOLERANCE:g} of the model's on {len(rows):,} rows, got "
            f"some that differ by {worst:.2g}; export without onnx"
        )
    (folder / ONNX).write_bytes(content)
    return worst


def run_onnx(content: bytes, frame: pd.DataFrame) -> dict[str, Floats]:
    """The outputs of a file for typed rows, by onnxruntime.

    Raises:
        ExportError: it is not installed.
    """
    try:
        onnxruntime: Any = import_module("onnxruntime")  # an extra, and untyped
    except ImportError:
        raise ExportError(
            "export onnx=true: expected the package onnxruntime to check the file by, which is not installed; pip "
            "install 'imbench[onnx]'"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given: dict[str, Any] = {}
    for entry in session.get_inputs():
        values = frame[entry.name]
        if entry.type == "tensor(string)":
            given[entry.name] = values.astype(object).where(values.notna(), "").to_numpy(dtype=object)[:, None]
        else:
            given[entry.name] = values.to_numpy(dtype=np.float64)[:, None]
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))


# Predictors: from fields to logits -----------------------------------------------------------------------------------


def _logits(graph: Graph, predictor: Predictor, fields: Fields) -> str:
    """double (n, C).

    Raises:
        ExportError: it has no form in ONNX here.
    """
    match predictor:
        case Shifted():
            delta = graph.constant(predictor.delta.double().numpy()[None], np.float64)
            return graph.node("Add", _logits(graph, predictor.base, fields), delta)
        case Normalised():
            bias = graph.constant(predictor.bias.double().numpy()[None], np.float64)
            factors = graph.constant(predictor.factors.double().numpy()[None], np.float64)
            return graph.node("Mul", graph.node("Sub", _logits(graph, predictor.base, fields), bias), factors)
        case Mean():
            each = [part.corrected(predictor.prior) for part in predictor.parts]
            log_p = [graph.node("LogSoftmax", _logits(graph, part, fields), axis=1) for part in each]
            apart = [graph.node("Unsqueeze", own, graph.constant([0], np.int64)) for own in log_p]
            total = graph.node("ReduceLogSumExp", graph.node("Concat", *apart, axis=0), axes=[0], keepdims=0)
            return graph.node("Sub", total, graph.constant(math.log(len(each)), np.float64))
        case Costed():
            return _logits(graph, predictor.base, fields)
        case Fitted():
            return graph.cast(_network(graph, predictor, fields), "DOUBLE")
    raise no_form(type(predictor).__name__, "networks, their averages and shifts (trees have a text of their own)")


def _network(graph: Graph, fitted: Fitted, fields: Fields) -> str:
    """float (n, C)."""
    made = network(fitted)
    if made.encoder is None:
        return _of_fields(graph, made.head, fields)
    return _of_rows(graph, made.head, _of_fields(graph, made.encoder, fields))


def _of_fields(graph: Graph, module: nn.Module, fields: Fields) -> str:
    """What a layer makes of the fields (n, width).

    Raises:
        ExportError: it is none of ours.
    """
    match module:
        case LinearLogits():
            return graph.node("Add", _of_fields(graph, module.sum, fields), _array(graph, module.bias))
        case FieldSum():
            return graph.total([_summed(graph, module, f.name, fields[f.name]) for f in module.schema])
        case Piecewise():
            return _bends(graph, module, fields[module.field.name])
        case Hidden():
            h = graph.total(
                [_of_fields(graph, part, fields) for part in (module.base, module.beside) if part is not None]
            )
            return h if module.layers is None else graph.beside([h, _of_rows(graph, module.layers, h)])
    raise no_form(type(module).__name__, "the models linear and mlp")


def _of_rows(graph: Graph, module: nn.Module, x: str) -> str:
    """What a layer makes of what came before it (n, width).

    Raises:
        ExportError: it is none of ours.
    """
    match module:
        case nn.Sequential():
            for layer in module:
                x = _of_rows(graph, layer, x)
            return x
        case nn.ReLU():
            return graph.node("Relu", x)
        case Dropout():
            return x
        case Affine():
            return graph.node("Gemm", x, _array(graph, module.weight), _array(graph, module.bias[0]))
        case Cosine():
            directions = nn.functional.normalize(module.weight[0].detach(), dim=0)
            return graph.node("MatMul", _of_length_one(graph, x), graph.constant(module.scale * directions, np.float32))
    raise no_form(type(module).__name__, "the models linear and mlp")


def _summed(graph: Graph, module: FieldSum, name: str, value: str) -> str:
    """A field's part of a sum: numbers times a matrix, of categories the rows of a table."""
    field, table = next(f for f in module.schema if f.name == name), module.tables[name][0].detach()
    if field.kind == "numeric":
        return graph.node("MatMul", value, graph.constant(table, np.float32))
    starts = np.cumsum([0, *field.sizes[:-1]])
    at = graph.node("Add", value, graph.constant(starts[None], np.int64))
    rows = graph.node("Gather", graph.constant(table, np.float32), at, axis=0)  # (n, columns, width)
    return graph.node("ReduceSum", rows, graph.constant([1], np.int64), keepdims=0)


def _bends(graph: Graph, module: Piecewise, value: str) -> str:
    """Positions between quantiles, times a matrix."""
    columns = graph.node("Unsqueeze", value, graph.constant([2], np.int64))
    z = graph.node("Add", graph.node("Mul", columns, _array(graph, module.slope)), _array(graph, module.offset))
    filled = graph.node("Clip", z, graph.constant(0.0, np.float32), graph.constant(1.0, np.float32))
    flat = graph.node("Flatten", filled, axis=1)
    return graph.node("MatMul", flat, _array(graph, module.tables))


def _of_length_one(graph: Graph, x: str) -> str:
    length = graph.node("ReduceL2", x, axes=[1], keepdims=1)
    return graph.node("Div", x, graph.node("Max", length, graph.constant(1e-12, np.float32)))


def _array(graph: Graph, values: Tensor) -> str:
    """A parameter without its axis of members, which is one."""
    held = values.detach()
    return graph.constant(held[0] if held.dim() > 1 and len(held) == 1 else held, np.float32)


# Decisions -----------------------------------------------------------------------------------------------------------


def _probabilities(graph: Graph, logits: str, rule: DecisionRule) -> str:
    """double (n, C): of the recalibrated view."""
    zero = np.zeros((1, len(rule.natural)))
    moved, scaled = rule.views(zero)["corrected"], rule.views(zero)["recalibrated"]
    z = graph.node("Add", logits, graph.constant(moved, np.float64))
    z = graph.node("Div", z, graph.constant(rule.temperature, np.float64))
    shift = scaled - moved / rule.temperature
    return graph.node("Softmax", graph.node("Add", z, graph.constant(shift, np.float64)), axis=1)


def _decision(graph: Graph, logits: str, rule: DecisionRule) -> str | None:
    """int64 (n,): the position of the class; None for rules about costs, which rows may have of their own."""
    if rule.costs is not None or rule.matrix is not None:
        return None
    if rule.threshold is None:
        zero = np.zeros((1, len(rule.natural)))
        return graph.node(
            "ArgMax", graph.node("Add", logits, graph.constant(rule.scores(zero), np.float64)), axis=1, keepdims=0
        )
    margin = graph.node("MatMul", logits, graph.constant([[-1.0], [1.0]], np.float64))
    above = graph.node("Greater", margin, graph.constant(rule.threshold, np.float64))
    return graph.node("Squeeze", graph.cast(above, "INT64"), graph.constant([1], np.int64))
