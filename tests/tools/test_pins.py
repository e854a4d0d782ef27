"""What `make` installs is pinned: every package that is needed here, by name and version and nothing else."""

from __future__ import annotations

import re

from tests.tools.pins import CONSTRAINTS, declared, needed, normal, oldest


def pinned() -> dict[str, str]:
    lines = [line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.!]*", line) for line in lines), "names and versions only"
    return dict(line.split("==") for line in lines)


def test_nothing_that_is_needed_floats() -> None:
    """Direct or not, for running, developing and building."""
    asked = declared()
    found = needed([*asked["run"], *asked["dev"], *asked["build"]])
    assert {"torch", "sqlalchemy", "ruff", "mypy", "setuptools", "alembic", "antlr4-python3-runtime"} <= found.keys()
    assert sorted(found.keys() - pinned().keys()) == []


def test_pins_allow_what_the_project_declares() -> None:
    from packaging.requirements import Requirement

    versions = pinned()
    for text in [part for parts in declared().values() for part in parts]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[normal(requirement.name)]), text


def test_the_oldest_are_lower_bounds() -> None:
    assert "optuna==4.3" in oldest()
    assert all("==" in line for line in oldest())
