"""Small encoders, made here: a transformer of one layer and a table of vectors of tokens, as folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

WORDS = ("good", "bad", "dress", "fits", "red", "blue", "never", "again", "room", "dirty")


def tokenizer(path: Path, ends: bool) -> None:
    """A tokenizer of whole words; `ends`: with a token at each end of a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate([*special, *WORDS])}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.add_special_tokens(special)
    if ends:
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    made.save(str(path))


def transformer(folder: Path, *, seed: int = 0, longest: int = 16) -> Path:
    """A BERT of one layer with random weights."""
    import torch
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True, exist_ok=True)
    config = BertConfig(
        vocab_size=5 + len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=longest, pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertModel(config)
        for p in model.parameters():
            torch.nn.init.normal_(p, std=0.5)
    model.save_pretrained(folder)
    tokenizer(folder / "tokenizer.json", ends=True)
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**names, "model_max_length": longest}))
    return folder


def table(folder: Path) -> tuple[Path, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """A table of vectors of tokens in the layout of model2vec, and the table."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    vectors = np.random.default_rng(0).normal(size=(5 + len(WORDS), 6)).astype(np.float32)
    save_file({"embeddings": vectors}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "model2vec"}')
    tokenizer(folder / "tokenizer.json", ends=False)
    return folder, vectors
