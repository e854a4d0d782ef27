"""What is wrong with a record, as closely as one wants to look: proof, ranges, predictions, metrics recomputed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from bench.evaluation.evaluate import Predictions
from bench.evaluation.reevaluate import recomputed
from bench.evaluation.registry import METRICS
from bench.records.columns import of_records
from bench.records.files import ResultsError, one_line
from bench.records.predictions import unpack
from bench.records.proof import unproven
from bench.records.reading import AGAIN
from bench.records.record import Record
from bench.records.store import Store

_SAME: Final = 1e-6
_FITTED: Final = 1e-3
"""Relative; views and rules that are fitted on validation rows differ a little from machine to machine."""

_ANEW: Final = "imbench results evaluate overwrite=true computes it anew"


def problem(store: Store, path: Path, *, recompute: bool = False) -> str:
    """Why the record in a file is not to be believed, in one line with what mends it; empty where it is."""
    try:
        record = store.read(path)
        if why := unproven(record, path) or _out_of_range(record):
            return why
        of_records([record])
        return _of_predictions(store, record, path, recompute=recompute) if record.status == "done" else ""
    except ResultsError as error:
        return str(error)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError) as error:
        return f"{path}: its predictions or traits are not those of a record ({one_line(error)}); {AGAIN}"


def _of_predictions(store: Store, record: Record, path: Path, *, recompute: bool) -> str:
    if "file" not in record.predictions:
        return f"{path}: it names no predictions, which every finished record does; {AGAIN}"
    frame = store.predictions(record)
    if not recompute:
        return ""
    (_, test_y, test), (_, val_y, val) = unpack(frame, "test"), unpack(frame, "val")
    return _differences(record, Predictions(test, test_y), Predictions(val, val_y))


def _out_of_range(record: Record) -> str:
    for name, value in record.metrics.items():
        view, _, metric_name = name.partition("/")
        metric = METRICS.get(metric_name)
        if metric is None or view not in metric.views or value is None:
            continue
        low, high = metric.bounds
        if not low - 1e-9 <= value <= high + 1e-9:
            return f"record {record.key}: its {name} is {value:g}, outside of [{low:g}, {high:g}]; {_ANEW}"
    return ""


def _differences(record: Record, test: Predictions, val: Predictions) -> str:
    """The first metric that the predictions do not give."""
    found, impossible = recomputed(record, test, val)
    for name, value in record.metrics.items():
        if name in impossible or name not in found.values:
            continue
        again = found.values[name]
        within = _FITTED if name.startswith(("recalibrated/", "tuned/")) else _SAME
        if value is None or again is None:
            same = value is again
        else:
            same = math.isclose(value, again, rel_tol=within, abs_tol=within)
        if not same:
            return f"record {record.key}: its {name} is {value}, and its predictions give {again}; {_ANEW}"
    return ""
