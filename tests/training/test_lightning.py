"""Lightning's loop: one for all stacks, and what is raised in it ends it as it is."""

from __future__ import annotations

import importlib.metadata
import signal
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from pytorch_lightning import Callback, Trainer

from bench.records.files import ResultsError
from bench.training.trainer import drive
from strategies.stack import Chain
from tests.conftest import CPU, Toy
from tests.training.fits import alone


def test_one_loop_trains_all_stacks_of_a_group(binary: Toy) -> None:
    """A Trainer costs as much as the rest of a small fit: there is one, and an epoch of its loop for each stack.

    A batch is the steps up to a look, and callbacks see what was found at each.
    """
    seen: list[tuple[int, int, int, float]] = []

    class Counting(Callback):
        def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
            score = float(trainer.callback_metrics["validation_score"])
            seen.append((id(trainer), trainer.current_epoch, pl_module.fit.steps_done, score))

    made = [Chain(()).train(binary.recipe(seed=s)) for s in range(3)]
    found: dict[int, Any] = {}
    drive(made, found.__setitem__, device=CPU, callbacks=[Counting()])
    assert len({trainer for trainer, *_ in seen}) == 1
    assert [(epoch, steps) for _, epoch, steps, _ in seen] == [(e, s) for e in range(3) for s in (3, 6)]
    for epoch in range(3):
        curve = [score for _, at, _, score in seen if at == epoch]
        assert curve == pytest.approx([score for _, score in found[epoch].curve], rel=1e-6)


def test_callbacks_of_other_packages_stay_out(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning adds those of any installed package that declares some; no result may depend on that."""

    class Foreign(Callback):
        def on_train_start(self, *_: Any) -> None:
            raise AssertionError("a foreign callback took part")

    point = SimpleNamespace(load=lambda: lambda: [Foreign()], name="foreign", value="foreign")
    real = importlib.metadata.entry_points

    def entry_points(**given: Any) -> Any:
        return [point] if "callbacks" in given.get("group", "") else real(**given)

    monkeypatch.setattr("lightning_fabric.utilities.registry.entry_points", entry_points)
    assert any(isinstance(c, Foreign) for c in Trainer(accelerator="cpu", logger=False).callbacks)
    alone(binary.recipe())


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
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        drive(made, done, device=CPU, watches=watches)
    assert signal.getsignal(signal.SIGINT) is handler  # which Lightning has had ignored meanwhile


def test_warnings_of_strategies_are_heard(binary: Toy) -> None:
    """Lightning's advice is not: we leave out what it misses on purpose."""

    def finished(_: int, __: Any) -> None:
        warnings.warn("the importance of every row is equal", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="importance") as heard:
        drive([Chain(()).train(binary.recipe())], finished, device=CPU)
    assert len(heard) == 1
