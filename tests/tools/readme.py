"""`python -m tests.tools.readme [--long]`: runs the README's shell blocks, in order, in one empty folder.

A block marked `<!-- long -->` runs with --long only, one marked `<!-- not run: why -->` never. What a marked pair
`<!-- begin: NAME -->` … `<!-- end: NAME -->` encloses must be an excerpt of the file NAME, line by line.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import ROOT

BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.S | re.M)
MARKED = re.compile(r"<!-- begin: (?P<name>\S+) -->\n(?P<text>.*?)<!-- end: (?P=name) -->", re.S)


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


def main() -> int:
    """0 if every block exits with 0 and every marked section is current."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true", help="also the blocks that take over a minute")
    options = parser.parse_args()
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    failed = 0
    for name in stale(text):
        print(f"README.md: the section between the markers of {name} is no excerpt of that file; copy it anew")
        failed += 1
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
    with tempfile.TemporaryDirectory() as folder:
        ran = 0
        for mark, commands in blocks(text):
            if mark.startswith("not run") or (mark == "long" and not options.long):
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
            print(f"{'ok' if done.returncode == 0 else 'FAILED'}  {time.monotonic() - began:5.1f} s  {first}")
            if done.returncode:
                print(done.stdout + done.stderr)
                failed += 1
    print(f"README: {ran} blocks run, {failed} problems")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
