"""What Hydra's own completion offers for the last word of a command line."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import cast

from hydra.core.plugins import Plugins
from hydra.plugins.completion_plugin import CompletionPlugin

from bench.cli.compose import hydra_loader


def offered(rest: Sequence[str], last: str) -> list[str]:
    """Candidates for `last` after the overrides `rest`; none where these are wrong, as is said when they are run."""
    said, before = io.StringIO(), os.environ.get("COMP_LINE")
    os.environ["COMP_LINE"] = " ".join(["imbench", *rest, last])
    try:
        with hydra_loader() as loader, redirect_stdout(said), redirect_stderr(io.StringIO()):
            shells = cast("list[type[CompletionPlugin]]", Plugins.instance().discover(CompletionPlugin))
            fish = next(shell for shell in shells if shell.provides() == "fish")  # it prints one candidate a line
            fish(loader).query("config")
    except (Exception, SystemExit):  # whatever it is: a shell must not be answered with a traceback
        return []
    finally:
        if before is None:
            del os.environ["COMP_LINE"]
        else:
            os.environ["COMP_LINE"] = before
    return said.getvalue().split()
