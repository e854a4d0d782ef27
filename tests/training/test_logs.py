"""Lightning's loggers: a run for each cell, inside a stack too, with the looks that its record has; never in a key."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import Callback
from pytorch_lightning.loggers import Logger

from bench.config import ConfigError, RunConfig, read_section
from bench.records.record import Record
from bench.training.logs import CellLog, flat, open_log
from bench.training.trainer import drive
from strategies.importance_weighted import ImportanceWeighted
from strategies.stack import Chain
from tests.command_line import TINY, imbench, records
from tests.conftest import CPU, Toy

GRID = ("run", "-m", "strategy=none,focal,importance_weighted", *TINY)


class Told(Logger):
    """A logger that remembers."""

    name, version = "told", 0

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, int | None, float]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.lines += [(name, step, value) for name, value in metrics.items()]

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        pass


def curves(read: dict[str, dict[int, float]], record: Record) -> None:
    """The last fit's looks are those of the record, to the last digit that the logger keeps."""
    last = max(name for name in read if name.startswith("fit_"))
    assert read[last] == pytest.approx({int(step): score for step, score in record.curve}, rel=1e-6)
    fits = {name for name in read if name.startswith("fit_")}
    assert len(fits) == record.cost["fits"] == (2 if record.strategy == "importance_weighted" else 1)
    for name, value in record.metrics.items():
        if value is not None:
            assert read[name] == pytest.approx({int(record.cost["steps"] or 0): value}, rel=1e-6)


def of_csv(folder: Path) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if name != "step" and value:
                    found.setdefault(name, {})[int(row["step"])] = float(value)
    return found


@pytest.mark.parametrize("stack", ["off", "3"])
def test_each_cell_has_a_run_of_its_own(stack: str, tmp_path: Path) -> None:
    """First stages that were trained for another cell are in it too; keys and records are those without a logger."""
    assert imbench(*GRID, f"run.stack={stack}", "run.logger=csv", results=tmp_path) == 0
    assert imbench(*GRID, results=tmp_path / "plain") == 0
    plain = records(tmp_path / "plain")
    for cell, record in records(tmp_path).items():
        assert record.key == plain[cell].key
        (folder,) = (tmp_path / "logs" / "csv").glob(f"*/*-{record.key[:8]}")
        curves(of_csv(folder), record)
        assert "strategies" in (folder / "hparams.yaml").read_text(encoding="utf-8")


def test_tensorboard_reads_back_what_the_record_holds(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert imbench(*GRID, "run.logger=tensorboard", results=tmp_path) == 0
    for record in records(tmp_path).values():
        (folder,) = (tmp_path / "logs" / "tensorboard").glob(f"*/*-{record.key[:8]}")
        events = event_accumulator.EventAccumulator(str(folder)).Reload()
        names = [n for n in events.Tags()["scalars"] if n.startswith("fit_") or "/" in n]
        curves({name: {e.step: e.value for e in events.Scalars(name)} for name in names}, record)


def test_mlflow_reads_back_what_the_record_holds(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    assert imbench(*GRID, "run.logger=mlflow", results=tmp_path) == 0
    client = mlflow.MlflowClient(tracking_uri=(tmp_path / "logs" / "mlflow").resolve().as_uri())
    (experiment,) = [e for e in client.search_experiments() if e.name != "Default"]
    runs = {run.data.params["key"]: run for run in client.search_runs([experiment.experiment_id])}
    for record in records(tmp_path).values():
        run = runs.pop(record.key)
        assert run.info.status == "FINISHED"
        names = [n for n in run.data.metrics if n.startswith("fit_") or "/" in n]
        history = {n: {m.step: m.value for m in client.get_metric_history(run.info.run_id, n)} for n in names}
        curves(history, record)
    assert not runs


def test_what_callbacks_log_reaches_the_cells_in_training(binary: Toy) -> None:
    """Through Lightning: `self.log` in a callback, to the loggers of who asked for the fit and to no other."""

    class Steps(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            self.log("steps", float(pl_module.fit.steps_done), batch_size=1)

    told = [Told(), Told()]
    made = [Chain(()).train(binary.recipe(seed=s)) for s in range(2)]
    logs = {i: CellLog(t) for i, t in enumerate(told)}
    drive(made, lambda *_: None, device=CPU, logs=logs, callbacks=[Steps()])
    for logger in told:
        assert [value for name, _, value in logger.lines if name == "steps"] == [3.0, 6.0]


def test_a_fit_that_was_trained_already_is_told_at_once(binary: Toy) -> None:
    """The first stage of importance weighting is `none`."""
    recipe = binary.recipe(max_steps=9)
    told = {i: Told() for i in range(2)}
    made = [Chain(()).train(recipe), Chain((ImportanceWeighted(),)).train(recipe)]
    drive(made, lambda *_: None, device=CPU, logs={i: CellLog(t) for i, t in told.items()})
    looks = [[line for line in t.lines if line[0].startswith("fit_")] for t in told.values()]
    assert looks[1][:3] == looks[0]
    assert {name for name, *_ in looks[1]} == {"fit_1/validation_score", "fit_2/validation_score"}


def test_a_logger_that_fails_costs_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once a cell."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("pytorch_lightning.loggers.CSVLogger.log_metrics", full)
    one = ("run", *TINY, "run.logger=csv")
    with pytest.warns(UserWarning, match=r"run\.logger: OSError: no space left; the log of this cell is incomplete"):
        assert imbench(*one, results=tmp_path) == 0
    assert [r.status for r in records(tmp_path).values()] == ["done"]


def test_a_missing_package_is_said_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.config.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"run.logger=mlflow: expected the package mlflow.*'imbench\[mlflow\]'"):
        read_section(RunConfig, {"logger": "mlflow"}, "run")


def test_a_cell_that_is_trained_again_replaces_its_log(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        log = open_log("csv", tmp_path, "data", "cell", {"a": {"b": 1}})
        log.logger.log_metrics({"x": value}, 1)
        log.close({}, 0, "success")
    assert of_csv(tmp_path / "logs" / "csv" / "data" / "cell") == {"x": {1: 2.0}}


def test_settings_become_flat() -> None:
    assert flat({"a": {"b": 1, "c": [1, 2]}, "d": None}) == {"a.b": 1, "a.c": "[1, 2]", "d": "None"}
