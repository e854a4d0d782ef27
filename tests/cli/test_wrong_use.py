"""Wrong use of any kind: one line that says what to do, exit code 2, nothing else; with -m alike."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bench.__main__ import main

GRID = [
    ("data=womans", "Unknown data 'womans'. Did you mean 'womens'?"),
    ("strategy=focl", "Unknown strategy 'focl'. Did you mean 'focal'?"),
    ("model=null", "model=null: expected the name of a file of this group"),
    ("experiment=null", "experiment=null: expected the name of a file of this group"),
    ("experiment=nope", "Unknown experiment 'nope'. Known: apparel, board, cross_border, marketplace, regret"),
    ("train=fast", "Unknown train 'fast'. Known: default"),
    ("hydra/launcher=nope", "Unknown hydra/launcher 'nope'"),
    ("trian.lr=1", "Unknown key 'trian.lr'. Did you mean 'train'?"),
    ("train.lrr=1", "Unknown key 'train.lrr'. Did you mean 'train.lr'?"),
    ("seeed=1", "Unknown key 'seeed'. Did you mean 'seed'?"),
    ("hydra.nope=1", "Unknown key 'hydra.nope'. Did you mean"),
    ("data/foo=bar", "Unknown key 'data/foo'"),
    ("++a.b=1", "Unknown key 'a"),
    ("+seed=1", "+seed: expected a new key, but it is there already; leave out the +"),
    ("~nothing", "~nothing: expected a key that there is"),
    ("'strategy=[a'", "'strategy=[a': expected key=value in Hydra's grammar"),
    ("seed==1", "'seed==1': expected key=value in Hydra's grammar, got: extraneous input '='"),
    ("=3", "'=3': expected key=value"),
    ("foo", "'foo': expected key=value"),
    ("plan", "'plan': expected key=value, got a second verb"),
    ("'strategy=[focal,focal]'", "list a strategy once"),
    ("'data=[womens,cdnow]'", "expected one file of data, got a list"),
    ("strategy.focal.gamma=1", "strategy.focal.gamma=1: no cell uses it"),
    ("strategy=focal strategy.focal.gama=1", "Did you mean 'strategy.focal.gamma'?"),
    ("hydra.searchpath=[file:///nope]", "expected a folder, but there is none at /nope"),
    ("--config-name nothing", "--config-name nothing: expected the name of a configuration"),
    ("-cd /nope", "'/nope' not found"),
    ("--cfg nope", "invalid choice: 'nope'"),
    ("--foo", "unrecognized arguments: --foo"),
    ("--resolve", "--resolve"),
    ("--experimental-rerun x", "--experimental-rerun"),
    ("seed=1.5", "seed: input should be a valid integer, got 1.5"),
    ("run.workers=0", "workers=0"),
    ("data=file", "data.path"),
    ("data=file data.path=absent.csv data.target=y", "absent.csv: expected a file, but there is none"),
    ("data.target=star", "Did you mean 'one_star'?"),
]

OTHERS = [
    ("rnu", "Unknown verb 'rnu'. Did you mean 'run'?"),
    ("data", "data: expected a second word, got none; one of: data cache"),
    ("data chek x.csv", "Unknown verb 'data chek'. Did you mean 'data check'?"),
    ("tune stauts", "Unknown verb 'tune stauts'. Did you mean 'tune status'?"),
    ("seed=1 run", "expected a verb, got 'seed=1'"),
    ("--foo", "expected a verb, got '--foo'"),
    ("run strategy=none,focal", "expected one value, got several; to try each, add -m"),
    ("run data=file \"data.group='O'Brien'\"", """if it is one name: 'data.group="O'"'"'Brien"'"""),
    ("run data=file data.group=leak,total", """if it is one name: 'data.group="leak,total"'"""),
    ("run train.lr=${nope}", "train.lr: Interpolation key 'nope' not found"),
    ("run -m strategy=glob(zzz*)", "matches none of adaptive, asymmetric, "),
    ("plan strategy=glob(zzz*)", "matches none of adaptive, asymmetric, "),
    ("run -m train.lr=interval(0,1)", "use imbench tune"),
    ("tune tune.trials=0", "expected trials >= 1"),
    ("tune show strategy=focal", "Unknown tuned strategy 'focal': there is none"),
    ("publish board.bootstrap=3", "board.bootstrap: expected 0 (none) or at least 100"),
    ("publish board.data=a,b", "board.data=a,b: expected one value, got several"),
    ("publish -m", "'-m': expected key=value"),
    ("status result=x", "Unknown key 'result'. Did you mean 'results'?"),
    ("compare a", "expected two folders, got 1"),
    ("compare a b", "a: expected a snapshot"),
    ("strategies focl", "Unknown strategy 'focl'. Did you mean 'focal'?"),
    ("models foo", "Unknown model 'foo'"),
    ("data show", "expected the name of a data set, got none"),
    ("data show womans", "Did you mean 'womens'?"),
    ("data list foo", "expected nothing more, got 'foo'"),
    ("data get foo", "Unknown data source 'foo'"),
    ("data check absent.csv", "absent.csv: expected a file"),
    ("data cache clear=foo", "clear=foo"),
    ("completion", "expected the name of a shell, got nothing"),
    ("completion ksh", "Unknown shell 'ksh'"),
    ("advise budget.device=tpu", "budget.device"),
]

CASES = [*(pytest.param(f"run {flag}{words}", said) for words, said in GRID for flag in ("", "-m ")), *OTHERS]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("command", "said"), CASES)
def test_it_gets_one_line_and_exit_code_two(command: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    code = main(shlex.split(command))
    out, err = capfd.readouterr()
    assert code == 2
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("imbench: ")
    assert said in line


@pytest.mark.parametrize("way", ["HYDRA_FULL_ERROR", "debug=true"])
def test_a_traceback_is_there_for_who_asks(
    way: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With what Hydra said, and the same line and exit code after it."""
    if way.isupper():
        monkeypatch.setenv(way, "1")
    assert main(["run", "data=womans", *([] if way.isupper() else [way])]) == 2
    err = capfd.readouterr().err
    assert "Traceback" in err
    assert "Available options in 'data'" in err
    assert err.splitlines()[-1].startswith("imbench: Unknown data 'womans'")


def test_what_no_reader_can_mend_is_no_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours in a verb keeps its traceback, also if its type is one that Hydra raises about wrong use."""
    from bench.cli.verbs.plan import Plan

    def mistaken(*_: object) -> int:
        raise ValueError("ours")

    monkeypatch.setattr(Plan, "on_grid", mistaken)
    with pytest.raises(ValueError, match="ours"):
        main(["plan", "data=digits_lt"])


def test_an_interruption_has_its_exit_code(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    from bench.cli.verbs.plan import Plan

    def stopped(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Plan, "on_grid", stopped)
    assert main(["plan", "data=digits_lt"]) == 130
    assert capfd.readouterr().err == "imbench: interrupted\n"
