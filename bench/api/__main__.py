"""`python -m imbench` is the shell command `imbench`."""

import sys

from bench.cli.dispatch import main

if __name__ == "__main__":
    sys.exit(main())
