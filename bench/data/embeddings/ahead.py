"""Texts are encoded by the command itself, before it starts its workers: once, and with a word of how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.data.config import DataConfig
from bench.data.embeddings.folder import encoder_folder
from bench.data.embeddings.stored import stored_vectors
from bench.data.features.documents import documents
from bench.data.loaded import loaded_table
from strategies.model import Takes


def encode_ahead(asked: Iterable[tuple[DataConfig, Takes]], say: Callable[[str], None]) -> None:
    """Have the vectors of the texts of these tables in the cache, as far as they name an encoder.

    Not for models that read the encoder's tokens, unless they are to have its vectors too (`data.text`).

    Raises:
        DataError: the data or the encoder cannot be used.
    """
    wanted = (config for config, takes in asked if takes.text != "subwords" or config.text != "tfidf")
    for config in dict.fromkeys(wanted):
        if config.encoder is not None:
            table = loaded_table(config)
            if text := tuple(table.names("text")):
                stored_vectors(encoder_folder(config.encoder), documents(table.frame, text), say)
