"""Vectors of texts: against the model called on one text at a time, and against sums by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.data.embeddings.encode_texts import encode_texts
from bench.data.embeddings.folder import encoder_folder
from bench.data.errors import DataError
from tests.data.embeddings.made_encoders import WORDS, table, transformer

pytest.importorskip("transformers", reason="the extra `text` is not installed")
TEXTS = ["good dress", "", "never again", "room dirty bad bad bad", "red", "unheard of", "good dress fits"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return transformer(tmp_path_factory.mktemp("encoders") / "tiny")


def alone(folder: Path, text: str, pooling: str = "mean", prefix: str = "") -> np.ndarray:  # type: ignore[type-arg]
    """By transformers, without a batch and without a mask."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(prefix + text, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder)(input_ids=tokens["input_ids"]).last_hidden_state[0]
    vector = states.mean(0) if pooling == "mean" else states[0]
    found: np.ndarray = (vector / vector.norm()).numpy()  # type: ignore[type-arg]
    return found


def test_a_text_in_a_batch_has_the_vector_that_it_has_alone(made: Path) -> None:
    """Of texts of other lengths, the empty one included, in the order given."""
    got = encode_texts(encoder_folder(str(made)), TEXTS)
    np.testing.assert_allclose(got.vectors, [alone(made, text) for text in TEXTS], atol=1e-6)
    assert not got.cut.any()
    assert len({tuple(v) for v in got.vectors.round(4).tolist()}) == len(TEXTS)


def test_pooling_and_prefix_are_those_that_the_folder_names(made: Path, tmp_path: Path) -> None:
    own = transformer(tmp_path / "own")
    (own / "1_Pooling").mkdir()
    (own / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    prompts = {"prompts": {"query": "blue "}, "default_prompt_name": "query"}
    (own / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    got = encode_texts(encoder_folder(str(own)), TEXTS[:3])
    np.testing.assert_allclose(got.vectors, [alone(own, t, "first", "blue ") for t in TEXTS[:3]], atol=1e-6)


def test_long_texts_are_cut_and_named(made: Path) -> None:
    """16 tokens with the two ends: 14 words; one word more changes nothing but the mark."""
    words = [" ".join(WORDS[i % len(WORDS)] for i in range(n)) for n in (13, 14, 15, 40)]
    got = encode_texts(encoder_folder(str(made)), words)
    assert got.cut.tolist() == [False, False, True, True]
    np.testing.assert_allclose(got.vectors[2], got.vectors[1], atol=1e-6)
    np.testing.assert_allclose(got.vectors[3], got.vectors[1], atol=1e-6)
    assert np.abs(got.vectors[0] - got.vectors[1]).max() > 1e-3


def test_a_table_gives_the_mean_of_its_tokens_vectors_at_length_one(tmp_path: Path) -> None:
    folder, vectors = table(tmp_path / "static")
    got = encode_texts(encoder_folder(str(folder)), ["good bad good", "", "room"]).vectors
    mean = (2 * vectors[5 + WORDS.index("good")] + vectors[5 + WORDS.index("bad")]) / 3
    np.testing.assert_allclose(got[0], mean / np.linalg.norm(mean), rtol=1e-5)
    assert not got[1].any()
    room = vectors[5 + WORDS.index("room")]
    np.testing.assert_allclose(got[2], room / np.linalg.norm(room), rtol=1e-5)


def test_encoding_leaves_torchs_random_stream_alone(made: Path) -> None:
    import torch

    before = torch.random.get_rng_state()
    encode_texts(encoder_folder(str(made)), TEXTS)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_half_a_character_is_read_as_an_unknown_one(made: Path) -> None:
    got = encode_texts(encoder_folder(str(made)), ["good \ud800", "good ?"]).vectors
    np.testing.assert_array_equal(got[0], got[1])


def test_a_missing_library_is_named_with_its_extra(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DataError, match=r"expected the package transformers.*imbench\[text\]"):
        encode_texts(encoder_folder(str(made)), TEXTS)


def test_a_folder_that_transformers_cannot_load_is_a_complaint(tmp_path: Path) -> None:
    broken = transformer(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
    with pytest.raises(DataError, match="expected an encoder that transformers can load"):
        encode_texts(encoder_folder(str(broken)), TEXTS)
