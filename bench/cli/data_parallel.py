"""One cell on several processes: data-parallel training that gives what one process gives, up to rounding.

    torchrun --nproc-per-node 2 -m bench.cli.data_parallel strategy=focal data=womens seed=3

Every process has the data and takes its share of each batch (`bench.training.distributed`); train.batch_size is the
batch of all, which they must be able to share equally. Rank 0 leaves the record, under the key that the cell always
has: the number of processes is no more part of that than the number of threads. With GPUs, each process uses its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist

from bench.cli.compose import compose, hydra_loader
from bench.config import read_cell, read_options
from bench.records.record import Record
from bench.sweep.plan import plan
from bench.sweep.runner import Runner


def main(overrides: Sequence[str]) -> int:
    """Train the cell of these overrides; 0 where its record says done or skipped, on every rank alike."""
    if "LOCAL_RANK" not in os.environ:
        print(
            "bench.cli.data_parallel: expected to be started by torchrun --nproc-per-node N -m bench.cli.data_parallel",
            file=sys.stderr,
        )
        return 2
    _own_gpu(int(os.environ["LOCAL_RANK"]))
    with hydra_loader() as loader:
        (raw,) = compose(loader, [list(overrides)])
    options = read_options(raw)
    # Stacks are as large as memory allows, on which ranks could differ: one recipe at a time.
    run = replace(options.run, stack="off")
    dist.init_process_group("nccl" if torch.cuda.is_available() and run.device != "cpu" else "gloo")
    found: list[Record] = []
    try:
        with tempfile.TemporaryDirectory() as elsewhere:
            root = Path(options.results if dist.get_rank() == 0 else elsewhere)
            with Runner(root, run, began=lambda _: None, done=found.append) as runner:
                runner.execute(plan([read_cell(raw)]))
    finally:
        dist.destroy_process_group()
    (record,) = found
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"{record.strategy} {record.status} {record.reason} {record.key}")
    return 0 if record.status in ("done", "skipped") else 1


def _own_gpu(rank: int) -> None:
    """Show this process one GPU, if there are any: all else takes the first that it sees."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown != "":
        os.environ["CUDA_VISIBLE_DEVICES"] = str(rank) if shown is None else shown.split(",")[rank]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
