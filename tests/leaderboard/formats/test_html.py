"""The page: complete without scripts, closed by its policy, usable by keyboard, and unmoved by hostile names."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench.leaderboard.boards.across import summaries
from bench.leaderboard.boards.bootstrap import attach
from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.otherwise import ranked_otherwise
from bench.leaderboard.formats.html import page
from bench.leaderboard.formats.markdown import markdown
from bench.leaderboard.plots.registry import evidence_of
from bench.records.columns import of_records
from bench.records.store import Store
from tests.leaderboard.boards.test_bootstrap import folder
from tests.leaderboard.builders import HOSTILE, make, repeats, series
from tests.leaderboard.formats.browser import ABSENT, CHROMIUM, Tab, dom

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason=ABSENT)
MARK = "document.documentElement.dataset.pwned='yes'"
ATTACKS = [
    *HOSTILE, f"<script>{MARK}</script>", f"<img src=x onerror={MARK}>", f'"><svg onload={MARK}>',
    f"</title><script>{MARK}</script>", f"' onmouseover='{MARK}", f"</script><script>{MARK}</script>",
    f"</style><script>{MARK}</script>", "javascript:" + MARK, f"<a href=javascript:{MARK} autofocus onfocus={MARK}>x",
    f"<math><mi//xlink:href='data:x,<script>{MARK}</script>'>", "<!--", "]]>", "&#60;script&#62;",
]  # fmt: skip


class Outline(HTMLParser):
    """Tags with attributes, by name, and the text of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, list[dict[str, Any]]] = {}
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.setdefault(tag, []).append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def built(root: Path) -> str:
    """A page with every part: intervals, plots, two data sets, hostile names everywhere."""
    store, records = folder(root, n=300)
    for target in ("x", ATTACKS[-4]):
        for i, attack in enumerate(ATTACKS):
            records += series(attack, [0.1 + i / 100, 0.2 + i / 90], data=ATTACKS[-5], target=target, model="m")
    records += series("none", [0.4, 0.5], data="other") + series("focal", [0.5, 0.5], data="other")
    records.append(make("failing", 0, status="failed", reason=ATTACKS[31]))
    tables = [attach(board, store, draws=100) for board in boards(of_records(records))]
    evidence = {board.slug: evidence_of(board, store) for board in tables}
    others = ranked_otherwise(of_records(records), tables)
    return page(
        tables, summaries(tables), evidence, title=ATTACKS[30], facts=[ATTACKS[33]], command=ATTACKS[36],
        by_metric=others,
    )  # fmt: skip


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return built(tmp_path_factory.mktemp("page"))


def test_nothing_is_fetched_and_the_policy_names_exactly_what_may_run(text: str) -> None:
    outline = Outline(text)
    assert not {"img", "link", "iframe", "object", "base", "form", "math"} & outline.tags.keys()
    policy = next(t["content"] for t in outline.tags["meta"] if t.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (source,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
        assert len(outline.tags[tag]) == 1
    assert all(not name.startswith("on") for tags in outline.tags.values() for t in tags for name in t)
    assert all("style" not in t for tags in outline.tags.values() for t in tags)
    links = {t.get("href", "") for t in outline.tags["a"]}
    assert all(link.startswith("#") for link in links)
    assert {link[1:] for link in links} <= {t.get("id") for t in outline.tags["section"]}
    assert "http" not in re.sub(r"<script>.*?</script>", "", text.replace("Content-Security", ""), flags=re.S).replace(
        "http-equiv", ""
    ).replace("http://evil", "").replace("https://evil", "")


def test_ids_are_unique_and_every_plot_has_words_and_numbers(text: str) -> None:
    outline = Outline(text)
    ids = [t["id"] for tags in outline.tags.values() for t in tags if "id" in t]
    assert len(ids) == len(set(ids))
    figures = outline.tags["svg"]
    assert len(figures) >= 5
    assert all(f["role"] == "img" and set(f["aria-labelledby"].split()) <= set(ids) for f in figures)
    folds = [t for t in outline.tags["details"] if t.get("class") not in ("configuration", "figures")]
    assert len(outline.tags["figure"]) == len(figures) == len(folds)
    assert len(outline.tags["desc"]) == len(figures)


def test_tables_are_readable_by_screen_readers(text: str) -> None:
    outline = Outline(text)
    assert len(outline.tags["caption"]) == len(outline.tags["table"])
    assert {t.get("scope") for t in outline.tags["th"]} == {"row", "col", "colgroup"}
    assert all(
        t.get("tabindex") == "0" and t.get("aria-label") for t in outline.tags["div"] if t.get("role") == "region"
    )
    assert outline.tags["html"][0]["lang"] == "en"


def test_a_thousand_rows_are_less_than_a_megabyte() -> None:
    records = [
        make(f"strategy number {i}", seed, 0.3 + i / 5000, metrics={
            **{f"{view}/{name}": 0.123456 + i / 9999 for view in ("raw", "corrected", "recalibrated")
               for name in ("log_loss", "brier", "ece")},
            **{f"{rule}/{name}": 0.5 for rule in ("default", "tuned")
               for name in ("f1", "precision", "recall", "balanced_accuracy", "mcc", "macro_f1")},
            **{f"raw/{name}": 0.3 + i / 5000 + seed / 100
               for name in ("average_precision", "auroc", "recall_at_1pct", "recall_at_5pct", "recall_at_10pct")},
        })
        for i in range(1000) for seed in range(2)
    ]  # fmt: skip
    tables = boards(of_records(records))
    text = page(tables, [], {b.slug: evidence_of(b, None) for b in tables}, title="Large")
    assert text.count("<tr") > 1000
    assert len(text.encode()) < 1_000_000


@needs_chromium
def test_no_hostile_name_runs(text: str, tmp_path: Path) -> None:
    """Our own script ran, no other did; every name is there as text."""
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")
    found = dom(file)
    assert 'data-ready="yes"' in found
    assert "data-pwned" not in found.partition("<head>")[0]
    assert not Outline(found).tags.keys() & {"img", "math", "iframe"}
    assert len(Outline(found).tags["script"]) == 1
    assert any(MARK in words for words in Outline(found).words)


@needs_chromium
def test_the_policy_stops_what_escaping_would_have_missed(text: str, tmp_path: Path) -> None:
    """The same foreign script runs without the policy, so the test would see it."""
    file = tmp_path / "page.html"
    injected = text.replace("<footer>", f"<script>{MARK}</script><footer>")
    file.write_text(injected, encoding="utf-8")
    assert "data-pwned" not in dom(file).partition("<head>")[0]
    file.write_text(injected.replace("Content-Security-Policy", "X-Nothing"), encoding="utf-8")
    assert "data-pwned" in dom(file).partition("<head>")[0]


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    _, records = folder(tmp_path / "results", n=200)
    records += series("zeta", [0.9, 0.8, 0.7]) + series("alpha", [0.05, 0.04, 0.06])
    tables = boards(of_records(records))
    file = tmp_path / "page.html"
    file.write_text(page(tables, [], {}, title="Keys"), encoding="utf-8")
    opened = Tab(file)
    yield opened
    opened.close()


FIRST = (
    "[...document.querySelectorAll('[data-board] tbody th')]"
    ".filter(t => !t.parentNode.hidden).map(t => t.textContent).join()"
)


SAID = "document.querySelector('section .tools:not(#filters) [role=status]').textContent"


@needs_chromium
def test_sorting_and_filtering_by_keyboard(tab: Tab) -> None:
    """Tab to a heading and press Enter: sorted, said, and turned round by the next press."""
    assert tab.ask(FIRST) == "zeta,focal,none,alpha"
    for _ in range(30):
        tab.press("Tab")
        if (
            tab.ask("document.activeElement.closest('[data-board]') && document.activeElement.textContent")
            == "Strategy"
        ):
            break
    tab.press("Enter", "\r")
    assert tab.ask(FIRST) == "alpha,focal,none,zeta"
    assert tab.ask("document.activeElement.parentNode.getAttribute('aria-sort')") == "ascending"
    assert tab.ask(SAID) == "Sorted by Strategy, ascending"
    tab.press("Enter", "\r")
    assert tab.ask(FIRST) == "zeta,none,focal,alpha"
    tab.press("Tab")
    assert tab.ask("document.activeElement.textContent") == "AP ↑"
    tab.press(" ", " ")
    assert tab.ask("document.activeElement.parentNode.getAttribute('aria-sort')") == "descending"
    assert tab.ask(FIRST).startswith("zeta,")
    assert tab.ask("document.querySelectorAll('[aria-sort]').length") == 1
    tab.ask("document.querySelector('section .tools:not(#filters) input[type=search]').focus()")
    for letter in "foc":
        tab.press(letter, letter)
    assert tab.ask(FIRST) == "focal"
    assert tab.ask(SAID) == "1 of 4 strategies"


def test_a_page_needs_no_predictions(tmp_path: Path) -> None:
    tables = boards(of_records(series("none", [0.3, 0.4, 0.5]) + series("focal", [0.4, 0.6, 0.5])))
    text = page(tables, [], {b.slug: evidence_of(b, Store(tmp_path)) for b in tables}, title="Bare")
    assert "Differences to the baseline" in text
    assert "Precision and recall" not in text


def test_verdicts_budget_and_marks_are_on_the_page() -> None:
    """Colour repeats what the word beside it says; the budget stands in a column, the answer before the table."""
    notes = {"tuning_trials": 15, "tuning_steps": 9000}
    none = [0.30, 0.31, 0.32, 0.33, 0.32, 0.30]
    records = [
        *repeats("none", none, tuned=True, notes=notes),
        *repeats("focal", [0.41, 0.41, 0.43, 0.43, 0.42, 0.41], tuned=True, notes=notes),
        *repeats("oversample", [0.11, 0.11, 0.13, 0.13, 0.13, 0.11], tuned=True, notes={**notes, "tuning_trials": 40}),
    ]
    text = page(boards(of_records(records)), [], {}, title="Tuned")
    assert '<td class="up">better<span class="mark" aria-hidden="true">▲' in text
    assert '<td class="down">worse<span class="mark" aria-hidden="true">▼' in text
    assert "15 trials; 9,000 steps" in text
    assert "oversample‡" in text
    assert '<tr class="best" data-tuned=yes><th scope="row">focal†' in text
    assert text.index("focal beats doing nothing by") < text.index("<table")
    assert "<summary>Which differences would be found</summary>" in text


def test_several_data_sets_have_a_table_and_a_diagram() -> None:
    records = [r for d in "abcd" for k, s in enumerate(("none", "focal")) for r in series(s, [0.3 + k / 9] * 3, data=d)]
    tables = boards(of_records(records))
    across = summaries(tables)
    text = page(tables, across, {}, title="Many")
    assert "Across data sets · m" in text
    assert "4/0/0" in text
    assert "Wilcoxon-Holm cannot separate anything with 4 blocks: it takes 6" in text
    assert "Critical differences, Across data sets" in text
    assert "| focal | 1.00 | .411 | +.111 | 4/0/0 |" in markdown(tables, across)
