"""A text encoder as a folder: what it is, how it turns tokens into one vector, and the hash of all that decides that.

Read as sentence-transformers writes it (pooling, prompts, longest text) or as plain transformers does; a folder of
model2vec is a table of vectors of tokens. Weights are safetensors; code in the folder is never run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from bench.data.embeddings.named import NAMED, named
from bench.data.errors import DataError, listing, suggest

_LONGEST = 256  # tokens of a text at most; what follows is left out, and said
WAY = 1  # raised when the same folder would give other vectors
_CONFIG = "config.json"
_OF_SENTENCES = "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"


@dataclass(frozen=True)
class EncoderFolder:
    """An encoder: `static` vectors of tokens, averaged, or a transformer, pooled by the `mean` or the `first` token.

    identity: what decides its vectors. prefix: put before every text. longest: tokens of a text.
    """

    name: str
    path: Path
    identity: str
    static: bool = False
    pooling: Literal["mean", "first"] = "mean"
    prefix: str = ""
    longest: int = _LONGEST


def encoder_folder(encoder: str) -> EncoderFolder:
    """The encoder of a name or a path.

    Raises:
        DataError: no such encoder, one that has not been fetched, or a folder that cannot be used; says why.
    """
    if encoder in NAMED:
        found = named(encoder)
        return _read(encoder, found.folder, found.identity)
    path = Path(encoder).expanduser()
    if not path.is_dir():
        raise DataError(
            f"data.encoder={encoder}: expected {listing(NAMED)} or a folder with an encoder, got neither. "
            f"{suggest(encoder, NAMED)}A folder holds config.json, model.safetensors and tokenizer.json"
        )
    return _read(path.resolve().name, path, content_digest(path))


def encoder_files(path: Path) -> list[Path]:
    """The files of an encoder's folder that decide its vectors, code aside, which is never run; sorted."""
    return sorted(p for p in path.rglob("*") if p.is_file() and p.suffix in (".json", ".safetensors", ".txt", ".model"))


def content_digest(path: Path) -> str:
    """SHA-256 of the files of an encoder's folder; the same wherever it lies and whoever made it."""
    lines = "".join(f"{name}\0{sha256}\n" for name, sha256 in file_digests(path).items())
    return hashlib.sha256(lines.encode()).hexdigest()


def file_digests(path: Path) -> dict[str, str]:
    """The SHA-256 of each file of an encoder's folder, by its name there, sorted; read again only where one changed."""
    stamps = [(str(p.relative_to(path)), p.stat().st_size, p.stat().st_mtime_ns) for p in encoder_files(path)]
    return dict(_digests(path, tuple(sorted(stamps))))


@lru_cache(maxsize=16)
def _digests(path: Path, stamps: tuple[tuple[str, int, int], ...]) -> tuple[tuple[str, str], ...]:
    """By name, the SHA-256 of files of a folder."""
    found = []
    for name, _, _ in stamps:
        with (path / name).open("rb") as file:
            found.append((name, hashlib.file_digest(file, "sha256").hexdigest()))
    return tuple(found)


def _read(name: str, path: Path, identity: str) -> EncoderFolder:
    """What the folder's own files say of how it is used."""
    config, said = _json(path / _CONFIG), [_json(path / file) for file in _OF_SENTENCES]
    pooling, sentences, prompts = said
    if not config:
        raise DataError(f"data.encoder={path}: expected {_CONFIG}, got none. Give the folder that holds it")
    if not [*path.glob("*.safetensors")]:
        other = [p.name for p in path.glob("*") if p.suffix in (".bin", ".pt", ".ckpt", ".h5", ".onnx")]
        raise DataError(
            f"data.encoder={path}: expected weights as model.safetensors, got {listing(other) or 'none'}. "
            "Other formats may run code, or need another library: save the model with transformers (save_pretrained)"
        )
    if config.get("auto_map"):
        raise DataError(
            f"data.encoder={path}: expected a model that transformers knows by itself, got one that needs the folder's "
            "own code (auto_map in config.json), which is not run. Use another encoder"
        )
    static = config.get("model_type") == "model2vec"
    chosen = [mode for mode, on in pooling.items() if mode.startswith("pooling_mode_") and on is True]
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "first"}
    if len(chosen) > 1 or any(mode not in known for mode in chosen):
        raise DataError(
            f"data.encoder={path}: expected the mean or the first token as a text's vector, got {listing(chosen)} "
            f"({_OF_SENTENCES[0]}). Use another encoder"
        )
    prefix = prompts.get("prompts", {}).get(prompts.get("default_prompt_name") or "", "")
    longest = min(int(sentences.get("max_seq_length") or _LONGEST), _LONGEST)
    decides = json.dumps([WAY, identity, static, chosen, prefix, longest])
    return EncoderFolder(
        name,
        path,
        hashlib.sha256(decides.encode()).hexdigest()[:32],
        static,
        "first" if chosen and known[chosen[0]] == "first" else "mean",
        prefix,
        longest,
    )


def _json(path: Path) -> dict[str, Any]:
    """A JSON file's mapping, empty where there is no file.

    Raises:
        DataError: it is not JSON, or no mapping.
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"data.encoder, file {path}: expected JSON, got: {error}. Save the encoder anew") from error
    if not isinstance(found, dict):
        raise DataError(f"data.encoder, file {path}: expected a mapping, got {type(found).__name__}")
    return found
