"""The generated table of strategies, against what is known of some of them by their papers and by real training."""

from __future__ import annotations

import pytest

from strategies.registry import STRATEGIES
from tests.strategies.test_contract import ran
from tests.tools.strategy_table import CHANGES, Described, cited, described, models_in_words

ROWS: dict[str, Described] = {one.name: one for one in described()}


def test_every_strategy_has_a_line_with_a_paper() -> None:
    assert set(ROWS) == set(STRATEGIES.own())
    assert [name for name, one in ROWS.items() if not one.paper] == []


@pytest.mark.parametrize(
    ("name", "changes", "exact", "fits"),
    [
        ("none", (), True, 1),
        ("class_weights", ("weight",), True, 1),
        ("undersample", ("sampler",), True, 1),
        ("focal", ("loss",), False, 1),
        ("ldam", ("weight", "loss", "head", "init"), False, 2),  # with deferred weights, a second stage
        ("crt", ("sampler", "init", "encoder_rate"), True, 2),
        ("logit_adjustment", ("offset",), True, 1),
        ("tau_norm", ("predictor",), False, 1),
        ("negative_downsample", ("sampler", "predictor"), True, 1),
        ("generate", ("made",), False, 1),
        ("adaptive", ("steer",), False, 1),
        ("mixup", ("augment",), False, 1),
        ("easy_ensemble", ("sampler", "predictor"), True, 5),
    ],
)
def test_lines_of_strategies_that_one_knows(name: str, changes: tuple[str, ...], exact: bool, fits: int) -> None:
    one = ROWS[name]
    assert one.changes == tuple(CHANGES[key] for key in changes)
    assert (one.exact, one.fits) == (exact, fits)


@pytest.mark.parametrize("name", ["focal", "meta_weight", "soft_vote", "generate"])
def test_prior_and_fits_are_those_of_real_training(name: str) -> None:
    predictor = ran(name, 2).predictor
    assert (ROWS[name].exact, ROWS[name].fits) == (predictor.prior_exact, predictor.cost.fits)


def test_models_are_those_that_can_be_trained() -> None:
    assert models_in_words(ROWS["none"].models) == "all"
    assert models_in_words(ROWS["mixup"].models) == "networks"
    assert models_in_words(ROWS["crt"].models) == "with an encoder"
    assert "lightgbm" not in ROWS["auc_margin"].models


@pytest.mark.parametrize(
    ("card", "paper", "link"),
    [
        ("By Kang et al. 2020, arXiv:1910.09217, eq. 1: p.", "Kang et al. 2020", "https://arxiv.org/abs/1910.09217"),
        ("(Shimodaira 2000, doi:10.1016/S0378-3758(00)00115-4): x", "Shimodaira 2000",
         "https://doi.org/10.1016/S0378-3758(00)00115-4"),
        ("(multi-task: Caruana 1997, doi:10.1023/A:1007379606734).", "Caruana 1997", "https://doi.org/10.1023/A:1007379606734"),
        ("King & Zeng 2001 weigh.", "King & Zeng 2001", ""),
        ("Liu, Wu & Zhou 2009, doi:10.1109/X.2008.2;", "Liu, Wu & Zhou 2009", "https://doi.org/10.1109/X.2008.2"),
        ("No paper, and the year of 2020 alone.", "", ""),
    ],
)  # fmt: skip
def test_the_first_work_that_a_card_cites(card: str, paper: str, link: str) -> None:
    assert cited(card) == (paper, link)
