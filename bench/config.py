"""From a composed configuration, a plain mapping, to checked and frozen values.

Every section is a dataclass; its fields are the keys that are allowed. Types are checked strictly (pydantic, JSON
mode: a list may become a tuple and an integer a float, nothing else is coerced), and names are looked up in registries.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from bench.data.config import DataConfig, divide
from bench.data.errors import DataError
from bench.data.options import typed
from bench.data.tables.config import TableConfig
from bench.errors import Complaint
from bench.models.registry import MODELS, kind
from bench.needs import Allowance, Need
from strategies.registry import STRATEGIES, RegistryError, unknown

if TYPE_CHECKING:
    from strategies.model import Model
    from strategies.spec import Strategy
    from strategies.stack import Chain

T = TypeVar("T")


_LOGGER_PACKAGES = {"tensorboard": "tensorboard", "mlflow": "mlflow"}  # extras of pyproject.toml by the same names


_LARGEST = 2**31 - 1  # counts and seconds: what every library below takes
_LARGEST_SEED = 2**32 - 1  # NumPy's global stream takes no larger one
_MOST_AT_ONCE = 4096  # processes, threads, members of a stack
_MOST_RESAMPLES = 1_000_000


class ConfigError(Complaint, ValueError):
    """The configuration is wrong: says which key, what was expected, what was given, and what to do."""


def _check_seed(key: str, value: int) -> None:
    """Hold a seed to what every generator takes.

    Raises:
        ConfigError: it is below 0, or above 2³² − 1.
    """
    if not 0 <= value <= _LARGEST_SEED:
        raise ConfigError(f"{key}: expected a whole number from 0 to {_LARGEST_SEED}, got {value}")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One budget for all: see conf/train/default.yaml."""

    max_steps: int = 4000
    batch_size: int = 256
    lr: float = 0.003
    weight_decay: float = 0.0
    eval_every: int = 20
    patience: int = 10
    decay: float = 0.3
    precision: Literal["float32", "bf16"] = "float32"
    budget: Literal["each", "total"] = "each"

    def steps_of(self, fits: int) -> int:
        """Steps that each of so many fits of a strategy may take at most: whole runs between looks, one at least."""
        if self.budget == "each":
            return self.max_steps
        return min(self.max_steps, max(1, self.max_steps // fits // self.eval_every) * self.eval_every)

    def key(self) -> dict[str, Any]:
        """What goes into the run key: all but options at the default that came after the first records were made."""
        found = asdict(self)
        if self.precision == "float32":
            del found["precision"]
        if self.budget == "each":
            del found["budget"]
        return found

    def __post_init__(self) -> None:
        for name in ("max_steps", "batch_size", "eval_every", "patience", "lr"):
            if getattr(self, name) <= 0:
                raise ValueError(f"train.{name}: expected a number above 0, got {getattr(self, name)}")
        for name in ("max_steps", "batch_size", "eval_every", "patience"):
            if getattr(self, name) > _LARGEST:
                raise ValueError(f"train.{name}: expected a number of at most {_LARGEST}, got {getattr(self, name)}")
        if not 0 <= self.decay < 1:
            raise ValueError(f"train.decay: expected a share of at least 0 and below 1, got {self.decay}")
        if self.weight_decay < 0:
            raise ValueError(f"train.weight_decay: expected a number of at least 0, got {self.weight_decay}")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How to run; never part of a run's key: see conf/config.yaml."""

    workers: int | Literal["auto"] = "auto"
    threads: int = 1
    stack: int | Literal["auto", "off"] = "off"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    graphs: bool = False
    logger: Literal["csv", "tensorboard", "mlflow"] | None = None
    retry_failed: bool = False
    timeout: float | None = None

    @property
    def together(self) -> bool:
        """Whether cells may train as one model."""
        return self.stack not in (1, "off")

    def __post_init__(self) -> None:
        counts = (self.workers, self.threads, self.stack)
        if any(not isinstance(n, str) and not 1 <= n <= _MOST_AT_ONCE for n in counts):
            got = f"workers={self.workers}, threads={self.threads}, stack={self.stack}"
            raise ValueError(
                f"run: expected workers, threads and stack of at least 1, at most {_MOST_AT_ONCE}, got {got}"
            )
        if self.timeout is not None and not 0 < self.timeout <= _LARGEST:
            raise ValueError(f"run.timeout: expected seconds above 0, or null for any time, got {self.timeout:g}")
        if self.logger in _LOGGER_PACKAGES and find_spec(_LOGGER_PACKAGES[self.logger]) is None:
            raise ValueError(
                f"run.logger={self.logger}: expected the package {_LOGGER_PACKAGES[self.logger]}, which is not "
                f"installed; pip install 'imbench[{self.logger}]'"
            )


@dataclass(frozen=True, kw_only=True)
class BoardConfig:
    """Which boards to show, and how: see conf/config.yaml."""

    data: str | None = None
    target: str | None = None
    model: str | None = None
    metric: str | None = None
    baseline: str = "none"
    name: str | None = None
    overwrite: bool = False
    bootstrap: int = 1000
    plots: bool = True
    rope: float = 0.01
    fail_if: str = ""

    def __post_init__(self) -> None:
        if self.bootstrap < 0 or 0 < self.bootstrap < 100 or self.bootstrap > _MOST_RESAMPLES:
            raise ValueError(
                f"board.bootstrap: expected 0 (none) or at least 100 resamples, at most {_MOST_RESAMPLES}, "
                f"got {self.bootstrap}"
            )
        if not 0 <= self.rope < 1:
            raise ValueError(f"board.rope: expected a difference of at least 0 and below 1, got {self.rope}")


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """How hyperparameters are searched: see conf/tune/default.yaml."""

    trials: int = 40
    batch: int = 8
    seeds: tuple[int, ...] = (0,)
    folds: int = 0
    objective: str | tuple[str, ...] = "auto"
    prune: bool = True
    sampler_seed: int = 0
    storage: str | None = None
    stack: int | Literal["auto", "off"] = "auto"

    def __post_init__(self) -> None:
        for seed in (*self.seeds, self.sampler_seed):
            _check_seed("tune.seeds and tune.sampler_seed", seed)
        if max(self.trials, self.batch, self.folds) > _LARGEST:
            raise ValueError(f"tune: expected trials, batch and folds of at most {_LARGEST}")
        if not isinstance(self.stack, str) and self.stack < 1:
            raise ValueError(f"tune: expected stack to be auto, off or at least 1, got {self.stack}")
        if self.trials < 1 or self.batch < 1 or not self.seeds or self.folds < 0 or self.folds == 1:
            raise ValueError(
                "tune: expected trials >= 1, batch >= 1, at least one seed, folds 0 (off) or at least 2, "
                f"got trials={self.trials}, batch={self.batch}, seeds={list(self.seeds)}, folds={self.folds}"
            )


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One (data and target, model, strategy stack, split, seed): what a record is about."""

    data: DataConfig
    model: Model
    strategies: tuple[Strategy, ...]
    train: TrainConfig
    split: int
    seed: int
    tuned: bool = False
    budget: tuple[tuple[str, float], ...] = ()  # what the search for tuned settings took

    def __post_init__(self) -> None:
        _check_seed("seed", self.seed)
        _check_seed("split", self.split)

    @property
    def strategy(self) -> str:
        """The stack's label: `undersample+focal`."""
        return "+".join(s.name for s in self.strategies) or "none"

    def chain(self) -> Chain:
        """The stack as one strategy."""
        from strategies.stack import Chain  # noqa: PLC0415 - torch comes with it

        return Chain(self.strategies)


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """What a command was given beside its cells."""

    results: str
    run: RunConfig
    board: BoardConfig
    need: Need = field(default_factory=Need)
    budget: Allowance = field(default_factory=Allowance)
    tune: TuneConfig = field(default_factory=TuneConfig)
    debug: bool = False


WHOLE_COMMAND: Final = ("results", "run", "board", "need", "budget", "tune", "debug")
"""Sections that are no part of any cell: all cells of a command share them."""

_TOP_KEYS = frozenset(
    {"data", "model", "strategy", "train", "experiment", "seed", "split", "repeats", "tuned", *WHOLE_COMMAND}
)


def read_options(raw: Mapping[str, Any]) -> CommandOptions:
    """The parts of a composed configuration that are no part of any cell.

    Raises:
        ConfigError: an unknown key, a wrong type or value.
    """
    _check_keys(raw, _TOP_KEYS, "")
    return CommandOptions(
        results=_read_value(str, raw.get("results", "results"), "results"),
        run=read_section(RunConfig, raw.get("run", {}), "run"),
        board=read_section(BoardConfig, raw.get("board", {}), "board"),
        need=read_section(Need, raw.get("need", {}), "need"),
        budget=read_section(Allowance, raw.get("budget", {}), "budget"),
        tune=read_section(TuneConfig, raw.get("tune") or {}, "tune"),
        debug=_read_value(bool, raw.get("debug", False), "debug"),
    )


def read_cell(raw: Mapping[str, Any]) -> Cell:
    """The cell that a composed configuration describes.

    Raises:
        ConfigError: an unknown key or name, a wrong type or value, strategies that cannot be stacked.
    """
    _check_keys(raw, _TOP_KEYS, "")
    if raw.get("repeats") is not None:
        raise ConfigError(f"repeats={raw['repeats']}: expected one cell, got several; give split= and seed= instead")
    train = {k: v for k, v in raw.get("train", {}).items() if k != "space"}
    return Cell(
        data=read_data(raw.get("data", {})),
        model=read_model(raw.get("model", {})),
        strategies=read_strategies(raw.get("strategy") or {}),
        train=read_section(TrainConfig, train, "train"),
        split=_read_value(int, raw.get("split", 0), "split"),
        seed=_read_value(int, raw.get("seed", 0), "seed"),
        tuned=_read_value(bool, raw.get("tuned", False), "tuned"),
    )


def read_data(raw: Mapping[str, Any]) -> DataConfig:
    """The data of a section {source, its own options …, what is asked of its table}.

    Raises:
        ConfigError: an unknown source or key, a key of another source, a wrong type or value.
    """
    try:
        source, own, common = divide(typed(raw))
    except DataError as error:
        raise ConfigError(str(error)) from None
    return DataConfig(source=read_section(source, own, "data"), **vars(read_section(TableConfig, common, "data")))


def read_model(raw: Mapping[str, Any]) -> Model:
    """The model of a section {name, hyperparameters …, space}.

    Raises:
        ConfigError: an unknown model or hyperparameter, a wrong type or value.
    """
    name = _read_value(str, raw.get("name"), "model.name")
    try:
        cls = MODELS.get(name)
        kind(cls)
    except RegistryError as error:
        raise ConfigError(str(error)) from None
    parameters = {k: v for k, v in raw.items() if k not in ("name", "space")}
    return cast("Model", read_section(cast(Any, cls), parameters, "model"))


def read_strategies(raw: Mapping[str, Any]) -> tuple[Strategy, ...]:
    """The strategies of a section {name: {hyperparameters …, space, neutral}}, in order; `none` is an empty stack.

    Raises:
        ConfigError: an unknown strategy or hyperparameter, or two owners of one part of the model.
    """
    built: list[Strategy] = []
    for name, parameters in raw.items():
        try:
            cls = STRATEGIES.get(name)
        except RegistryError as error:
            raise ConfigError(str(error)) from None
        own = {k: v for k, v in (parameters or {}).items() if k not in ("space", "neutral")}
        built.append(read_section(cls, own, f"strategy.{name}"))
    treatments = [s for s in built if s.name != "none"]
    owners: dict[str, str] = {}
    apart = frozenset(name for strategy in treatments for name in strategy.alternatives())
    listed = frozenset(strategy.name for strategy in treatments)
    for strategy in [one for s in treatments for one in (s, *s.within(listed))]:
        for owned in strategy.owns:
            if owned in owners and not {owners[owned], strategy.name} <= apart:
                from strategies.recipe import clash_message  # noqa: PLC0415 - torch comes with it

                raise ConfigError(clash_message(owned, owners[owned], strategy.name))
            owners.setdefault(owned, strategy.name)
    _check_shifts(treatments, listed)
    _check_something_to_do(treatments)
    return tuple(treatments)


def _check_shifts(treatments: Sequence[Strategy], listed: frozenset[str]) -> None:
    """Refuse a stack of which one strategy would leave out in silence what another has added to the logits.

    Raises:
        ConfigError: names both, and the order that keeps both.
    """
    for i, strategy in enumerate(treatments):
        for outer in (strategy, *strategy.within(listed)):
            for inner in treatments[i + 1 :]:
                if outer.forgets_shifts and inner.shifts:
                    raise ConfigError(
                        f"strategies {outer.name!r} and {inner.name!r}: the first leaves out the bias and with "
                        f"it what the second adds to the logits; list {inner.name!r} before {strategy.name!r}"
                    )


def _check_something_to_do(treatments: Sequence[Strategy]) -> None:
    """Refuse a strategy that is to even classes out right after one that has done so: boards would name it for nothing.

    Raises:
        ConfigError: names both.
    """
    for first, second in pairwise(treatments):
        if first.evens_out and second.only_evens_out:
            raise ConfigError(
                f"strategies {first.name!r} and {second.name!r}: after the first, classes have equally many rows, so "
                "that the second has nothing to do; list one of them, or weaken the first"
            )


def read_section(cls: type[T], raw: Mapping[str, Any], path: str) -> T:
    """A dataclass from a mapping; equal sections are the same object.

    Raises:
        ConfigError: an unknown key (with the nearest known one), a wrong type or value.
    """
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{path}: expected keys and values, got {raw!r}")
    _check_keys(raw, {f.name for f in fields(cast(Any, cls))}, path)
    for key, value in raw.items():
        _check_finite(value, f"{path}.{key}")
    try:
        text = json.dumps(raw, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: expected plain values, got {raw!r} ({error})") from None
    return cast(T, _section(cast(Any, cls), text, path))


@lru_cache(maxsize=4096)
def _section(cls: type[T], text: str, path: str) -> T:
    return _validate(cls, text, path)


def _read_value(kind: type[T], value: Any, path: str) -> T:
    """One value of a type, checked as strictly as those of a section.

    Raises:
        ConfigError: it has another type; `path` is what the message calls it.
    """
    _check_finite(value, path)
    return _validate(kind, json.dumps(value), path)


def _check_finite(value: Any, path: str) -> None:
    """Refuse numbers that no result can be computed with, in lists and mappings too.

    Raises:
        ConfigError: NaN, an infinity, or a whole number of more than 64 bits.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_finite(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_finite(inner, path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: expected a finite number, got {value}")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ConfigError(f"{path}: expected a number of at most 64 bits, got one of {value.bit_length()}")


def _validate(kind: type[T], text: str, path: str) -> T:
    try:
        return cast(T, _adapter(cast(Any, kind)).validate_json(text, strict=True))
    except ValidationError as error:
        raise ConfigError(explain(error, path)) from None


@lru_cache(maxsize=256)
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def explain(error: ValidationError, path: str) -> str:
    """pydantic's findings as lines that name the key, what was expected and what was given."""
    lines = []
    for finding in error.errors(include_url=False):
        # The location of a union member ends in the type that was tried; keys of ours are what a reader knows.
        where = ".".join([path, *(str(part) for part in finding["loc"][:1])])
        got = json.dumps(finding["input"], default=repr)
        if finding["type"] == "value_error":
            lines.append(str(finding["msg"]).removeprefix("Value error, "))
        elif finding["type"] == "missing":
            lines.append(f"{where}: expected a value, got none; set {where}=…")
        else:
            lines.append(f"{where}: {finding['msg'][0].lower() + finding['msg'][1:]}, got {got}")
    return "; ".join(dict.fromkeys(lines))


def _check_keys(raw: Mapping[str, Any], known: set[str] | frozenset[str], path: str) -> None:
    """Refuse keys that nothing reads.

    Raises:
        ConfigError: names the first such key, and the nearest that something does read.
    """
    for key in raw:
        if key not in known:
            raise ConfigError(
                unknown("key", f"{path}.{key}".lstrip("."), sorted(f"{path}.{k}".lstrip(".") for k in known))
            )
