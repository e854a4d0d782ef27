"""Which columns are features and of which kind: what the source, a schema file and the user say, else inference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from bench.data.errors import DataError, listing, suggest
from bench.data.options import option
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import Values, as_labels, said_missing
from bench.data.tables.infer import infer
from bench.data.tables.origin import Origin
from bench.data.tables.remark import remark
from bench.data.tables.roles import chosen
from bench.data.tables.schema import ColumnKind
from bench.data.tables.schema_file import known_kind, parse_schema


def declared_kinds(
    columns: Collection[str], target: str, config: TableConfig, origin: Origin
) -> dict[str, tuple[ColumnKind, str]]:
    """Kinds that need no inference: the source's, then the schema file's, then data.kinds, then what is dropped."""
    declared: dict[str, tuple[ColumnKind, str]] = {
        n: (k, "no feature, says the source" if k == "ignored" else "") for n, k in origin.kinds.items()
    }
    from_file, strict = _read_schema(config.schema_file) if config.schema_file else ({}, False)
    from_file.pop(target, None)
    if strict:
        _check_extra(columns, from_file, target, config, origin)
    asked = {**from_file, **{n: known_kind(n, k) for n, k in (config.kinds or {}).items()}}
    for key, names in (
        ("data.schema_file", from_file),
        ("data.kinds", config.kinds or {}),
        ("data.ignore", config.ignore),
    ):
        for name in names:
            if name not in columns:
                got = "the target" if name == target else "none by that name"
                remedy = "Take it out of the schema, or add it to the file. " if key == "data.schema_file" else ""
                hint = suggest(name, columns, "ignore" if key == "data.ignore" else "")
                raise DataError(
                    f"{key} {name!r}: expected a feature column of {origin.file}, got {got}. "
                    f"{hint}{remedy}Columns: {listing(columns)}"
                )
    declared.update({n: (k, "as declared") for n, k in asked.items()})
    declared.update(dict.fromkeys(config.ignore, ("ignored", "as asked by data.ignore")))
    declared.update(dict.fromkeys(origin.drops, ("ignored", f"gives {target!r} away")))
    declared.update(dict.fromkeys(config.extra_labels, ("ignored", "another label (data.extra_labels)")))
    for role, name in chosen(config).items():
        # What is split over the parts may be learnt from: what is reported by, and groups that are not kept whole.
        if role != "report_by" and (role != "group" or config.group_split):
            declared[name] = ("ignored", f"is the data's {role}" if role != "given" else "says train, val or test")
    return declared


def _check_extra(
    columns: Collection[str], known: Mapping[str, ColumnKind], target: str, config: TableConfig, origin: Origin
) -> None:
    """Refuse columns that a strict schema does not know.

    Raises:
        DataError: names them.
    """
    new = [
        n for n in columns if n not in known and n not in origin.kinds and n not in (config.kinds or {}) and n != target
    ]
    new = [n for n in new if n not in config.ignore and n not in chosen(config).values()]
    if new:
        raise DataError(
            f"{origin.file}: expected the columns of {config.schema_file}, got {len(new)} more: {listing(new)}. "
            "Add them to the schema (as ignored, if they are not to be used), or leave them out with data.ignore"
        )


def _read_schema(path: str) -> tuple[dict[str, ColumnKind], bool]:
    """The kinds in an edited schema file, and whether it is strict."""
    try:
        return parse_schema(Path(path).expanduser().read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"data.schema_file {path}: expected a readable UTF-8 file, got: {error}") from error


def usable_columns(
    names: Iterable[str],
    read: Callable[[str], Values],
    declared: Mapping[str, tuple[ColumnKind, str]],
    ignored: dict[str, str],
    noticed: Noticed,
) -> Iterator[tuple[str, ColumnKind, Values]]:
    """The feature columns by name, each with its kind and values.

    The others go into `ignored`, with the reason; those that are declared so are not read. Labels come without blanks
    around them and without words for missing; what is odd about columns is `noticed`.
    """
    for name in sorted(names):
        kind, why = declared.get(name, (None, ""))
        if kind != "ignored":
            values = read(name)
            if kind is None:
                kind, why = infer(name, as_labels(values, "text", noticed.missing))
                noticed.look(name, values, kind)
        if kind == "ignored":
            ignored[name] = why
        else:
            if kind != "numeric":
                noticed.count(name, values)
            yield name, kind, as_labels(values, kind, noticed.missing)


class Noticed:
    """What is said of columns: cells that are read as missing, and what columns seem to hold (with `remarks`)."""

    def __init__(self, missing: frozenset[str], *, remarks: bool) -> None:
        self.missing, self.remarks = missing, remarks
        self.found: list[str] = []
        self.absent: dict[str, str] = {}

    def look(self, name: str, values: Values, kind: ColumnKind) -> None:
        """Note what a column seems to hold."""
        said = remark(name, as_labels(values, "text", self.missing), kind) if self.remarks else ""
        if said:
            self.found.append(f"warning: column {name!r} ({kind}) {said}")

    def count(self, name: str, values: Values) -> None:
        """Note the words of a column that are read as missing."""
        said = said_missing(values, self.missing)
        if said:
            self.absent[name] = said

    def lines(self) -> list[str]:
        """All of it."""
        named = listing((f"{name} ({words})" for name, words in self.absent.items()), most=8)
        more = [f"read as missing: {named}; to keep such words: {option('missing_words', [])}"] if named else []
        return [*self.found, *more]


def tell_ignored(ignored: Mapping[str, str], log: list[str], target: str, origin: Origin, *, usable: bool) -> None:
    """Log the columns that are no features.

    Raises:
        DataError: no other column is left to learn from.
    """
    log += [f"ignored column {name!r}: {why}" for name, why in ignored.items()]
    if not usable:
        raise DataError(
            f"{origin.file}: expected a column to learn {target!r} from, got none that is usable. "
            + "; ".join(f"{n}: {why}" for n, why in list(ignored.items())[:10])
            + ". Add columns, or say with data.kinds how to use one"
        )
