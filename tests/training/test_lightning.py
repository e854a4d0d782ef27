"""Lightning's loop: one for all stacks, and what is raised in it ends it as it is."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from bench.records.files import ResultsError
from bench.training.lightning import Turns
from bench.training.predictor import Fitted
from bench.training.trainer import drive
from strategies.stack import Chain
from tests.conftest import CPU, Toy


def test_one_loop_trains_all_stacks_of_a_group(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Trainer costs as much as the rest of a small fit: there is one, and a turn of its loop for each stack."""
    turns: list[int] = []
    real = Turns.training_step

    def counted(self: Turns, *args: Any) -> None:
        turns.append(id(self.trainer))
        real(self, *args)

    monkeypatch.setattr(Turns, "training_step", counted)
    made = [Chain(()).train(binary.recipe(seed=s)) for s in range(3)]
    found: dict[int, Any] = {}
    drive(made, found.__setitem__, device=CPU)
    assert len(turns) == 3
    assert len(set(turns)) == 1
    assert all(isinstance(o, Fitted) for o in found.values())


def test_what_is_raised_on_the_way_ends_the_loop_as_it_is(binary: Toy) -> None:
    """A record that cannot be written, say."""

    def full(_: int, __: Any) -> None:
        raise ResultsError("no space left")

    with pytest.raises(ResultsError, match="no space left"):
        drive([Chain(()).train(binary.recipe(seed=s)) for s in range(2)], full, device=CPU)


@pytest.mark.parametrize("where", ["training", "publishing"])
def test_an_interrupt_is_the_callers_to_handle(where: str, binary: Toy) -> None:
    """Lightning would make it the end of the process, without a word on how to resume."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    made = [Chain(()).train(binary.recipe(seed=s)) for s in range(2)]
    done, watches = (stop, {}) if where == "publishing" else (lambda *_: None, {0: stop})
    with pytest.raises(KeyboardInterrupt):
        drive(made, done, device=CPU, watches=watches)


def test_warnings_of_strategies_are_heard(binary: Toy) -> None:
    """Lightning's advice is not: we leave out what it misses on purpose."""

    def finished(_: int, __: Any) -> None:
        warnings.warn("the importance of every row is equal", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="importance") as heard:
        drive([Chain(()).train(binary.recipe())], finished, device=CPU)
    assert len(heard) == 1
