"""A postponed module is not loaded until used, and is the module itself afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.cli.postponed_import import postpone


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


POSTPONED = (
    "import sys; from bench.cli.postponed_import import postpone; postpone('torch'); import torch; import torch; "
)
THERE = "'torch._C' in sys.modules"


@pytest.mark.parametrize(
    "use", ["torch.tensor(3)", "from torch import Tensor", "import torch.nn.functional", "from torch import nn"]
)
def test_it_is_loaded_by_its_first_use(use: str) -> None:
    """An attribute, a name, a submodule: each loads the whole package first, in the order that it expects."""
    code = f"{POSTPONED}print({THERE}); exec({use!r}); print({THERE}, torch.nn.Linear(2, 1)(torch.ones(2)).shape)"
    assert python(code) == "False\nTrue torch.Size([1])"


def test_planning_every_strategy_and_model_leaves_torch_unloaded() -> None:
    """What makes `plan` and a finished sweep quick; a strategy that uses torch while it is imported would undo it."""
    code = (
        f"{POSTPONED}from bench.models.registry import MODELS as m; from strategies.registry import STRATEGIES as s; "
        f"[r.get(n)() for r in (m, s) for n in r.names()]; print({THERE})"
    )
    assert python(code) == "False"


def test_what_is_there_stays_and_what_is_not_is_refused() -> None:
    postpone("json")
    assert type(sys.modules["json"]).__name__ == "module"
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        postpone("no_such_package")
