"""`python -m tests.tools.pins [--write | --oldest]`: versions of everything that `make` installs, one a line.

The packages are those that imbench and its development extra need, whatever else is installed, and what builds them.
Without an option the pins are printed; `--write` puts them into constraints.txt, under its comment; `--oldest` prints
the lower bounds of pyproject.toml as pins, for `make versions`.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

from tests import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
BUILDS = ("setuptools",)


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(first: Iterable[str]) -> dict[str, str]:
    """Name -> version of packages and all that they need here, without local parts such as `+cpu`."""
    found: dict[str, str] = {}
    waiting = [Requirement(text) for text in first]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        for extra in ("", *sorted(wanted.extras)):
            if (normal(wanted.name), extra) in seen:
                continue
            seen.add((normal(wanted.name), extra))
            try:
                installed = distribution(wanted.name)
            except PackageNotFoundError:
                continue  # an optional one, or of another platform
            found[normal(wanted.name)] = installed.version.partition("+")[0]
            for text in installed.requires or ():
                inner = Requirement(text)
                if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                    waiting.append(inner)
    return found


def declared() -> dict[str, list[str]]:
    """What pyproject.toml asks for: of imbench, of development, and to build."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        "run": project["project"]["dependencies"],
        "dev": project["project"]["optional-dependencies"]["dev"],
        "build": project["build-system"]["requires"],
    }


def pins() -> list[str]:
    """`name==version` of everything that is installed by `make`, sorted."""
    asked = declared()
    return sorted(
        f"{name}=={version}" for name, version in needed([*asked["run"], *asked["dev"], *asked["build"]]).items()
    )


def oldest() -> list[str]:
    """The lower bounds of what imbench needs, as pins; torch stays as it is pinned."""
    found = [line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if line.startswith("torch==")]
    for requirement in map(Requirement, declared()["run"]):
        low = next((s.version for s in requirement.specifier if s.operator in (">=", "==")), None)
        if low is not None and requirement.name != "torch":
            found.append(f"{requirement.name}=={low}")
    return sorted(found)


def main() -> int:
    """Print or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--oldest", action="store_true")
    options = parser.parse_args()
    lines = oldest() if options.oldest else pins()
    if options.write:
        comment = [line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        CONSTRAINTS.write_text("\n".join([*comment, *lines]) + "\n", encoding="utf-8")
    else:
        print("\n".join(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
