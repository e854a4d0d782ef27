"""The way in from the shell: `imbench`, or `python -m bench`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

READER_GONE = 141  # as the shell reports a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 1 cells failed, 2 wrong use, 130 interrupted, 141 unread)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        from importlib.metadata import version  # noqa: PLC0415 - not for every command

        print(f"imbench {version('imbench')}")
        return 0
    from bench.cli.dispatch import main as dispatch  # noqa: PLC0415 - not for the version, which scripts ask for

    try:
        code = dispatch(words)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has seen enough, as `head` does: nothing is left to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return code


if __name__ == "__main__":
    sys.exit(main())
