"""The overview and the help of a verb, made from what the files of the verbs and of the configuration say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cli.keys import describe, keys_of
from bench.cli.text import columns, paragraphs
from bench.cli.verb import Outline

_ABOUT = "imbench: which treatment of class imbalance is worth using on your data, by how much, and at what cost."


def overview(verbs: Sequence[Outline]) -> Iterator[str]:
    """All verbs under their headings, each with the first sentence of its file."""
    yield from paragraphs(_ABOUT)
    yield ""
    yield "usage: imbench VERB [key=value …]   ·   what VERB takes: imbench VERB --help"
    left = max(len(verb.name) for verb in verbs)
    for group in dict.fromkeys(verb.group for verb in verbs):
        yield ""
        yield f"{group}:"
        yield from columns(((v.name, lowered(v.summary)) for v in verbs if v.group == group), left=left)
    yield ""
    yield "examples:"
    yield from (f"  {line}" for line in verbs[0].examples)


def family(name: str, verbs: Sequence[Outline]) -> Iterator[str]:
    """The verbs that begin with a word, such as `data`."""
    yield f"imbench {name}: what may follow"
    yield ""
    yield from members(name, verbs)


def members(name: str, verbs: Sequence[Outline]) -> Iterator[str]:
    """A line for each two-word verb that begins with `name`."""
    mine = [verb for verb in verbs if verb.name.startswith(f"{name} ")]
    yield from columns(((verb.name, lowered(verb.summary)) for verb in mine), left=max(len(verb.name) for verb in mine))


def verb_help(verb: Outline, verbs: Sequence[Outline]) -> Iterator[str]:
    """What a verb does, how it is called, the keys that it reads with their defaults, and examples."""
    yield from paragraphs(f"imbench {verb.name}: {lowered(verb.summary)}.")
    if verb.details:
        yield ""
        yield from paragraphs(verb.details)
    yield ""
    yield from paragraphs(f"usage: imbench {verb.name} {verb.usage}")
    if any(other.name.startswith(f"{verb.name} ") for other in verbs):
        yield ""
        yield "see also:"
        yield from members(verb.name, verbs)
    if verb.keys:
        yield ""
        yield "keys, with their defaults:"
        yield from _key_table(verb.keys)
    if verb.examples:
        yield ""
        yield "examples:"
        yield from (f"  {line}" for line in verb.examples)


def _key_table(sections: Sequence[str]) -> Iterator[str]:
    """The keys of some sections; a blank line before one that has several."""
    for number, section in enumerate(sections):
        keys = keys_of(section)
        if number and len(keys) > 1:
            yield ""
        yield from columns(describe(keys))


def lowered(text: str) -> str:
    """A text that begins with a small letter."""
    return text[:1].lower() + text[1:]
