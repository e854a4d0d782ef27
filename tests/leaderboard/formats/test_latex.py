"""LaTeX tables are regular, compile, and are closed to hostile names."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.evaluation.registry import columns
from bench.leaderboard.boards.across import summaries
from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import latex
from bench.records.columns import of_records
from tests.leaderboard.builders import HOSTILE, golden_records, make, series

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="no pdflatex on PATH: apt-get install texlive-latex-recommended"
)


def test_latex_text_has_no_command_but_ours() -> None:
    """Taking away the escapes that `latex_text` makes leaves nothing that TeX would act on."""
    ours = sorted({*latex._LATEX.values()}, key=len, reverse=True)
    for hostile in [
        *HOSTILE,
        r"\input{/etc/passwd}",
        r"\write18{rm}",
        "50% off",
        "a_b^c",
        "#1",
        "~",
        "{",
        "$$",
        "日本",
    ]:
        left = re.sub(r"\\imbenchchar\{[^\x00-\x7f]\}\{U\+[0-9A-F]{4,6}\}", "", latex.latex_text(hostile))
        for known in ours:
            left = left.replace(known, "")
        assert not re.search(r"[\\{}$&#%_^~]", left), hostile


def test_latex_tables_are_regular() -> None:
    text = latex.latex(boards(of_records(golden_records())))
    tables = text.count(r"\begin{table}")
    assert tables == 3 + text.count("-changes}") == 6
    assert text.count(r"\toprule") == text.count(r"\bottomrule") > tables  # some are divided at the width of a page
    for table in re.findall(r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", text, re.S):
        lines = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(table[0]) - 1}
    assert r"\textbf{class\_weights}" in text


@needs_latex
def test_latex_compiles_with_any_name(tmp_path: Path) -> None:
    """Board, groups and the table over data sets, each with every hostile name, letter by letter in three scripts."""
    names = [
        *HOSTILE,
        "Ağaç Łódź Ørsted façade",
        "日本語",
        "עברית",
        "Ελληνικά",
        "e\u0301",
        "🙂 👩‍👩‍👧",
        r"\input{x}",
        "^^M",
        "%",
    ]
    groups = {
        name: {"rows": 50 + i, "positives": 25, "auroc": 0.5 + i / 100, "average_precision": 0.4}
        for i, name in enumerate(names)
    }
    traits = {"n_train": 800, "n_test": 200, "n_classes": 2, "groups": groups, "group_column": names[-1]}
    records = [
        r for data in ("d", names[10]) for i, h in enumerate(names)
        for r in series(h, [i / 100, i / 90], data=data, traits=traits)
    ]  # fmt: skip
    tables = boards(of_records(records))
    log = compiled(latex.latex(tables, summaries(tables)), tmp_path)
    assert log.count("Output written") == 1


@needs_latex
def test_latex_tables_fit_a_page(tmp_path: Path) -> None:
    names = ["class_weights", "focal", "importance_weighted", "none", "oversample", "self_supervised", "transfer", "u"]
    metrics = dict.fromkeys(columns(2), 0.123)
    groups = {f"g{i}": {"rows": 50, "positives": 25, "auroc": 0.5, "average_precision": 0.4} for i in range(12)}
    traits = {"n_train": 800, "n_test": 200, "n_classes": 2, "groups": groups, "group_column": "g"}
    records = [
        make(name, seed, metrics={**metrics, "raw/average_precision": 0.123 + seed / 70}, traits=traits, data=data)
        for name in names for seed in range(3) for data in ("a", "b")
    ]  # fmt: skip
    tables = boards(of_records(records))
    assert "Overfull" not in compiled(latex.latex(tables, summaries(tables)), tmp_path)


def compiled(text: str, folder: Path) -> str:
    """What pdflatex says about a document of these tables."""
    (folder / "tables.tex").write_text(text, encoding="utf-8")
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{tables}\\end{document}"
    (folder / "document.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "document.tex"]
    for _ in range(2):  # the second run reads what captions wrote
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout.decode("utf-8", "replace")
