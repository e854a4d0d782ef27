"""What is printed of texts from elsewhere: no escape sequences, no passwords, on every way out."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.__main__ import main
from bench.cli.console import Console
from bench.printed import clean, masked

EVIL = "a\x1b]0;owned\x07b\x1b[31mred\x1b[2J\x9b1mc\u202edc\r\ud800"


@given(st.text())
def test_nothing_that_moves_a_cursor_is_left(text: str) -> None:
    found = clean(text)
    assert len(found) == len(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in found)
    assert clean(found) == found
    assert clean("plain text, as it is: äöü 订单 🙂") == "plain text, as it is: äöü 订单 🙂"


@pytest.mark.parametrize("terminal", [False, True])
def test_a_console_prints_no_sequence_of_others(terminal: bool) -> None:
    """Text, markup, tables, titles; its own styles are still there on a terminal."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=200, color_system="standard" if terminal else None)
    console.print(Text(EVIL, style="red"))
    console.print(f"[green]{escape(EVIL)}[/]")
    table = Table(EVIL, title=EVIL)
    table.add_row(Text(EVIL))
    console.print(table)
    said = file.getvalue()
    for sequence in ("\x1b]0;", "\x1b[31mred", "\x1b[2J", "\x07", "\x9b", "\u202e", "\r"):
        assert sequence not in said
    assert ("\x1b[3" in said) == terminal


def test_errors_are_cleaned_too(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", f"data.target={EVIL[:-1]}", "data=womens"]) == 2
    said = capfd.readouterr().err
    assert "\x1b" not in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg2://me:hunter2@host/db", "postgresql+psycopg2://me:***@host/db"),
        ("got mysql://u:p%40ss@h:3306/x, say", "got mysql://u:***@h:3306/x, say"),
        ("postgresql:///db?host=h&password=hunter2&x=1", "postgresql:///db?host=h&password=***&x=1"),
        ("mysql://h/db?user=me&PWD=hunter2", "mysql://h/db?user=me&PWD=***"),
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
        ("https://example.org:80/a@b", "https://example.org:80/a@b"),
        ("file://own a:b@c", "file://own a:b@c"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
