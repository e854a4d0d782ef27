"""Plots as files of their own: whole XML, with the colours that the page has."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from bench.leaderboard.plots.parts.svg import Drawing, asset, standalone

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
