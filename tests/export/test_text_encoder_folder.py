"""Models whose features come from a pretrained text encoder: named or copied, moved, gone, or another one."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.data.embeddings.folder import encoder_folder
from bench.data.embeddings.named import NAMED
from bench.export.errors import ExportError
from bench.export.model_folder import load
from bench.export.text_encoder_folder import encoder_of, encoder_state
from bench.records.predictions import unpack
from bench.records.record import Record
from bench.records.store import Store
from tests.command_line import imbench, records
from tests.data.embeddings.made_encoders import WORDS, table, transformer

pytest.importorskip("transformers", reason="the extra `text` is not installed")

SETTINGS = ("data=file", "data.target=bad", "train.max_steps=20", "train.eval_every=10", "train.batch_size=64")


class Case:
    """Reviews of words that the encoder knows; one record of them, not exported yet."""

    def __init__(self, folder: Path, encoder: Path, *settings: str) -> None:
        g = np.random.default_rng(0)
        texts = [" ".join(g.choice(WORDS, g.integers(2, 7))) for _ in range(160)]
        bad = ["yes" if ("bad" in t.split()) == (g.random() < 0.95) else "no" for t in texts]
        self.frame = pd.DataFrame({"price": g.normal(size=160).round(3), "review": texts, "bad": bad})
        self.file, self.results, self.encoder = folder / "reviews.csv", folder / "results", encoder
        self.frame.to_csv(self.file, index=False)
        self.settings = (
            f"data.path={self.file}",
            "data.kinds={review: text, price: numeric}",
            f"data.encoder={encoder}",
            *SETTINGS,
            *settings,
        )
        assert imbench("run", *self.settings, results=self.results) == 0
        (self.record,) = records(self.results).values()

    def exported(self, out: Path, *words: str) -> Path:
        """The model of the record, in a folder."""
        assert imbench("export", *self.settings, f"out={out}", *words, results=self.results) == 0
        return out

    def differs(self, folder: Path, **where: Path) -> float:
        """By how much a probability of the model in a folder is off the record's, over all stored rows of the file."""
        model, worst = load(folder, **where), 0.0
        frame = pd.read_csv(self.file, dtype=str)
        for part in ("val", "test"):
            rows, _, logits = unpack(Store(self.results).predictions(self.record), part)
            p = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
            worst = max(worst, float(np.abs(model.predict_proba(frame.iloc[rows], "raw") - p).max()))
        return worst


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A table of vectors of tokens beside tf-idf."""
    folder = tmp_path_factory.mktemp("static")
    return Case(folder, table(folder / "tokens")[0], "strategy=none", "model=mlp", "data.text=both")


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A transformer that is not trained, instead of tf-idf."""
    folder = tmp_path_factory.mktemp("frozen")
    return Case(folder, transformer(folder / "tiny"), "strategy=class_weights", "model=linear", "data.text=embed")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A transformer that is trained further."""
    folder = tmp_path_factory.mktemp("tuned")
    return Case(folder, transformer(folder / "tiny"), "strategy=none", "model=text_transformer", "model.dropout=0.0")


@pytest.mark.parametrize("name", ["static", "frozen"])
def test_a_named_encoder_gives_the_records_predictions(
    request: pytest.FixtureRequest, name: str, tmp_path: Path
) -> None:
    """Rows of the file, one text at a time encoded anew; the folder holds no weights of the encoder."""
    case: Case = request.getfixturevalue(name)
    model = case.exported(tmp_path / "model")
    assert not (model / "encoder").exists()
    assert case.differs(model) < 1e-6
    one = load(model).predict_proba(case.frame.head(1))
    np.testing.assert_allclose(one, load(model).predict_proba(case.frame)[:1], atol=1e-6)


def test_a_copied_encoder_needs_nothing_outside(static: Case, tmp_path: Path) -> None:
    """The encoder's own folder is away while the model predicts."""
    model = static.exported(tmp_path / "model", "encoder=copied")
    assert (model / "encoder" / "model.safetensors").is_file()
    away = static.encoder.rename(static.encoder.with_name("away"))
    try:
        assert static.differs(model) < 1e-6
    finally:
        away.rename(static.encoder)


def test_each_file_of_a_copied_encoder_is_read_once_for_its_hash(
    static: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be hundreds of megabytes: that each file and that the folder is what was written are one hash."""
    model, hashed, digest = static.exported(tmp_path / "model", "encoder=copied"), Counter[str](), hashlib.file_digest

    def counted(file: Any, kind: Any) -> Any:
        hashed[file.name] += 1
        return digest(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    load(model)
    assert set(hashed.values()) == {1}
    assert str(model / "encoder" / "model.safetensors") in hashed


def test_an_encoder_that_moved_is_found_where_the_user_says(
    static: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the error without that names the key."""
    model = static.exported(tmp_path / "model")
    away = static.encoder.rename(static.encoder.with_name("moved"))
    try:
        with pytest.raises(
            ExportError, match=r"expected its text encoder tokens in .*, got no folder; say where it is"
        ):
            load(model)
        assert static.differs(model, encoder=away) < 1e-6
        words = ["predict", str(model), str(static.file), f"out={tmp_path / 'scored.csv'}"]
        capsys.readouterr()
        assert main(words) == 2
        assert "encoder=FOLDER" in capsys.readouterr().err
        assert main([*words, f"encoder={away}"]) == 0
    finally:
        away.rename(static.encoder)


def test_another_encoder_under_the_same_name_is_refused(static: Case, tmp_path: Path) -> None:
    """One bit of its weights is enough: what would follow is predictions from other features, and no error."""
    model = static.exported(tmp_path / "model")
    other = shutil.copytree(static.encoder, tmp_path / "tokens")
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(bytes(weights))
    with pytest.raises(ExportError, match="got files of another content; say where the right one is"):
        load(model, encoder=other)


def test_a_trained_encoder_lies_in_the_model(tuned: Case, tmp_path: Path) -> None:
    """Its weights are the model's own; of the folder it came from only the tokens are kept, and that one may go."""
    model = tuned.exported(tmp_path / "model")
    kept = {path.name for path in (model / "encoder").rglob("*")}
    assert "tokenizer.json" in kept
    assert not any(name.endswith(".safetensors") for name in kept)
    away = tuned.encoder.rename(tuned.encoder.with_name("away"))
    try:
        assert tuned.differs(model) < 1e-6
    finally:
        away.rename(tuned.encoder)


def test_a_file_of_the_copied_encoder_that_changed_is_refused(tuned: Case, tmp_path: Path) -> None:
    model = tuned.exported(tmp_path / "model")
    path = model / "encoder" / "config.json"
    path.write_text(path.read_text().replace("}", " }", 1))
    with pytest.raises(ExportError, match=r"config\.json: expected what was exported, got another content"):
        load(model)


def test_a_model_cannot_name_files_outside_its_folder(tuned: Case, tmp_path: Path) -> None:
    model = tuned.exported(tmp_path / "model")
    said = json.loads((model / "model.json").read_text())
    for name in ("encoder/../../secret.json", "/etc/passwd", "encoder/.hidden"):
        (model / "model.json").write_text(json.dumps({**said, "files": {**said["files"], name: "0"}}))
        with pytest.raises(ExportError, match="expected files of a model, got the name"):
            load(model)


def test_a_record_is_exported_by_its_key_where_the_encoder_is_said(static: Case, tmp_path: Path) -> None:
    """A record holds what the encoder is, not where it lies."""
    record: Record = static.record
    data = [w for w in static.settings if w.startswith("data")]
    words = (record.key[:12], *data, f"out={tmp_path / 'm'}")
    assert imbench("export", *words, results=static.results) == 0
    assert static.differs(tmp_path / "m") < 1e-6


def test_an_encoder_by_name_is_looked_for_among_those_that_were_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the cache of this machine is; the error names the command that fetches it."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "here"))
    folder = table(NAMED["wordllama"].folder)[0]
    state = encoder_state(encoder_folder("wordllama"))
    assert state["path"] is None
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "there"))
    with pytest.raises(ExportError, match=r"run imbench data get wordllama, or say where it is: encoder=FOLDER"):
        encoder_of(state, tmp_path / "model", None, weights=True)
    shutil.copytree(folder, NAMED["wordllama"].folder)
    found = encoder_of(state, tmp_path / "model", None, weights=True)
    assert found.path == NAMED["wordllama"].folder
    assert found.static
    with pytest.raises(ExportError, match="expected a text encoder used in way"):
        encoder_of({**state, "way": 0}, tmp_path / "model", None, weights=True)
