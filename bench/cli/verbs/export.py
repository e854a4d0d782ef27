"""Write a trained model and its decision rule as a folder.

By the key of a record, by the cell (data=… strategy=… model=…), or without strategy= the one that stands first on the
boards of the data, ordered by board.metric. Records hold no weights: the cell is trained again, and refused unless its
predictions equal the record's to 1e-6. It decides by the threshold of the highest F1, or by rule=alerts:0.05 (a budget
of alerts), fpr:0.01 (a false-positive rate), cost (of data.cost), cost:fp=1,fn=20 or argmax, chosen on validation rows.
out=FOLDER says where to (by default models/ in the results), overwrite=true replaces what is there. refit=true trains
once more, on training and validation rows, for as many steps as validation chose; its calibration and rule stay, and so
do the figures that are reported. onnx=true adds a file of ONNX for networks of numbers and categories.
The folder holds weights as safetensors (trees as LightGBM's text), encoders as plain JSON, the schema, calibration and
decision rule, and a model card. A pretrained text encoder that the features come from is named, with a digest of its
content; encoder=copied puts it into the folder as well. `imbench predict FOLDER new.csv` and imbench.load(FOLDER) use
it, without the data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from bench.cli.cells import plan_cells, shared_options
from bench.cli.compose import compose_one
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.config import CommandOptions, ConfigError, read_data
from bench.data.loaded import loaded_table
from bench.data.options import OWN_SETS
from bench.export.errors import ExportError
from bench.export.recorded_cell import data_choice, planned_again
from bench.export.train_again import Exported, ExportOptions, export
from bench.export.winner import Ranking, best_of, finished, record_of, sentence_about
from bench.records.record import Record
from bench.records.store import Store
from bench.sweep.plan import Planned

_OWN = ("out", "overwrite", "rule", "refit", "onnx", "encoder")


_CHOICES = {
    "overwrite": ("false", "true"),
    "refit": ("false", "true"),
    "onnx": ("false", "true"),
    "encoder": ("named", "copied"),
}
"""The values of options, the default first."""


class Export(Verb):
    """Makes a model of a record."""

    name = "export"
    group = "use what won"
    order = 35
    usage = "[KEY] [out=FOLDER] [overwrite=true] [rule=…] [refit=true] [onnx=true] [encoder=copied] [key=value …]"
    keys = (
        "strategy",
        "data",
        "model",
        "seed",
        "split",
        "tuned",
        "experiment",
        "results",
        "train",
        "run.device",
        "board.metric",
        "board.baseline",
    )
    accepts = ("tune", "run")
    examples = (
        "imbench export data=womens model=linear",
        "imbench export 3fa9c1d2 out=models/reviews",
        "imbench export data=file data.path=orders.csv data.target=returned strategy=focal model=lightgbm",
    )

    def act(self, arguments: Sequence[str]) -> int:
        console = Console()
        own = {name: value for name, _, value in (a.partition("=") for a in arguments) if name in _OWN}
        words = [a for a in arguments if a.partition("=")[0] not in _OWN]
        keys = [w for w in words if "=" not in w and not w.startswith("~")]
        overrides = [w for w in words if w not in keys]
        if len(keys) > 1:
            raise ConfigError(f"export: expected one key of a record, got {len(keys)}: {' '.join(keys)}")
        for name, known in _CHOICES.items():
            if own.get(name, known[0]) not in known:
                raise ConfigError(f"{name}: expected {' or '.join(known)}, got {own[name]!r}")
        planned, record, sentence, options = _chosen(keys, overrides)
        console.print(Text(f"training {planned.label} again, record {record.key[:12]}"), soft_wrap=True)
        folder = Path(own["out"]).expanduser() if "out" in own else Path(options.results) / "models" / _name(record)
        made = export(
            planned,
            record,
            Store(options.results),
            options.run,
            folder,
            sentence=sentence,
            asked=ExportOptions(
                rule=own.get("rule", "tuned"),
                copy_encoder=own.get("encoder") == "copied",
                refit=own.get("refit") == "true",
                onnx=own.get("onnx") == "true",
                overwrite=own.get("overwrite") == "true",
            ),
        )
        if sentence:
            console.print(Text(sentence), soft_wrap=True)
        console.print(Text(_written(made)), soft_wrap=True)
        if made.onnx is not None:
            said = f"and as model.onnx, by onnxruntime within {made.onnx:.1g} of the model's probabilities on test rows"
            console.print(Text(said), soft_wrap=True)
        console.print(Text(f"next: imbench predict {made.folder} new.csv out=scored.parquet"), soft_wrap=True)
        return 0


def _written(made: Exported) -> str:
    """What was written, and what it was held to."""
    proof = f"its probabilities on {made.rows:,} rows differ from the record's by at most {made.difference:.1g}"
    if made.refit is None:
        return f"model written to {made.folder}: {proof}"
    came = ", ".join(f"{name} {made.refit.before[name]:.4f} -> {v:.4f}" for name, v in made.refit.after.items())
    return (
        f"model written to {made.folder}: refitted on {made.refit.rows:,} rows, those of validation among them; before "
        f"that, {proof}. On the test rows, in neither: {came}"
    )


def _chosen(keys: Sequence[str], overrides: Sequence[str]) -> tuple[Planned, Record, str, CommandOptions]:
    """The cell to train again, its record, what its board says, and the options of the command.

    Raises:
        ConfigError, DataError, ExportError, ResultsError: nothing can be chosen; says what to do.
    """
    given = {o.lstrip("+").partition("=")[0].partition(".")[0] for o in overrides}
    if not keys and "strategy" in given:
        (planned, *others), options = plan_cells([compose_one(overrides)])
        if others:
            raise ExportError("export: expected one cell, got several repeats; give split= and seed= instead")
        store = Store(options.results)
        record = store.proven(planned.key)
        if record is None:
            raise ExportError(
                f"{planned.label}: expected a record of this cell in {options.results}, got none; run it first: "
                "imbench run with the same words"
            )
        if record.status != "done":
            raise ExportError(
                f"{planned.label}: expected a finished cell, got one that is {record.status}: {record.reason}"
            )
        return planned, record, sentence_about(store.root, record, _ranking(options)), options
    options = shared_options([compose_one(overrides)])
    store, raw = Store(options.results), compose_one(overrides)
    if keys:
        record = record_of(store, keys[0])
        chosen = list(overrides) if "data" in given else [*overrides, *data_choice(record, _own_sets(options))]
        planned = planned_again(record, compose_one(chosen)["data"])
        return planned, record, sentence_about(store.root, record, _ranking(options)), options
    if "data" not in given:
        raise ExportError("export: expected the key of a record, or data=… (and strategy=…, model=…), got neither")
    table = loaded_table(read_data(raw["data"]))
    where = {
        "data": table.name,
        "target": table.target,
        **({"model": raw["model"]["name"]} if "model" in given else {}),
    }
    winner = best_of(store.root, where, _ranking(options))
    record = finished(store, winner.key)
    return planned_again(record, raw["data"]), record, winner.sentence, options


def _ranking(options: CommandOptions) -> Ranking:
    """How the command has boards ordered."""
    return Ranking(options.board.metric, options.board.baseline)


def _own_sets(options: CommandOptions) -> dict[str, str]:
    """The data sets that `data check … save=true` wrote, by name."""
    folder = Path(options.results) / OWN_SETS / "data"
    return {path.stem: str(path) for path in sorted(folder.glob("*.yaml"))}


def _name(record: Record) -> str:
    """A folder for the model of a record."""
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{record.data}-{record.target}-{record.model}-{record.strategy}")
    return f"{words.strip('-.')[:80]}-{record.key[:8]}"
