"""Texts are encoded once: by content, shared between tables, processes and runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.embeddings import encode_texts as encoding
from bench.data.embeddings.ahead import encode_ahead
from bench.data.embeddings.encode_texts import Progress, TextVectors
from bench.data.embeddings.folder import EncoderFolder
from bench.data.embeddings.stored import digests, stored_vectors
from strategies.model import Takes
from tests.data.asked import asked

LENGTHS = EncoderFolder("lengths", Path("/nowhere"), "identity of lengths")


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Every text that an encoder was given; it makes of a text its length and its first character, and cuts at 9."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    seen: list[str] = []

    def encode(folder: EncoderFolder, texts: Sequence[str], told: Progress) -> TextVectors:
        seen.extend(texts)
        for i in range(len(texts)):
            told(i + 1, len(texts))
        vectors = np.array([[len(t), ord(t[0])] for t in texts], dtype=np.float32).reshape(-1, 2)
        return TextVectors(vectors, np.array([len(t) > 9 for t in texts], dtype=bool))

    monkeypatch.setattr(encoding, "encode_texts", encode)
    return iter([seen])


def lengths(texts: Sequence[str], folder: EncoderFolder = LENGTHS) -> list[list[float]]:
    found = stored_vectors(folder, texts)
    places = found.places(digests(texts))
    assert (places >= 0).all()
    got: list[list[float]] = found.vectors[places].tolist()
    return got


def test_each_distinct_text_is_encoded_once_however_often_it_is_asked_for(encoded: Iterator[list[str]]) -> None:
    (seen,) = encoded
    texts = ["b", "aaa", "b", "cc"]
    assert lengths(texts) == lengths(texts) == [[1, 98], [3, 97], [1, 98], [2, 99]]
    assert sorted(seen) == ["aaa", "b", "cc"]
    assert lengths(texts[::-1]) == [[2, 99], [1, 98], [3, 97], [1, 98]]
    assert len(seen) == 3


def test_a_table_takes_what_another_one_has_encoded_already(encoded: Iterator[list[str]]) -> None:
    (seen,) = encoded
    lengths(["aaa", "b"])
    lengths(["cc", "dddd"])
    assert lengths(["dddd", "eeeee", "aaa"]) == [[4, 100], [5, 101], [3, 97]]
    assert seen.count("eeeee") == seen.count("aaa") == seen.count("dddd") == 1


def test_another_encoder_encodes_anew(encoded: Iterator[list[str]]) -> None:
    (seen,) = encoded
    lengths(["aaa"])
    lengths(["aaa"], EncoderFolder("lengths", Path("/nowhere"), "another identity"))
    assert seen == ["aaa", "aaa"]


def test_texts_that_are_too_long_are_counted_also_where_they_come_from_the_cache(
    encoded: Iterator[list[str]],
) -> None:
    short, long = ["a", "b"], ["c" * 10, "d" * 11]
    assert stored_vectors(LENGTHS, short).note == ""
    assert "2 of 3 texts are longer" in stored_vectors(LENGTHS, [*long, "a"]).note
    assert "1 of 2 texts are longer" in stored_vectors(LENGTHS, ["b", long[0]]).note


def test_what_takes_a_while_says_how_far_it_is(encoded: Iterator[list[str]]) -> None:
    said: list[str] = []
    texts = [f"text {i}" for i in range(40)]
    stored_vectors(LENGTHS, texts, said.append)
    assert said[0].startswith("encoding 40 texts with lengths")
    assert said[1:] == [f"  {n} of 40 texts" for n in range(4, 40, 4)]
    stored_vectors(LENGTHS, texts, said.append)
    assert len(said) == 10


def test_several_that_want_the_same_texts_wait_for_the_first(encoded: Iterator[list[str]]) -> None:
    (seen,) = encoded
    texts = [f"text {i}" for i in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: lengths(texts), range(8)))
    assert all(one == found[0] for one in found)
    assert len(seen) == 200


def test_vectors_are_mapped_from_the_file(encoded: Iterator[list[str]]) -> None:
    assert isinstance(stored_vectors(LENGTHS, ["a"]).vectors, np.memmap)


def test_hashes_tell_texts_apart_lone_surrogates_included() -> None:
    texts = ["", "a", "a\0", "\0", "\ud800", "é", "e\u0301"]
    assert len(set(digests(texts).tolist())) == len(texts)


def test_a_command_encodes_ahead_what_its_cells_will_ask_for(encoded: Iterator[list[str]], tmp_path: Path) -> None:
    """Once a table; not for models that read tokens, unless they are to have vectors too."""
    (seen,) = encoded
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(b"")
    (tmp_path / "t.csv").write_text("note,y\n" + "\n".join(f"words of text {i},{i % 2}" for i in range(40)))
    where: dict[str, Any] = {"path": str(tmp_path / "t.csv"), "target": "y", "kinds": {"note": "text"}}
    plain, embed = (asked("file", encoder=str(folder), text=text, **where) for text in ("tfidf", "embed"))
    encode_ahead([(plain, Takes(text="subwords")), (asked("file", **where), Takes())], lambda _: None)
    assert seen == []
    encode_ahead([(plain, Takes()), (embed, Takes(text="subwords"))], lambda _: None)
    assert len(seen) == 40


def test_an_interruption_loses_no_more_than_the_piece_at_work(
    encoded: Iterator[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same call goes on from there. Without one, a single entry is left: pieces are gone."""
    (seen,) = encoded
    monkeypatch.setattr("bench.data.embeddings.stored._PIECE", 10)
    texts, encode = [f"text {i:02}" for i in range(35)], encoding.encode_texts

    def interrupted(folder: EncoderFolder, part: Sequence[str], told: Progress) -> TextVectors:
        if len(seen) >= 20:
            raise KeyboardInterrupt
        return encode(folder, part, told)

    monkeypatch.setattr(encoding, "encode_texts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lengths(texts)
    monkeypatch.setattr(encoding, "encode_texts", encode)
    assert lengths(texts) == [[7, ord("t")]] * 35
    assert sorted(seen) == texts
    before = {p.name for p in (tmp_path / "embeddings").iterdir()}
    assert len(lengths([f"other {i}" for i in range(35)])) == 35
    assert len({p.name for p in (tmp_path / "embeddings").iterdir()} - before) == 1
