"""Guessing masked tokens: loss and gradients of transformers' BertForMaskedLM; through training, to fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.models.lightgbm import LightGBM
from bench.models.mlp import MLP
from bench.models.parts.build import build_network
from bench.models.parts.token_head import TokenNetwork
from bench.models.registry import refusal
from bench.models.text_transformer import TextTransformer
from strategies.features import MASKED
from strategies.self_supervised import SelfSupervised
from strategies.spec import CrossEntropy, Features, Inapplicable, Recipe, TokenHead
from tests.conftest import Toy, asking
from tests.conftest import trained as trained_by
from tests.data.embeddings.made_encoders import transformer
from tests.models.test_text_transformer import recipe, reviews
from tests.strategies.fits import fitted, run
from tests.strategies.rows import gen

transformers = pytest.importorskip("transformers", reason="the extra `text` is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return transformer(tmp_path_factory.mktemp("encoders") / "tiny")


def network_of(r: Recipe) -> TokenNetwork:
    network = build_network(r.model, 1, r.train.x.schema, TokenHead(), 1)
    network.start(0, r, torch.ones(1))
    assert isinstance(network, TokenNetwork)
    return network


def as_bert(folder: Path, network: TokenNetwork) -> nn.Module:
    """transformers' own model of the folder, with the head of ours."""
    bert: Any = transformers.BertForMaskedLM.from_pretrained(folder, use_safetensors=True).eval()
    head, theirs = network.head, bert.cls.predictions
    with torch.no_grad():
        theirs.transform.dense.weight.copy_(head.dense[0].T)  # type: ignore[union-attr, index]
        theirs.transform.dense.bias.copy_(head.dense_bias[0, 0])  # type: ignore[index]
        theirs.transform.LayerNorm.weight.copy_(head.norm[0, 0])  # type: ignore[index]
        theirs.transform.LayerNorm.bias.copy_(head.norm_bias[0, 0])  # type: ignore[index]
        theirs.decoder.bias.copy_(head.bias[0, 0])  # type: ignore[index]
    bert.tie_weights()
    return bert  # type: ignore[no-any-return]


def batch_of(r: Recipe, rows: int) -> tuple[Features, Tensor, Tensor]:
    """Masked rows, what is to be guessed, and the same as transformers' labels: -100 elsewhere."""
    pretext = SelfSupervised(method="mlm", steps=3).pretext(r)
    x = pretext.train.x.take(torch.arange(rows))
    made, y = pretext.augment[0](x, torch.zeros(rows, dtype=torch.int64), gen(2), pretext.train)
    chosen, before = made.columns[MASKED], x.columns["text"]
    assert isinstance(chosen, Tensor)
    assert isinstance(before, Tensor)
    return made, y, torch.where(chosen, before, -100)


@pytest.mark.oracle("self_supervised", "BERT's masked language model")
def test_loss_and_gradients_are_those_of_berts_masked_language_model(folder: Path) -> None:
    """Texts of 1 to 8 words in groups of like length, in another order; the table of tokens learns at both ends."""
    r = recipe(reviews(str(folder)))
    network = network_of(r).eval()
    for part in network.head.parameters():  # away from zeros and ones
        nn.init.normal_(part, std=0.5, generator=gen(9))
    bert = as_bert(folder, network)
    x, y, labels = batch_of(r, 64)
    tokens = x.columns["text"]
    assert isinstance(tokens, Tensor)
    theirs = bert(input_ids=tokens, attention_mask=(tokens != 0).long(), labels=labels).loss
    ours = CrossEntropy()(network(x), y.unsqueeze(0)).mean(-1)[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    theirs.backward()
    ours.backward()
    own = {n.removeprefix("encoder.module.body."): p.grad for n, p in network.named_parameters()}
    for name, p in bert.bert.named_parameters():  # type: ignore[union-attr, operator]
        grad = own[name]
        assert grad is not None, name
        assert float(p.grad.abs().max()) > 0
        torch.testing.assert_close(grad[0], p.grad, rtol=1e-3, atol=1e-5, msg=name)


def test_guessing_is_learnt_and_fine_tuning_starts_from_that_encoder(folder: Path) -> None:
    """A word of each text says which the others are: the loss on other masks falls well under that of the start."""
    r = recipe(reviews(str(folder)), model=TextTransformer(body_rate=1.0), max_steps=60, eval_every=60)
    pretext = SelfSupervised(method="mlm", steps=60).pretext(r)
    tokens = pretext.train.x.columns["text"]
    assert isinstance(tokens, Tensor)
    words = tokens[:, 1:-1]
    words[words > 4] = 5 + (tokens[:, 1:2] % 3).expand_as(words)[words > 4]  # one word, time and again
    network, (x, y, _) = network_of(r).eval(), batch_of(r, 100)
    first = fitted(trained_by(asking(pretext)))
    losses = []
    for state in (None, first.state):
        if state is not None:
            network.load_state_dict(state)
        with torch.no_grad():
            losses.append(float(CrossEntropy()(network(x), y.unsqueeze(0)).mean()))
    assert losses[1] < 0.7 * losses[0]

    training = SelfSupervised(method="mlm", steps=60).train(r)
    next(training)
    (second,) = training.send([first])
    assert second.init is first
    tuned = build_network(second.model, 1, second.train.x.schema, second.head, 2)
    tuned.start(0, second, torch.ones(2) / 2)
    state = tuned.state_dict()
    body = [n for n in state if ".body." in n and "pooler" not in n]
    assert body
    assert all(torch.equal(state[n], first.state[n]) for n in body)


def test_its_steps_are_charged_and_labels_are_not_read(folder: Path) -> None:
    r = recipe(reviews(str(folder)), max_steps=6, eval_every=3)
    predictor = run([SelfSupervised(method="mlm", steps=4)], r)
    assert predictor.notes["pretext_steps"] == 4
    assert (predictor.cost.fits, predictor.cost.steps) == (2, 10)
    pretext = SelfSupervised(method="mlm", steps=4).pretext(r)
    assert not pretext.train.y.any()
    assert not pretext.val.y.any()


def test_models_that_read_no_tokens_are_refused_when_planning(multi: Toy) -> None:
    mlm = SelfSupervised(method="mlm")
    assert refusal(TextTransformer(), mlm) == ""
    assert refusal(TextTransformer, mlm) == ""
    assert "works on the tokens of an encoder, and model 'mlp' reads none" in refusal(MLP(), mlm)
    assert refusal(LightGBM(), mlm)
    assert refusal(MLP(), SelfSupervised(method="mlm", steps=0)) == ""
    assert refusal(MLP(), SelfSupervised(method="simcse")) == ""
    with pytest.raises(Inapplicable, match="expected text as the tokens of an encoder with a mask, got none"):
        SelfSupervised(method="mlm").pretext(multi.recipe())
    with pytest.raises(Inapplicable, match="expected one model that reads the tokens"):
        build_network(MLP(), 1, multi.train.x.schema, TokenHead(), 1)
