"""Shapes, scales and labels; plots as files of their own: whole XML, with the colours that the page has."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest

from bench.leaderboard.plots.parts.svg import Drawing, Scale, asset, label_places, standalone, tick_text

SVG = "{http://www.w3.org/2000/svg}"


def test_a_plot_is_a_whole_file_with_its_words_and_colours() -> None:
    drawing = Drawing(40)
    drawing.path([(0, 0), (10, 20)], "a")
    title = 'a < b & "c"'
    root = ElementTree.fromstring(standalone(drawing.render("s", title, "says")))
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == title
    style = root.findtext(f"{SVG}style")
    assert style is not None
    used = set(re.findall(r"var\((--[a-z-]+)\)", style))
    assert used
    assert used <= set(re.findall(r"(--[a-z-]+):", style)), "a colour that the file does not define"


def test_the_page_and_its_plots_share_one_palette() -> None:
    """Every colour that the page uses is defined with the plots', once for light and once for dark."""
    palette = asset("plot.css")
    for colour in set(re.findall(r"var\((--[a-z-]+)\)", asset("page.css"))):
        assert palette.count(f"{colour}:") == 2, colour


def test_scales_and_ticks() -> None:
    assert Scale(0, 1, 10, 20)(0.5) == 15
    assert Scale(1, 100, 0, 10, log=True)(10) == pytest.approx(5)
    assert Scale(-0.043, 0.052, 0, 1).ticks(5) == [-0.04, -0.02, 0.0, 0.02, 0.04]
    assert Scale(0.001, 1, 0, 1, log=True).ticks()[0] == 0.001
    assert Scale(2.2, 9.0, 0, 1, log=True).ticks() == [4.0, 6.0, 8.0]  # 5 alone would be no scale
    assert [tick_text(v) for v in (0.25, 1.0, -0.02, 3000.0)] == [".25", "1", "−.02", "3,000"]


def test_labels_do_not_overlap_and_stay_within() -> None:
    places = label_places([5.0, 5.0, 6.0, 90.0, 91.0], 10, 0, 100)
    ordered = sorted(places)
    assert all(b - a >= 10 for a, b in itertools.pairwise(ordered))
    assert max(places) <= 100
    assert sorted(range(5), key=places.__getitem__) == [0, 1, 2, 3, 4]
