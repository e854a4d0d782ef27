"""The pretrained text encoder of a model: its files in the model's own folder, or a folder that the model names.

A model that went on training the encoder holds the weights itself, and needs the encoder's tokens only: these files are
small and lie in the model's folder. A frozen encoder is named, with the digest of its content, unless it is copied
there as a whole: one encoder of 90 MB may serve a hundred models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.data.embeddings.folder import WAY, EncoderFolder, content_digest, encoder_files
from bench.data.embeddings.named import NAMED
from bench.export.errors import ExportError

ENCODER = "encoder"
"""Folder within a model's folder."""


def encoder_state(folder: EncoderFolder) -> dict[str, Any]:
    """What an encoder is and where it was, as plain data."""
    return {
        "name": folder.name,
        "path": None if folder.name in NAMED else str(folder.path.resolve()),
        "digest": content_digest(folder.path),
        "way": WAY,
        "static": folder.static,
        "pooling": folder.pooling,
        "prefix": folder.prefix,
        "longest": folder.longest,
    }


def files_to_copy(folder: EncoderFolder, *, weights: bool) -> Iterator[tuple[str, Path]]:
    """Files for a model's folder, each with its name there; without `weights` those that make tokens."""
    for path in encoder_files(folder.path):
        if weights or path.suffix != ".safetensors":
            yield f"{ENCODER}/{path.relative_to(folder.path).as_posix()}", path


def encoder_of(state: Mapping[str, Any], own: Path, given: Path | None, *, weights: bool) -> EncoderFolder:
    """The encoder of such data: in the model's `own` folder, else where the user says, else where it was.

    Without `weights` it must be in the model's folder.

    Raises:
        ExportError: it is not there, is another one, or was used in another way.
    """
    if state["way"] != WAY:
        raise ExportError(
            f"model: expected a text encoder used in way {WAY}, which this version knows, got {state['way']}; use the "
            "version of imbench that wrote it"
        )
    inside = own / ENCODER
    path = inside if not weights or any(inside.glob("*.safetensors")) else _elsewhere(state, given)
    if weights and content_digest(path) != state["digest"]:
        raise ExportError(
            f"model: expected the text encoder {state['name']} with which it was trained in {path}, got files of "
            "another content; say where the right one is: encoder=FOLDER"
        )
    return EncoderFolder(
        name=state["name"],
        path=path,
        identity=state["digest"],
        static=state["static"],
        pooling=state["pooling"],
        prefix=state["prefix"],
        longest=state["longest"],
    )


def _elsewhere(state: Mapping[str, Any], given: Path | None) -> Path:
    """The folder of an encoder that is not in the model's.

    Raises:
        ExportError: there is none.
    """
    name = state["name"]
    path = given or (NAMED[name].folder if state["path"] is None and name in NAMED else Path(state["path"] or name))
    if not path.is_dir():
        get = f"run imbench data get {name}, or " if state["path"] is None and given is None else ""
        raise ExportError(
            f"model: expected its text encoder {name} in {path}, got no folder; {get}say where it is: encoder=FOLDER"
        )
    return path
