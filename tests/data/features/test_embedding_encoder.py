"""Text as an encoder's vectors: centred by the training rows, beside the rest, for every kind of model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.cli.compose import compose_one
from bench.config import read_cell, read_data
from bench.data.embeddings import encode_texts as encoding
from bench.data.embeddings.encode_texts import Progress, TextVectors
from bench.data.embeddings.folder import EncoderFolder
from bench.data.errors import DataError
from bench.data.features.documents import documents
from bench.data.features.encode import Encoded, encode
from bench.data.features.load import encode_parts
from bench.data.tables.splits import partition
from bench.models.mlp import MLP
from bench.sweep.plan import identify
from bench.training.trainer import fit
from strategies.features import EMBEDDING
from strategies.spec import Recipe, Takes
from tests.conftest import CPU
from tests.data.asked import asked


def vector(text: str) -> list[float]:
    """A stand-in for an encoder's: how often three letters are in the text, and one that is in all of them."""
    return [text.count("a") + 0.5, text.count("e"), text.count("z") * 2, 9.0]


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    def encode(folder: EncoderFolder, texts: Sequence[str], told: Progress) -> TextVectors:
        return TextVectors(np.array([vector(t) for t in texts], dtype=np.float32), np.zeros(len(texts), dtype=bool))

    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(encoding, "encode_texts", encode)
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def womens(made: Path, text: str, takes: Takes | None = None) -> Encoded:
    config = asked("womens", target="one_star", vocabulary=300, text=text, encoder=str(made))
    return encode_parts(config.load(), config, 0, 0, takes or Takes())


@pytest.mark.parametrize(
    ("text", "fields"), [("embed", [EMBEDDING]), ("both", ["text", EMBEDDING]), ("tfidf", ["text"])]
)
def test_text_becomes_what_is_asked_for_beside_the_other_columns(text: str, fields: list[str], made: Path) -> None:
    data = womens(made, text)
    assert [f.name for f in data.schema] == ["numeric", "categorical", *fields]
    for x in (data.train.x, data.val.x, data.test):
        assert set(x.columns) == {f.name for f in data.schema}


def test_vectors_are_centred_and_scaled_by_the_training_rows_alone(made: Path) -> None:
    """Against numpy: less the training rows' mean, at a root mean square length of 2."""
    data = womens(made, "embed")
    columns = tuple(data.table.names("text"))
    raw = {
        part: np.array([vector(t) for t in documents(data.table.frame, columns, getattr(data.partition, part))])
        for part in ("train", "val", "test")
    }
    mean = raw["train"].mean(0)
    scale = np.sqrt(((raw["train"] - mean) ** 2).sum(1).mean()) / 2
    for part, x in (("train", data.train.x), ("val", data.val.x), ("test", data.test)):
        np.testing.assert_allclose(np.asarray(x.columns[EMBEDDING]), (raw[part] - mean) / scale, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("text", ["embed", "both", "tfidf"])
def test_strategies_are_given_the_training_rows_vectors_also_where_the_model_is_not(text: str, made: Path) -> None:
    data, seen = womens(made, text), womens(made, "embed")
    assert data.train.embedding is not None
    assert torch.equal(data.train.embedding, torch.as_tensor(seen.train.x.columns[EMBEDDING]))


def test_models_that_take_tokens_have_them_beside_the_vectors(made: Path) -> None:
    kinds = {f.name: f.kind for f in womens(made, "both", Takes(text="tokens")).schema}
    assert (kinds["text"], kinds[EMBEDDING]) == ("tokens", "numeric")


def test_networks_and_trees_train_on_vectors(made: Path) -> None:
    from bench.models.parts.tree_columns import matrix

    data = womens(made, "both")
    assert (
        matrix(data.train.x).shape[1]
        == sum(f.width for f in data.schema if f.kind == "numeric")
        + len(next(f for f in data.schema if f.kind == "categorical").sizes)
        + 300
    )
    recipe = Recipe(train=data.train, val=data.val, model=MLP(), max_steps=3, eval_every=3)
    (predictor,) = fit([recipe], CPU)
    assert not isinstance(predictor, Exception)
    assert bool(torch.isfinite(predictor.logits(data.test)).all())


def test_a_masked_text_column_is_encoded_without_it(made: Path) -> None:
    """Of another label whose give-away column is text: the vector is that of what is left."""
    config = asked("womens", target="one_star", text="embed", encoder=str(made))
    table = config.load()
    other = table.other["class"]
    object.__setattr__(other, "drops", (*other.drops, "Review Text"))
    data = encode(table, partition(table, 0, 0), config)
    own, masked = data.train.x.columns[EMBEDDING], data.extra["class"][0].x.columns[EMBEDDING]
    assert float(torch.as_tensor(masked)[:, 0].mean()) < float(torch.as_tensor(own)[:, 0].mean())


def test_large_tables_share_their_vectors_in_files(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As other fields do: equal to what is in memory, for strategies too. With terms beside them they do not."""
    lines = [f"{'bad' * (i % 7)} taste a{i} zebra,{i % 9 == 0:d}" for i in range(300)]
    (tmp_path / "t.csv").write_text("note,y\n" + "\n".join(lines))
    where: dict[str, Any] = {"path": str(tmp_path / "t.csv"), "target": "y", "kinds": {"note": "text"}}
    config = asked("file", text="embed", encoder=str(made), **where)
    plain = encode_parts(config.load(), config, 0, 0)
    monkeypatch.setattr("bench.data.features.load.SHARED_ROWS", 100)
    shared = encode_parts(config.load(), config, 0, 0)
    folder = tmp_path / "cache" / "encoded"
    assert len(list(folder.iterdir())) == 1
    own, theirs = (torch.as_tensor(d.train.x.columns[EMBEDDING]) for d in (plain, shared))
    torch.testing.assert_close(own, theirs)
    assert shared.train.embedding is not None
    assert torch.equal(shared.train.embedding, theirs)
    both = asked("file", text="both", encoder=str(made), **where)
    encode_parts(both.load(), both, 0, 0)
    encode_parts(config.load(), config, 0, 0, Takes(text="terms"))
    assert len(list(folder.iterdir())) == 1


def test_an_encoder_for_a_table_without_text_is_refused(made: Path) -> None:
    config = asked("digits_lt", text="embed", encoder=str(made))
    with pytest.raises(DataError, match="expected columns of text in digits_lt, got none"):
        encode_parts(config.load(), config, 0, 0)


def test_vectors_without_an_encoder_are_refused() -> None:
    with pytest.raises(DataError, match=r"data\.text=embed: expected data.encoder beside it"):
        asked("womens", text="embed")


def test_the_key_names_what_the_encoder_is_and_nothing_where_there_is_none(made: Path) -> None:
    plain = identify(read_cell(compose_one([]))).config["data"]
    assert not {"text", "encoder"} & set(plain)
    named = read_data({"source": "womens", "text": "embed", "encoder": str(made)})
    before = named.key()["encoder"]
    assert str(made) not in str(named.key())
    (made / "model.safetensors").write_bytes(b"other weights")
    assert named.key()["encoder"] != before
