"""The documents: generated pages are current, links lead somewhere, the README is short, every page is in the site."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests import ROOT
from tests.tools.documents import blocks, broken_links, documents, slug, stale
from tests.tools.reference_pages import pages

README_LINES = 150


@pytest.mark.parametrize("name", ["strategies", "models", "options"])
def test_generated_pages_say_what_the_code_says(name: str) -> None:
    kept = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert kept == pages()[name], "renew it by: python -m tests.tools.reference_pages"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_links_lead_somewhere_and_excerpts_are_current(path: Path) -> None:
    assert list(broken_links(path)) == []
    assert stale(path.read_text(encoding="utf-8")) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading, here\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#a-heading-here) [c](there.md#none) [d](gone.md) [e](https://x.y)\n"
        "```sh\necho '[f](gone.md)'\n```\n",
        encoding="utf-8",
    )
    assert list(broken_links(page)) == ["there.md#none", "gone.md"]
    assert slug("## What `data.time` does") == "what-datatime-does"
    assert slug("no heading") == ""


def test_the_readme_is_short_and_every_page_is_in_the_site() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = [name for entry in site["nav"] for name in entry.values()]
    assert sorted(named) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_blocks_and_their_marks() -> None:
    text = "<!-- long -->\n```sh\na\n```\n```text\nb\n```\n```sh\nc\n```\n"
    assert blocks(text) == [("long", "a\n"), ("", "c\n")]
