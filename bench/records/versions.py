"""Which version of the harness made a record: part of every run key, raised whenever numbers change.

Records of other versions stay readable and have boards of their own; they are never taken for the cells of this one.
`tests/training/test_golden.py` fails where numbers change and the version here does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

VERSIONS: Final[Mapping[str, int]] = {
    "encoding": 2,  # terms of text, parts of dates, categories, scaling: which features columns become
    "training": 4,  # optimiser, schedule, stopping, row streams, layers: what a recipe becomes
    "splitting": 2,  # which rows are training, validation and test rows
    "evaluation": 2,  # metrics, weights, calibration, priors, thresholds: what predictions become
}
FIRST: Final[Mapping[str, int]] = dict.fromkeys(VERSIONS, 1)  # of records that say none


def of_this_version(config: Mapping[str, Any]) -> bool:
    """Whether a record with this configuration was made by the harness as it is now."""
    return {**FIRST, **config.get("versions", {})} == VERSIONS
