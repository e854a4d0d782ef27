"""TabM: one network that is an ensemble of many, with shared weights (Gorishniy et al. 2025, arXiv:2410.24210).

By the authors' package `tabm`, with their embeddings of numbers: every member has a loss of its own on every row, and
probabilities are averaged. Settings and what `tune` searches are the paper's. It is made for a GPU: on a CPU core a
step of 256 rows takes about half a second at width 512, and a tenth of that at 128.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from strategies.model import Takes

if TYPE_CHECKING:
    from torch import nn

    from strategies.spec import CosineHead, Field, LinearHead


@dataclass(frozen=True, kw_only=True)
class TabM:
    """`members` of the ensemble, each of `blocks` layers of `width` units with `dropout`; numbers as periodic features
    of `frequencies` frequencies and `embedding` dimensions (0: as they are)."""

    name: ClassVar[str] = "tabm"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = False
    takes: ClassVar[Takes] = Takes(categories="codes")
    members: int = 32
    blocks: int = 2
    width: int = 512
    dropout: float = 0.1
    embedding: int = 16
    frequencies: int = 48

    def __post_init__(self) -> None:
        if min(self.members, self.blocks, self.width, self.frequencies) < 1 or self.embedding < 0:
            raise ValueError(f"model tabm: expected counts >= 1 and embedding >= 0, got {self}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"model tabm: expected dropout in [0, 1), got {self.dropout}")
        if find_spec("tabm") is None:
            raise ValueError(
                "model tabm: expected the package tabm, which is not installed; pip install 'imbench[tabm]'"
            )

    def build(self, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int) -> nn.Module:
        """From Features of n rows to (n, members, n_classes) logits.

        Raises:
            Inapplicable: the table has a column of text.
        """
        from bench.models.parts.tabm_module import TabMModule  # noqa: PLC0415 - a plan reads the fields only

        return TabMModule(self, schema, head.out or n_classes)

    def resolved(self, schema: tuple[Field, ...]) -> dict[str, object]:
        """Whose network it is, for the record."""
        return {"tabm": version("tabm")}
