"""Options as they are typed: any column, class or file name, quoted for the shell and for Hydra's grammar.

What a message offers for pasting is made here, and what the command line is given is read here: `as_written` lets names
be given as they are, `data.target=是否违约` and `data.kinds={金额: numeric}` included, which Hydra's grammar refuses.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

NAMES = (
    "name", "path", "target", "positive", "schema_file", "weight", "group", "time", "given", "report_by", "encoding",
    "delimiter", "encoder",
)  # fmt: skip
"""Keys under `data` whose values are names: never numbers, booleans or lists."""

OWN_SETS = "sets"
"""Folder of the results that holds data sets of one's own, as a folder of Hydra's search path, and nothing else: any
folder beside `data/` there would be taken for a group of choices, and `tuned=true` for one of them."""

_SAFE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a mapping in Hydra's grammar
_FUNCTION = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag|int|float|str|bool|json_str|extend_list)\(")
_OVERRIDE = re.compile(r"(?P<key>\+{0,2}data\.(?P<field>[a-z_]+))=(?P<value>.+)", re.DOTALL)
WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "nan", "inf", "none", "~"))


def option(key: str, value: Any) -> str:
    """`data.KEY=VALUE` as a shell takes it, such as `'data.formats={"paid (USD)": currency}'`."""
    return shlex.quote(f"data.{key}={spelled(value)}")


def spelled(value: Any) -> str:
    """A value in Hydra's grammar; names in lists and mappings are quoted where need be."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if _SAFE.fullmatch(value) and value.lower() not in WORDS else quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{inner(k)}: {inner(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(inner(v) for v in value) + "]"
    return repr(value)


def inner(value: Any) -> str:
    """A value inside of a list or a mapping, which are read as YAML."""
    if isinstance(value, str):
        return value if _SAFE.fullmatch(value) and value.lower() not in WORDS else json.dumps(value, ensure_ascii=False)
    return spelled(value)


def quoted(text: str) -> str:
    """A string in quotes, as Hydra reads it: a backslash counts only before a quote, and `${` begins nothing."""
    mark = "'" if '"' in text and "'" not in text else '"'
    escaped = re.sub(rf"(\\*){mark}", lambda m: m.group(1) * 2 + "\\" + mark, text)
    escaped = re.sub(r"(\\+)$", lambda m: m.group(1) * 2, escaped)
    return mark + escaped.replace("${", "\\${") + mark


def as_written(override: str) -> str:
    """An override of the command line with names under `data` quoted for Hydra; others come back as they are.

    Sweeps (a,b), functions (range(…)), interpolations (${…}), null and what has quotes around it are Hydra's own.
    """
    found = _OVERRIDE.fullmatch(override)
    if found is None:
        return override
    key, field, value = found["key"], found["field"], found["value"].strip()
    if value[0] in "[{" and value[-1] in "]}":
        return f"{key}={collection(value)}"
    if field not in NAMES or value == "null" or "${" in value or _FUNCTION.match(value):
        return override
    parts = [value] if field in ("path", "schema_file", "delimiter") else value.split(",")
    if value[0] in "'\"" or any(part.strip()[:1] in ("", "'", '"') for part in parts):
        return override
    return f"{key}={','.join(name(part) for part in parts)}"


def name(text: str) -> str:
    """One name for Hydra, quoted unless it is plain."""
    bare = text.strip()
    return bare if _SAFE.fullmatch(bare) and bare.lower() not in WORDS else quoted(bare)


def collection(text: str) -> str:
    """A list or mapping for Hydra: one with keys that its grammar has no place for becomes a string that is YAML."""
    try:
        read = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        read = split(text)
    if isinstance(read, list):
        return listed(read) or text
    if isinstance(read, dict) and not all(_KEY.fullmatch(k) and k.lower() not in WORDS for k in read):
        return quoted(json.dumps(read, ensure_ascii=False))
    return text


def split(text: str) -> Any:
    """A flat list or mapping whose names YAML does not take without quotes; None for anything else."""
    if re.search("[][{}'\"]", text[1:-1]):
        return None
    parts = [part.strip() for part in text[1:-1].split(",")]
    if text[0] == "[":
        return parts
    pairs = [part.rpartition(":") for part in parts]
    return {key.strip(): value.strip() for key, _, value in pairs} if all(key for key, _, _ in pairs) else None


def listed(read: list[Any]) -> str:
    """A list of names, or of such lists, for Hydra; '' for a list of anything else."""
    parts = [listed(v) if isinstance(v, list) else name(v) if isinstance(v, str) else "" for v in read]
    return f"[{','.join(parts)}]" if all(parts) else ""


def typed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The section `data` of a configuration with names as strings, and strings that stand for mappings read as such."""
    found = dict(raw)
    for key, value in raw.items():
        if key in NAMES and isinstance(value, bool | int | float):
            found[key] = str(value).lower() if isinstance(value, bool) else f"{value:.17g}" if value % 1 else str(value)
        elif key not in NAMES and isinstance(value, str) and value[:1] in ("{", "["):
            found[key] = _numbers_in(yaml.load(value, Loader=yaml.BaseLoader))
        elif isinstance(value, Mapping):
            found[key] = {str(k): v for k, v in value.items()}
        elif isinstance(value, list):
            found[key] = [str(v) if isinstance(v, int | float) else v for v in value]
    return found


def _numbers_in(read: Any) -> Any:
    """Numbers among the values of a mapping, and of mappings in it, which the base loader reads as strings."""
    return {key: _number_in(value) for key, value in read.items()} if isinstance(read, dict) else read


def _number_in(value: Any) -> Any:
    if not isinstance(value, str):
        return _numbers_in(value)
    return int(value) if value.isdecimal() else float(value) if _NUMBER.fullmatch(value) else value


def command(verb: str, options: Mapping[str, Any], *more: str) -> str:
    """A command to paste: all options under `data`, and what comes after them."""
    return " ".join([f"imbench {verb}", *(option(key, value) for key, value in options.items()), *more])
