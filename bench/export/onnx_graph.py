"""A graph of ONNX as it grows: nodes and constants under names of their own, what an operator makes as such a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.export.errors import ExportError

_OPSETS = {"": 17, "ai.onnx.ml": 3}
_IR = 8  # of the file: what runtimes of 2022 and later read


def _onnx_package() -> Any:
    """The package.

    Raises:
        ExportError: it is not installed.
    """
    try:
        return import_module("onnx")  # an extra, and untyped
    except ImportError:
        raise ExportError(
            "export onnx=true: expected the packages onnx and onnxruntime, which are not installed; pip install "
            "'imbench[onnx]'"
        ) from None


def no_form(what: str, instead: str) -> ExportError:
    """What to say of a part that has no form in ONNX here."""
    return ExportError(f"export onnx=true: expected {instead}, got {what}; export without onnx")


@dataclass
class Graph:
    """Nodes, constants and inputs so far. Every method that makes a node returns the name of its output."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """What an operator makes of these."""
        output = f"//{operator}_{len(self.nodes)}"  # no column is called so
        made = _onnx_package().helper.make_node(operator, list(inputs), [output], domain=domain, **attributes)
        self.nodes.append(made)
        return output

    def constant(self, values: npt.ArrayLike, kind: npt.DTypeLike) -> str:
        """An array of the graph itself."""
        name, array = f"//constant_{len(self.constants)}", np.asarray(values, dtype=kind)
        self.constants.append(_onnx_package().numpy_helper.from_array(array, name))
        return name

    def column(self, name: str, kind: str) -> str:
        """An input of one column (n, 1): double or string."""
        onnx = _onnx_package()
        types = {"double": onnx.TensorProto.DOUBLE, "string": onnx.TensorProto.STRING}
        self.inputs.append(onnx.helper.make_tensor_value_info(name, types[kind], ["rows", 1]))
        return name

    def cast(self, value: str, kind: str) -> str:
        """Another type of number: FLOAT, DOUBLE or INT64."""
        return self.node("Cast", value, to=getattr(_onnx_package().TensorProto, kind))

    def beside(self, values: list[str]) -> str:
        """Columns beside one another."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=1)

    def total(self, values: list[str]) -> str:
        """The sum of all."""
        found, *others = values
        for other in others:
            found = self.node("Add", found, other)
        return found

    def finished(self, outputs: dict[str, tuple[str, str, list[Any]]], about: dict[str, str]) -> bytes:
        """The file. outputs: name -> (what, its type, its shape); about: metadata, key -> text."""
        onnx = _onnx_package()
        shown = []
        for name, (value, kind, shape) in outputs.items():
            self.nodes.append(onnx.helper.make_node("Identity", [value], [name]))
            shown.append(onnx.helper.make_tensor_value_info(name, getattr(onnx.TensorProto, kind), shape))
        graph = onnx.helper.make_graph(self.nodes, "imbench", self.inputs, shown, self.constants)
        opsets = [onnx.helper.make_opsetid(domain, number) for domain, number in _OPSETS.items()]
        made = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="imbench")
        onnx.helper.set_model_props(made, about)
        onnx.checker.check_model(made)
        content: bytes = made.SerializeToString()
        return content
