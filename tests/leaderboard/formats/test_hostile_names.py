"""Names that would run, break a line or leave a table: in every format they stay text."""

from __future__ import annotations

import csv
import io
from typing import Any

from markdown_it import MarkdownIt

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import entries, markdown, tables_csv
from bench.records.record import Record
from tests.leaderboard.builders import HOSTILE, frame_of, make, series, terminal


def test_hostile_names_stay_text(build: Any) -> None:
    """In every format, every name is one cell of one line, and nothing runs."""
    names: dict[str, Any] = {"data": HOSTILE[0], "target": HOSTILE[10], "model": HOSTILE[8]}
    records = [make("failing", 0, status="failed", reason=HOSTILE[12], **names)]
    for i, hostile in enumerate(HOSTILE):
        records += series(hostile, [0.1 + i / 100, 0.2 + i / 90], **names)
    (board,) = build(records)
    page = markdown.markdown([board])
    assert "<script" not in page
    assert "<img" not in page
    assert "](javascript" not in page.replace("\\]", "")
    assert "http://" not in page
    table = [line for line in page.splitlines() if line.startswith("| ")]
    bare = [line.replace("\\\\", "").replace("\\|", "") for line in table]
    assert len({line.count("|") for line in bare[: len(board.rows) + 2]}) == 1
    parsed = list(csv.DictReader(io.StringIO(tables_csv.comma_separated([board]), newline="")))
    assert len(parsed) == len(board.rows)
    for line in parsed:
        for field in ("data", "target", "model", "strategy"):
            assert line[field].lstrip()[:1] not in tuple("=+-@＝")
        assert None not in line
    text = terminal(board)
    assert "\x1b" not in text
    assert "[red]markup[/red]" in text
    assert ":smile:" in text


def test_markdown_of_hostile_names_by_an_independent_parser() -> None:
    """CommonMark reads every cell back as plain text: the name, and nothing else."""
    (board,) = boards(frame_of([r for i, h in enumerate(HOSTILE) for r in series(h, [i / 100, i / 90])]))
    found, current = [], False
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown.markdown([board])):
        current = token.type == "td_open" or (current and token.type != "td_close")
        if current and token.type == "inline":
            children = token.children or []
            assert {child.type for child in children} <= {"text", "text_special", "strong_open", "strong_close"}
            found.append("".join(child.content for child in children))
    expected = {" ".join(entries.name(r).split()) for r in board.rows}
    assert len(expected) >= len(HOSTILE) - 1
    assert expected <= {" ".join(cell.split()) for cell in found}


def test_a_lone_surrogate_can_be_printed() -> None:
    """JSON can hold half a character; files and terminals cannot."""
    (board,) = boards(
        frame_of(
            [
                Record(
                    key="k",
                    status="done",
                    data="\ud800",
                    target="t",
                    model="m",
                    strategy="\ud800",
                    split=0,
                    seed=0,
                    metrics={"raw/average_precision": 0.5},
                )
            ]
        )
    )
    for text in (markdown.markdown([board]), tables_csv.comma_separated([board]), terminal(board)):
        text.encode("utf-8")
