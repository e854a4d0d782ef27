"""The registry: entries found by their files and by entry points, and what is said where one cannot be had."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from strategies.registry import STRATEGIES, Registry, RegistryError, outline

NUMBERS = count()

ENTRY = '"""{card}"""\n\nprint("imported {name}")\n\nclass Entry:\n    """An entry."""\n    name = "{name}"\n'

Make = Callable[..., Registry[Any]]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A registry over a package of these files (name -> text), and these entry points (name -> what it loads)."""
    monkeypatch.syspath_prepend(tmp_path)
    package = f"registered_{next(NUMBERS)}"

    def made(files: dict[str, str], points: dict[str, str] | None = None) -> Registry[Any]:
        folder = tmp_path / package
        (folder / "parts").mkdir(parents=True)
        for path, text in {"__init__": "", "parts/__init__": "", **files}.items():
            (folder / f"{path}.py").write_text(text)
        found = [EntryPoint(name, value.format(package=package), package) for name, value in (points or {}).items()]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: found if group == package else [])
        return Registry("thing", package, package)

    yield made
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        del sys.modules[module]


def entry(name: str, card: str = "A card.") -> str:
    return ENTRY.format(name=name, card=card)


def test_names_and_cards_come_from_files_and_import_nothing(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that hold one class of their name; what they share is no entry, nor is what lies in folders."""
    shared = 'class Shared:\n    name = "other"\n'
    things = make(
        {
            "b": entry("b", "The second."),
            "a_b": entry("a b", "With a space."),
            "shared": shared,
            "parts/c": entry("c"),
            "late": "class Entry:\n    name: str = 'late'\n",
            "plain": "VALUE = 1\n",
        }
    )
    assert things.names() == ("a b", "b", "late")
    assert things.card("b") == "The second."
    assert things.card("a b") == "With a space."
    assert things.card("late") == ""
    assert capsys.readouterr().out == ""
    assert things.get("a b").name == "a b"
    assert things.get("late").name == "late"
    assert capsys.readouterr().out == "imported a b\n"
    assert things.get("a b") is things.get("a b")


def test_a_changed_file_is_read_again(make: Make, tmp_path: Path) -> None:
    """Its outline is kept for as long as the file is what it was."""
    things = make({"a": entry("a")})
    assert things.card("a") == "A card."
    (path,) = things.own().values()
    assert outline(path, 1) is outline(path, 1)
    path.write_text(entry("a", "Another card."))
    assert outline(path, 2).card == "Another card."


@pytest.mark.parametrize(
    ("name", "hint"), [("focla", "Did you mean 'focal'?"), ("zzzz", "Unknown thing 'zzzz'. Known: focal, none.")]
)
def test_an_unknown_name_is_answered_with_the_nearest(make: Make, name: str, hint: str) -> None:
    things = make({"focal": entry("focal"), "none": entry("none")})
    for ask in (things.get, things.card):
        with pytest.raises(RegistryError) as error:
            ask(name)
        assert hint in str(error.value)
        assert str(error.value).endswith("Known: focal, none.")
        assert "\n" not in str(error.value)


def test_entry_points_are_entries(make: Make) -> None:
    """With their class's docstring as the card."""
    things = make({"a": entry("a"), "parts/far": entry("far")}, {"far": "{package}.parts.far:Entry"})
    assert things.names() == ("a", "far")
    assert things.get("far").name == "far"
    assert things.card("far") == "An entry."
    assert set(things.own()) == {"a"}
    assert set(things.plugged()) == {"far"}


def test_a_name_that_two_offer_is_nobodys(make: Make) -> None:
    things = make({"a": entry("a"), "parts/far": entry("a")}, {"a": "{package}.parts.far:Entry"})
    assert things.names() == ("a",)
    with pytest.raises(RegistryError, match=r"thing 'a': expected one, got the built-in one and the entry point"):
        things.get("a")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('class A:\n    name = "a"\n\nclass B:\n    name = "a"\n', 2),
        ('from registered_elsewhere import A\n\nclass B:\n    name = "a"\n\nB.name = "b"\n', 0),
        ('class Base:\n    name = "a"\n\nclass B(Base):\n    """Inherits the name."""\n', 1),
    ],
)
def test_a_file_holds_exactly_one_class_of_its_name(make: Make, tmp_path: Path, text: str, found: int) -> None:
    """Classes that are imported, and names that are inherited, do not count."""
    (tmp_path / "registered_elsewhere.py").write_text('class A:\n    name = "a"\n')
    things = make({"a": text})
    if found == 1:
        assert things.get("a").__name__ == "Base"
        return
    with pytest.raises(RegistryError, match=f"thing 'a': expected one class with name = 'a', got {found}"):
        things.get("a")


@pytest.mark.parametrize("value", ["{package}.parts.far:VALUE", "{package}.parts.far:Entry", "{package}.parts.far"])
def test_an_entry_point_that_is_not_what_its_name_promises_is_refused(make: Make, value: str) -> None:
    """A value, a class of another name, a module."""
    things = make({"parts/far": entry("far") + "\nVALUE = 1\n"}, {"near": value})
    with pytest.raises(RegistryError, match="thing 'near': expected one class with name = 'near', got 0"):
        things.get("near")


def test_a_registry_without_a_group_has_no_entry_points() -> None:
    assert Registry[Any]("strategy", "strategies").plugged() == {}


def test_the_strategies_are_the_files_of_their_folder() -> None:
    """Those that hold one; the contract's own files hold none."""
    names = set(STRATEGIES.names())
    assert {"none", "focal", "transfer"} <= names
    assert names.isdisjoint({"spec", "recipe", "strategy", "stack", "registry", "predictor", "features"})
