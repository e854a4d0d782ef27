"""A pretrained encoder as a model: its states averaged, its own rate, frozen, from scratch; of one layer, made here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from bench.data.embeddings.encode_texts import encode_texts
from bench.data.embeddings.folder import encoder_folder
from bench.data.errors import DataError
from bench.data.features.encode import Encoded, encode
from bench.data.tables.config import TableConfig
from bench.data.tables.schema import FeatureColumn, Table
from bench.data.tables.splits import partition
from bench.models.parts.build import build_network
from bench.models.text_transformer import TextTransformer
from bench.training.trainer import fit
from strategies.spec import Inapplicable, LinearHead, Predictor, Recipe
from strategies.transfer import Transfer
from tests.conftest import CPU, SCHEMA
from tests.data.embeddings.made_encoders import WORDS, table, transformer
from tests.strategies.fits import fitted

pytest.importorskip("transformers", reason="the extra `text` is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return transformer(tmp_path_factory.mktemp("encoders") / "tiny")


def reviews(folder: str | None, rows: int = 300) -> Encoded:
    """Texts of which those with `bad` are mostly of class 1, beside a number."""
    g = np.random.default_rng(0)
    texts = [" ".join(g.choice(WORDS, g.integers(1, 9))) for _ in range(rows)]
    y = np.array([int(("bad" in t.split()) == (g.random() < 0.95)) for t in texts])
    columns = (FeatureColumn("price", "numeric"), FeatureColumn("review", "text"))
    frame = pd.DataFrame({"price": g.normal(size=rows), "review": pd.Series(texts, dtype=object)})
    made = Table(
        name="made", target="y", frame=frame, columns=columns, y=y.astype(np.int64), classes=("0", "1"),
        rows=np.arange(rows), fingerprint="", version=1, source="made", licence="",
    )  # fmt: skip
    config = TableConfig(encoder=folder)
    return encode(made, partition(made, 0, 0), config, TextTransformer.takes)


def recipe(data: Encoded, **fields: Any) -> Recipe:
    own: dict[str, Any] = {"model": TextTransformer(body_rate=0.3, dropout=0.0), "batch_size": 16, "lr": 0.01}
    return Recipe(train=data.train, val=data.val, **(own | {"max_steps": 4, "eval_every": 2, "seed": 1} | fields))


def trained(r: Recipe) -> Predictor:
    (got,) = fit([r], CPU)
    assert isinstance(got, Predictor), got
    return got


def test_the_encoding_of_text_is_that_of_the_frozen_encoder(folder: Path) -> None:
    """Up to length 1: groups of like length and padding change nothing. The dense columns' part lies beside it."""
    data = reviews(str(folder))
    network = build_network(TextTransformer(), 1, data.schema, LinearHead(), 2)
    network.start(0, recipe(data), torch.ones(2) / 2)
    assert network.encoder is not None
    with torch.no_grad():
        got = network.eval().encoder(data.test)[0]
    text = torch.nn.functional.normalize(got[:, :8], dim=-1)
    texts = [str(t) for t in data.table.frame["review"].iloc[data.partition.test]]
    expected = encode_texts(encoder_folder(str(folder)), texts).vectors
    np.testing.assert_allclose(text, expected, atol=1e-5)
    assert got.shape[1] == 8 + 32


def moved(r: Recipe) -> dict[str, float]:
    """How far the parameters of the body and of all else went, in one step from the start."""
    data = r.train
    network = build_network(r.model, 1, data.x.schema, LinearHead(), 2)
    network.start(0, r, torch.bincount(data.y).double() / len(data))
    before = {n: v.clone() for n, v in network.state_dict().items()}
    after = fitted(trained(replace(r, max_steps=1, eval_every=1, decay=0.0))).state
    apart = {n: float((after[n] - v).abs().max()) for n, v in before.items() if v.is_floating_point()}
    body = [v for n, v in apart.items() if ".body." in n]
    return {"body": max(body), "beside": max(v for n, v in apart.items() if ".body." not in n)}


def test_the_transformer_moves_at_its_own_rate_and_not_at_all_at_zero(folder: Path) -> None:
    """AdamW's first step is the rate itself, up to rounding."""
    data = reviews(str(folder))
    for rate in (0.0, 0.3):
        far = moved(recipe(data, model=TextTransformer(body_rate=rate, dropout=0.0)))
        assert far["beside"] == pytest.approx(0.01, rel=0.02)
        assert far["body"] == pytest.approx(0.01 * rate, rel=0.02, abs=1e-9)


def test_freezing_by_a_strategy_freezes_everything_under_the_head(folder: Path) -> None:
    data = reviews(str(folder))
    source = trained(recipe(data))
    target = trained(recipe(data, init=source, encoder_rate=0.0))
    for name, value in fitted(source).state.items():
        assert torch.equal(fitted(target).state[name], value) == name.startswith("encoder.")


def test_from_scratch_nothing_is_taken_from_the_folder_but_its_shape(folder: Path) -> None:
    data = reviews(str(folder))
    states = []
    for pretrained in (True, False, False):
        model = TextTransformer(pretrained=pretrained)
        network = build_network(model, 1, data.schema, LinearHead(), 2)
        network.start(0, recipe(data), torch.ones(2) / 2)
        states.append({n: v.clone() for n, v in network.state_dict().items() if ".body." in n})
    name = next(n for n in states[0] if n.endswith("word_embeddings.weight"))
    assert {n: v.shape for n, v in states[0].items()} == {n: v.shape for n, v in states[1].items()}
    assert not torch.equal(states[0][name], states[1][name])
    assert torch.equal(states[1][name], states[2][name])  # drawn from the seed


def test_fine_tuning_learns_what_a_word_means(folder: Path) -> None:
    data = reviews(str(folder), rows=600)
    start, end = (
        trained(recipe(data, max_steps=n, eval_every=20, lr=0.02, patience=20)).logits(data.test) for n in (1, 200)
    )
    right = [float((z.argmax(1) == data.test_y).double().mean()) for z in (start, end)]
    assert right[1] > 0.9
    assert right[1] > right[0] + 0.1


def test_texts_longer_than_the_model_reads_are_cut_there(folder: Path) -> None:
    data = reviews(str(folder))
    short = build_network(TextTransformer(longest=4), 1, data.schema, LinearHead(), 2)
    short.start(0, recipe(data), torch.ones(2) / 2)
    tokens = data.test.columns["text"]
    assert isinstance(tokens, Tensor)
    cut = tokens.clone()
    cut[:, 4:] = 0
    x = replace(data.test, columns={**data.test.columns, "text": cut})
    with torch.no_grad():
        assert torch.allclose(short.eval()(data.test), short.eval()(x), atol=1e-6)


def test_transfer_starts_from_the_transformer_trained_on_the_source(folder: Path) -> None:
    data = reviews(str(folder))
    r = recipe(data, extra={"other": (data.train, data.val)}, default_source="other")
    training = Transfer().train(r)
    (source,) = next(training)
    first = trained(source)
    (second,) = training.send([first])
    assert second.init is first
    trained(second)


def test_without_tokens_of_an_encoder_it_says_what_is_missing() -> None:
    with pytest.raises(Inapplicable, match=r"expected text and data\.encoder, got none; use model=mlp"):
        TextTransformer().build(SCHEMA, LinearHead(), 2)
    with pytest.raises(DataError, match=r"Set data\.encoder=minilm"):
        reviews(None)


def test_a_table_of_vectors_is_no_transformer(tmp_path: Path) -> None:
    made, _ = table(tmp_path / "static")
    with pytest.raises(DataError, match="expected a transformer, which can be trained, got a table of vectors"):
        reviews(str(made))
