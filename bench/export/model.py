"""An exported model: a folder on the disk, and what scores rows by it. Needs neither the data, Hydra nor Lightning.

model.json           what it is: columns and how they are read, classes, the predictor's tree, the decision rule
encoders.json        what the encoders learned of the training rows
weights.safetensors  all tensors
*.txt                trees as LightGBM writes them
README.md            the model card, for people
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing
from bench.data.features.encode import features_of
from bench.data.features.encoder import Encoder
from bench.data.tables.decode import decode
from bench.evaluation.new_prior import estimate_by_confusion, estimate_by_em
from bench.evaluation.views import Floats, log_softmax
from bench.export.decision import VIEWS, DecisionRule
from bench.export.encoder_state import dump_encoders, load_encoders
from bench.export.errors import ExportError
from bench.export.input_schema import InputSchema
from bench.export.predictor_state import Parts, load_predictor
from strategies.predictor import Predictor

FORMAT = 1  # of the folder; raised when older readers would misunderstand it
MODEL, ENCODERS, WEIGHTS, CARD = "model.json", "encoders.json", "weights.safetensors", "README.md"
_TEXT = re.compile(r"[A-Za-z0-9._-]+\.txt")

View = Literal["raw", "corrected", "recalibrated"]
PriorEstimate = Literal["em", "bbse"]
"""How class shares are estimated: by expectation maximisation, or from the confusion of decisions."""


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A trained model that scores tables with the columns of its training table.

    `facts`: what else its model.json says: data, target, strategy, key of its record, sentence of its board, versions.
    """

    classes: tuple[str, ...]
    input: InputSchema
    encoders: tuple[Encoder, ...]
    predictor: Predictor
    rule: DecisionRule
    facts: Mapping[str, Any]

    def predict_proba(
        self,
        frame: pd.DataFrame,
        view: View = "recalibrated",
        *,
        new_prior: npt.ArrayLike | None = None,
        strict: bool = True,
    ) -> Floats:
        """Probabilities (n, C) of the classes, in the order of `classes`.

        Args:
            frame: rows with the columns of the training table; values as they are in a file.
            view: `raw` as the model gives them; `corrected` to the prior of the population, which rebalanced training
                moves; `recalibrated` on validation rows besides: those to use as probabilities.
            new_prior: class shares (C,) of the rows to score, where they are others than the training data's; of two
                classes the share of the positive one will do.
            strict: refuse columns that the training table had not.

        Raises:
            DataError: columns are missing or new, or hold what cannot be read.
            ValueError: an unknown view, or a prior that is none.
        """
        if view not in VIEWS:
            raise ValueError(f"expected argument `view` to be one of {', '.join(VIEWS)}, but got {view!r}")
        logits = self.logits(frame, strict=strict)
        return np.exp(log_softmax(self.rule.views(logits, self.prior_of(new_prior))[view]))

    def predict(
        self, frame: pd.DataFrame, *, new_prior: npt.ArrayLike | None = None, strict: bool = True
    ) -> npt.NDArray[np.object_]:
        """The class (n,) of each row in its own words, by the rule that was tuned on validation rows.

        Raises:
            DataError, ValueError: as `predict_proba`.
        """
        columns = self._columns(frame, strict=strict)
        decided = self.rule.decide(self.logits_of(columns), self.prior_of(new_prior), costs=self.costs_of(columns))
        return np.array(self.classes, dtype=object)[decided]

    def logits(self, frame: pd.DataFrame, *, strict: bool = True) -> Floats:
        """Raw logits (n, C), float64.

        Raises:
            DataError: columns are missing or new, or hold what cannot be read.
        """
        return self.logits_of(self._columns(frame, strict=strict))

    def _columns(self, frame: pd.DataFrame, *, strict: bool) -> dict[str, Any]:
        """A frame's columns of pyarrow.

        Raises:
            DataError: they are not those of the training table, or not of one type each.
        """
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowException, TypeError) as error:
            raise DataError(
                f"frame: expected columns of one type each, got {' '.join(str(error).split())}. Convert them"
            ) from None
        self.input.check(table.column_names, "frame", strict=strict)
        return dict(zip(table.column_names, table.columns, strict=True))

    def costs_of(self, columns: Mapping[str, Any]) -> Floats | None:
        """What decisions on rows cost (n, 4), where the rule is about costs.

        Raises:
            DataError: a column of costs is missing, or holds what is no cost.
        """
        found, n = dict[str, Floats](), len(next(iter(columns.values())))
        for name in self.rule.cost_columns:
            values = decode(columns[name]) if name in columns else None
            if values is None or values.storage != "number" or not bool(np.isfinite(values.data).all()):
                raise DataError(
                    f"column {name!r}: expected what decisions cost in every row, for the rule of the model"
                )
            found[name] = values.data
        try:
            return self.rule.costs_of(found, n)
        except ValueError as error:
            raise DataError(f"costs: {error}") from None

    def logits_of(self, columns: Mapping[str, Any], first: int = 0) -> Floats:
        """The same of columns of pyarrow; `first`: the number of their first row, for messages."""
        return self.logits_of_typed(self.input.frame(columns, first))

    def logits_of_typed(self, frame: pd.DataFrame, rows: npt.NDArray[np.int64] | None = None) -> Floats:
        """The same of typed features, of some rows or all."""
        if not len(frame):
            return np.zeros((0, len(self.classes)))
        return np.asarray(self.predictor.logits(features_of(self.encoders, frame, rows)).numpy(), dtype=np.float64)

    def estimate_prior(self, frame: pd.DataFrame, by: PriorEstimate = "em", *, strict: bool = True) -> Floats:
        """Class shares (C,) of rows without labels, where they may differ from the training data's.

        Args:
            frame: rows as for `predict_proba`, best thousands.
            by: `em` (Saerens et al. 2002), or `bbse` (Lipton et al. 2018), which needs no calibrated probabilities and
                more rows.
            strict: refuse columns that the training table had not.

        Raises:
            DataError: columns or cells that cannot be read, or scores that do not tell.
        """
        return self.estimated_prior(self.logits(frame, strict=strict), by)

    def estimated_prior(self, logits: Floats, by: PriorEstimate) -> Floats:
        """The same from raw logits (n, C)."""
        try:
            if by == "em":
                p = np.exp(log_softmax(self.rule.views(logits)["recalibrated"]))
                return estimate_by_em(p, np.array(self.rule.natural))
            if self.rule.costs is not None:
                raise ValueError("expected a rule of one threshold, got one of costs; estimate by em instead")
            decided = np.bincount(self.rule.decide(logits), minlength=len(self.classes)) / max(len(logits), 1)
            return estimate_by_confusion(decided, np.array(self.rule.confusion))
        except ValueError as error:
            raise DataError(f"new prior: {error}") from None

    def prior_of(self, given: npt.ArrayLike | None) -> Floats | None:
        """Class shares (C,) from what was given as such, or as the share of the positive class.

        Raises:
            ValueError: no shares.
        """
        if given is None:
            return None
        found = np.asarray(given, dtype=np.float64)
        if found.ndim == 0 and len(self.classes) == 2:
            found = np.array([1 - found, found])
        if found.shape != (len(self.classes),) or not bool(((found > 0) & (found < 1)).all()):
            raise ValueError(
                f"expected argument `new_prior` to be {len(self.classes)} shares above 0 and below 1, one for each of "
                f"{listing(self.classes)}, but got {given!r}"
            )
        return np.asarray(found / found.sum(), dtype=np.float64)


def write_model(
    folder: Path,
    *,
    facts: Mapping[str, Any],
    schema: InputSchema,
    encoders: Sequence[Encoder],
    predictor: Mapping[str, Any],
    parts: Parts,
    rule: DecisionRule,
    card: str,
) -> None:
    """Fill a folder that is there and empty.

    Raises:
        ExportError: safetensors is not installed, or an encoder cannot be written down.
        OSError: the folder cannot be written.
    """
    _, save = _safetensors()
    contents: dict[str, bytes] = {ENCODERS: _json(dump_encoders(encoders)), CARD: card.encode()}
    contents |= {f"{name}.txt": text.encode() for name, text in parts.texts.items()}
    contents[WEIGHTS] = save({name: tensor.contiguous() for name, tensor in parts.tensors.items()})
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items()) if name != CARD}
    described = {"input": schema.state(), "predictor": predictor, "decision": rule.state()}
    contents[MODEL] = _json({"format": FORMAT, **facts, **described, "files": hashes})
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def load(folder: str | Path) -> ExportedModel:
    """A model that `imbench export` wrote: `load(folder).predict_proba(frame)`.

    Raises:
        ExportError: there is none, it is damaged, or another version of imbench wrote it.
    """
    root = Path(folder).expanduser()
    facts = _read_json(root / MODEL)
    if facts.get("format") != FORMAT:
        raise ExportError(f"{root / MODEL}: expected format {FORMAT}, got {facts.get('format')!r}; export it anew")
    files = dict(_checked_files(root, facts["files"]))
    read, _ = _safetensors()
    texts = {name.removesuffix(".txt"): content.decode() for name, content in files.items() if _TEXT.fullmatch(name)}
    parts = Parts(read(files[WEIGHTS]), texts)
    return ExportedModel(
        classes=tuple(facts["classes"]),
        input=InputSchema.of_state(facts["input"]),
        encoders=tuple(load_encoders(json.loads(files[ENCODERS]))),
        predictor=load_predictor(facts["predictor"], parts),
        rule=DecisionRule.of_state(facts["decision"]),
        facts={name: value for name, value in facts.items() if name not in ("input", "predictor", "decision")},
    )


def _checked_files(root: Path, hashes: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The files of a model with their content.

    Raises:
        ExportError: one is missing, is not what was written, or has a name that none of ours has.
    """
    for name, sha256 in hashes.items():
        if name not in (ENCODERS, WEIGHTS) and not _TEXT.fullmatch(name):
            raise ExportError(f"{root / MODEL}: expected files of a model, got the name {name!r}; export it anew")
        try:
            content = (root / name).read_bytes()
        except OSError as error:
            raise ExportError(f"{root / name}: expected a part of the model, got: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ExportError(f"{root / name}: expected what was exported, got another content; export it anew")
        yield name, content


def _json(value: Any) -> bytes:
    return (json.dumps(value, allow_nan=False, indent=1) + "\n").encode()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExportError(
            f"{path}: expected a model that imbench export wrote, got: {error.strerror or error}; name its folder"
        ) from error
    except ValueError as error:
        raise ExportError(f"{path}: expected JSON, got: {error}; export it anew") from error
    if not isinstance(found, dict):
        raise ExportError(f"{path}: expected the description of a model, got {type(found).__name__}; export it anew")
    return found


def _safetensors() -> Any:
    """The functions that read and write tensors.

    Raises:
        ExportError: the package is not installed.
    """
    try:
        from safetensors.torch import load as read  # noqa: PLC0415 - an extra
        from safetensors.torch import save  # noqa: PLC0415
    except ImportError:
        raise ExportError(
            "export: expected the package safetensors, which is not installed; pip install 'imbench[export]'"
        ) from None
    return read, save
