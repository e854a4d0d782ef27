"""What `tune show` is about."""

from __future__ import annotations

from bench.cli.verbs.tune_show import wanted


def test_it_is_what_is_given_for_strategy_data_target_and_model() -> None:
    assert wanted(["strategy=[a,b]", "data=womens", "results=x"]) == {"strategy": "a+b", "data": "womens"}
    assert wanted(["data.target=class", "model=mlp"]) == {"target": "class", "model": "mlp"}
