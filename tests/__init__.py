"""Tests, in rooms that mirror those of the code; `tools` holds proofs that are run by hand."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
