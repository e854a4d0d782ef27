"""Search spaces as the YAML files declare them, and their translation to Optuna's parameters and back.

A dimension is a list of choices, or a range {low, high, log, also}: `also` are values outside the range (null, 0, …)
that compete with it. {binary: …, multiclass: …} gives one of the two by the number of classes. Parameters are named by
their path in the configuration, `strategy.focal.gamma`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.config import ConfigError
from bench.models.registry import MODELS, train_keys

if TYPE_CHECKING:
    import optuna

KIND = ".kind"  # of a range with `also`: which of the two the value comes from
_IN_RANGE = "range"


@dataclass(frozen=True)
class Dimension:
    """One searched hyperparameter: `choices`, or a range with values `also` outside it."""

    path: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    also: tuple[Any, ...] = ()

    @property
    def integer(self) -> bool:
        """Whether the range is of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def suggest(self, trial: optuna.Trial) -> Any:
        """A value for a trial."""
        if self.choices:
            return json.loads(trial.suggest_categorical(self.path, [json.dumps(c) for c in self.choices]))
        if self.also:
            kind = trial.suggest_categorical(self.path + KIND, [_IN_RANGE, *(json.dumps(v) for v in self.also)])
            if kind != _IN_RANGE:
                return json.loads(kind)
        if self.integer:
            return trial.suggest_int(self.path, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.path, self.low, self.high, log=self.log)

    def parameters(self, value: Any) -> dict[str, Any]:
        """Optuna's parameters that stand for a value.

        Raises:
            ConfigError: the value is not in the space.
        """
        if self.choices:
            if value not in self.choices:
                raise ConfigError(f"{self.path}: expected one of {list(self.choices)} to start from, got {value!r}")
            return {self.path: json.dumps(value)}
        if any(value == v and type(value) is type(v) for v in self.also):
            return {self.path + KIND: json.dumps(value)}
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ConfigError(
                f"{self.path}: expected a value in [{self.low}, {self.high}] to start from, got {value!r}; "
                "widen its `space` or add the value to its `also`"
            )
        return {self.path: value, **({self.path + KIND: _IN_RANGE} if self.also else {})}


def dimensions(raw: Mapping[str, Any], n_classes: int) -> tuple[Dimension, ...]:
    """The merged space of a composed configuration: training, model, and every strategy of the stack.

    Settings of training that mean nothing to the model are left out.

    Raises:
        ConfigError: a space is malformed.
    """
    means = train_keys(MODELS.get(raw["model"]["name"]))
    of_train = {key: space for key, space in (raw["train"].get("space") or {}).items() if means is None or key in means}
    spaces = {"train": of_train, "model": raw["model"].get("space")}
    spaces |= {f"strategy.{name}": (own or {}).get("space") for name, own in (raw.get("strategy") or {}).items()}
    found = []
    for section, space in spaces.items():
        found += [dimension(f"{section}.{key}", entry, n_classes) for key, entry in (space or {}).items()]
    return tuple(found)


def dimension(path: str, entry: Any, n_classes: int) -> Dimension:
    """One entry of a `space`."""
    if isinstance(entry, Mapping) and set(entry) == {"binary", "multiclass"}:
        entry = entry["binary" if n_classes == 2 else "multiclass"]
    if isinstance(entry, Sequence) and not isinstance(entry, str) and entry:
        return Dimension(path, choices=tuple(entry))
    if isinstance(entry, Mapping) and {"low", "high"} <= set(entry) <= {"low", "high", "log", "also"}:
        low, high = entry["low"], entry["high"]
        if low < high and (low > 0 or not entry.get("log")):
            return Dimension(path, (), low, high, bool(entry.get("log")), tuple(entry.get("also", ())))
    raise ConfigError(
        f"{path}: expected a space like [a, b] or {{low: 0.1, high: 10, log: true, also: [null]}} with low < high "
        f"(and above 0 for log), got {entry!r}"
    )


def starts(raw: Mapping[str, Any], space: Sequence[Dimension]) -> dict[str, dict[str, Any]]:
    """What every study tries first: the settings as configured, then the strategy's neutral setting."""
    first = {name: value_at(raw, name) for name in (d.path for d in space)}
    points = {"default": first}
    neutral = {
        f"strategy.{name}.{key}": value
        for name, own in (raw.get("strategy") or {}).items()
        for key, value in ((own or {}).get("neutral") or {}).items()
    }
    if neutral:
        points["neutral"] = {**first, **neutral}
    return points


def parameters(space: Sequence[Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Optuna's parameters for a point.

    Raises:
        ConfigError: the point is outside the space.
    """
    return {k: v for d in space for k, v in d.parameters(values[d.path]).items()}


def starting_points(raw: Mapping[str, Any], space: Sequence[Dimension]) -> dict[str, dict[str, Any]]:
    """Optuna's parameters of what every study tries first, by origin (`default`, `neutral`).

    Raises:
        ConfigError: one of them is outside the space; says where it comes from.
    """
    found = {}
    for origin, point in starts(raw, space).items():
        try:
            found[origin] = parameters(space, point)
        except ConfigError as error:
            if origin != "neutral":
                raise
            names = [name for name, own in (raw.get("strategy") or {}).items() if (own or {}).get("neutral")]
            without = " ".join(f"strategy.{name}.neutral=null" for name in names)
            raise ConfigError(
                f"{error}. That value is the strategy's own `neutral`, which switches it off; to begin without it: "
                f"{without}"
            ) from None
    return found


def value_at(raw: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path."""
    node: Any = raw
    for part in path.split("."):
        node = node[part]
    return node


def apply(raw: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a composed configuration with values set at their paths."""
    changed = copy.deepcopy(dict(raw))
    for path, value in values.items():
        *sections, last = path.split(".")
        node: Any = changed
        for part in sections:
            node = node[part]
        node[last] = value
    return changed
