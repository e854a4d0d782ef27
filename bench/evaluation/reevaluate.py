"""Metrics for records that lack them, from their stored predictions.

What `evaluate` needs lies in the record: the class prior that its logits embody (`per_class.prior`), the one to which
they are corrected (`per_class.natural`), the training rows per class (`traits.train_counts`, `traits.train_mass` by
weight), and the weights of rows beside their predictions. Records of before these were kept can be given some metrics
and not others:

- without the prior, none that needs prior correction: views corrected and recalibrated, and of more than two classes
  the tuned rule (that of two classes is fitted on raw margins);
- without the training rows, these too, and of more than two classes no decision metric.

What cannot be given is stored as undefined, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from bench.evaluation.evaluate import Evaluation, Predictions, evaluate
from bench.evaluation.fit_gap import TRAIN_AUROC
from bench.evaluation.registry import METRICS, columns, metric_of
from bench.evaluation.views import natural_prior
from bench.records.files import ResultsError
from bench.records.predictions import said_of, unpack, weights_of
from bench.records.record import Record
from bench.records.store import Store

NO_PRIOR: Final = "the record does not hold the class prior of its training; re-run the cell"
NO_COUNTS: Final = "the record does not hold the training rows per class; re-run the cell"

_NO_WEIGHTS: Final = (
    "its rows have weights, and its predictions were stored without them, so that its metrics would be another "
    "population's; re-run the cell"
)

_SAME: Final = 1e-6  # relative; what is fitted differs less from machine to machine


@dataclass(frozen=True)
class Reevaluation:
    """What became of the finished records of a folder: how many have new values, and what is wrong with the others.

    `undefined` counts, by reason, the records for which some wanted metric cannot be computed.
    """

    records: int
    changed: int
    undefined: Mapping[str, int]
    problems: tuple[str, ...]


def reevaluate(
    store: Store,
    wanted: Collection[str] = (),
    *,
    overwrite: bool = False,
    seen: Callable[[int, int], None] = lambda _done, _of: None,
) -> Reevaluation:
    """Give the finished records of a folder the metrics that they lack; with `overwrite`, also compute the others anew.

    `wanted` are columns (`raw/auroc`) or metrics (`auroc`, in all views); none means all. Records are replaced
    atomically, one at a time; one whose predictions are gone or not what was recorded stays as it is and is named.
    `seen` is told how many of how many files were looked at.

    Raises:
        ValueError: an unknown metric; suggests the nearest.
        ResultsError: a record cannot be written.
    """
    for name in wanted:
        if name not in METRICS:
            metric_of(name)
    paths, problems, undefined = store.paths(), list[str](), dict[str, int]()
    records = changed = 0
    for number, path in enumerate(paths, 1):
        try:
            record = store.read(path)
            after = _evaluated_again(store, record, wanted, overwrite=overwrite) if record.status == "done" else record
        except _LeftAlone as problem:
            problems.append(f"{path.stem[:12]}: {problem}")
        except (ResultsError, OSError, UnicodeDecodeError) as error:
            problems.append(str(error))
        else:
            records += record.status == "done"
            changed += after != record
            for reason in _reasons(after, wanted):
                undefined[reason] = undefined.get(reason, 0) + 1
            if after != record:
                store.put(after, replace=True)
        seen(number, len(paths))
    return Reevaluation(records, changed, undefined, tuple(problems))


class _LeftAlone(Exception):
    """This record stays as it is; the message says why."""


def _reasons(record: Record, wanted: Collection[str]) -> set[str]:
    mine = {reason for name, reason in record.undefined.items() if not wanted or _is_wanted(name, wanted)}
    return mine & {NO_PRIOR, NO_COUNTS}


def _is_wanted(column: str, wanted: Collection[str]) -> bool:
    return not wanted or column in wanted or column.partition("/")[2] in wanted


def _evaluated_again(store: Store, record: Record, wanted: Collection[str] = (), *, overwrite: bool = False) -> Record:
    """A finished record with the wanted metrics that it lacks, or all of them anew; itself where nothing is to do.

    Raises:
        ResultsError: its predictions are gone, or not what was recorded.
    """
    known = record.traits.get("n_classes") or len(record.traits.get("train_counts") or ())
    if not overwrite and known and not _lacking(record, known, wanted, _said_by(record)):
        return record
    frame = store.predictions(record)
    (_, test_y, test), (_, val_y, val) = unpack(frame, "test"), unpack(frame, "val")
    test_weight, val_weight = weights_of(frame, "test"), weights_of(frame, "val")
    parts = {part: said_of(frame, part) for part in ("test", "val")}
    said = _said_in(parts["test"]) | _seen_by(record)
    lacking = (
        [c for c in columns(test.shape[1], said) if _is_wanted(c, wanted)]
        if overwrite
        else _lacking(record, test.shape[1], wanted, said)
    )
    if not lacking:
        return record
    if test_weight is None and record.traits.get("weight_column"):
        raise _LeftAlone(_NO_WEIGHTS)
    try:
        found, impossible = recomputed(
            record,
            Predictions(test, test_y, test_weight, **parts["test"]),
            Predictions(val, val_y, val_weight, **parts["val"]),
        )
    except ValueError as error:
        raise _LeftAlone(f"its predictions cannot be evaluated: {error}") from error
    whole = overwrite and not wanted
    if not whole:
        _check_same(record, found, impossible)
    metrics, undefined = dict(record.metrics), dict(record.undefined)
    for name in lacking:
        if name in impossible and name in record.metrics:
            continue  # what is there is more than can be computed
        metrics[name] = None if name in impossible else found.values[name]
        undefined.pop(name, None)
        if metrics[name] is None:
            undefined[name] = impossible.get(name) or found.undefined[name]
    order = columns(test.shape[1], said)
    after = replace(record, metrics=_ordered(metrics, order), undefined=_ordered(undefined, order))
    if whole and not impossible:
        fitted, per_class = {**record.fitted, **found.fitted}, {**record.per_class, **found.per_class}
        after = replace(after, fitted=fitted, per_class=per_class)
    return after


def _lacking(record: Record, n_classes: int, wanted: Collection[str], said: Collection[str]) -> list[str]:
    return [c for c in columns(n_classes, said) if c not in record.metrics and _is_wanted(c, wanted)]


def _said_by(record: Record) -> set[str]:
    """What a record holds beside labels and scores."""
    held = record.config.get("data", {})
    return {name for name in ("cost", "query") if held.get(name) is not None} | _seen_by(record)


def _seen_by(record: Record) -> set[str]:
    """Whether it holds how training rows were ranked, and the metrics of each group."""
    found = {"train"} if TRAIN_AUROC in record.per_class else set[str]()
    return found | ({"group"} if record.traits.get("groups") is not None else set())


def _said_in(held: Mapping[str, Any]) -> set[str]:
    """What stored predictions say beside labels."""
    return {name for name, key in (("cost", "costs"), ("query", "query")) if key in held}


def _ordered(values: Mapping[str, Any], order: Collection[str]) -> dict[str, Any]:
    """As an evaluation orders them, what it does not know last."""
    return {name: values[name] for name in (*(c for c in order if c in values), *(c for c in values if c not in order))}


def recomputed(record: Record, test: Predictions, val: Predictions) -> tuple[Evaluation, dict[str, str]]:
    """The evaluation of a record's predictions, and why which of its columns mean nothing."""
    classes = test.n_classes

    def of_all(values: Any) -> Any:
        return values if values is not None and len(values) == classes else None

    counts = of_all(record.traits.get("train_mass") or record.traits.get("train_counts"))
    given, natural = of_all(record.per_class.get("prior")), of_all(record.per_class.get("natural"))
    if natural is None:
        natural = natural_prior(np.ones(classes) if counts is None else counts)
    found = evaluate(
        test,
        val,
        prior=natural if given is None else given,
        natural=natural,
        train_counts=np.ones(classes) if counts is None else counts,
        train_auroc=of_all(record.per_class.get(TRAIN_AUROC)),
        groups=record.traits.get("groups"),
    )
    impossible: dict[str, str] = {}
    for name in found.values:
        view, kind = name.partition("/")[0], metric_of(name).kind
        if counts is None and kind == "decision" and classes > 2:
            impossible[name] = NO_COUNTS
        elif (counts is None or given is None) and (
            view in ("corrected", "recalibrated", "cost") or (view == "tuned" and classes > 2)
        ):
            impossible[name] = NO_COUNTS if counts is None else NO_PRIOR
    return found, impossible


def _check_same(record: Record, found: Evaluation, impossible: Mapping[str, str]) -> None:
    """Refuse to set values beside those of an evaluation that fitted something else to the same rows."""
    names = ["threshold"] if impossible else list(found.fitted)
    for name in names:
        old, new = record.fitted.get(name), found.fitted.get(name)
        if old is not None and new is not None and not math.isclose(old, new, rel_tol=_SAME, abs_tol=_SAME):
            raise _LeftAlone(
                f"its predictions give a {name} of {new:.6g}, and the record has {old:.6g}: it was evaluated in "
                "another way, and metrics of both would not be comparable; overwrite=true without metric=… evaluates "
                "it anew"
            )
