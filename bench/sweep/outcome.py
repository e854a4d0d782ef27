"""What training a cell came to: its record and predictions, or why there are none."""

from __future__ import annotations

import contextlib
import platform
import resource
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench.config import RunConfig
from bench.data.config import DataConfig
from bench.data.features.encode import Encoded
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.fit_gap import rows_asked, train_auroc
from bench.evaluation.per_group import enough
from bench.evaluation.truth import report, under_shift
from bench.evaluation.views import prior_corrected
from bench.records.files import one_line
from bench.records.predictions import Logits
from bench.records.record import Record, Status, failed_record, now
from bench.sweep.plan import Planned
from bench.training.scoring import class_mass, natural_prior
from bench.training.trainer import Diverged, Outcome
from strategies.predictor import Predictor
from strategies.spec import Inapplicable, Split


def conclude(
    planned: Planned, outcome: Outcome, data: Encoded | None, ran: dict[str, Any]
) -> tuple[Record, Logits | None]:
    """The record of an outcome, and the predictions behind it; evaluates on the test rows, once. Writes nothing."""
    known = {"traits": {} if data is None else traits(data), **ran}
    if data is None or isinstance(outcome, Exception):
        assert isinstance(outcome, Exception)
        status, reason = _classify(outcome)
        details = "" if status == "skipped" else "".join(traceback.format_exception(outcome))
        return failed_record(planned.identity(), status, reason, traceback=details, **known), None
    base = Record(**planned.identity(), status="done", created=now(), **known)
    return evaluated(planned, base, outcome, data)


def evaluated(planned: Planned, base: Record, predictor: Predictor, data: Encoded) -> tuple[Record, Logits]:
    """`base` completed with metrics and costs, and the logits that they were computed from."""
    val = predictor.logits(data.val.x).numpy()
    weights = data.weights()
    began = time.perf_counter()
    test = predictor.logits(data.test).numpy()
    seconds = time.perf_counter() - began
    val_y, test_y = data.val.y.numpy(), data.test_y.numpy()
    mass, natural = class_mass(data.train).numpy(), natural_prior(data.train).numpy()
    result = evaluate(
        Predictions(test, test_y, weights.get("test"), **data.said("test")),
        Predictions(val, val_y, weights.get("val"), **data.said("val")),
        prior=predictor.prior.numpy(),
        natural=natural,
        train_counts=mass,
        train_auroc=_in_training(predictor, data.train),
    )
    corrected = prior_corrected(test, predictor.prior.numpy(), natural)
    own = _test_traits(planned.cell.data, data, {"raw": test, "corrected": corrected}, result.groups)
    base = replace(base, traits={**base.traits, **own, **_resolved(planned, data)})
    rows, of_weights = data.table.rows, {part: (w,) for part, w in weights.items()}
    said = {part: (own,) for part in ("val", "test") if (own := data.said(part))}
    predictions = {
        "val": (rows[data.partition.val], val_y, val, *of_weights.get("val", ()), *said.get("val", ())),
        "test": (rows[data.partition.test], test_y, test, *of_weights.get("test", ()), *said.get("test", ())),
    }
    cost = predictor.cost
    completed = replace(
        base,
        metrics=result.values,
        undefined=result.undefined,
        per_class={**result.per_class, "prior": predictor.prior.tolist(), "natural": natural.tolist()},
        fitted={**result.fitted, "prior_exact": float(predictor.prior_exact)},
        cost={
            **base.cost,
            "fits": cost.fits,
            "steps": cost.steps,
            "train_seconds": round(cost.seconds, 4),
            "together": cost.together,
            "inference_rows_per_second": round(len(test) / max(seconds, 1e-9)),
        },
        notes={**predictor.notes, **dict(planned.cell.budget)},
        curve=curve(predictor),
    )
    return completed, predictions


def _in_training(predictor: Predictor, train: Split) -> list[float | None]:
    """AUROC of each class in the training rows, or in some thousand of them: a price like that of the test rows."""
    y = train.y.numpy()
    rows, stands_for = rows_asked(y, train.n_classes)
    every = len(rows) == len(y)
    logits = predictor.logits(train.x if every else train.x.take(torch.from_numpy(rows))).numpy()
    if train.natural is not None:
        stands_for = stands_for * train.natural.numpy()[rows]
    return train_auroc(logits, y[rows], stands_for)


def _resolved(planned: Planned, data: Encoded) -> dict[str, Any]:
    """What a model's defaults came to on these data, where they depend on them."""
    found = getattr(planned.cell.model, "resolved", None)
    return {} if found is None else {"model": found(data.schema)}


def _classify(error: Exception) -> tuple[Status, str]:
    """Status and one-line reason of a failure."""
    text = one_line(error)
    if isinstance(error, Inapplicable):
        return "skipped", text
    if isinstance(error, Diverged):
        return "diverged", text
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "oom", f"out of memory: {text}; lower train.batch_size or run.stack"
    return "failed", f"{type(error).__name__}: {text}"


def traits(data: Encoded) -> dict[str, Any]:
    """What the data are like: numbers that a recommendation can rest on."""
    counts, val_counts, test_counts = (
        np.bincount(y.numpy(), minlength=data.train.n_classes) for y in (data.train.y, data.val.y, data.test_y)
    )
    roles = data.table.roles
    ways = () if roles is None else (("given", roles.given), ("time", roles.time))
    split_by = next((way for way, column in ways if column is not None), "drawn")
    kinds = {kind: len(data.table.names(kind)) for kind in ("numeric", "categorical", "text")}
    share = counts / counts.sum()
    present = share[share > 0]
    weighted = {} if data.train.natural is None else {"train_mass": class_mass(data.train).tolist()}
    return {
        "rows": len(data.table),
        "n_train": len(data.train),
        "n_val": len(data.val),
        "n_test": len(data.test_y),
        "n_classes": data.train.n_classes,
        "classes": list(data.table.classes),
        "train_counts": counts.tolist(),
        "val_counts": val_counts.tolist(),
        "test_counts": test_counts.tolist(),
        "split_by": split_by,
        "rarest": int(counts[counts > 0].min()),
        "imbalance_ratio": float(counts.max() / counts[counts > 0].min()),
        "entropy": float(-(present * np.log(present)).sum()),
        "columns": kinds,
        "licence": data.table.licence,
        "log": [*data.table.log, *data.log],
        **weighted,
    }


def _test_traits(
    config: DataConfig,
    data: Encoded,
    views: Mapping[str, npt.NDArray[np.float64]],
    groups: Mapping[int, Mapping[str, float | None]],
) -> dict[str, Any]:
    """What groups and known truth add: metrics per group, Bayes-optimal metrics and regrets, the generator's settings.

    views: test logits (n, C) as they are and prior-corrected; groups: metrics by the code of the group. Truth is known
    for two classes only.
    """
    roles, rows, found = data.table.roles, data.partition.test, dict[str, Any]()
    if config.weight is not None:
        found["weight_column"] = config.weight
    if roles is not None and (reported := roles.reported()) is not None:
        y, (codes, names) = data.test_y.numpy(), reported
        group = codes[rows]
        found["group_column"], found["n_groups"] = config.report_by or config.group, len(np.unique(group))
        found["groups"] = {names[code]: dict(entry) for code, entry in groups.items()}
        found["n_groups_few"] = found["n_groups"] - len(enough(group, y if data.train.n_classes == 2 else None))
    if data.table.truth is not None:
        margins = {view: (z[:, 1] - z[:, 0]).astype(np.float64) for view, z in views.items()}
        found["truth"] = report(margins, under_shift(data.table.truth[rows], data.table.shift))
        found["generated"] = config.generated()
    return found


def curve(predictor: Predictor) -> list[list[float]]:
    """Validation scores over steps of the fit behind a predictor, where it is one fit."""
    found: Any = predictor
    while found is not None and not hasattr(found, "curve"):
        found = getattr(found, "base", None)
    return [[float(step), float(score)] for step, score in getattr(found, "curve", ())]


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of what decides numbers."""
    names = ("imbench", "torch", "pytorch-lightning", "numpy", "scikit-learn")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def environment(device: torch.device, run: RunConfig) -> dict[str, Any]:
    """Where a cell ran, as far as it can matter; no host names and no paths."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    how = {"threads": run.threads, "stack": run.stack, "graphs": run.graphs}
    return {**versions(), "device": device.type, "processor": name, **how}


def reset_peak(device: torch.device) -> None:
    """Start measuring peak memory anew (Linux; elsewhere the peak is the process's since its start)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb(device: torch.device) -> float | None:
    """Peak memory since `reset_peak`, in MiB: of the GPU where it trained, else resident."""
    if device.type == "cuda":
        return round(float(torch.cuda.max_memory_allocated(device)) / 2**20, 1)
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
