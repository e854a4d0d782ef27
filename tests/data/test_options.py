"""Names on the command line: as they are written, and as messages offer them, they arrive unchanged."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from bench.data.options import as_written, command, option, typed

NAMES = [
    "是否违约", "客户 (1).csv", "Amount (USD)", "O'Brien ID", 'say "yes"', "Churn? (Y/N)", "a=b", "$(touch hacked)",
    "x;y", "`id`", "back\\slash", "ends with \\", "${env}", "1", "01", "2", "3.10", "true", "null", "~", "[1]",
    "{a: b}", "a: b", "#tag", "50 %",
    "日付", "ราคา", "a|b", "a>b", "!important", "*", "&x", "@y", "-3", "+49", "e\u0301", "a\tb",
]  # fmt: skip
text = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).map(str.strip).filter(bool)


def heard(argument: str) -> Any:
    """What the configuration gets for one argument of the shell: through Hydra, OmegaConf and `typed`."""
    (override,) = OverridesParser.create().parse_overrides([as_written(argument)])
    key = override.key_or_group.removeprefix("data.")
    plain = OmegaConf.to_container(OmegaConf.create({key: override.value()}), resolve=True)
    assert isinstance(plain, dict)
    return typed({str(k): v for k, v in plain.items()})[key]


def unshelled(printed: str) -> str:
    """What a shell makes of one printed argument."""
    (argument,) = shlex.split(printed)
    return argument


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_for_pasting_says_the_name(name: str) -> None:
    assert heard(unshelled(option("target", name))) == name
    assert heard(unshelled(option("ignore", [name, "a, b"]))) == [name, "a, b"]
    assert heard(unshelled(option("kinds", {name: "numeric"}))) == {name: "numeric"}


@settings(max_examples=200, deadline=None)
@given(text, st.lists(text, min_size=1, max_size=3, unique=True))
def test_any_name_survives_printing_and_pasting(name: str, names: list[str]) -> None:
    assert heard(unshelled(option("group", name))) == name
    assert heard(unshelled(option("ignore", names))) == names
    assert heard(unshelled(option("formats", dict.fromkeys(names, "currency")))) == dict.fromkeys(names, "currency")


@pytest.mark.parametrize("name", [n for n in NAMES if n[0] not in "[{" and n not in ("null", "${env}")])
def test_names_may_be_given_as_they_are(name: str) -> None:
    assert heard(f"data.target={name}") == name
    assert heard(f"data.positive={name}") == name


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("data.kinds={金额: numeric, a b: text}", {"金额": "numeric", "a b": "text"}),
        ("data.formats={Amount (USD): thousands}", {"Amount (USD)": "thousands"}),
        ("data.hashed={款式: 64}", {"款式": 64}),
        ("data.hashed={item: 64}", {"item": 64}),
        ("data.ignore=[Churn? (Y/N), leak (s)]", ["Churn? (Y/N)", "leak (s)"]),
        ("data.formats={Churn? (Y/N): yes_no, 价格: currency}", {"Churn? (Y/N)": "yes_no", "价格": "currency"}),
        ("data.ignore=[0, 1]", ["0", "1"]),
        ("data.kinds={2: numeric}", {"2": "numeric"}),
        ("data.crosses=[[城市, 设备], [a, b]]", [["城市", "设备"], ["a", "b"]]),
        ("data.missing_words=[?, -]", ["?", "-"]),
        ("data.path=客户 (1), neu.csv", "客户 (1), neu.csv"),
        ("data.target=null", None),
        ("data.positive='null'", "null"),
        ("data.positive=1", "1"),
        ("data.folds=5", 5),
        ("data.unlabelled=true", True),
        ("data.test_fraction=0.3", 0.3),
        ("seed=1", 1),
    ],
)
def test_lists_and_mappings_and_plain_values(argument: str, value: Any) -> None:
    assert heard(argument) == value


@pytest.mark.parametrize(
    "argument", ["data.target=a,b", "data.folds=range(2,5)", "data.name=glob(*)", "strategy=[a,b]"]
)
def test_sweeps_and_functions_stay_hydras(argument: str) -> None:
    assert as_written(argument) == argument


def test_names_in_a_sweep_are_quoted_one_by_one() -> None:
    (override,) = OverridesParser.create().parse_overrides([as_written("data.target=是否违约,Churn? (Y/N)")])
    assert override.is_sweep_override()
    assert [value.text for value in override.sweep_iterator()] == ["是否违约", "Churn? (Y/N)"]


def test_a_pasted_command_runs_nothing_else(tmp_path: Any) -> None:
    line = command("plan", {"path": "a$(touch hacked).csv", "target": "`touch hacked`; touch hacked"}, "results=r")
    shown = subprocess.run(
        ["bash", "-c", line.replace("imbench plan", 'printf "%s\\n"', 1)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines()[0].endswith('a$(touch hacked).csv"')
    assert not list(tmp_path.iterdir())
