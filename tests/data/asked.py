"""Data as a configuration asks for it, without the command line: `asked("file", path=…, target="buys").load()`."""

from __future__ import annotations

from typing import Any

from bench.data.config import DataConfig, divide


def asked(source: str, **options: Any) -> DataConfig:
    """The configuration of a source with these options, its own and the table's; types are not checked."""
    cls, own, common = divide({"source": source, **options})
    return DataConfig(source=cls(**own), **common)
