"""The page in a browser: the metric that ranks, filters, and a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.otherwise import ranked_otherwise
from bench.leaderboard.formats.html import page
from bench.records.columns import of_records
from tests.leaderboard.builders import make
from tests.leaderboard.formats.browser import ABSENT, CHROMIUM, Tab

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ABSENT)

AP, LOG_LOSS = "raw/average_precision", "recalibrated/log_loss"
ORDER = (
    "[...document.querySelectorAll('#{} [data-board] tbody tr')]"
    ".map(r => r.cells[0].textContent + ' ' + r.cells[1].textContent)"
)
SHOWN = "[...document.querySelectorAll('main > section[data-set]')].filter(s => !s.hidden).map(s => s.dataset.model)"


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[tuple[Tab, str]]:
    """Two models; by AP `a` leads, by recalibrated log loss `none` does."""
    scores = (("none", 0.3, 0.10), ("a", 0.4, 0.30), ("b", 0.4, 0.20))
    records = [
        make(name, r, split=r, model=model, metrics={AP: ap, LOG_LOSS: loss + r / 999})
        for model in ("m", "tree")
        for r in range(3)
        for name, ap, loss in scores
    ]
    table = of_records(records)
    tables = boards(table)
    file = tmp_path / "page.html"
    text = page(tables, [], {}, title="Switched", by_metric=ranked_otherwise(table, tables))
    file.write_text(text, encoding="utf-8")
    opened = Tab(file)
    yield opened, tables[0].slug
    opened.close()


def choose(tab: Tab, name: str, value: str) -> None:
    tab.ask(
        f"document.getElementById('{name}').value = '{value}';"
        f"document.getElementById('{name}').dispatchEvent(new Event('input'))"
    )


def test_another_metric_ranks_and_the_designed_one_again(tab: tuple[Tab, str]) -> None:
    """Tables and matrix; equal scores come back in the order in which they stood."""
    opened, slug = tab
    before = opened.ask(ORDER.format(slug))
    assert [line.split()[0] for line in before] == ["a", "b", "none"]
    choose(opened, "metric", LOG_LOSS)
    after = opened.ask(ORDER.format(slug))
    assert [line.split()[:2] for line in after] == [["none", ".101"], ["b", ".201"], ["a", ".301"]]
    visible = "[...document.querySelectorAll('.matrix .by')].filter(b => !b.hidden).map(b => b.dataset.metric)"
    assert opened.ask(visible) == [LOG_LOSS]
    choose(opened, "metric", "designed")
    assert opened.ask(ORDER.format(slug)) == before
    assert opened.ask(visible) == ["designed"]


def test_filters_hide_boards_lines_and_rows_of_the_matrix(tab: tuple[Tab, str]) -> None:
    opened, _ = tab
    assert opened.ask(SHOWN) == ["m", "tree"]
    choose(opened, "model", "tree")
    assert opened.ask(SHOWN) == ["tree"]
    rows = "[...document.querySelectorAll('.matrix .by:not([hidden]) tbody tr')].filter(r => !r.hidden).length"
    assert opened.ask(rows) == 1
    assert opened.ask("document.querySelector('#filters [role=status]').textContent") == "1 of 2 boards"
    choose(opened, "find", "nothing like it")
    assert opened.ask(SHOWN) == []


def test_on_a_narrow_screen_the_score_stays_in_sight(tab: tuple[Tab, str]) -> None:
    """Scrolled to the end, strategy and score have not moved; the cue is gone; the page itself does not scroll."""
    opened, slug = tab
    opened.call("Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=True)
    opened.ask("dispatchEvent(new Event('resize'))")
    assert opened.ask("document.documentElement.scrollWidth <= 400")
    box = f"document.querySelector('#{slug} .scroll')"
    left = f"[0, 1].map(i => Math.round({box}.querySelectorAll('tbody tr')[0].cells[i].getBoundingClientRect().left))"
    before = opened.ask(left)
    assert opened.ask(f"{box}.scrollWidth > {box}.clientWidth")
    assert opened.ask(f"!{box}.nextElementSibling.hidden")
    opened.ask(f"{box}.scrollLeft = 10000; {box}.dispatchEvent(new Event('scroll'))")
    assert opened.ask(f"{box}.scrollLeft > 0")
    assert opened.ask(left) == before
    assert opened.ask(f"{box}.nextElementSibling.hidden")
