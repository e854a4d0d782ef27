"""Score the rows of a table by an exported model.

The table (CSV, TSV, Parquet, a folder of Parquet) has the columns of the training table, and is read as that was: one
that lacks a column or has another one is refused (strict=false ignores others). One row is written for each: the
probability of the positive class (or of every class) raw, prior-corrected and recalibrated, and the decision, in the
labels' own words. keep=A,B copies columns, such as an id. Where the rows have other class shares than the training
data, new_prior=0.01 (the share of the positive class; of several classes a list in their order) moves probabilities
and decisions; new_prior=em or bbse estimates the shares from the rows first. encoding= and delimiter= say how text is
written, where that differs. encoder=FOLDER says where the model's pretrained text encoder is, where it has moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from rich.text import Text

from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.data.files.dialect import Asked
from bench.errors import Complaint
from bench.evaluation.views import Floats
from bench.export.model import ExportedModel, PriorEstimate
from bench.export.model_folder import load
from bench.export.score_file import Scored, score_file
from bench.leaderboard.text.words import plural
from strategies.registry import unknown

_KEYS = ("out", "keep", "new_prior", "strict", "encoder", "encoding", "delimiter")


class Predict(Verb):
    """Scores rows."""

    name = "predict"
    group = "use what won"
    order = 36
    usage = "MODEL TABLE out=FILE [keep=A,B] [new_prior=P] [strict=false] [encoder=FOLDER] [encoding=…] [delimiter=…]"
    examples = (
        "imbench predict models/reviews new.csv out=scored.parquet",
        'imbench predict models/reviews new.csv out=scored.csv keep="Order ID" new_prior=0.01',
    )
    completes = "file"

    def act(self, arguments: Sequence[str]) -> int:
        places, given = _divided(arguments)
        if len(places) != 2 or "out" not in given:
            raise Complaint(f"predict: expected a model, a table and out=FILE; imbench predict {self.usage}")
        if given.get("strict", "true") not in ("true", "false"):
            raise Complaint(f"strict: expected true or false, got {given['strict']!r}")
        model = load(places[0], encoder=given.get("encoder"))
        table, out = Path(places[1]).expanduser(), Path(given["out"]).expanduser()
        done = score_file(
            model,
            table,
            out,
            asked=Asked(given.get("encoding"), given.get("delimiter")),
            keep=[name.strip() for name in given.get("keep", "").split(",") if name.strip()],
            new_prior=_prior(model, given.get("new_prior")),
            strict=given.get("strict") != "false",
        )
        _report(model, done, out)
        return 0


def _divided(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Paths, and key=value; a path may hold an equals sign.

    Raises:
        Complaint: a key that predict does not have.
    """
    places, given = list[str](), dict[str, str]()
    for word in arguments:
        key, equals, value = word.partition("=")
        key = key.removeprefix("data.") if key in ("data.encoding", "data.delimiter") else key  # as messages offer them
        if equals and key in _KEYS:
            given[key] = value
        elif equals and "/" not in key and not Path(word).exists():
            raise Complaint(unknown("key of predict", key, _KEYS))
        else:
            places.append(word)
    return places, given


def _prior(model: ExportedModel, text: str | None) -> Floats | PriorEstimate | None:
    """The class shares that were given, or how they are to be estimated.

    Raises:
        Complaint: they are none.
    """
    if text in (None, "em", "bbse"):
        return cast("PriorEstimate | None", text)
    try:
        numbers = [float(part) for part in text.strip("[]").split(",")]
        return model.prior_of(numbers[0] if len(numbers) == 1 else numbers)
    except ValueError as error:
        raise Complaint(f"new_prior={text}: {error}") from None


def _report(model: ExportedModel, done: Scored, out: Path) -> None:
    """Say what was written, and what it comes to."""
    console = Console()
    for note in done.notes:
        console.print(Text(note), soft_wrap=True)
    shown: Mapping[str, int] = done.decided
    if len(model.classes) == 2:
        positive = model.classes[1]
        console.print(
            Text(
                f"{plural(done.rows, 'row')} scored to {out}: {positive!r} decided for {shown[positive]:,} "
                f"({shown[positive] / done.rows:.2%}), expected for {done.means[1]:.2%}; in training "
                f"{model.rule.natural[1]:.2%} are"
            ),
            soft_wrap=True,
        )
    else:
        most = sorted(shown, key=lambda name: -shown[name])[:5]
        listed = ", ".join(f"{name} {shown[name]:,}" for name in most)
        console.print(Text(f"{plural(done.rows, 'row')} scored to {out}: most decided for {listed}"), soft_wrap=True)
    if done.prior is not None:
        shares = ", ".join(f"{c} {p:.4g}" for c, p in zip(model.classes, done.prior, strict=True))
        console.print(Text(f"under the class shares {shares} instead of the training data's"), soft_wrap=True)
