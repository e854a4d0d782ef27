"""`python -m tests.tools.documents [--long] [FILE …]`: runs the shell blocks of the README and of docs/, checks links.

The blocks of a file run in its order, in one empty folder. A block marked `<!-- long -->` runs with --long only, one
marked `<!-- not run: why -->` never. What a marked pair `<!-- begin: NAME -->` … `<!-- end: NAME -->` encloses must be
an excerpt of the file NAME, line by line. Links to files of the project must lead somewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tests import ROOT

BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.S | re.M)
MARKED = re.compile(r"<!-- begin: (?P<name>\S+) -->\n(?P<text>.*?)<!-- end: (?P=name) -->", re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<target>[^)\s]+)\)")


def documents() -> list[Path]:
    """The README first, then what docs/ holds."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str) -> list[tuple[str, str]]:
    """(mark, commands) of each shell block."""
    return [(m["mark"] or "", m["text"]) for m in BLOCK.finditer(text) if m["kind"] == "sh"]


def stale(text: str) -> list[str]:
    """Marked sections that are not what their file says."""
    wrong = []
    for section in MARKED.finditer(text):
        path = ROOT / section["name"]
        if not path.exists() or section["text"].strip() not in path.read_text(encoding="utf-8"):
            wrong.append(section["name"])
    return wrong


def broken_links(path: Path) -> Iterator[str]:
    """Links of a document to files or headings that are not there."""
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    for link in LINK.finditer(text):
        name, _, heading = unquote(link["target"]).partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (
            heading and heading not in {slug(line) for line in target.read_text(encoding="utf-8").splitlines()}
        ):
            yield link["target"]


def slug(line: str) -> str:
    """What a heading is called in links, as GitHub makes it; empty for other lines."""
    if not line.startswith("#"):
        return ""
    return re.sub(r"[^\w\- ]", "", line.lstrip("# ").strip().lower()).replace(" ", "-")


def run(path: Path, *, long: bool) -> tuple[int, int]:
    """(blocks run, blocks failed) of a document."""
    bin_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": bin_first, "COLUMNS": "100"}
    ran = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for mark, commands in blocks(path.read_text(encoding="utf-8")):
            if mark.startswith("not run") or (mark == "long" and not long):
                continue
            began = time.monotonic()
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", commands],
                cwd=folder,
                env=environment,
                check=False,
                capture_output=True,
                text=True,
            )
            ran += 1
            first = commands.strip().splitlines()[0]
            shown = f"{time.monotonic() - began:5.1f} s  {path.relative_to(ROOT)}: {first}"
            print(f"{'ok' if done.returncode == 0 else 'FAILED'}  {shown}", flush=True)
            if done.returncode:
                print(done.stdout + done.stderr)
                failed += 1
    return ran, failed


def main() -> int:
    """0 if every block exits with 0, every marked section is current and every link leads somewhere."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path, help="default: the README and docs/")
    parser.add_argument("--long", action="store_true", help="also the blocks that take over a minute")
    options = parser.parse_args()
    total = problems = 0
    for path in [file.resolve() for file in options.files] or documents():
        for name in stale(path.read_text(encoding="utf-8")):
            print(f"{path.name}: the section between the markers of {name} is no excerpt of that file; copy it anew")
            problems += 1
        for link in broken_links(path):
            print(f"{path.name}: the link {link} leads nowhere")
            problems += 1
        ran, failed = run(path, long=options.long)
        total, problems = total + ran, problems + failed
    print(f"documents: {total} blocks run, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
