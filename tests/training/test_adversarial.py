"""Adversarial steps: on a logistic model against the closed form; on a transformer against one's own two passes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts.build import build_network
from bench.models.parts.embedding_place import EmbeddingPlace, worst_shift
from bench.models.parts.network import Network
from bench.training.adversarial import AdversarialSteps
from bench.training.trainer import fit
from strategies.fgm import FGM
from strategies.spec import Features, Field, Inapplicable, LinearHead, Recipe
from tests.conftest import CPU, Toy, asking, trained
from tests.strategies.fits import bits, fitted, identical
from tests.strategies.rows import gen

N, WIDTH = 40, 3


def rows() -> tuple[Features, Tensor]:
    x = torch.randn(N, WIDTH, generator=gen(1), dtype=torch.float64)
    y = (x[:, 0] + torch.randn(N, generator=gen(2)) > 0.5).long()
    return Features((Field("n", "numeric", width=WIDTH),), {"n": x}), y


def logistic(members: int) -> Network:
    """Numbers to four dimensions by a matrix, and two logits of these: nothing else."""
    model = MLP(dim=4, hidden=(), bins=0, dropout=0.0)
    network = build_network(model, members, rows()[0].schema, LinearHead(), 2).double()
    for i, p in enumerate(network.parameters()):
        nn.init.normal_(p, generator=gen(5 + i))
    return network


def cross_entropy(network: Network, x: Features, y: Tensor, members: int, weight: Tensor | None = None) -> Tensor:
    """Summed over members, each the mean over its rows, weighted."""
    shown = Features(x.schema, {"n": torch.cat([x.columns["n"]] * members)})  # type: ignore[list-item]
    z = network(shown)
    losses = nn.functional.cross_entropy(z.flatten(0, 1), y.repeat(members), reduction="none").view(members, -1)
    total: Tensor = (losses * (1.0 if weight is None else weight)).mean(1).sum()
    return total


def closed_form(own: dict[str, Tensor], x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """Of a row with sign s and margin m = h·Δw + Δb: the worst step of length ε‖h‖ takes ε‖h‖‖Δw‖ off s·m."""
    w, bias = own["head.weight"], own["head.bias"][0]
    h, apart = x @ own["encoder.base.tables.n"], w[:, 1] - w[:, 0]
    margin = (h @ apart + bias[1] - bias[0]) * (2 * y - 1)
    reach = epsilon * h.detach().norm(dim=1) * apart.norm()
    softplus = nn.functional.softplus
    return (softplus(-margin).mean() + softplus(-(margin - reach)).mean()) / 2


@pytest.mark.oracle("fgm", "a closed form")
@pytest.mark.parametrize("epsilons", [(0.1,), (0.05, 0.4), (2.0, 0.01, 0.3)])
def test_on_a_logistic_model_gradients_are_those_of_the_closed_form(epsilons: tuple[float, ...]) -> None:
    """Each member of a stack by its own ε."""
    (x, y), k = rows(), len(epsilons)
    network = logistic(k)
    steps = AdversarialSteps(network, torch.tensor(epsilons, dtype=torch.float64))
    steps.backward(partial(cross_entropy, network, x, y, k), 0.0)
    got = {n: p.grad for n, p in network.named_parameters()}
    values = x.columns["n"]
    assert isinstance(values, Tensor)
    for i, epsilon in enumerate(epsilons):
        own = {n: p.detach()[i].clone().requires_grad_() for n, p in network.named_parameters()}
        expected = closed_form(own, values, y, epsilon)
        for (name, _), grad in zip(own.items(), torch.autograd.grad(expected, list(own.values())), strict=True):
            found = got[name]
            assert found is not None
            torch.testing.assert_close(found[i], grad, rtol=1e-9, atol=1e-12, msg=name)


def test_a_penalty_counts_once() -> None:
    network, (x, y) = logistic(1), rows()
    grads = []
    for weight in (0.0, 3.0):
        network.zero_grad()
        penalty = weight * network.head.weight.pow(2).sum()  # type: ignore[operator, union-attr]
        AdversarialSteps(network, torch.tensor([0.2])).backward(partial(cross_entropy, network, x, y, 1), penalty)
        grad = network.head.weight.grad
        assert isinstance(grad, Tensor)
        grads.append(grad.clone())
    torch.testing.assert_close(grads[1] - grads[0], 6 * network.head.weight.detach())  # type: ignore[operator]


def test_a_step_follows_the_gradient_by_a_share_of_the_rows_own_length() -> None:
    """Two members of two rows; tiny gradients too; a row without a gradient stays."""
    h = torch.tensor([[[3.0, 4.0], [1.0, 0.0]], [[0.0, 2.0], [6.0, 8.0]]])
    grad = torch.tensor([[[1e-30, 0.0], [0.0, 5.0]], [[0.0, 0.0], [-3.0, 4.0]]])
    got = worst_shift(h, grad, torch.tensor([0.1, 1.0]), row_axes=2)
    torch.testing.assert_close(got, torch.tensor([[[0.5, 0.0], [0.0, 0.1]], [[0.0, 0.0], [-6.0, 8.0]]]))
    words = torch.tensor([[[3.0, 0.0], [0.0, 4.0], [9.0, 9.0]]])  # the last is padding, which has no gradient
    of_words = worst_shift(words, torch.tensor([[[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]), torch.tensor([0.2]), row_axes=1)
    torch.testing.assert_close(of_words, torch.tensor([[[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]) / 2**0.5)


def test_outside_such_a_step_a_place_changes_nothing_whatever_became_of_it() -> None:
    network, (x, y) = logistic(1), rows()
    before = network(x)

    def breaks() -> Tensor:
        cross_entropy(network, x, y, 1)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        AdversarialSteps(network, torch.tensor([0.5])).backward(breaks, 0.0)
    assert torch.equal(network(x), before)
    AdversarialSteps(network, torch.tensor([0.5])).backward(partial(cross_entropy, network, x, y, 1), 0.0)
    assert torch.equal(network(x), before)


@pytest.mark.oracle("fgm", "two passes of transformers' own")
def test_a_transformer_is_moved_at_its_tokens_as_by_hand(tmp_path: Path) -> None:
    """By transformers' own `inputs_embeds`: two passes, the second with what the first one's gradients ask for."""
    transformers = pytest.importorskip("transformers", reason="the extra `text` is not installed")
    from tests.data.embeddings.made_encoders import transformer
    from tests.models.test_text_transformer import recipe, reviews

    folder, epsilon = transformer(tmp_path / "tiny"), 0.3
    r = recipe(reviews(str(folder)))
    network = build_network(r.model, 1, r.train.x.schema, LinearHead(), 2)
    network.start(0, r, torch.ones(2) / 2)
    network.eval().encoder.module.training = True  # type: ignore[union-attr] # groups as in training, without noise
    x, y = r.train.x.take(torch.arange(30)), r.train.y[:30]
    steps = AdversarialSteps(network, torch.tensor([epsilon]))
    steps.backward(lambda: nn.functional.cross_entropy(network(x)[0], y), 0.0)

    bert = transformers.AutoModel.from_pretrained(folder, use_safetensors=True).eval()
    tokens, prices = x.columns["text"], x.columns["numeric"]
    assert isinstance(tokens, Tensor)
    there = (tokens != 0).float()
    w, bias = (p.detach()[0] for p in (network.head.weight, network.head.bias))  # type: ignore[operator, union-attr]
    linear = network.encoder.module.beside[0]  # type: ignore[union-attr, index]
    beside = torch.relu(prices @ linear.weight.detach()[0].T + linear.bias.detach()[0])  # type: ignore[operator]

    def loss_at(embedded: Tensor) -> Tensor:
        states = bert(inputs_embeds=embedded, attention_mask=there.long()).last_hidden_state
        mean = (states * there.unsqueeze(-1)).sum(1) / there.sum(1, keepdim=True)
        return nn.functional.cross_entropy(torch.cat([mean, beside], 1) @ w + bias, y)

    first = bert.embeddings.word_embeddings(tokens).detach().requires_grad_()
    (g,) = torch.autograd.grad(loss_at(first), first)
    shift = torch.zeros_like(g)
    for i in range(30):
        own = int(there[i].sum())
        shift[i, :own] = epsilon * first[i, :own].detach().norm() * g[i, :own] / g[i, :own].norm()
    embedded = bert.embeddings.word_embeddings(tokens)
    ((loss_at(embedded) + loss_at(embedded + shift)) / 2).backward()
    own = {n.removeprefix("encoder.module.body."): p.grad for n, p in network.named_parameters()}
    for name, p in bert.named_parameters():
        if "pooler" not in name:
            found = own[name]
            assert found is not None
            torch.testing.assert_close(found[0], p.grad, rtol=1e-3, atol=1e-6, msg=name)


def test_members_of_a_stack_train_as_they_do_alone(binary: Toy) -> None:
    """With dropout, to the last bit; a member without adversarial steps is not taken into the stack."""
    recipes = [replace(binary.recipe(seed=s), adversarial=e) for s, e in ((1, 0.1), (2, 0.5))]
    together = [fitted(one).state for one in fit(recipes, CPU)]
    for recipe, state in zip(recipes, together, strict=True):
        assert identical(bits(trained(asking(recipe)).state), bits(state))  # type: ignore[attr-defined]


def test_a_frozen_encoder_is_moved_at_its_output(binary: Toy) -> None:
    source = trained(asking(binary.recipe()))
    recipe = binary.recipe(init=source, encoder_rate=0.0)
    plain, moved = (fitted(trained(asking(replace(recipe, adversarial=e)))).state for e in (0.0, 0.5))
    assert identical(bits(plain, "encoder."), bits(moved, "encoder."))
    assert not identical(bits(plain, "head."), bits(moved, "head."))


def test_a_network_without_a_place_says_so(binary: Toy) -> None:
    recipe: Recipe = FGM().prepare(binary.recipe(model=Linear()))
    with pytest.raises(Inapplicable, match="moves the embeddings of rows, and this model has none"):
        trained(asking(recipe))
    assert not any(
        isinstance(m, EmbeddingPlace)
        for m in build_network(Linear(), 1, binary.train.x.schema, LinearHead(), 2).modules()
    )
