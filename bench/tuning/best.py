"""Best settings of studies as files: written by searches, edited by people, believed as far as the space goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.bounded_yaml import Unbounded, read_yaml
from bench.config import ConfigError
from bench.records.files import ResultsError
from bench.records.reading import read_text
from bench.tuning.space import Dimension
from strategies.registry import unknown

BEST: Final = "best.yaml"

_TEXTS: Final = ("study", "data", "target", "model", "strategy")
_TOTALS: Final = ("trials", "fits", "steps", "seconds")
_AGAIN: Final = "delete it and tune again"


def read_best(path: Path) -> dict[str, Any]:
    """The best settings of a study.

    Raises:
        ConfigError: the file is not what `Study.save_best` writes.
    """
    try:
        content = read_yaml(read_text(path))
    except (Unbounded, ResultsError, OSError) as error:
        raise ConfigError(f"{path}: expected tuned settings, but {error}; {_AGAIN}") from error
    if not isinstance(content, dict) or not isinstance(content.get("settings"), dict):
        raise ConfigError(f"{path}: expected tuned settings, got {type(content).__name__}; {_AGAIN}")
    wrong = [name for name in _TEXTS if not isinstance(content.get(name), str)]
    wrong += [name for name in _TOTALS if not isinstance(content.get(name), int | float)]
    wrong += [name for name in ("objective",) if not isinstance(content.get(name), dict)]
    wrong += [name for name in ("split",) if type(content.get(name)) is not int]
    if wrong:
        raise ConfigError(f"{path}: expected tuned settings, but {', '.join(wrong)} cannot be used; {_AGAIN}")
    return content


def of_space(settings: Mapping[str, Any], space: Sequence[Dimension], path: Path) -> Mapping[str, Any]:
    """The settings, where the search could have found them: nothing else of a cell is set by a file.

    Raises:
        ConfigError: one is of no dimension, or outside of its dimension.
    """
    by_path = {dimension.path: dimension for dimension in space}
    for name, value in settings.items():
        if name not in by_path:
            raise ConfigError(f"{path}: {unknown('searched setting', str(name), sorted(by_path))} Else {_AGAIN}")
        try:
            by_path[name].parameters(value)
        except ConfigError:
            raise ConfigError(f"{path}: {name}={value!r} is outside of what was searched; {_AGAIN}") from None
    return settings


def readable(root: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The best settings under a results folder, and what is wrong with files that hold none: they stop nobody."""
    found, problems = [], []
    for path in sorted((root / "tuned").glob(f"*/{BEST}")):
        try:
            found.append(read_best(path))
        except ConfigError as error:
            problems.append(str(error))
    return found, problems


def matching(everything: Sequence[dict[str, Any]], wanted: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Those that match data, target, model, strategy.

    Raises:
        ConfigError: none does; lists what there is.
    """
    found = [b for b in everything if all(b[k] == v for k, v in wanted.items() if v is not None)]
    if not found:
        strategy = str(wanted.get("strategy"))
        raise ConfigError(unknown("tuned strategy", strategy, sorted({str(b["strategy"]) for b in everything})))
    return found
