"""Texts are encoded by the command itself, before it starts its workers: once, and with a word of how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.data.config import DataConfig
from bench.data.embeddings.folder import encoder_folder
from bench.data.embeddings.stored import stored_vectors
from bench.data.features.documents import documents
from bench.data.loaded import loaded_table


def encode_ahead(configs: Iterable[DataConfig], say: Callable[[str], None]) -> None:
    """Have the vectors of the texts of these tables in the cache, as far as they name an encoder.

    Raises:
        DataError: the data or the encoder cannot be used.
    """
    for config in dict.fromkeys(configs):
        if config.encoder is not None:
            table = loaded_table(config)
            if text := tuple(table.names("text")):
                stored_vectors(encoder_folder(config.encoder), documents(table.frame, text), say)
