"""The cell behind a record, made again from what its key is the hash of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.config import Cell, TrainConfig, read_data, read_model, read_section, read_strategies
from bench.data.embeddings.folder import encoder_folder
from bench.data.embeddings.named import NAMED
from bench.data.errors import DataError
from bench.data.options import command
from bench.export.errors import ExportError
from bench.records.record import Record, canonical
from bench.records.versions import of_this_version
from bench.sweep.plan import Planned, identify

_RENAMED = ("source", "version", "target", "fingerprint", "outliers", "imbalance", "encoder")
"""Of a record's data: what is no option of a table, or is recorded in another form."""


def planned_again(record: Record, data: Mapping[str, Any]) -> Planned:
    """The cell of a record on the data of a section, which may leave out what the record holds.

    Raises:
        ExportError: the record is of another version, or the data are not those that it was made of.
        ConfigError: the section cannot be read.
    """
    if record.status != "done":
        raise ExportError(f"record {record.key[:12]}: expected a finished cell, got one that is {record.status}")
    if not of_this_version(record.config):
        raise ExportError(
            f"record {record.key[:12]}: expected one of this version of imbench, got another one, which trained in "
            f"another way: {again(record)}"
        )
    try:
        planned = identify(_cell_of(record, data))
    except DataError as error:
        raise ExportError(f"record {record.key[:12]}: its data cannot be read: {error}") from error
    if planned.key != record.key:
        differ = sorted(k for k, v in record.config.items() if canonical(planned.config.get(k)) != canonical(v))
        own, held = planned.config["data"]["fingerprint"], record.config["data"]["fingerprint"]
        what = "data of another content" if own != held else f"another {' and '.join(differ)}"
        raise ExportError(
            f"record {record.key[:12]} of {record.data}/{record.target}: expected the data and settings that it was "
            f"made with, got {what}; give the data as the run had them (data=… and all keys under data)"
        )
    return planned


def again(record: Record) -> str:
    """What to run for a record of this version."""
    return f"run the cell again ({record.data}/{record.target} {record.model} {record.strategy})"


def _cell_of(record: Record, data: Mapping[str, Any]) -> Cell:
    """A cell with the settings of a record.

    Raises:
        ConfigError: a strategy or model is unknown, or has other hyperparameters by now.
    """
    held = record.config
    recorded = {k: v for k, v in held["data"].items() if k not in _RENAMED}
    if "outliers" in held["data"]:
        recorded["outliers"], *fence = held["data"]["outliers"]
        recorded |= {"fence": fence[0]} if fence else {}
    if "encoder" in held["data"]:
        recorded["encoder"] = data.get("encoder") or _encoder(held["data"]["encoder"])
    imposed = held["data"].get("imbalance")
    section = {**data, **recorded, "target": record.target, "imbalance": 1.0 if imposed is None else imposed}
    model = {k: v for k, v in held["model"].items() if k not in ("version", "takes")}
    train = held["train"]
    return Cell(
        data=read_data(section),
        model=read_model(model),
        strategies=read_strategies({name: settings for name, _, settings in held["strategies"]}),
        train=read_section(TrainConfig, train, "train"),
        split=record.split,
        seed=record.seed,
        tuned=record.tuned,
    )


def _encoder(identity: str) -> str:
    """The text encoder that a record was made with, if it has a name and is here.

    Raises:
        ExportError: it is none of these.
    """
    for name, encoder in NAMED.items():
        if encoder.fetched() and encoder_folder(name).identity == identity:
            return name
    raise ExportError(
        "export: expected the text encoder that the record was made with, got none by its name here; say where it is: "
        f"data.encoder=FOLDER, or fetch it: imbench data get {' or '.join(NAMED)}"
    )


def data_choice(record: Record, own: Mapping[str, str]) -> list[str]:
    """Overrides that name the data of a record, where no others are given. `own`: data sets of the user's, by name.

    Raises:
        ExportError: it is a file, whose path no record holds.
    """
    if record.data in own:
        return [f"data={record.data}"]
    source = str(record.config["data"]["source"])
    if source == "file":
        example = command(f"export {record.key[:12]} data=file", {"path": f"{record.data}.csv"})
        raise ExportError(
            f"record {record.key[:12]} is of a file, and records hold no paths: say where it is, and all else that the "
            f"run was told of it, such as {example}"
        )
    return [f"data={source}"]
