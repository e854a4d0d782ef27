"""The way in from the shell: `imbench`, or `python -m bench`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 1 cells failed, 2 wrong use, 130 interrupted)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        from importlib.metadata import version  # noqa: PLC0415 - not for every command

        print(f"imbench {version('imbench')}")
        return 0
    from bench.cli.dispatch import main as dispatch  # noqa: PLC0415 - not for the version, which scripts ask for

    return dispatch(words)


if __name__ == "__main__":
    sys.exit(main())
