"""How many processor threads this process may use: torch's, and those of the BLAS libraries behind numpy and scipy."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def limit_threads(threads: int) -> None:
    """Bound all of them, from now on.

    numpy's BLAS takes every core by default, for sums over ten thousand rows already: two workers of one thread each
    then fight for two cores, and a look at 20,000 validation rows takes 100 ms where 7 would do.
    """
    torch.set_num_threads(threads)
    threadpool_limits(limits=threads, user_api="blas")
