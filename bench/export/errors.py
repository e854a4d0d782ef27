"""What stops an export, or the use of one: one line that says what to do."""

from __future__ import annotations

from bench.errors import Complaint


class ExportError(Complaint, RuntimeError):
    """A model cannot be exported, loaded or applied."""
