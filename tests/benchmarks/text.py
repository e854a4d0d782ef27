"""Steps on text: the fitted vocabulary against hashing into 2^14 buckets. A frozen encoder, and its cache."""

from __future__ import annotations

import os
import random
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

from bench.cli.compose import compose, hydra_loader
from bench.config import read_cell
from bench.data.embeddings.folder import encoder_folder
from bench.data.embeddings.named import NAMED
from bench.data.embeddings.stored import digests, stored_vectors
from bench.data.fetching.cache import ENVIRONMENT
from bench.models.mlp import MLP
from bench.pretrained import load_tokenizer, load_transformer
from bench.sweep.plan import identify
from bench.sweep.runner import encoded, recipe
from bench.training.trainer import fit
from strategies.spec import Bag, Features, Recipe
from tests.benchmarks.measure import Measured, compared, timed

CPU = torch.device("cpu")
BUCKETS = 1 << 14
_WORDS = ("the", "dress", "fits", "very", "well", "but", "colour", "is", "not", "as", "shown", "soft", "fabric")


def hashed(x: Features) -> Features:
    """The same rows over 2^14 buckets."""
    columns = {
        n: Bag(((v.ids.long() * 2654435761) % BUCKETS).int(), v.weights, v.offsets) if isinstance(v, Bag) else v
        for n, v in x.columns.items()
    }
    schema = tuple(replace(f, sizes=(BUCKETS,)) if f.kind == "bag" else f for f in x.schema)
    return Features(schema, columns)


def measure() -> list[Measured]:
    """200 steps of width 64 on womens."""
    with hydra_loader() as loader:
        (raw,) = compose(loader, [("data=womens", "data.target=one_star")])
    planned = identify(read_cell(raw))
    made = recipe(planned, encoded(planned.cell.data, 0, 0))
    ours: Recipe = replace(made, model=MLP(dim=64, hidden=(), bins=0), max_steps=200, eval_every=200)
    theirs = replace(
        ours, train=replace(ours.train, x=hashed(ours.train.x)), val=replace(ours.val, x=hashed(ours.val.x))
    )
    terms = sum(f.sizes[0] for f in made.train.x.schema if f.kind == "bag")
    return [
        *frozen_encoder(),
        compared(
            "text",
            f"200 steps on womens, vocabulary of {terms:,} terms",
            "hashing into 2^14 buckets",
            lambda: fit([theirs], CPU),
            lambda: fit([ours], CPU),
            target=1.0,
            repeats=5,
        ),
    ]


def frozen_encoder(texts: int = 10_000, repeats: int = 1, name: str = "minilm") -> list[Measured]:
    """Short texts to vectors, against transformers itself in batches of like length; and the same from the cache.

    Nothing where the encoder has not been fetched (`imbench data get minilm`).
    """
    if not NAMED[name].fetched():
        return []
    folder = encoder_folder(name)
    draw = random.Random(0)
    made = [" ".join(draw.choice(_WORDS) for _ in range(draw.randint(10, 20))) for _ in range(texts)]
    tokenizer, model = load_tokenizer(folder.path), load_transformer(folder.path).eval()
    found = dict[str, Tensor]()

    def reference() -> None:
        order = sorted(range(texts), key=lambda i: len(made[i]))
        vectors = torch.zeros(texts, model.config.hidden_size)
        with torch.inference_mode():
            for first in range(0, texts, 32):
                rows = order[first : first + 32]
                batch = tokenizer([made[i] for i in rows], padding=True, return_tensors="pt")
                states, mask = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
                vectors[rows] = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
        found["theirs"] = vectors

    def ours() -> None:
        stored = stored_vectors(folder, made)
        found["ours"] = torch.from_numpy(stored.vectors[stored.places(digests(made))])

    what = f"{texts:,} texts of 15 words with {name}"
    with tempfile.TemporaryDirectory() as root:
        caches = (str(Path(root) / str(i)) for i in range(repeats + 1))  # one to warm up

        def anew() -> None:
            os.environ[ENVIRONMENT] = next(caches)
            ours()

        with patch.dict(os.environ):
            against = "transformers, batches of 32"
            ratio = compared("text", what, against, reference, anew, target=1.1, repeats=repeats)
            seconds, _ = timed(ours)
    apart = float((found["ours"] - found["theirs"]).abs().max())
    again = Measured("text", f"{what}, from the cache", "absolute", seconds, 0.05, unit="s")
    return [replace(ratio, note=f"vectors equal to {apart:.0e}"), again]
