"""What Lightning's loggers are told of a cell: its settings, the score of every look of its fits, its metrics.

`run.logger` asks for them; by default there are none. They come beside records, never in their place: a cell that has
a record is not trained again, and so not logged again. Each cell has a run of its own, inside a stack too.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pytorch_lightning import loggers
from pytorch_lightning.loggers import Logger

from bench.training.scoring import Outcome
from strategies.spec import Recipe

LoggerName: TypeAlias = Literal["csv", "tensorboard", "mlflow"]


class CellLog(Logger):
    """The run of one cell: hands on what it is told to one of Lightning's loggers, and never fails.

    A Trainer may have it among its loggers, so that what callbacks log reaches the cell's run too.
    """

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self.logger = logger
        self.number: dict[Recipe, int] = {}
        self.failed = False

    @property
    def name(self) -> str | None:
        return self.logger.name

    @property
    def version(self) -> int | str | None:
        return self.logger.version

    @property
    def experiment(self) -> Any:
        """What the logger itself writes to: TensorBoard's SummaryWriter, say."""
        return getattr(self.logger, "experiment", None)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        with self.harmless():
            self.logger.log_metrics(metrics, step)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        with self.harmless():
            self.logger.log_hyperparams(params, *args, **kwargs)

    def save(self) -> None:
        with self.harmless():
            self.logger.save()

    def finalize(self, status: str) -> None:
        with self.harmless():
            self.logger.finalize(status)

    def asked(self, recipes: Sequence[Recipe], trained: Mapping[Recipe, Outcome]) -> None:
        """The cell's next fits. Those that another cell has had trained already are told at once."""
        for recipe in recipes:
            if recipe not in self.number:
                self.number[recipe] = len(self.number) + 1
                for step, score in getattr(trained.get(recipe), "curve", ()):
                    self.look(recipe, step, score)

    def look(self, recipe: Recipe, step: int, score: float) -> None:
        """A validation score of one of the cell's fits, which are numbered as the strategy asked for them."""
        self.log_metrics({f"fit_{self.number[recipe]}/validation_score": score}, step)

    def close(self, metrics: Mapping[str, float], steps: int, status: str) -> None:
        """The cell's metrics; `status` is `success` or `failed`."""
        if metrics:
            self.log_metrics(dict(metrics), steps)
        self.save()
        self.finalize(status)

    @contextmanager
    def harmless(self) -> Iterator[None]:
        """A logger that fails is said once, and costs no cell its record."""
        try:
            yield
        except Exception as error:
            if not self.failed:
                warnings.warn(
                    f"run.logger: {type(error).__name__}: {error}; the log of this cell is incomplete, its record is "
                    "not touched; run.logger=null turns logging off",
                    stacklevel=2,
                )
            self.failed = True


def open_log(kind: LoggerName, root: Path, group: str, name: str, settings: Mapping[str, Any]) -> CellLog:
    """A cell's run under `root`/logs/`kind`; that of an earlier attempt is replaced, with MLflow it stays beside.

    group: what the cell is about (an experiment of MLflow's, a folder of the others); name: the cell's own; settings
    become hyperparameters.

    Raises:
        ModuleNotFoundError: the logger's package is missing.
        OSError: the folder cannot be written.
    """
    folder = root / "logs" / kind
    folder.mkdir(parents=True, exist_ok=True)
    if kind != "mlflow":
        shutil.rmtree(folder / group / name, ignore_errors=True)
    with alone(folder):
        logger = made(kind, folder, group, name)
        _ = logger.experiment if kind == "mlflow" else None  # made in its store now, or twice by two workers
    log = CellLog(logger)
    log.log_hyperparams(flat(settings))
    return log


def made(kind: LoggerName, folder: Path, group: str, name: str) -> Any:
    """One of Lightning's loggers."""
    if kind == "csv":
        return loggers.CSVLogger(folder, name=group, version=name)
    if kind == "tensorboard":
        return loggers.TensorBoardLogger(folder, name=group, version=name, default_hp_metric=False)
    # A folder needs no database; MLflow 3 wants to be told that this is meant.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return loggers.MLFlowLogger(experiment_name=group, run_name=name, tracking_uri=folder.resolve().as_uri())


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted paths; lists as text."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value if isinstance(value, bool | int | float | str) else str(value)
    return found


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time: two that make the same experiment would make two of one name."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield
        return
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
