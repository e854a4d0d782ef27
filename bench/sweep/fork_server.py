"""A server of processes that has imported Lightning once; started early, it does so while a sweep is planned.

Processes are forked from it where there are fork servers, else spawned: a plain fork after torch has used threads would
hang. Neither kind runs the main script of this process again, as multiprocessing otherwise has them do: a notebook or a
script without `if __name__ == "__main__"` may start a sweep. Imports nothing of ours, so that it can be the first thing
that a command does.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from types import ModuleType
from typing import Any

try:
    from multiprocessing.context import ForkServerContext, ForkServerProcess
except ImportError:  # Windows has no fork servers
    FORKS = False
else:
    FORKS = "forkserver" in multiprocessing.get_all_start_methods()


@contextmanager
def empty_main() -> Iterator[None]:
    """For a moment an empty module is `__main__`: what a new process is told to run again before it begins.

    Ours need nothing of the main script, which may have no guard, no file (`python -c`, a notebook) or `<stdin>`.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class _Spawned(SpawnProcess):
    def start(self) -> None:
        with empty_main():
            super().start()


class _SpawnContext(SpawnContext):
    Process = _Spawned


if FORKS:

    class _Forked(ForkServerProcess):
        def start(self) -> None:
            with empty_main():
                super().start()

    class _ForkServerContext(ForkServerContext):
        Process = _Forked


def forking_context(module: str) -> Any:
    """A context whose processes start with `module` imported: a fork server's, or spawn's where there is none.

    The server is started without the working directory on its path (Python 3.11 ignores the path it is given), so that
    a user's own `strategies` folder cannot shadow ours. It ends with this process.
    """
    if not FORKS:
        return _SpawnContext()
    context = _ForkServerContext()
    context.set_forkserver_preload([module])
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
    atexit.unregister(_end_server)
    atexit.register(_end_server)
    return context


def _end_server() -> None:
    """End the server at once: left alone it would tidy up torch for a second, and hold our output open meanwhile."""
    pid = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def likely_to_train(arguments: Sequence[str]) -> bool:
    """Whether a `run` with these arguments will need workers: nothing but a grid, and a folder without records.

    A guess, to start the server a second earlier; where it is wrong, the sweep starts it when it knows.
    """
    given = dict(argument.partition("=")[::2] for argument in arguments)
    runs = Path(given.get("results", "results")) / "runs"
    special = [a for a in arguments if a.startswith(("-", "hydra")) and a not in ("-m", "--multirun")]
    return not special and given.get("debug", "false") == "false" and not (runs.is_dir() and any(runs.glob("??")))
