"""Which data sources there are: the files of this folder, and the entry points of the group `imbench.sources`."""

from __future__ import annotations

from bench.data.sources.spec import Source
from strategies.registry import Registry

SOURCES: Registry[Source] = Registry("data source", "bench.data.sources", "imbench.sources")
