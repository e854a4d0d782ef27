"""Layers whose parameters have a leading axis of K members, so that K models train as one; alone is K = 1.

Members never mix: each is initialised from its own random streams and draws its own noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that torch users know
from scipy.sparse import csr_array
from torch import Tensor, nn

from bench.models.parts.embedding_place import EmbeddingPlace
from strategies.features import EMBEDDING
from strategies.spec import Bag, Features, Field


def text_scale(schema: Sequence[Field]) -> float:
    """Factor on a row's tf-idf weights, by which its text starts with the contribution of its other columns together.

    A row of tf-idf weights has norm 1, spread over some eighty terms; m standardised numbers and categories have norm
    √m. Under one learning rate and one penalty text would otherwise be outweighed. Numbers stay as they are in a table
    without text.
    """
    own = [f for f in schema if f.kind != "bag" and f.name != EMBEDDING]  # an encoder's vector is text too
    others = sum(len(f.sizes) if f.kind == "categorical" else f.width for f in own)
    return math.sqrt(max(1, others))


class BagSum(torch.autograd.Function):
    """Weighted sum of table rows per bag: (V, d) -> (B, d).

    torch's backward of `embedding_bag` on CPU costs fifty times its forward (1.7 ms against .03 for 256 texts);
    the transposed sparse product of scipy does the same sum in .14 ms.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
        ctx.save_for_backward(ids, weights, offsets)
        ctx.rows = len(table)
        return F.embedding_bag(ids, table, offsets[:-1], per_sample_weights=weights, mode="sum")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        ids, weights, offsets = ctx.saved_tensors
        (grad,) = grads
        add = by_product if grad.device.type == "cpu" else by_index
        return add(grad, ids, weights, offsets, ctx.rows), None, None, None


def by_product(grad: Tensor, ids: Tensor, weights: Tensor, offsets: Tensor, rows: int) -> Tensor:
    """Gradient (rows, d) of the table from that of its sums, by scipy."""
    bags = csr_array((weights.numpy(), ids.numpy(), offsets.numpy()), shape=(len(offsets) - 1, rows))
    return torch.from_numpy(np.ascontiguousarray(bags.T @ grad.numpy()))


def by_index(grad: Tensor, ids: Tensor, weights: Tensor, offsets: Tensor, rows: int) -> Tensor:
    """The same where the tensors are, without asking a GPU for a value."""
    counts = offsets[1:] - offsets[:-1]
    spread = torch.repeat_interleave(grad, counts, dim=0, output_size=len(ids)) * weights.unsqueeze(1)
    return grad.new_zeros(rows, grad.shape[1]).index_add_(0, ids, spread)


class Layer(nn.Module):
    """A layer that can draw the initial parameters of one member."""

    def reset(self, k: int, generator: torch.Generator) -> None:
        """Initialise member k."""
        raise NotImplementedError

    def fit(self, k: int, x: Features) -> None:
        """What member k needs to know of its training rows before the first step: nothing, unless a layer says so."""


class Affine(Layer):
    """(K, B, i) -> (K, B, o), uniform initial weights within ±1/sqrt(i), bias zero."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs))

    def reset(self, k: int, generator: torch.Generator) -> None:
        shape = self.weight.shape[1:]
        self.weight.data[k] = (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(shape[0])
        self.bias.data[k] = 0

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class Cosine(Layer):
    """(K, B, i) -> (K, B, o): `scale` times the cosine with each output's direction."""

    def __init__(self, members: int, inputs: int, outputs: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs))

    def reset(self, k: int, generator: torch.Generator) -> None:
        self.weight.data[k] = torch.randn(self.weight.shape[1:], generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * torch.bmm(F.normalize(x, dim=-1), F.normalize(self.weight, dim=1))


class Dropout(nn.Module):
    """Inverted dropout with one random stream per member, and optionally a rate: the same masks alone or stacked."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.streams: Sequence[torch.Generator] = ()
        self.rates: Tensor | None = None  # (K, 1, 1) where members differ: float32, as the noise is,
        self.left: Tensor | None = None  # and what is left by them, as values are
        self.share = (0, 1)

    def assign(
        self, rates: Sequence[float], streams: Sequence[torch.Generator], share: tuple[int, int], like: Tensor
    ) -> None:
        """Each member's rate and stream; `like` has the device and dtype of values.

        `share` (rank, ranks): the batch is every so-manieth row of one, whose noise is drawn for all rows.
        """
        self.streams, self.rate, self.rates, self.left, self.share = streams, rates[0], None, None, share
        if len(set(rates)) > 1:
            spread = torch.tensor(rates, dtype=torch.float64, device=like.device).view(-1, 1, 1)
            self.rates, self.left = spread.float(), (1 - spread).to(like.dtype)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and (self.rates is not None or self.rate)):
            return x
        rank, ranks = self.share
        noise = torch.empty(len(x), x.shape[1] * ranks, x.shape[2], dtype=torch.float32, device=x.device)
        for own, stream in zip(noise.unbind(0), self.streams, strict=True):
            own.uniform_(generator=stream)
        # Ones and zeros of a float: with booleans the comparison costs four times as much, and the product seven.
        keep = noise[:, rank::ranks].ge_(self.rate if self.rates is None else self.rates).to(x.dtype)
        return (x * keep).div_(1 - self.rate if self.left is None else self.left)


class FieldSum(Layer):
    """Sum over all fields of a linear map into `width` dimensions: (features of K·B rows) -> (K, B, width).

    Numbers are multiplied by a matrix; every category and every term of a bag has a row in a table.
    """

    def __init__(self, members: int, schema: tuple[Field, ...], width: int, *, spread: float) -> None:
        super().__init__()
        self.schema, self.spread = schema, spread
        self.text_scale = text_scale(schema)
        sizes = {f.name: f.width if f.kind == "numeric" else sum(f.sizes) for f in schema}
        unsupported = [f.name for f in schema if f.kind == "tokens"]
        if unsupported:
            raise ValueError(f"fields {unsupported}: expected numeric, categorical or bag, got tokens")
        self.tables = nn.ParameterDict({n: nn.Parameter(torch.empty(members, s, width)) for n, s in sizes.items()})
        for f in schema:
            if f.kind == "categorical":  # kept where the parameters are: made anew, they would travel at every step
                starts = torch.tensor((0, *f.sizes[:-1])).cumsum(0)
                self.register_buffer(f"starts_{f.name}", starts, persistent=False)

    def reset(self, k: int, generator: torch.Generator) -> None:
        for field in self.schema:
            table = self.tables[field.name].data[k]
            scale = 1 / math.sqrt(field.width) if field.kind == "numeric" else self.spread
            table.copy_(torch.randn(table.shape, generator=generator) * (scale if self.spread else 0.0))

    def forward(self, x: Features) -> Tensor:
        total: Tensor | None = None
        for field in self.schema:
            table, value = self.tables[field.name], x.columns[field.name]
            part = self.bag(field, table, value) if field.kind != "numeric" else self.product(table, value)
            total = part if total is None else total + part
        assert total is not None  # a schema has at least one field: the encoders refuse data without features
        return total

    def product(self, table: Tensor, value: Tensor | Bag) -> Tensor:
        """Numeric columns: (K·B, w) -> (K, B, width)."""
        assert isinstance(value, Tensor)
        rows = value.view(len(table), -1, value.shape[-1])
        return torch.bmm(rows, table)

    def bag(self, field: Field, table: Tensor, value: Tensor | Bag) -> Tensor:
        """Tables: all members' tables end to end, each member's ids moved to its own."""
        members, size, width = table.shape
        if isinstance(value, Bag):
            ids, weights, offsets = value.ids, value.weights, value.offsets
            if members > 1:
                edges = offsets[:: (len(offsets) - 1) // members]
                shift = torch.arange(members, dtype=torch.int32, device=ids.device) * size
                ids = ids + torch.repeat_interleave(shift, edges[1:] - edges[:-1], output_size=len(ids))
        else:
            columns = len(field.sizes)
            starts = self.get_buffer(f"starts_{field.name}")
            shift = torch.arange(members, device=value.device).view(-1, 1, 1) * size
            ids = (value.view(members, -1, columns) + starts + shift).view(-1).int()
            weights = torch.ones(len(ids), dtype=table.dtype, device=ids.device)
            offsets = torch.arange(0, len(ids) + 1, columns, dtype=torch.int32, device=ids.device)
        summed: Tensor = BagSum.apply(table.view(-1, width), ids, weights, offsets)  # type: ignore[no-untyped-call]
        rows = summed.view(members, -1, width)
        return rows * self.text_scale if isinstance(value, Bag) and self.text_scale != 1 else rows


class Hidden(nn.Module):
    """The encoding of `mlp`: linear embeddings, and hidden layers on top of them laid beside.

    The direct path keeps the model at least a factorised linear one: on text, hidden layers alone lose.
    """

    def __init__(
        self,
        members: int,
        base: nn.Module,
        width: int,
        hidden: Sequence[int],
        dropout: float,
        *,
        beside: nn.Module | None = None,
    ) -> None:
        """`beside`: another map of the features, added to the base's."""
        super().__init__()
        self.base = base
        self.beside = beside
        layers: list[nn.Module] = []
        for size in hidden:
            # The base's output is needed once more, beside the layers; what follows is nobody else's.
            layers += [nn.ReLU(inplace=bool(layers)), Dropout(dropout), Affine(members, width, size)]
            width = size
        self.layers = nn.Sequential(*layers, nn.ReLU(inplace=True)) if layers else None
        self.dropout = Dropout(dropout)
        self.place = EmbeddingPlace(row_axes=2)

    def forward(self, x: Features) -> Tensor:
        h: Tensor = self.base(x)
        if self.beside is not None:
            h = h + self.beside(x)
        h = self.place(h)
        out = h if self.layers is None else torch.cat([h, self.layers(h)], -1)
        dropped: Tensor = self.dropout(out)
        return dropped


class LinearLogits(nn.Module):
    """The network of a linear model: Features -> (K, B, C), weights starting at zero."""

    def __init__(self, members: int, schema: tuple[Field, ...], outputs: int) -> None:
        super().__init__()
        self.sum = FieldSum(members, schema, outputs, spread=0.0)
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Features) -> Tensor:
        out: Tensor = self.sum(x) + self.bias
        return out
