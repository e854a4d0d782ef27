"""Numbers with bends: the published encoding, bins of the training rows; what `mlp` leaves to the data."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from bench.models.mlp import HIDDEN_OF_TABLES, MLP
from bench.models.parts.layers import text_scale
from bench.models.parts.piecewise import Piecewise
from strategies.spec import Features, Field, Split
from tests.conftest import SCHEMA, Toy, asking, trained


def numeric(values: np.ndarray) -> Features:
    field = Field("numeric", "numeric", width=values.shape[1])
    return Features((field,), {"numeric": torch.from_numpy(values).float()})


def encoded(x: float, edges: np.ndarray) -> list[float]:
    """Gorishniy et al. 2022, eq. 1, but for the outer bins, which end: full bins, the one that x is in, empty bins."""
    found = []
    for a, b in pairwise(edges):
        found.append(1.0 if x >= b else 0.0 if x < a else (x - a) / (b - a))
    return found


def test_it_is_the_published_encoding_and_a_matrix() -> None:
    rng = np.random.default_rng(0)
    train = rng.normal(size=(500, 2)) ** 3
    layer = Piecewise(1, Field("numeric", "numeric", width=2), bins=4, width=3)
    layer.reset(0, torch.Generator())
    layer.fit(0, numeric(train))
    layer.tables.data.normal_(generator=torch.Generator().manual_seed(0))
    edges = [np.quantile(train[:, j].astype(np.float32), np.linspace(0, 1, 5)) for j in range(2)]
    new = np.array([[-100.0, 0.0], [0.3, 100.0], [edges[0][2], -0.1]])
    expected = (
        np.array([encoded(row[0], edges[0]) + encoded(row[1], edges[1]) for row in new])
        @ layer.tables[0].detach().numpy()
    )
    np.testing.assert_allclose(layer(numeric(new))[0].detach().numpy(), expected, atol=1e-5)


def test_columns_with_few_values_leave_bins_empty() -> None:
    """Equal quantiles, a constant column: nothing infinite, and nothing that depends on the value of a constant."""
    train = np.stack([np.repeat([0.0, 1.0], [450, 50]), np.zeros(500)], 1)
    layer = Piecewise(1, Field("numeric", "numeric", width=2), bins=8, width=1)
    layer.reset(0, torch.Generator())
    layer.fit(0, numeric(train))
    layer.tables.data.fill_(1.0)
    z = layer(numeric(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]])))[0, :, 0]
    assert bool(torch.isfinite(z).all())
    assert z[1] > z[0]
    assert z[2] == z[0]


def test_bins_never_learn_and_come_with_the_predictor(binary: Toy) -> None:
    recipe = binary.recipe(model=MLP(dim=8, bins=4), max_steps=30, weight_decay=0.1)
    state = (
        trained(asking(recipe)).base.state
        if hasattr(trained(asking(recipe)), "base")
        else trained(asking(recipe)).state
    )  # type: ignore[attr-defined]
    column = binary.train.x.columns["numeric"].double()
    edges = torch.quantile(column, torch.linspace(0, 1, 5, dtype=torch.float64), dim=0).T
    torch.testing.assert_close(state["encoder.beside.slope"][0].double(), 1 / edges.diff(dim=1), rtol=1e-5, atol=1e-5)
    assert float(state["encoder.beside.tables"].abs().max()) > 0


def test_a_bend_is_learnt_that_a_line_cannot(binary: Toy) -> None:
    """Positive in the middle of a column: without bends and layers ranking is chance."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(600, 1))
    y = torch.from_numpy((np.abs(x[:, 0]) < 0.3).astype(np.int64))

    data = numeric(x)
    split = Split(data, y, 2)
    loss = {}
    for bins in (0, 8):
        model = MLP(dim=8, hidden=(), bins=bins, dropout=0.0)
        recipe = binary.recipe(train=split, val=split, model=model, max_steps=600, lr=0.02, eval_every=50)
        z = trained(asking(recipe)).logits(data).double()
        loss[bins] = float(torch.nn.functional.cross_entropy(z, y))
    assert loss[8] < 0.3
    assert loss[0] > 0.5


@pytest.mark.parametrize(("schema", "layers"), [(SCHEMA, ()), (SCHEMA[:2], HIDDEN_OF_TABLES)], ids=["text", "table"])
def test_hidden_layers_follow_the_data_unless_asked_for(schema: tuple[Field, ...], layers: tuple[int, ...]) -> None:
    assert MLP().layers(schema) == layers
    assert MLP().resolved(schema) == {"hidden": list(layers)}
    assert MLP(hidden=(7,)).layers(schema) == (7,)
    assert MLP(hidden=()).layers(schema) == ()


def test_text_starts_with_the_contribution_of_all_other_columns() -> None:
    """Three numbers and two categories have norm √5 in root mean square; alone, text stays as it is."""
    assert text_scale(SCHEMA) == pytest.approx(5**0.5)
    assert text_scale(SCHEMA[2:]) == 1
