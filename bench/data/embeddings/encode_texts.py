"""Texts to vectors by an encoder's folder: transformers in batches of like length, or a table of vectors of tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from bench.data.embeddings.folder import EncoderFolder
from bench.data.errors import DataError
from bench.pretrained import load_tokenizer, load_transformer

_TOKENS = 4096  # in a batch, padding included: more gains nothing on a CPU
_TOKENS_ON_GPU = 1 << 16
_CHUNK = 4096  # texts that are tokenised at once

Progress: TypeAlias = Callable[[int, int], None]
"""Told (texts done, texts in all)."""

Encode: TypeAlias = "Callable[[Sequence[str], Progress], TextVectors]"
"""From texts to their vectors, in their order."""


@dataclass(frozen=True)
class TextVectors:
    """Vectors float32 (n, d) of length 1, zero for a text without a token; cut (n,): too long for the encoder."""

    vectors: npt.NDArray[np.float32]
    cut: npt.NDArray[np.bool_]


def encode_texts(folder: EncoderFolder, texts: Sequence[str], told: Progress = lambda done, total: None) -> TextVectors:
    """The vectors of texts, in their order.

    Raises:
        DataError: a library is missing, or the folder cannot be loaded.
    """
    return open_encoder(folder)(texts, told)


def open_encoder(folder: EncoderFolder) -> Encode:
    """The encoder, in memory: for callers that have texts time and again.

    Raises:
        DataError: a library is missing, or the folder cannot be loaded.
    """
    with complaints(folder):
        return (_table if folder.static else _transformer)(folder)


@contextlib.contextmanager
def complaints(folder: EncoderFolder) -> Iterator[None]:
    """What a library says of a folder that it loads becomes a complaint about that."""
    try:
        yield
    except ImportError as error:
        raise DataError(
            f"data.encoder={folder.name}: expected the package {error.name}, which is not installed; "
            "pip install 'imbench[text]'"
        ) from error
    except Exception as error:  # libraries raise what they like
        said = " ".join(str(error).split())[:300]
        raise DataError(
            f"data.encoder={folder.path}: expected an encoder that transformers can load, got: {said}. "
            "Load it there with AutoModel and AutoTokenizer, and save it anew"
        ) from error


def _readable(folder: EncoderFolder, texts: Sequence[str]) -> list[str]:
    """Texts with the encoder's prefix; a lone half of a UTF-16 pair, which no tokenizer takes, as a question mark."""
    return [folder.prefix + text.encode("utf-8", "replace").decode() for text in texts]


def _transformer(folder: EncoderFolder) -> Encode:
    tokenizer, model = load_tokenizer(folder.path), load_transformer(folder.path).eval()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)

    def encode(texts: Sequence[str], told: Progress) -> TextVectors:
        ids, cut = tokens(folder, tokenizer, texts)
        order = sorted(range(len(texts)), key=lambda i: -len(ids[i]))  # the longest first: memory is short at once
        out = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        most, done = _TOKENS_ON_GPU if device.type == "cuda" else _TOKENS, 0
        while done < len(order):
            size = max(1, most // max(1, len(ids[order[done]])))
            rows = order[done : done + size]
            out[rows] = _pooled(folder, model, tokenizer, [ids[i] for i in rows], device)
            done += len(rows)
            told(done, len(texts))
        return TextVectors(out, cut)

    return encode


def tokens(
    folder: EncoderFolder, tokenizer: Any, texts: Sequence[str]
) -> tuple[list[list[int]], npt.NDArray[np.bool_]]:
    """The tokens of each text, special ones included, cut to the longest; and which were cut."""
    found: list[list[int]] = []
    limit = min(folder.longest, tokenizer.model_max_length)
    cut = np.zeros(len(texts), dtype=np.bool_)
    for start in range(0, len(texts), _CHUNK):
        part = _readable(folder, texts[start : start + _CHUNK])
        # One token more tells whether a text was cut.
        got = tokenizer(part, truncation=True, max_length=limit + 1, padding=False)["input_ids"]
        long = [i for i, ids in enumerate(got) if len(ids) > limit]
        if long:
            cut[[start + i for i in long]] = True
            again = tokenizer([part[i] for i in long], truncation=True, max_length=limit, padding=False)["input_ids"]
            for i, ids in zip(long, again, strict=True):
                got[i] = ids
        found += got
    return found, cut


@torch.inference_mode()
def _pooled(
    folder: EncoderFolder, model: Any, tokenizer: Any, ids: Sequence[list[int]], device: torch.device
) -> npt.NDArray[np.float32]:
    """One batch: the mean of the tokens' last states, or the first one, at length 1."""
    width = max(1, *map(len, ids))
    padding = tokenizer.pad_token_id or 0
    rows = torch.tensor([[*own, *[padding] * (width - len(own))] for own in ids], device=device)
    lengths = torch.tensor([len(own) for own in ids], device=device)
    mask = torch.arange(width, device=device) < lengths.unsqueeze(1)
    states = model(input_ids=rows, attention_mask=mask.long()).last_hidden_state
    if folder.pooling == "first":
        pooled = states[:, 0]
    else:
        pooled = (states * mask.unsqueeze(-1)).sum(1) / lengths.clamp_min(1).unsqueeze(-1)
    found: npt.NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=-1).cpu().numpy()
    return found


def _table(folder: EncoderFolder) -> Encode:
    from safetensors.numpy import load_file  # noqa: PLC0415 - optional
    from tokenizers import Tokenizer  # noqa: PLC0415

    tensors = load_file(folder.path / "model.safetensors")
    if len(tensors) != 1 or next(iter(tensors.values())).ndim != 2:
        raise ValueError(f"expected one table of vectors, got tensors {', '.join(tensors)}")
    table = next(iter(tensors.values())).astype(np.float32)
    tokenizer = Tokenizer.from_file(str(folder.path / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def encode(texts: Sequence[str], told: Progress) -> TextVectors:
        out = np.zeros((len(texts), table.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            part = _readable(folder, texts[start : start + _CHUNK])
            for i, got in enumerate(tokenizer.encode_batch(part, add_special_tokens=False)):
                if got.ids:
                    mean = table[np.minimum(got.ids, len(table) - 1)].mean(0)
                    out[start + i] = mean / max(float(np.linalg.norm(mean)), 1e-12)
            told(start + len(part), len(texts))
        return TextVectors(out, np.zeros(len(texts), dtype=np.bool_))

    return encode
