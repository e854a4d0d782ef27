"""The way in from the shell: `imbench`, or `python -m bench`."""

from __future__ import annotations

import sys

from bench.cli.dispatch import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
