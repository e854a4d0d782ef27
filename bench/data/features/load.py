"""From a configuration to encoded features: what a worker does first."""

from __future__ import annotations

from bench.data.config import DataConfig
from bench.data.features.encode import Encoded, encode
from bench.data.features.encoded_files import SHARED_ROWS, shared
from bench.data.features.fit_encoders import DEFAULT
from bench.data.loaded import loaded_table
from bench.data.tables.schema import Table
from bench.data.tables.splits import partition
from strategies.model import Takes


def load_encoded(config: DataConfig, split: int, seed: int, takes: Takes = DEFAULT, *, test: bool = True) -> Encoded:
    """The encoded parts of a split and seed, as a model takes them; without `test` the test rows are left out.

    Of large tables they lie in the cache, memory-mapped and shared by all processes: the first one writes all of them.

    Raises:
        DataError: the data are not usable.
    """
    return encode_parts(loaded_table(config), config, split, seed, takes, test=test)


def encode_parts(
    table: Table, config: DataConfig, split: int, seed: int, takes: Takes = DEFAULT, *, test: bool = True
) -> Encoded:
    """The same of a table that is loaded.

    Raises:
        DataError: the data are not usable.
    """
    text = table.names("text") and (config.text != "embed" or takes.text == "subwords")
    apart = table.other or table.elsewhere or text or table.unlabelled is not None
    if len(table) >= SHARED_ROWS and not apart:
        return shared(table, config, split, seed, takes, test=test)
    parts = partition(table, split, seed, config.test_fraction, config.val_fraction)
    return encode(table, parts, config, takes, test=test)
