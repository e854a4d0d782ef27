"""An exported model as a folder on the disk: written, and read again. Nothing of it is pickled.

model.json           what it is: columns and how they are read, classes, the predictor's tree, the decision rule
encoders.json        what the encoders learned of the training rows
encoder/             of a pretrained text encoder what the model reads with, where it is not named by its own folder
weights.safetensors  all tensors
*.txt                trees as LightGBM writes them
README.md            the model card, for people
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.data.embeddings.folder import EncoderFolder, file_digests
from bench.data.features.encoder import Encoder
from bench.export.decision import DecisionRule
from bench.export.encoder_state import Plain, dump_encoders, load_encoders, pretrained_encoders
from bench.export.errors import ExportError
from bench.export.input_schema import InputSchema
from bench.export.model import ExportedModel
from bench.export.predictor_state import Parts, load_predictor
from bench.export.text_encoder_folder import ENCODER, encoder_of, files_to_copy

FORMAT = 1  # of the folder; raised when older readers would misunderstand it
MODEL, ENCODERS, WEIGHTS, CARD = "model.json", "encoders.json", "weights.safetensors", "README.md"
_TEXT = re.compile(r"[A-Za-z0-9._-]+\.txt")
_OF_ENCODER = re.compile(rf"{ENCODER}(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")


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
    copy_encoder: bool = False,
) -> None:
    """Fill a folder that is there and empty; `copy_encoder`: with the weights of a pretrained text encoder too.

    Raises:
        ExportError: safetensors is not installed, or an encoder cannot be written down.
        OSError: the folder cannot be written.
    """
    _, save = _safetensors()
    contents: dict[str, bytes] = {ENCODERS: _json(dump_encoders(encoders)), CARD: card.encode()}
    contents |= {f"{name}.txt": text.encode() for name, text in parts.texts.items()}
    contents[WEIGHTS] = save({name: tensor.contiguous() for name, tensor in parts.tensors.items()})
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items()) if name != CARD}
    hashes |= _copied_encoder(folder, encoders, weights=copy_encoder)
    described = {"input": schema.state(), "predictor": predictor, "decision": rule.state()}
    contents[MODEL] = _json({"format": FORMAT, **facts, **described, "files": hashes})
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def _copied_encoder(folder: Path, encoders: Sequence[Encoder], *, weights: bool) -> dict[str, str]:
    """Put what a model needs of a pretrained text encoder into its folder; the SHA-256 of each file."""
    for need, held in pretrained_encoders(encoders).items():
        for name, path in files_to_copy(held, weights=weights) if weights or need == "tokens" else ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
    inside = file_digests(folder / ENCODER) if any((folder / ENCODER).glob("*")) else {}
    return {f"{ENCODER}/{name}": sha256 for name, sha256 in inside.items()}


def load(folder: str | Path, *, encoder: str | Path | None = None) -> ExportedModel:
    """A model that `imbench export` wrote: `load(folder).predict_proba(frame)`.

    `encoder`: the folder of its pretrained text encoder, where it has one that is not where it was in training.

    Raises:
        ExportError: there is none, it or its text encoder is not what was written, or another version wrote it.
    """
    root = Path(folder).expanduser()
    given = None if encoder is None else Path(encoder).expanduser()
    facts = _read_json(root / MODEL)
    if facts.get("format") != FORMAT:
        raise ExportError(f"{root / MODEL}: expected format {FORMAT}, got {facts.get('format')!r}; export it anew")
    try:
        return _made(root, facts, given)
    except (KeyError, TypeError, AttributeError) as error:
        raise ExportError(
            f"{root / MODEL}: expected the description of a model, got one in which {error} is missing or of another "
            "kind; export it anew"
        ) from error


def _made(root: Path, facts: Mapping[str, Any], given: Path | None) -> ExportedModel:
    """The model of a folder and its description."""
    files = dict(_checked_files(root, facts["files"]))
    read, _ = _safetensors()
    texts = {name.removesuffix(".txt"): content.decode() for name, content in files.items() if _TEXT.fullmatch(name)}
    parts = Parts(read(files[WEIGHTS]), texts, str(root / ENCODER))

    def find(state: Plain, weights: bool) -> EncoderFolder:
        return encoder_of(state, root, given, weights=weights)

    return ExportedModel(
        classes=tuple(facts["classes"]),
        input=InputSchema.of_state(facts["input"]),
        encoders=tuple(load_encoders(json.loads(files[ENCODERS]), find)),
        predictor=load_predictor(facts["predictor"], parts),
        rule=DecisionRule.of_state(facts["decision"]),
        facts={name: value for name, value in facts.items() if name not in ("input", "predictor", "decision")},
    )


def _checked_files(root: Path, hashes: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The files of a model with their content; those of a text encoder are read by others.

    Raises:
        ExportError: one is missing, is not what was written, or has a name that none of ours has.
    """
    for name, sha256 in hashes.items():
        apart = _OF_ENCODER.fullmatch(name) is not None
        if name not in (ENCODERS, WEIGHTS) and not _TEXT.fullmatch(name) and not apart:
            raise ExportError(f"{root / MODEL}: expected files of a model, got the name {name!r}; export it anew")
        try:
            content = b"" if apart else (root / name).read_bytes()
            of_encoder = file_digests(root / ENCODER) if apart else {}  # which its own digest is made of: read once
        except OSError as error:
            raise ExportError(f"{root / name}: expected a part of the model, got: {error.strerror}") from error
        if apart and not (root / name).is_file():
            raise ExportError(f"{root / name}: expected a part of the model, got no such file; export it anew")
        found = of_encoder.get(name.removeprefix(f"{ENCODER}/")) if apart else hashlib.sha256(content).hexdigest()
        if found != sha256:
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
