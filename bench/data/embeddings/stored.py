"""The vectors of a table's texts, computed once: kept in the cache by encoder and content, mapped by all processes.

An entry holds the texts of one table, as hashes in order, and their vectors. A table that shares texts with another one
(another target, a file with a day more) takes the vectors of these from there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.data.embeddings.folder import EncoderFolder
from bench.data.fetching.cache import cache_root, delete, entries, make_room, new_folder, used

Digests = npt.NDArray[np.bytes_]

_DIGEST: Final = "S16"
_PIECE: Final = 2048  # texts after which what is done is kept: minutes of a large encoder on a CPU
_META, _TEXTS, _VECTORS, _CUT = "meta.json", "texts.npy", "vectors.npy", "cut.npy"


@dataclass(frozen=True)
class StoredVectors:
    """Vectors (m, d), memory-mapped, of m distinct texts by their hashes (m,), which are in order.

    cut: bool (m,), whether a text is longer than the encoder takes; `note` says so.
    """

    texts: Digests
    vectors: npt.NDArray[np.float32]
    cut: npt.NDArray[np.bool_]
    note: str

    def places(self, digests: Digests) -> npt.NDArray[np.int64]:
        """Where each text stands, int64 (n,); -1 for one that is not here."""
        if not len(self.texts):
            return np.full(len(digests), -1, dtype=np.int64)
        at = np.searchsorted(self.texts, digests).clip(max=len(self.texts) - 1)
        return np.where(self.texts[at] == digests, at, -1).astype(np.int64)


def digests(texts: Sequence[str]) -> Digests:
    """16 bytes that stand for each text, (n,). No byte at their end is zero, which numpy would cut off."""
    hashed = [hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=15).digest() + b"." for t in texts]
    return np.array(hashed, dtype=_DIGEST)


def stored_vectors(
    folder: EncoderFolder, texts: Sequence[str], say: Callable[[str], None] = lambda _: None
) -> StoredVectors:
    """The vectors of these texts: from the cache, else computed, while other processes that want them wait.

    `say` is told what is done when it takes a while: at its begin, and at every tenth of it.

    Raises:
        DataError: the encoder cannot be used, or the cache cannot be written.
    """
    every, first = np.unique(digests(texts), return_index=True)
    where = cache_root() / "embeddings" / _name(folder, every)
    if not (where / _META).is_file():
        with _one_at_a_time(where.parent, where.name):
            if not (where / _META).is_file():
                make_room(where.parent)
                _write(folder, every, [texts[i] for i in first], where, say)
    used(where)
    return _read(where)


def _name(folder: EncoderFolder, texts: Digests) -> str:
    """A name for an encoder and a set of texts."""
    return hashlib.sha256(folder.identity.encode() + texts.tobytes()).hexdigest()[:32]


def _read(where: Path) -> StoredVectors:
    meta = json.loads((where / _META).read_text(encoding="utf-8"))
    return StoredVectors(
        np.load(where / _TEXTS), np.load(where / _VECTORS, mmap_mode="r"), np.load(where / _CUT), meta["note"]
    )


def _write(
    folder: EncoderFolder, every: Digests, texts: Sequence[str], where: Path, say: Callable[[str], None]
) -> None:
    """Make the entry of distinct texts, in the order of their hashes."""
    from bench.data.embeddings.encode_texts import encode_texts  # noqa: PLC0415 - torch, transformers

    found = _known_vectors(folder, every, where.parent)
    new = np.arange(len(every)) if found is None else np.flatnonzero(~found.here)
    shared = f" ({len(every) - len(new):,} more are in the cache)" if len(new) < len(every) else ""
    if len(new):
        say(f"encoding {len(new):,} texts with {folder.name}{shared}: once, then they are in the cache")
    pieces = [new[at : at + _PIECE] for at in range(0, len(new), _PIECE)] or [new]
    tenths, kept = _Tenths(say, len(new)), list[Path]()
    for piece in pieces:
        got = encode_texts(folder, [texts[i] for i in piece.tolist()], tenths)
        if found is None:
            found = _nothing(len(every), got.vectors.shape[1])
        found.vectors[piece], found.cut[piece] = got.vectors, got.cut
        tenths.before += len(piece)
        if len(pieces) > 1:  # what an interruption leaves is found by the same command, or by another table
            kept.append(where.parent / _name(folder, every[piece]))
            _save(folder, kept[-1], every[piece], got.vectors, got.cut)
    assert found is not None
    _save(folder, where, every, found.vectors, found.cut)
    for piece_of_it in kept:
        delete(piece_of_it)


def _save(
    folder: EncoderFolder,
    where: Path,
    every: Digests,
    vectors: npt.NDArray[np.float32],
    cut: npt.NDArray[np.bool_],
) -> None:
    """Write an entry."""
    longer = f"{int(cut.sum()):,} of {len(every):,} texts are longer than the {folder.longest} tokens"
    note = f"warning: {longer} that {folder.name} takes; the rest of each is left out" if cut.any() else ""
    with new_folder(where) as work:
        for name, array in ((_TEXTS, every), (_VECTORS, vectors), (_CUT, cut)):
            np.save(work / name, array)
        said = {"encoder": folder.identity, "name": folder.name, "note": note}
        (work / _META).write_text(json.dumps(said), encoding="utf-8")


@dataclass(frozen=True)
class _Known:
    """Of texts, which are `here` (m,), the vectors of these, and whether they were cut."""

    here: npt.NDArray[np.bool_]
    vectors: npt.NDArray[np.float32]
    cut: npt.NDArray[np.bool_]


def _nothing(texts: int, width: int) -> _Known:
    """Of none of the texts yet."""
    return _Known(np.zeros(texts, bool), np.zeros((texts, width), np.float32), np.zeros(texts, bool))


def _known_vectors(folder: EncoderFolder, every: Digests, cache: Path) -> _Known | None:
    """What other entries of the encoder have of these texts; None where there is no such entry."""
    found: _Known | None = None
    for entry in entries(cache):
        with contextlib.suppress(OSError, ValueError, KeyError):
            meta = json.loads((entry / _META).read_text(encoding="utf-8"))
            if meta["encoder"] != folder.identity:
                continue
            other = _read(entry)
            if found is None:
                found = _nothing(len(every), other.vectors.shape[1])
            places = other.places(every)
            fresh = (places >= 0) & ~found.here
            found.vectors[fresh], found.cut[fresh] = other.vectors[places[fresh]], other.cut[places[fresh]]
            found.here[fresh] = True
    return found


class _Tenths:
    """Says how far it is, at every tenth of all. `before`: texts of pieces that are finished."""

    def __init__(self, say: Callable[[str], None], total: int) -> None:
        self.say, self.said, self.total, self.before = say, 0, total, 0

    def __call__(self, done: int, _: int) -> None:
        done += self.before
        tenth = 10 * done // max(self.total, 1)
        if tenth > self.said and done < self.total:
            self.said = tenth
            self.say(f"  {done:,} of {self.total:,} texts")


@contextlib.contextmanager
def _one_at_a_time(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of an entry; whoever wants the same one waits."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
