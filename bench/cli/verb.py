"""What a verb is: a file of `bench/cli/verbs`, named as it is typed with `_` for blanks, that holds one class.

The file's docstring is its help: the first sentence stands in the overview, the rest in `imbench VERB --help`. What the
class says of itself is read from the text of the file, so that help and completion import no verb. A verb imports at
its top what it needs: only the one that is asked for is ever imported.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, Final

from strategies.registry import Registry

WRONG_USE: Final = 2
INTERRUPTED: Final = 130
"""Exit codes beside those that `act` returns: a shell's own for a command that Ctrl-C has ended."""


class Verb:
    """Something that `imbench` does; subclasses set `name`, and any field of `Outline` besides `text`, as literals."""

    name: ClassVar[str]

    def act(self, arguments: Sequence[str]) -> int:
        """Do it, with the arguments after the verb. Returns the exit code: 0 done, 1 cells failed or a check did.

        Raises:
            Complaint: wrong use; the command line prints it and ends with exit code 2.
        """
        raise NotImplementedError


VERBS: Registry[Verb] = Registry("verb", "bench.cli.verbs")


@dataclass(frozen=True)
class Outline:
    """What a verb says of itself.

    `text`: its docstring. `group`, `order`: the heading in the overview, and the place: verbs stand by `order`, groups
    by their first verb. `usage`: what may follow the verb. `keys`: the sections and keys of the configuration that it
    reads, of which help shows comments and defaults; all others are refused. `accepts`: sections that it reads too, and
    that help leaves to another verb. `examples`: whole command lines. `completes`: what its words
    without `=` are: `strategy`, `model`, `data`, `set` (public data), `shell`, else files. `postpones`: packages that
    are imported only when they are used. `preloads`: the module that worker processes have imported once; where
    the arguments are likely to need workers, these start to import it before the verb is imported. `then`: the command
    that follows one that went well, as `next_step` fills it in. `keeps`: what Ctrl-C leaves behind that the
    same command need not do again, such as `cells`.
    """

    name: str
    text: str = ""
    group: str = "more"
    order: int = 1000
    usage: str = "[key=value …]"
    keys: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    completes: str = ""
    postpones: tuple[str, ...] = ()
    preloads: str = ""
    then: str = ""
    keeps: str = ""

    @property
    def summary(self) -> str:
        """The first sentence of the docstring, as one line without its full stop."""
        return " ".join(self.text.partition("\n\n")[0].split()).removesuffix(".")

    @property
    def details(self) -> str:
        """The rest of the docstring."""
        return self.text.partition("\n\n")[2]


def outlines() -> list[Outline]:
    """All verbs, in the order of the overview. Imports none of them."""
    return sorted((_read_outline(path, name) for name, path in VERBS.own().items()), key=lambda o: (o.order, o.name))


def outline(name: str) -> Outline:
    """One verb. Imports nothing.

    Raises:
        KeyError: there is no such verb.
    """
    return _read_outline(VERBS.own()[name], name)


def _read_outline(path: Path, name: str) -> Outline:
    """What the class `name` of a file says, from its source text.

    Raises:
        ValueError: a field of the outline is not a literal.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = {f.name for f in fields(Outline)} - {"name", "text"}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        said = {
            target.id: statement.value
            for statement in node.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        if isinstance(said.get("name"), ast.Constant) and ast.literal_eval(said["name"]) == name:
            found = {key: ast.literal_eval(value) for key, value in said.items() if key in known}
            return Outline(name, text=ast.get_docstring(tree) or "", **found)
    return Outline(name, text=ast.get_docstring(tree) or "")
