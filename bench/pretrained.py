"""Pretrained transformers from a folder on this machine: safetensors only, no code of the folder run, nothing fetched.

Imports nothing of ours, and transformers only when it is called: it is optional, and takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

_HERE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def load_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer.

    Raises:
        ImportError: transformers is not installed.
        Exception: whatever transformers says of a folder that it cannot load.
    """
    from transformers import AutoTokenizer  # noqa: PLC0415

    with _quiet():
        return AutoTokenizer.from_pretrained(folder, **_HERE)


def load_transformer(folder: Path) -> Any:
    """The folder's model with its weights, in float32; torch's random stream is left as it was.

    Raises:
        ImportError: transformers is not installed.
        Exception: whatever transformers says of a folder that it cannot load.
    """
    from transformers import AutoModel  # noqa: PLC0415

    with _quiet(), torch.random.fork_rng(devices=[]):  # a pooler that the folder lacks is drawn, and never used
        return AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32, **_HERE)


def fresh_transformer(folder: Path) -> Any:
    """A model of the same architecture with weights drawn from torch's random stream: nothing learnt."""
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415

    with _quiet():
        return AutoModel.from_config(AutoConfig.from_pretrained(folder, **_HERE), trust_remote_code=False)  # type: ignore[no-untyped-call]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' own reports and bars."""
    from transformers.utils import logging  # noqa: PLC0415

    own, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(own)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
