"""A recorded cell trained once more, held to its record, and written down as a model."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from bench.config import RunConfig
from bench.data.features.encode import Encoded
from bench.data.features.fit_encoders import fit_with_embedding
from bench.data.tables.class_costs import OUTCOMES, cost_matrix, of_outcomes
from bench.data.tables.schema import Table
from bench.evaluation.views import Floats, log_softmax
from bench.evaluation.views import natural_prior as prior_of_mass
from bench.export.asked_rule import asked_rule
from bench.export.card import card
from bench.export.decision import DecisionRule
from bench.export.encoder_state import named_with
from bench.export.errors import ExportError
from bench.export.model import ExportedModel
from bench.export.model_folder import load, write_model
from bench.export.onnx_model import write_onnx
from bench.export.predictor_state import Parts, dump_predictor
from bench.export.proven import input_schema
from bench.export.refit import Refit, Steps, moved, observed, refit
from bench.files import NameTaken, new_folder
from bench.models.registry import takes
from bench.records.predictions import unpack
from bench.records.record import Record
from bench.records.store import Store
from bench.sweep.outcome import environment
from bench.sweep.plan import Planned
from bench.sweep.runner import encoded, training
from bench.training.scoring import class_mass
from bench.training.threads import limit_threads
from bench.training.trainer import Outcome, drive, pick_device
from strategies.predictor import Predictor

_TOLERANCE = 1e-6
"""By so much a probability of the model may differ from the record's."""

_TOLERANCE_OF_TEXTS = 1e-5
"""The same where a pretrained text encoder reads the texts again: in other batches, whose sums round in another order.

Of reviews by MiniLM under a linear model .7e-6 was measured, a model with larger weights is further off; another
encoder, or one used in another way, is by thousands of times that."""


@dataclass(frozen=True)
class ExportOptions:
    """What is asked of an export.

    rule: how the model decides (`bench.export.asked_rule`). copy_encoder: the folder holds a pretrained text encoder
    with its weights, instead of naming it. refit: train on validation rows too (`bench.export.refit`). onnx: write a
    file of ONNX as well. overwrite: a folder that is there.
    """

    rule: str = "tuned"
    copy_encoder: bool = False
    refit: bool = False
    onnx: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Exported:
    """What an export came to: the largest difference of a probability to the record's, over so many rows, and the
    refit on more of them."""

    folder: Path
    difference: float
    rows: int
    refit: Refit | None = None
    onnx: float | None = None  # the largest difference of a probability of the file of ONNX, where there is one


def export(
    planned: Planned,
    record: Record,
    store: Store,
    run: RunConfig,
    folder: Path,
    *,
    sentence: str,
    asked: ExportOptions,
) -> Exported:
    """Train a recorded cell again and write the model down, if it predicts what the record holds.

    Raises:
        ExportError: predictions differ by more than `_TOLERANCE`; training failed; the model cannot be written down, or
            is, read back, another one; or the folder exists.
        ResultsError: the stored predictions are gone.
    """
    if folder.exists() and not asked.overwrite:
        raise ExportError(f"{folder}: expected a folder that is not there yet; give out=FOLDER, or overwrite=true")
    limit_threads(run.threads)
    data = encoded(
        planned.cell.data, planned.cell.split, planned.cell.seed, takes(planned.cell.model),
        planned.config["data"]["fingerprint"],
    )  # fmt: skip
    predictor, steps = _trained(planned, data, run)
    stored = {part: unpack(store.predictions(record), part)[2] for part in ("val", "test")}
    difference = _hold(_logits(predictor, data), stored, record, run, "trained again")
    rule = _asked(asked.rule, record, data, stored["val"])
    again = refit(planned, data, predictor, steps, rule) if asked.refit else None
    if again is not None:
        predictor, data, rule = again.predictor, again.data, moved(rule, again.predictor)
        stored = _logits(predictor, data)
    parts = Parts()
    tree = dump_predictor(predictor, planned.cell.model, parts)
    encoders = fit_with_embedding(data.table, data.partition.train, planned.cell.data, takes(planned.cell.model))
    try:
        with new_folder(folder, replace=asked.overwrite) as work:
            facts = {
                **_facts(planned, record, data),
                "sentence": sentence,
                "refit": None if again is None else again.said(),
                "text_encoder": named_with(encoders, copied=asked.copy_encoder),
            }
            write_model(
                work,
                facts=facts,
                schema=input_schema(data.table, planned.cell.data),
                encoders=encoders,
                predictor=tree,
                parts=parts,
                rule=rule,
                card=card(record, facts, rule, folder.name),
                copy_encoder=asked.copy_encoder,
            )
            made = load(work)
            within = _TOLERANCE if facts["text_encoder"] is None else _TOLERANCE_OF_TEXTS
            read = _hold(_logits_of(made, data), stored, record, run, "read back from the folder", within=within)
            apart = write_onnx(work, made, data.table.frame.iloc[data.partition.test]) if asked.onnx else None
    except NameTaken:
        raise ExportError(f"{folder}: expected a folder that is not there yet; give another out=FOLDER") from None
    except OSError as error:
        raise ExportError(f"{folder}: expected to write it there, got: {error.strerror or error}") from error
    return Exported(folder, max(difference, read), sum(map(len, stored.values())), again, apart)


def _trained(planned: Planned, data: Encoded, run: RunConfig) -> tuple[Predictor, Steps]:
    """The predictor of a cell, as a sweep trains it, and the steps of its fits.

    Raises:
        ExportError: training failed.
    """
    device, seed = pick_device(run.device), planned.cell.seed
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - a user's strategy may draw from the global stream, as it did in the sweep
    torch.manual_seed(seed)
    outcomes, steps = list[Outcome](), Steps()
    drive([observed(training(planned, data), steps)], lambda _, outcome: outcomes.append(outcome), device=device)
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise ExportError(f"{planned.label}: training again failed: {outcome}") from outcome
    return outcome, steps


def _logits(predictor: Predictor, data: Encoded) -> dict[str, Floats]:
    return {
        "val": np.asarray(predictor.logits(data.val.x).numpy(), dtype=np.float64),
        "test": np.asarray(predictor.logits(data.test).numpy(), dtype=np.float64),
    }


def _logits_of(model: ExportedModel, data: Encoded) -> dict[str, Floats]:
    """What an exported model says of the typed rows of a table."""
    parts = {"val": data.partition.val, "test": data.partition.test}
    return {part: model.logits_of_typed(data.table.frame, rows) for part, rows in parts.items()}


def _hold(
    got: Mapping[str, Floats],
    stored: Mapping[str, Floats],
    record: Record,
    run: RunConfig,
    what: str,
    *,
    within: float = _TOLERANCE,
) -> float:
    """The largest difference of a probability.

    Raises:
        ExportError: it is beyond `within`; says what of the environment is another one.
    """
    worst = 0.0
    for part, logits in stored.items():
        if got[part].shape != logits.shape:
            raise ExportError(f"record {record.key[:12]}: expected its rows again, got others; run the cell again")
        worst = max(worst, float(np.abs(np.exp(log_softmax(got[part])) - np.exp(log_softmax(logits))).max()))
    if worst <= within:
        return worst
    here = environment(pick_device(run.device), run)
    differ = [
        f"{name} {here.get(name)} instead of {value}"
        for name, value in record.environment.items()
        if name not in ("stack", "graphs") and here.get(name) != value
    ]
    why = f"here are {', '.join(differ)}" if differ else "the environment is the same as far as the record tells"
    raise ExportError(
        f"record {record.key[:12]}: expected the model, {what}, to predict what is recorded within {within:g}, got "
        f"probabilities that differ by up to {worst:.2g}; {why}. Export where it was trained, or run the cell here"
    )


def _asked(asked: str, record: Record, data: Encoded, logits: Floats) -> DecisionRule:
    """The rule that is asked for, from the validation rows of a record.

    Raises:
        ExportError: there is none such.
    """
    rows, roles = data.partition.val, data.table.roles
    costs = _costs(data.table)
    by_outcome = costs if isinstance(costs, Mapping) else {}
    named = {outcome: held for outcome, held in by_outcome.items() if isinstance(held, str)}
    columns = {held: getattr(roles, f"cost_{outcome}")[rows] for outcome, held in named.items()}
    known = logits, data.val.y.numpy(), data.weights().get("val")
    return asked_rule(_rule(record, data), asked, known, costs, columns)


def _costs(table: Table) -> Mapping[str, float | str] | Floats | None:
    """What decisions cost: of two classes by outcome, of several a matrix (C, C)."""
    if table.cost is None or of_outcomes(table.cost):
        return cast("Mapping[str, float | str] | None", table.cost)
    matrix = cost_matrix(table.cost, table.classes)
    return dict(zip(OUTCOMES, matrix.ravel().tolist(), strict=True)) if len(matrix) == 2 else matrix


def _rule(record: Record, data: Encoded) -> DecisionRule:
    """Priors, calibration and threshold of a record."""
    fitted, binary = record.fitted, data.train.n_classes == 2
    prior, natural = ([float(v or 0) for v in record.per_class[name]] for name in ("prior", "natural"))
    return DecisionRule(
        prior=tuple(prior),
        natural=tuple(natural),
        temperature=fitted["temperature"],
        bias=fitted["bias"],
        threshold=fitted["threshold"] if binary else None,
        tau=None if binary else fitted["tau"],
        trained=None if binary else tuple(prior_of_mass(class_mass(data.train).numpy()).tolist()),
    )


def _facts(planned: Planned, record: Record, data: Encoded) -> dict[str, Any]:
    """What a model's folder says of where it comes from; no paths and no host names."""
    return {
        "key": record.key,
        "data": record.data,
        "target": record.target,
        "classes": list(data.table.classes),
        "model": record.model,
        "strategy": record.strategy,
        "split": record.split,
        "seed": record.seed,
        "tuned": record.tuned,
        "uses_extra": record.uses_extra,
        "config": record.config,
        "prior_exact": bool(record.fitted.get("prior_exact", 0.0)),
        "licence": data.table.licence,
        "weighted_by": planned.cell.data.weight,
        "written_by": environment(torch.device("cpu"), RunConfig()),
    }
