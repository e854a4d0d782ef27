"""Text as the vector of a pretrained encoder that is not trained: dense numbers beside the other columns."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.embeddings.encode_texts import Encode, open_encoder
from bench.data.embeddings.folder import EncoderFolder
from bench.data.embeddings.stored import Digests, StoredVectors, digests, stored_vectors
from bench.data.features.documents import documents
from bench.data.tables.imposed import Rows
from bench.data.tables.schema import blocks
from strategies.features import EMBEDDING, Field

_LENGTH = 2.0
"""Of a row's vector; a row of tf-idf weights has 1. At 20, which 384 standardised numbers have, every step moves the
vector's part as if it were four hundred columns: one star from both, `mlp`, validation loss .113 at 20, .107 at 5, .102
at 1. Alone it is no worse for being short, but slow: class, .967 at 20 and 5, .973 at 1 after six times the steps."""


class EmbeddingEncoder:
    """All text columns of a row as one document: its vector, centred and scaled by the training rows.

    The vectors of all rows of the frame are computed once and kept (`embeddings.stored`). The training rows give their
    mean, and one scale by which their length is `_LENGTH` (root mean square). Encoders put all texts into a narrow cone
    (Ethayarajh 2019, arXiv:1909.00512): less their mean, directions tell texts apart.
    """

    fitted: Tensor | None = None
    stored: StoredVectors | None = None  # of the frame's texts; None: it was fitted elsewhere, and keeps nothing
    encode: Encode | None = None  # the encoder in memory, once it was needed

    def __init__(self, columns: tuple[str, ...], frame: pd.DataFrame, rows: Rows | None, folder: EncoderFolder) -> None:
        self.columns, self.folder = columns, folder
        self.stored = stored_vectors(folder, documents(frame, columns))
        self.note = self.stored.note
        width = self.stored.vectors.shape[1]
        self.field = Field(EMBEDDING, "numeric", width=width)
        self.mean: npt.NDArray[np.float32] = np.zeros(width, dtype=np.float32)
        self.scale = 1.0
        self.fit(self.raw(documents(frame, columns, rows)))

    @classmethod
    def of_moments(
        cls, columns: tuple[str, ...], folder: EncoderFolder, mean: npt.NDArray[np.float32], scale: float
    ) -> EmbeddingEncoder:
        """An encoder that was fitted before: the training rows' mean (d,) and scale. It writes nothing to the cache."""
        made = cls.__new__(cls)
        made.columns, made.folder, made.note, made.mean, made.scale = columns, folder, "", mean, scale
        made.field = Field(EMBEDDING, "numeric", width=len(mean))
        return made

    def fit(self, vectors: npt.NDArray[np.float32]) -> None:
        """Mean and scale, from the training rows' vectors (n, d)."""
        n = max(len(vectors), 1)
        mean = sum((part.sum(0, dtype=np.float64) for part in blocks(vectors)), np.zeros(vectors.shape[1])) / n
        spread = sum(float(np.square(part - mean).sum()) for part in blocks(vectors)) / n
        self.mean, self.scale = mean.astype(np.float32), _LENGTH / math.sqrt(spread) if spread > 0 else 1.0

    def raw(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Vectors of length 1, (n, d); texts that the table does not have are encoded now, and kept too."""
        wanted = digests(texts)
        if self.stored is None:
            return self._encoded(texts, wanted)
        places = self.stored.places(wanted)
        out: npt.NDArray[np.float32] = self.stored.vectors[places]
        new = np.flatnonzero(places < 0)
        if len(new):
            more = stored_vectors(self.folder, [texts[i] for i in new])
            out[new] = more.vectors[more.places(wanted[new])]
        return out

    def _encoded(self, texts: list[str], wanted: Digests) -> npt.NDArray[np.float32]:
        """The same by the encoder itself, each distinct text once."""
        if self.encode is None:
            self.encode = open_encoder(self.folder)
        _, first, places = np.unique(wanted, return_index=True, return_inverse=True)
        found = self.encode([texts[i] for i in first.tolist()], lambda done, total: None).vectors
        out: npt.NDArray[np.float32] = found[places]
        return out

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """float32 (n, d)."""
        out = self.raw(documents(frame, self.columns, rows))
        out -= self.mean
        out *= np.float32(self.scale)
        return torch.from_numpy(out)
