"""What this machine has for us, and which part of it a worker gets: a GPU, or cores. Imports nothing of ours."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
NVIDIA = Path("/proc/driver/nvidia/gpus")


def usable_cores() -> int:
    """Cores that this process may keep busy: those it is bound to, and no more than its container may use."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, granted())))


def granted() -> float:
    """Cores' worth of time that a container's limit grants (cgroup v2 or v1); infinity without one."""
    with suppress(OSError, ValueError):
        quota, period = (CGROUP / "cpu.max").read_text(encoding="ascii").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota, period = (
            (CGROUP / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
        )
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    return math.inf


def gpus() -> tuple[str, ...]:
    """The GPUs that the driver shows, as CUDA_VISIBLE_DEVICES names them; found without importing torch."""
    if not NVIDIA.parent.joinpath("version").exists():
        return ()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1"))
    try:
        return tuple(str(i) for i in range(len(list(NVIDIA.iterdir()))))
    except OSError:  # a container may hide the list; there is one at least
        return ("0",)


@dataclass(frozen=True)
class Place:
    """Where a worker runs: on one GPU, on these cores, or (both empty) wherever the system puts it."""

    gpu: str = ""
    cores: tuple[int, ...] = ()

    def occupy(self) -> None:
        """Bind this process, before it uses CUDA: all that it sees of GPUs is its own."""
        if self.gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpu
        if self.cores:
            with suppress(OSError, AttributeError):  # forbidden, or not Linux: it runs anywhere then
                os.sched_setaffinity(0, self.cores)


def places(workers: int, threads: int, seen: Sequence[str]) -> list[Place]:
    """A place for each worker: the GPUs in turn; without any, `threads` cores each where these fill the machine.

    Workers that leave cores free are not bound: another sweep would be bound to the same ones.
    """
    if seen:
        return [Place(gpu=seen[i % len(seen)]) for i in range(workers)]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if workers * threads != len(cores) or len(cores) > usable_cores():
        return [Place()] * workers
    return [Place(cores=tuple(cores[i * threads : (i + 1) * threads])) for i in range(workers)]
