"""The section `data` of a configuration: a source with its own options, and what is asked of its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bench.data.embeddings.folder import encoder_folder
from bench.data.errors import DataError, listing
from bench.data.sources.registry import SOURCES
from bench.data.sources.spec import Source
from bench.data.tables.config import TableConfig, plain
from bench.data.tables.schema import Table
from strategies.registry import RegistryError, unknown


@dataclass(frozen=True, kw_only=True)
class DataConfig(TableConfig):
    """Which data, and how they are cleaned, split and encoded."""

    source: Source

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group is None:  # here, so that what splits the rows is what the key and the records say
            object.__setattr__(self, "group", self.source.group_of(self))

    def __hash__(self) -> int:
        own = tuple(plain(value) for value in vars(self.source).values())
        return hash((type(self.source), own, super().__hash__()))

    def load(self) -> Table:
        """The cleaned table.

        Raises:
            DataError: unusable configuration or data; says what to do.
        """
        return self.source.load(self)

    def key(self) -> dict[str, Any]:
        """As of every table; an encoder counts by what it is, and not by where it lies.

        Raises:
            DataError: there is no such encoder here.
        """
        found = super().key()
        if self.encoder is not None:
            found["encoder"] = encoder_folder(self.encoder).identity
        return found

    def generated(self) -> dict[str, Any]:
        """What a generator was asked for: records know the table by its content only."""
        return asdict(self.source)


def divide(raw: Mapping[str, Any]) -> tuple[type[Source], dict[str, Any], dict[str, Any]]:
    """The class of the source that `raw` names, the options that are its own, and those that all tables share.

    Raises:
        DataError: no or an unknown source, or a key that it does not have: names the source that has it.
    """
    if not isinstance(raw, Mapping):
        raise DataError(f"data: expected keys and values, got {raw!r}")
    name = raw.get("source")
    if not isinstance(name, str):
        raise DataError(f"data.source: expected a name, got {name!r}. Known: {listing(SOURCES.names())}")
    try:
        source = SOURCES.get(name)
    except RegistryError as error:
        raise DataError(str(error)) from None
    shared, options = {f.name for f in fields(TableConfig)}, {f.name for f in fields(source)}
    if shared & options or "source" in options:
        clash = listing(sorted((shared | {"source"}) & options))
        raise DataError(f"data source {name!r}: expected options of other names than every table's, got {clash}")
    own, common = dict[str, Any](), dict[str, Any]()
    for key, value in raw.items():
        if key in options:
            own[key] = value
        elif key in shared:
            common[key] = value
        elif key != "source":
            refuse(key, value, name, [*shared, *options])
    return source, own, common


def refuse(key: str, value: Any, name: str, known: list[str]) -> None:
    """Refuse a key that a source does not have, unless it is another's and not set.

    Raises:
        DataError: says which source has it, or the nearest key.
    """
    owner = _source_of(key)
    if owner is None:
        raise DataError(unknown("key", f"data.{key}", sorted(f"data.{k}" for k in known)))
    if value is not None:
        raise DataError(
            f"data.{key}: expected unset for source {name!r}, got {value!r}. It belongs to {owner}: set data={owner}"
        )


def _source_of(key: str) -> str | None:
    """The first source that has an option of this name."""
    return next((name for name in SOURCES.names() if key in {f.name for f in fields(SOURCES.get(name))}), None)
