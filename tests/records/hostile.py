"""What may lie in a results folder under the name of a record: a corpus, each with what must be said of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bench.records.record import Record, digest
from bench.records.store import Store

METRICS: Final = {"raw/average_precision": 0.4, "raw/auroc": 0.8}


def genuine(seed: int = 0, **fields: Any) -> Record:
    """A record of its own cell; predictions aside, whole."""
    config = {
        "schema": 1,
        "data": {"source": "d"},
        "model": {"name": "mlp"},
        "strategies": [["focal", 1, {"gamma": 2.0}]],
        "train": {"lr": 0.1},
        "split": 0,
        "seed": seed,
    }
    whole: dict[str, Any] = {
        "key": digest(config),
        "status": "done",
        "data": "d",
        "target": "t",
        "model": "mlp",
        "strategy": "focal",
        "split": 0,
        "seed": seed,
        "config": config,
        "traits": {"n_classes": 2, "n_train": 10},
        "metrics": METRICS,
        "cost": {"fits": 1, "wall_seconds": 1.0},
    }
    return Record(**(whole | fields))


def text(seed: int, /, **fields: Any) -> str:
    """The JSON of a record with some fields of any kind."""
    return json.dumps(asdict(genuine(seed)) | fields)


def _edited(**fields: Any) -> Callable[[Path, int], object]:
    return lambda path, seed: path.write_text(text(seed, **fields))


def _without(name: str) -> Callable[[Path, int], object]:
    return lambda path, seed: path.write_text(json.dumps({k: v for k, v in asdict(genuine(seed)).items() if k != name}))


HOSTILE: Final[Mapping[str, tuple[Callable[[Path, int], object], str]]] = {
    "not UTF-8": (lambda path, _: path.write_bytes(b"\xff\xfe{}"), "UTF-8"),
    "empty": (lambda path, _: path.write_text(""), "JSON"),
    "torn": (lambda path, seed: path.write_text(text(seed)[:-40]), "JSON"),
    "5,000 digits": (lambda path, _: path.write_text('{"schema": ' + "9" * 5000 + "}"), "JSON"),
    "NaN": (lambda path, seed: path.write_text(text(seed).replace("0.4", "NaN")), "NaN"),
    "deep": (lambda path, _: path.write_text("[" * 200_000), "nested too deep"),
    "a list": (lambda path, _: path.write_text("[]"), "schema 1"),
    "another schema": (_edited(schema=99), "schema 1"),
    "no status": (_without("status"), "lacks status"),
    "metrics a list": (_edited(metrics=[]), "metrics is []"),
    "a metric a text": (_edited(metrics={"raw/auroc": "1"}), "its metrics is"),
    "traits null": (_edited(traits=None), "traits is None"),
    "truth null": (_edited(traits={"truth": None}), "expected"),
    "groups of numbers": (_edited(traits={"groups": {"a": 1}}), "expected"),
    "a huge seed": (_edited(seed=10**30), "its seed is"),
    "a seed that is true": (_edited(seed=True), "its seed is"),
    "status nonsense": (_edited(status="splendid"), "its status is"),
    "another seed": (_edited(seed=77), "says seed 77"),
    "another strategy": (_edited(strategy="none"), "says strategy 'none'"),
    "another model": (_edited(model="linear"), "says model 'linear'"),
    "tuned": (_edited(tuned=True), "says tuned True"),
    "another configuration": (_edited(config={"seed": 1}), "not the digest"),
    "another key": (_edited(key="ab" * 32), "not its name"),
    "another's predictions": (
        _edited(predictions={"file": f"runs/ab/{'ab' * 32}.{'0' * 12}.parquet", "sha256": "0" * 64}),
        "not under its own key",
    ),
    "predictions outside": (
        _edited(predictions={"file": "../../x.parquet", "sha256": "0" * 64}),
        "not under its own key",
    ),
    "too good": (_edited(metrics={"raw/average_precision": 7.0}), "outside of [0, 1]"),
    "far too good": (_edited(metrics={"raw/auroc": 1e300}), "outside of [0, 1]"),
    "a folder": (lambda path, _: path.mkdir(), "it is a folder"),
    "a pipe": (lambda path, _: os.mkfifo(path), "it is a pipe"),
    "a link to nothing": (lambda path, _: path.symlink_to("/nowhere/at/all"), "a link to nothing"),
    "a link to itself": (lambda path, _: path.symlink_to(path), "cannot be read"),
}
"""Name -> how it is put at a path, for the cell of a seed; and what must be said."""


def put(store: Store, name: str, seed: int) -> Path:
    """Put one of the corpus where the record of a seed belongs."""
    path = store.path(genuine(seed).key)
    path.parent.mkdir(parents=True, exist_ok=True)
    HOSTILE[name][0](path, seed)
    return path
