"""Old records get metrics from their stored predictions: bit-equal, only where missing, never silently."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.evaluation import registry
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.metric import detail, shown
from bench.evaluation.ranked import Ranked, Ranking
from bench.evaluation.reevaluate import NO_COUNTS, NO_PRIOR, reevaluate
from bench.evaluation.registry import columns
from bench.evaluation.views import natural_prior
from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats.markdown import markdown
from bench.records import index
from bench.records.predictions import pack
from bench.records.record import Record
from bench.records.store import Store
from tests.evaluation.builders import long_tailed
from tests.leaderboard.builders import make


def finished(store: Store, classes: int, seed: int = 0, *, says_more: bool = False) -> Record:
    """A record as a sweep leaves it behind: logits in float32, the prior, the training rows.

    `says_more`: of rows the data say costs, queries and groups, too.
    """
    (test, test_y), (val, val_y) = (long_tailed(n, classes, seed + n) for n in (300, 200))
    test, val = test.astype(np.float32), val.astype(np.float32)
    counts, prior = [900 // (c + 1) for c in range(classes)], np.full(classes, 1 / classes, np.float32)
    costs = [0.0, 1.0, 9.0, 0.0] if classes == 2 else (1.0 - np.eye(classes)).ravel()
    said = [
        {"costs": np.tile(costs, (n, 1)), "query": np.arange(n) // 10, "group": np.arange(n) % 3} if says_more else {}
        for n in (300, 200)
    ]
    found = evaluate(
        Predictions(test, test_y, **said[0]),
        Predictions(val, val_y, **said[1]),
        prior=prior,
        natural=natural_prior(counts),
        train_counts=counts,
    )
    groups = {"groups": {f"g{code}": entry for code, entry in found.groups.items()}} if says_more else {}
    record = make(
        "none",
        seed,
        metrics=found.values,
        undefined=found.undefined,
        per_class={
            **found.per_class,
            "prior": prior.tolist(),
            **({"natural": natural_prior(counts).tolist()} if says_more else {}),
        },
        fitted={**found.fitted, "prior_exact": 1.0},
        traits={"n_classes": classes, "train_counts": counts, "n_train": sum(counts), "n_test": 300, **groups},
    )
    own = [(part,) if part else () for part in said]
    parts = {"val": (np.arange(200), val_y, val, *own[1]), "test": (np.arange(200, 500), test_y, test, *own[0])}
    record = replace(record, predictions=store.put_predictions(record.key, pack(parts, record.key)))
    store.put(record)
    return record


def change(store: Store, record: Record, **parts: Any) -> Record:
    """The record with other parts, as an older version might have written it."""
    older = replace(record, **parts)
    store.put(older, replace=True)
    return older


def without(values: Any, *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


@pytest.mark.parametrize("classes", [2, 4])
def test_what_is_missing_comes_back_to_the_last_bit(tmp_path: Path, classes: int) -> None:
    """The file is byte for byte what it was, and a second time nothing is written."""
    store = Store(tmp_path)
    record = finished(store, classes)
    text = store.path(record.key).read_bytes()
    gone = ("raw/auroc", "tuned/macro_f1", "recalibrated/log_loss")
    change(store, record, metrics=without(record.metrics, *gone))
    outcome = reevaluate(store)
    assert (outcome.records, outcome.changed, outcome.problems, outcome.undefined) == (1, 1, (), {})
    assert store.path(record.key).read_bytes() == text
    stamp = store.path(record.key).stat().st_mtime_ns
    assert reevaluate(store).changed == 0
    assert reevaluate(store, overwrite=True).changed == 0
    assert store.path(record.key).stat().st_mtime_ns == stamp


@pytest.mark.parametrize("classes", [2, 3])
def test_the_worst_group_comes_from_the_groups_that_the_record_holds(tmp_path: Path, classes: int) -> None:
    """Stored predictions do not name the groups: records of before this metric have it from their metrics per group."""
    store = Store(tmp_path)
    record = finished(store, classes, says_more=True)
    worst = [name for name in record.metrics if name.startswith("groups/")]
    assert len(worst) == 2
    assert None not in {record.metrics[name] for name in worst}
    text = store.path(record.key).read_bytes()
    change(store, record, metrics=without(record.metrics, *worst))
    assert reevaluate(store, worst).changed == 1
    assert store.path(record.key).read_bytes() == text
    assert reevaluate(store, overwrite=True).changed == 0


def test_only_the_wanted_metrics_are_added(tmp_path: Path) -> None:
    """By column, or by name in all views; a misspelt one is refused before anything is read."""
    store = Store(tmp_path)
    record = finished(store, 2)
    change(store, record, metrics={})
    reevaluate(store, ["raw/auroc"])
    assert store.read(store.path(record.key)).metrics == {"raw/auroc": record.metrics["raw/auroc"]}
    reevaluate(store, ["brier"])
    brier = {f"{view}/brier": record.metrics[f"{view}/brier"] for view in ("raw", "corrected", "recalibrated")}
    assert store.read(store.path(record.key)).metrics == {"raw/auroc": record.metrics["raw/auroc"], **brier}
    with pytest.raises(ValueError, match="Did you mean"):
        reevaluate(store, ["raw/aurok"])


def test_values_that_are_there_stay_unless_all_is_overwritten(tmp_path: Path) -> None:
    """Also those that another version computed."""
    store = Store(tmp_path)
    record = finished(store, 2)
    wrong = change(store, record, metrics={**record.metrics, "raw/auroc": 0.123})
    assert reevaluate(store).changed == 0
    assert store.get(record.key) == wrong
    assert reevaluate(store, ["raw/auroc"], overwrite=True).changed == 1
    assert store.get(record.key) == replace(record, metrics=dict(record.metrics))


def test_a_new_metric_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It appears for old records and on the board: no column, renderer or record is edited."""
    store = Store(tmp_path)
    records = [finished(store, 2, seed) for seed in (0, 10)]

    @Ranking.entry("Lift", higher_is_better=True, binary=shown("quality", 1.5, "raw"), multiclass=None)
    def lift(ranked: Ranked) -> float:
        """Precision in the upper half of the rows, divided by prevalence."""
        upper = np.argsort(-ranked.score, kind="stable")[: len(ranked.y) // 2]
        return float(ranked.y[upper].mean() / ranked.y.mean())

    monkeypatch.setitem(registry.METRICS, "lift", lift)
    assert reevaluate(store).changed == 2
    found = [store.read(store.path(r.key)) for r in records]
    assert all(f.metrics["raw/lift"] > 1 for f in found)  # type: ignore[operator]
    assert without(found[0].metrics, "raw/lift") == records[0].metrics
    headings = next(line for line in markdown(boards(index.read(tmp_path))).splitlines() if "AUROC" in line)
    assert "AUROC ↑ | Lift ↑ | Recall@5% ↑" in headings


def test_gone_or_changed_predictions_are_named_and_the_record_stays(tmp_path: Path) -> None:
    """The others are evaluated all the same."""
    store = Store(tmp_path)
    lost, torn, fine = (finished(store, 2, seed) for seed in (0, 10, 20))
    older = [change(store, r, metrics=without(r.metrics, "raw/auroc")) for r in (lost, torn, fine)]
    (tmp_path / lost.predictions["file"]).unlink()
    (tmp_path / torn.predictions["file"]).write_bytes(b"x")
    (store.runs / "ab").mkdir(exist_ok=True)
    (store.runs / "ab" / "bad.json").write_text("{", encoding="utf-8")
    outcome = reevaluate(store)
    assert (outcome.records, outcome.changed, len(outcome.problems)) == (1, 1, 3)
    assert sum(r.key[:12] in problem for r in (lost, torn) for problem in outcome.problems) == 2
    assert [store.get(r.key) for r in (lost, torn)] == older[:2]
    assert store.read(store.path(fine.key)).metrics == fine.metrics


@pytest.mark.parametrize("classes", [2, 4])
def test_without_the_prior_what_needs_it_is_undefined_with_the_reason(tmp_path: Path, classes: int) -> None:
    """Of two classes the tuned rule does not need it."""
    store = Store(tmp_path)
    record = finished(store, classes)
    change(store, record, metrics={}, undefined={}, per_class=without(record.per_class, "prior"))
    outcome = reevaluate(store)
    assert outcome.undefined == {NO_PRIOR: 1}
    found = store.read(store.path(record.key))
    needs = ("corrected", "recalibrated", *(["tuned"] if classes > 2 else []))
    for name in columns(classes):
        if name.partition("/")[0] in needs:
            assert (found.metrics[name], found.undefined[name]) == (None, NO_PRIOR)
        else:
            assert found.metrics[name] == record.metrics[name]
    assert reevaluate(store).changed == 0


def test_without_training_rows_many_classes_have_no_decision_metrics(tmp_path: Path) -> None:
    """And values that are there are not replaced by nothing, even when all is overwritten."""
    store = Store(tmp_path)
    record = finished(store, 4)
    older = change(store, record, traits={"n_classes": 4}, metrics=without(record.metrics, "default/mcc"))
    assert reevaluate(store, overwrite=True).undefined == {NO_COUNTS: 1}
    found = store.read(store.path(record.key))
    assert (found.metrics["default/mcc"], found.undefined["default/mcc"]) == (None, NO_COUNTS)
    assert without(found.metrics, "default/mcc") == older.metrics


def test_records_that_were_evaluated_in_another_way_are_not_mixed(tmp_path: Path) -> None:
    """Another temperature means other probabilities: all metrics are computed anew, or none."""
    store = Store(tmp_path)
    record = finished(store, 2)
    older = change(
        store, record, fitted={**record.fitted, "temperature": 3.0}, metrics=without(record.metrics, "raw/auroc")
    )
    (problem,) = reevaluate(store).problems
    assert "temperature" in problem
    assert "overwrite=true" in problem
    assert store.get(record.key) == older
    assert reevaluate(store, overwrite=True).problems == ()
    assert store.read(store.path(record.key)).fitted == record.fitted


def test_what_did_not_finish_is_left_alone(tmp_path: Path) -> None:
    """It has no predictions, and that is no problem."""
    store = Store(tmp_path)
    failed = make("focal", 0, status="failed", reason="NaN")
    store.put(failed)
    outcome = reevaluate(store)
    assert (outcome.records, outcome.changed, outcome.problems) == (0, 0, ())
    assert json.loads(store.path(failed.key).read_text(encoding="utf-8"))["metrics"] == {}


def test_places_of_views_that_a_kind_lacks_are_refused() -> None:
    """And an entry has a direction or an ideal, not both."""
    with pytest.raises(ValueError, match="got one of 'tuned'"):
        Ranking.entry("X", higher_is_better=True, binary=detail("quality", 1, "tuned"), multiclass=None)
    with pytest.raises(ValueError, match="both or neither"):
        Ranking.entry("X", higher_is_better=True, ideal=1.0, binary={}, multiclass=None)
    with pytest.raises(ValueError, match="both or neither"):
        Ranking.entry("X", binary={}, multiclass=None)
