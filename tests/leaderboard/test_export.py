"""CSV, JSON and LaTeX: complete, readable by their own tools, and closed to hostile names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from builders import row, series
from test_boards import HOSTILE, golden_records

from bench.leaderboard import export, latex
from bench.leaderboard.board import boards
from bench.leaderboard.ledger import of_records


def test_json_holds_what_the_board_holds() -> None:
    tables = boards(of_records(golden_records()))
    document = json.loads(export.json_text(tables, summaries=[]))
    assert document["format"] == "imbench-boards-1"
    board = document["boards"][1]
    focal = next(r for r in board["rows"] if r["label"] == "focal")
    mine = row(tables[1], "focal")
    assert focal["difference"]["p"] == mine.difference.p
    assert focal["score"]["mean"] == mine.score.mean
    assert focal["values"]["raw/auroc"] == mine.cells["raw/auroc"]
    assert len(focal["records"]) == 5
    assert board["failed"][0]["reason"] == "the loss is NaN at step 40"
    assert len(board["pairs"]) == 6


def test_json_of_hostile_names() -> None:
    tables = boards(of_records([r for i, h in enumerate(HOSTILE) for r in series(h, [i / 100, i / 90])]))
    labels = {r["label"] for r in json.loads(export.json_text(tables))["boards"][0]["rows"]}
    assert labels == {r.label for r in tables[0].rows}


def test_latex_text_has_no_command_but_ours() -> None:
    """Taking away the escapes that `latex_text` makes leaves nothing that TeX would act on."""
    ours = sorted({*latex._LATEX.values()}, key=len, reverse=True)
    for hostile in [*HOSTILE, r"\input{/etc/passwd}", r"\write18{rm}", "50% off", "a_b^c", "#1", "~", "{", "$$"]:
        left = latex.latex_text(hostile)
        for known in ours:
            left = left.replace(known, "")
        assert not re.search(r"[\\{}$&#%_^~]", left), hostile


def test_latex_tables_are_regular() -> None:
    text = latex.latex(boards(of_records(golden_records())))
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\begin{table}") == 2
    for table in re.findall(r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", text, re.S):
        lines = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(table[0]) - 1}
    assert r"\textbf{focal}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on PATH")
def test_latex_compiles(tmp_path: Path) -> None:
    body = latex.latex(boards(of_records([r for i, h in enumerate(HOSTILE) for r in series(h, [i / 100, i / 90])])))
    file = tmp_path / "t.tex"
    file.write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\usepackage[T1]{fontenc}\\begin{document}"
        f"{body.encode('ascii', 'ignore').decode()}\\end{{document}}", encoding="utf-8",
    )  # fmt: skip
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", file.name], cwd=tmp_path, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
