"""Trials trained together: each scores what it scores alone, whatever becomes of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from bench.config import read_cell
from bench.sweep.plan import identify
from bench.training import measured_speed
from bench.tuning.pruning import Pruning
from bench.tuning.space import apply
from bench.tuning.trials import Failed, Results, Score, Search, Trial, train_trials
from tests.command_line import TINY, imbench
from tests.conftest import tell_of_stacks
from tests.tuning.searches import composed, studies


def trials(*settings_of: dict[str, Any], stack: Any = "auto", objective: str = "tuned/macro_f1") -> list[Trial]:
    """Trials of focal on digits that differ in these settings; no pruning."""
    raw = composed("strategy=focal", *TINY)
    content = identify(read_cell(raw)).config["data"]["fingerprint"]
    search = Search((0, 1), 0, (objective,), 1, "cpu", stack, content, max(2, len(settings_of)))
    return [Trial(str(i), read_cell(apply(raw, one)), None, search) for i, one in enumerate(settings_of)]


GAMMAS = tuple({"strategy.focal.gamma": g, "train.lr": lr} for g, lr in ((0.5, 0.01), (2.0, 0.003), (4.0, 0.02)))


def scored(done: Results) -> list[tuple[Any, ...]]:
    """All that does not depend on the clock."""
    return [(r.values, r.fits, r.steps, r.pruned) if isinstance(r, Score) else (r.reason,) for r in done.results]


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many members each training of this process had; stacks of any size are worth it."""
    monkeypatch.setattr(measured_speed, "MEASURED", {})
    monkeypatch.setattr(measured_speed, "measured", lambda *_: 1.0)
    sizes: list[int] = []
    tell_of_stacks(monkeypatch, lambda recipes: sizes.append(len(recipes)))
    return sizes


def test_trials_trained_together_score_what_they_score_alone(stacks: list[int]) -> None:
    """To the last bit, over two seeds, one of them twice; auto stacks what is exact, and a number stacks anyway."""
    wanted = (*GAMMAS, GAMMAS[0])
    alone = [scored(train_trials(trials(one, stack="off")))[0] for one in wanted]
    assert stacks == [1] * 8
    stacks.clear()
    together = train_trials(trials(*wanted))
    assert scored(together) == alone
    if together.worth_together == 1:
        pytest.skip("this machine's batched products round differently from single ones: nothing is trained together")
    assert together.worth_together == len(wanted)
    assert stacks == [3, 3]  # equal trials are trained once


def test_where_seconds_count_nothing_is_trained_together(stacks: list[int]) -> None:
    assert train_trials(trials(*GAMMAS, stack=3, objective="seconds")).worth_together == 1
    assert set(stacks) == {1}


def test_a_trial_that_fails_or_diverges_or_is_pruned_disturbs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before training, within it, and by its curve; the others score what they do alone."""
    expected = [scored(train_trials(trials(one, stack="off")))[0] for one in GAMMAS[:2]]

    def prune(where: Any) -> Any:
        def watch(made: Any, step: int, loss: float) -> None:
            raise optuna.TrialPruned(step)

        return watch

    monkeypatch.setattr("bench.tuning.trials.watcher", prune)
    made = trials(*GAMMAS, {"train.lr": 1e30}, stack=4)
    unfit = replace(made[0], cell=read_cell(composed("strategy=self_supervised", *TINY, "model=linear")))
    hopeless = replace(made[2], pruning=Pruning("", None, "", 0, maximize=True))
    done = train_trials([made[0], unfit, hopeless, made[3], made[1]])
    first, inapplicable, pruned, diverged, last = done.results
    assert [(r.values, r.fits, r.steps, r.pruned) for r in (first, last) if isinstance(r, Score)] == expected
    assert isinstance(inapplicable, Failed)
    assert inapplicable.inapplicable
    assert isinstance(pruned, Score)
    assert (pruned.pruned, pruned.fits, pruned.steps) == (True, 1, 20)
    assert isinstance(diverged, Failed)
    assert "no longer finite" in diverged.reason


@pytest.mark.long
def test_a_search_is_the_same_whether_batches_train_together_or_not(tmp_path: Path, stacks: list[int]) -> None:
    """Proposals, scores, states, curves and steps of every trial; the pruner has ended some."""
    longer = ("train.max_steps=400", "train.batch_size=32", "tune.trials=16", "tune.batch=8")
    found = []
    for stack in ("off", "auto"):
        stacks.clear()
        command = ("tune", "strategy=focal", "data=digits_lt", "model=mlp", "model.dim=8", *longer)
        assert imbench(*command, f"tune.stack={stack}", results=tmp_path / stack) == 0
        assert stack == "auto" or set(stacks) == {1}
        (study,) = studies(tmp_path / stack).values()
        kept = ("settings", "steps", "fits")
        found.append(
            [
                (t.number, t.params, t.values, t.state, t.intermediate_values, *(t.user_attrs[k] for k in kept))
                for t in study.get_trials()
            ]
        )
    assert found[0] == found[1]
    assert any(state == TrialState.PRUNED for _, _, _, state, *_ in found[0])
