"""What a worker of a sweep does: train cells and leave their records. Imports Lightning when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.config import RunConfig
from bench.sweep.plan import Planned
from bench.sweep.worker import Began, Elsewhere, Fatal, Finished, Said


@dataclass(frozen=True)
class CellWorker:
    """Trains cells into the results folder `root`; a cell is finished when its record is on the disk."""

    module: ClassVar[str] = "bench.sweep.runner"
    root: Path
    run: RunConfig

    @contextmanager
    def open(self, say: Callable[[Said], None]) -> Iterator[Callable[[Sequence[Planned]], None]]:
        """A runner that says what happens."""
        from bench.sweep.runner import Runner  # noqa: PLC0415 - Lightning: already there in a forked worker

        with Runner(
            self.root,
            self.run,
            began=lambda key: say(Began(key)),
            done=lambda record: say(Finished(record.key, record)),
            failed=lambda error: say(Fatal(error)),
            elsewhere=lambda key, record: say(Finished(key, record, elsewhere=True) if record else Elsewhere(key)),
        ) as runner:
            yield runner.execute
