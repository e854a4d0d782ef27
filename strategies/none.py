"""Cross entropy on the data as they are: the baseline that every treatment must beat.

Logits embody the training prior, so no correction is needed. Tuned with the same budget as every other strategy
(Shwartz-Ziv et al. 2023, arXiv:2312.02517: a tuned plain baseline is hard to beat).
Suggested values: no hyperparameters of its own. Combines with: everything; it changes nothing.
Published: plain training that is tuned well is as good as losses and samplers made for imbalance. Here: no board has
shown a treatment that beats it over several data sets.
"""

from __future__ import annotations

from dataclasses import dataclass

from strategies.spec import Strategy


@dataclass(frozen=True)
class Plain(Strategy):
    """No treatment."""

    name = "none"
