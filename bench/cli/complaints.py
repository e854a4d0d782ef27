"""Hydra's complaints, which take paragraphs, as one line each that says what to do."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from bench.config import ConfigError
from bench.data.options import NAMES, option
from bench.errors import Complaint
from strategies.registry import unknown

_GRAMMAR = "quote what the shell or Hydra may misread: 'strategy=[undersample,focal]', \"data.target='my column'\""
_NOT_THERE = r"provider=.*, path=(?P<key>.*) is not available"
UNKNOWN = "{key}: expected a key or a group that there is; imbench run --help lists them"
_SEVERAL = "{key}: expected one value, got several; to try each, add -m"
_SAYINGS = (
    (_NOT_THERE, "hydra.searchpath: expected a folder, but there is none at {key}; correct the path"),
    (
        r"Config group override must be",
        "{key}: expected the name of a file of this group; to choose none, leave it out",
    ),
    (
        r"(?:argument|parameters) '(?P<key>.*?)'.*--multirun",
        _SEVERAL,
    ),
    (r"Exceeds the limit", "{key}: expected a number of at most 64 bits"),
    (r"Could not append .* at '(?P<key>.*?)'", "+{key}: expected a new key, but it is there already; leave out the +"),
    (r"Could not delete .* '(?P<key>.*?)' does not exist", "~{key}: expected a key that there is; leave it out"),
    (r"Could not override '(?P<key>.*?)'", UNKNOWN),
    (r"(?P<key>Only one of --run.* can be specified)", "{key}; leave the others out"),
    (
        r"(?P<key>The --resolve flag can only be used in conjunction with --cfg)",
        "{key}; imbench run --cfg job --resolve",
    ),
)
"""What Hydra's messages say -> what ours say, with the key or the override that is named."""


@contextmanager
def hydra_in_one_line(overrides: Sequence[str] = ()) -> Iterator[None]:
    """Around calls of Hydra: what it raises about wrong use becomes a ConfigError; `overrides` is what it was given.

    Raises:
        ConfigError: the overrides cannot be used.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=_NOT_THERE, category=UserWarning)  # else it goes on without
            yield
    except Complaint:
        raise
    except (HydraException, OmegaConfBaseException, ValueError, UserWarning) as error:
        said = _rephrased(error, overrides)
        if said is None:
            raise
        raise ConfigError(said) from error


def _rephrased(error: Exception, overrides: Sequence[str]) -> str | None:
    """One line for an error of Hydra or OmegaConf: by its type where that tells, else by what it says.

    None for a ValueError or a warning that is not one of theirs, but a mistake of somebody's code.
    """
    if isinstance(error, MissingConfigException):
        return _no_such_file(error)
    if isinstance(error, OverrideParseException):
        return _bad_grammar(error)
    if isinstance(error, InterpolationKeyError):
        return f"{error.full_key}: {str(error).splitlines()[0]}; name a key that there is"
    text = " ".join(str(error).split())
    culprit = next((o for o in overrides if _not_a_name(o)), "an override")
    known = _known_beside(error.__cause__)
    for pattern, answer in _SAYINGS:
        if (match := re.search(pattern, text)) is not None:
            key = match["key"] if "key" in match.groupdict() else culprit
            one = _as_one_name(key) if answer == _SEVERAL else ""
            return unknown("key", key, known) if answer == UNKNOWN and known else answer.format(key=key) + one
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    return f"{text.removesuffix('.')}. See imbench run --help, and run --hydra-help for Hydra's own options"


def _as_one_name(override: str) -> str:
    """How to quote a name that has commas in it, for keys whose values are names; '' for others."""
    key, _, written = override.lstrip("+").partition("=")
    known = key.startswith("data.") and key.removeprefix("data.") in NAMES and "," in written
    return f"; if it is one name: {option(key.removeprefix('data.'), written)}" if known else ""


def _no_such_file(error: MissingConfigException) -> str:
    """A choice that a group does not have, or another main configuration."""
    name = error.missing_cfg_file or ""
    if error.options is None:
        return (
            f"--config-name {name}: expected the name of a configuration, and there is none of this name; leave it out"
        )
    group, _, choice = name.rpartition("/")
    return unknown(group, choice, error.options)


def _bad_grammar(error: OverrideParseException) -> str:
    """An override that cannot be read: the first line of what the parser says, and how to quote."""
    lines = [line for line in str(error).splitlines() if not line.startswith(("See ", "Error parsing"))]
    what = re.sub(r" expecting \{.*", "", lines[0]) if lines else "it cannot be read"
    key, _, written = str(error.override).lstrip("+").partition("=")
    remedy = _GRAMMAR
    if key.startswith("data.") and key.removeprefix("data.") in NAMES:
        around = len(written) > 1 and written[0] == written[-1] and written[0] in "'\""
        remedy = f"if it is one name: {option(key.removeprefix('data.'), written[1:-1] if around else written)}"
    return f"{error.override!r}: expected key=value in Hydra's grammar, got: {what}; {remedy}"


def _not_a_name(override: str) -> bool:
    """Whether an override gives a group a number, a truth value or nothing."""
    key, _, value = override.lstrip("+").partition("=")
    return "." not in key and re.fullmatch(r"null|true|false|[-+]?[\d.]+", value, re.I) is not None


def _known_beside(error: BaseException | None) -> list[str]:
    """The keys of the section in which a key was not found."""
    node = getattr(error, "parent_node", None)
    path = str(getattr(error, "full_key", "") or "").rpartition(".")[0]
    keys = [] if node is None else [str(key) for key in node]
    return [f"{path}.{key}" if path else key for key in keys if key != "hydra"]
