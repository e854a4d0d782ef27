"""`repeats=N`: every cell anew on N splits, split r with seed r, so that a comparison is about other test rows too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.config import ConfigError

_FURTHER_FROM: Final = 10
"""From so many repeats on, two splits get one more seed, which tells the noise of seeds from that of splits."""

_Configuration = Mapping[str, Any]


def repeated(configurations: Sequence[_Configuration]) -> list[dict[str, Any]]:
    """The configurations of a command, those with `repeats` once for each (split, seed).

    Raises:
        ConfigError: `repeats` is no number of repeats, or is given together with a split or seed.
    """
    return [
        {**raw, "split": split, "seed": seed, "repeats": None} if raw.get("repeats") is not None else dict(raw)
        for raw in configurations
        for split, seed in _units(raw)
    ]


def on_each_split(configurations: Sequence[_Configuration]) -> list[dict[str, Any]]:
    """The same for searches, which see one split each: those with `repeats` once for each split.

    Raises:
        ConfigError: as `repeated`.
    """
    found = []
    for raw in configurations:
        splits = dict.fromkeys(split for split, _ in _units(raw))
        own = raw.get("repeats") is not None
        found += [{**raw, "split": split, "repeats": None} if own else dict(raw) for split in splits]
    return found


def _units(raw: _Configuration) -> list[tuple[int, int]]:
    """The (split, seed) pairs of one configuration; its own where it has no `repeats`.

    Where the data give the test rows (`data.given`) there is one split, and repeats are seeds on it.
    """
    n = raw.get("repeats")
    if n is None:
        return [(raw.get("split", 0), raw.get("seed", 0))]
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise ConfigError(f"repeats: expected a number of at least 2 (5 for a look, 10 for a verdict), got {n!r}")
    for key in ("split", "seed"):
        if raw.get(key, 0) != 0:
            raise ConfigError(
                f"repeats={n} and {key}={raw[key]}: expected one of them; repeats pairs split r with seed r. Leave out "
                f"{key}=, or give split= and seed= without repeats="
            )
    if (raw.get("data") or {}).get("given") is not None:
        return [(0, r) for r in range(n)]
    return [(r, r) for r in range(n)] + ([(0, n), (1, n + 1)] if n >= _FURTHER_FROM else [])
