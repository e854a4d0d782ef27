"""The guard of a refactoring in which nothing that is computed may change: what two trees come to, held side by side.

    python -m tests.tools.equality record OUT.json --python TREE/.venv/bin/python [--public] [--keep]
    python -m tests.tools.equality compare BEFORE.json AFTER.json [--only records studies …]

`record` runs a fixed list of commands with the `imbench` of the given interpreter, in a folder of its own (results,
cache and compiled Python too), and writes what they came to: every record and its predictions, studies and their
trials, boards in every format, what verbs say, and composed configurations. `compare` lists what differs; exit code 1
if anything does. `--public` also fetches the public sets, which takes the network and a while.

Left out is what a clock, a machine or an installed version decides: seconds, memory, dates, environments, versions of
packages, tracebacks. Boards and verbs are given copies of the records in which these are constants. Run both on one
machine: other processors round the last digits otherwise.

Imports nothing of what it compares: it knows the command line and the files that this leaves, so that one script
serves two trees.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import optuna
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import yaml
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tests.tools.differences import compare

Json: TypeAlias = Any
Section: TypeAlias = dict[str, Json]

SECTIONS: Final = ("commands", "records", "studies", "boards", "texts", "configurations")
LIMIT: Final = 1800  # seconds for one command
OF_THE_RUN: Final = ("created", "environment", "traceback")  # of a record
OF_THE_CLOCK: Final = re.compile(r"seconds|peak_mb|rows_per_second")  # of costs, notes, trials and best settings
OF_THE_PROCESS: Final = ("owner", "retry_of")  # of a trial

# What is run, beside each strategy, model and data set that the tree names itself.
STACKS = ("[undersample,focal]", "[self_supervised,focal]", "[transfer,class_weights]", "[oversample,class_weights]",
          "[importance_weighted,undersample]")  # fmt: skip
SHORT = ("train.max_steps=40", "train.eval_every=10", "train.batch_size=64", "run.device=cpu", "run.workers=1")
FILE = ("data=file", "data.path=shop.csv")
CLICKS = ("data=impressions", "data.target=purchase", "data.prevalence=0.1")
GRIDS = {  # each with every model and every strategy, alone and stacked
    "tables": ("data=shop,digits_lt",),
    "impressions": (*CLICKS, "data.rows=3000", "seed=0,1,2"),
    "womens": ("data=womens", "data.target=one_star,class", "data.vocabulary=1000"),
}
MODELS = {"deep": "defaults: [mlp, _self_]\nhidden: [16]\n"}  # beside those of the tree, as a user's own file
TABLES = {  # options of tables, each as a data set of a user's own, on top of the one for files
    "shop": "{weight: importance, group: user, ignore: [part]}",
    "times": "{time: day, dates: [born], crosses: [[city, device]], target_encode: [city], outliers: clip, fence: 1.0, "
    "formats: {amount: decimal_comma, share: percent}, ignore: [part]}",
    "given": "{given: part, missing: drop, outliers: drop, duplicates: keep, kinds: {price: categorical}, "
    "positive: 'no'}",
    "folds": "{folds: 3, shift: 2.0, imbalance: 20, imbalance_shape: step, ignore: [part, note]}",
    "hashed": "{hashed: {city: 4}, vocabulary: 30, unlabelled: true, weight: importance, group: user, "
    "group_split: false}",
    "kinds": "{target: kind, min_class_rows: 30, weight: importance, group: device, group_split: false, "
    "val_fraction: 0.25}",
    "typed": "{path: shop.parquet, schema_file: checked/schemas/shop-bought.yaml}",
    "large": "{path: large.parquet, target: rare, crosses: [[a, b]], duplicates: keep, test_fraction: 0.02, "
    "val_fraction: 0.02}",
}
OTHER = (  # settings other than the default ones
    "strategy.class_weights.scheme=effective_number", "strategy.focal.gamma=1.0", "strategy.focal.alpha=auto",
    "strategy.importance_weighted.kernel=cosine", "strategy.importance_weighted.apply=sample",
    "strategy.oversample.ratio=0.5", "strategy.self_supervised.encoder_rate=0.3", "strategy.self_supervised.steps=60",
    "strategy.transfer.freeze=true", "strategy.undersample.redraw=once", "train.weight_decay=0.01", "train.patience=1",
)  # fmt: skip
CUT = ("run", "-m", "strategy=glob(*)", "data=digits_lt", "seed=0,1", "train.precision=float32,bf16", *SHORT)
SEARCH = ("data=digits_lt", "model=mlp", *SHORT, "results=search")
STUDIES = {  # the first is long enough for trials to be pruned
    "pruned": ("strategy=focal", "train.max_steps=220", "tune.trials=16", "tune.stack=4"),
    "folds": ("strategy=none,[undersample,focal]", "tune.trials=6", "tune.batch=3", "tune.seeds=[0,1]", "tune.folds=2",
              "tune.objective=[tuned/macro_f1,recalibrated/log_loss]", "tune.stack=off"),
}  # fmt: skip
EXPERIMENTS = ("board", "regret")
SAY = {
    "strategies": ("strategies",),
    "models": ("models",),
    "data list": ("data", "list"),
    "data check": ("data", "check", "data=womens", "data.target=class", "results=checked"),
    "plan": ("plan", "-m", "strategy=glob(*)", "data=womens", "data.target=one_star,class", "results=empty"),
    "status": ("status", "results=settled-alone"),
    "results check": ("results", "check", "results=alone"),
    "tune status": ("tune", "status", "results=search"),
    "tune show": ("tune", "show", "strategy=focal", "results=search"),
    "advise": ("advise", "results=settled-alone"),
    "advise narrowly": ("advise", "results=settled-alone", "board.data=womens", "board.target=one_star",
                        "need.probabilities=true", "budget.fits=1"),
    "compare": ("compare", "settled-alone/published/guard", "settled-stacked"),
}  # fmt: skip
MISTAKES = {
    "strategy": ("run", "strategy=focl"),
    "key": ("run", "train.lrr=1"),
    "clash": ("run", "strategy=[transfer,self_supervised]"),
    "column": ("run", *FILE, "data.target=bougt"),
    "not fetched": ("run", "data=cdnow"),
    "not tuned": ("run", "tuned=true", "data=digits_lt"),
}
PUBLIC = ("keel", "caravan", "caravan_islr", "cdnow", "census_kdd", "fashion_mnist_lt", "lending_club", "open_bandit")


def main(arguments: Sequence[str] | None = None) -> int:
    """Record or compare; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="run the commands, write what they came to")
    recording.add_argument("out", type=Path)
    recording.add_argument("--python", type=Path, required=True, help="the interpreter of the tree's environment")
    recording.add_argument("--public", action="store_true", help="also fetch the public sets and train on each")
    recording.add_argument("--keep", action="store_true", help="keep the folder in which they ran, and say where it is")
    comparing = verbs.add_parser("compare", help="list what differs; exit code 1 if anything does")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="compare these sections")
    options = parser.parse_args(arguments)
    if options.verb == "compare":
        before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (options.before, options.after))
        return compare(before, after, options.only)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="equality-")).resolve()
    try:
        found = record(Bench(options.python.absolute(), folder), public=options.public)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    counts = ", ".join(f"{len(found[name])} {name}" for name in SECTIONS)
    print(f"{options.out}: {counts}, in {time.monotonic() - began:.0f} s, of {found['about']['tree']}")
    if options.keep:
        print(f"kept: {folder}")
    failed = [f"not as expected: {name}" for name, how in found["commands"].items() if not how["as expected"]]
    print(*failed, sep="\n", end="\n" if failed else "")
    return 1 if failed else 0


def record(bench: Bench, *, public: bool = False) -> Section:
    """What the commands of one tree come to."""
    write_inputs(bench.folder)
    about = {"tree": tree(bench), "versions": versions(bench)}
    names = {group: choices(bench, group) for group in ("data", "model", "strategy")}
    configurations = compose(bench, names)
    train(bench, names)
    tune(bench)
    boards = publish(bench)
    texts = {name: bench.call(name, *arguments) for name, arguments in SAY.items()}
    texts |= {f"mistake: {name}": bench.call(name, *arguments, works=False) for name, arguments in MISTAKES.items()}
    if public:
        train_on_public_sets(bench)
    return {
        "about": about, "commands": bench.commands, "records": read_records(bench.folder),
        "studies": read_studies(bench.folder / "search"), "boards": boards, "texts": texts,
        "configurations": configurations,
    }  # fmt: skip


# Running


@dataclass
class Bench:
    """A folder in which the commands of one tree run, and how they ended."""

    python: Path
    folder: Path
    commands: Section = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Python with these arguments, as a process group of its own, which leaves nothing outside the folder."""
        left_out = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "HYDRA_FULL_ERROR")
        environment = {k: v for k, v in os.environ.items() if k not in left_out} | {
            "IMBENCH_CACHE": str(self.folder / "cache"), "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
            "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "160", "TERM": "dumb",
        }  # fmt: skip
        return subprocess.Popen(
            [str(self.python), *arguments], cwd=self.folder, env=environment, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def call(self, name: str, *arguments: str, works: bool = True) -> list[str]:
        """The lines that `imbench ARGUMENTS` prints; how it ended is recorded, with the last if not as expected."""
        assert name not in self.commands, name
        began, process = time.monotonic(), self.start("-m", "bench", *arguments)
        try:
            out, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        lines = [line.rstrip() for line in out.replace(str(self.folder), ".").splitlines()]
        expected = (process.returncode == 0) == works
        said = [] if expected else lines[-20:]
        self.commands[name] = {"code": process.returncode, "as expected": expected, "said": said}
        print(f"{time.monotonic() - began:6.1f} s  {name}", file=sys.stderr, flush=True)
        return lines

    def ask(self, code: str) -> Json:
        """The JSON that a line of Python prints."""
        return json.loads(self.start("-c", code).communicate()[0])


def tree(bench: Bench) -> str:
    """The folder that `bench` comes from, and its commit: says whether the tree that was meant is the one that ran."""
    root = Path(bench.ask("import bench, json; print(json.dumps(bench.__file__))")).parent.parent
    commit = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    return f"{root} {subprocess.run(commit, capture_output=True, text=True, check=False).stdout.strip()}"


def versions(bench: Bench) -> Section:
    """Versions of packages that decide numbers: not compared, but said where they differ."""
    names = ("torch", "pytorch-lightning", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "optuna")
    code = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names}}}))"
    found: Section = bench.ask(code)
    return found


def write_inputs(folder: Path) -> None:
    """A shop's table as CSV and Parquet, one that is never in memory as a whole, a user's own configuration files."""
    (folder / "shop.csv").write_text("\n".join(shop_table()) + "\n", encoding="utf-8")
    pq.write_table(pc.read_csv(folder / "shop.csv"), folder / "shop.parquet")
    draw, rows = np.random.default_rng(0), 1_000_001
    x, a = draw.normal(size=rows).round(3), draw.integers(0, 5, rows)
    rare = draw.random(rows) < 0.01 + 0.05 * (x > 2) + 0.02 * (a == 1)
    columns = {"x": x, "a": np.array(list("abcde"))[a], "b": np.array(["u", "v"])[draw.integers(0, 2, rows)]}
    pq.write_table(pa.table(columns | {"rare": rare.astype(np.int8)}), folder / "large.parquet")
    start = {"defaults": ["file", "_self_"], "path": "shop.csv", "target": "bought"}
    own = {name: yaml.safe_dump(start | {"name": name} | yaml.safe_load(text)) for name, text in TABLES.items()}
    for group, files in (("model", MODELS), ("data", own)):
        (folder / "conf" / group).mkdir(parents=True)
        for name, text in files.items():
            (folder / "conf" / group / f"{name}.yaml").write_text(text, encoding="utf-8")


def shop_table() -> list[str]:
    """Lines of CSV: numbers in several notations, dates, categories, text, gaps, repeated rows, columns with a part."""
    draw = random.Random(0)
    words = ("good", "cheap", "late", "broken", "fine", "again", "never", "blue", "large", "small", "quick", "poor")
    lines = ["day,born,price,amount,share,city,device,note,user,importance,part,kind,bought"]
    for i in range(1200):
        city, price = draw.choice(("Köln", "Bonn", "Rom", "Oslo", "")), draw.gauss(20, 8)
        bought = draw.random() < 0.05 + 0.25 * (city == "Rom") + 0.2 * (price > 30)
        kind = draw.choices(("shoe", "hat", "bag", "sock", "tie"), (60, 30, 20, 8, 1))[0] if price < 25 else "coat"
        row = (
            f"2024-{1 + i // 110:02d}-{1 + i % 28:02d}", f"19{draw.randint(50, 99)}-{draw.randint(1, 12):02d}-01",
            "" if draw.random() < 0.1 else f"{price:.2f}", f'"{draw.randint(1, 9)}.{draw.randint(100, 999)},5"',
            f"{draw.randint(0, 99)} %", city, draw.choice("abc"),
            " ".join(draw.choices(words, k=draw.randint(0, 6)) + ["refund"] * (bought and draw.random() < 0.5)),
            f"u{draw.randint(0, 150)}", f"{draw.uniform(0.5, 2):.3f}", ("train", "train", "val", "test")[i % 4],
            kind, "" if draw.random() < 0.04 else "yes" if bought else "no",
        )  # fmt: skip
        lines += [",".join(row)] * (2 if i % 100 == 0 else 1)
    return lines


def choices(bench: Bench, group: str) -> list[str]:
    """The files of a configuration group, of the tree that the interpreter has installed."""
    where = subprocess.run(
        [bench.python, "-c", "import bench.conf; print(*bench.conf.__path__)"],
        capture_output=True, text=True, check=True, cwd=bench.folder,
    )  # fmt: skip
    return sorted(path.stem for path in Path(where.stdout.strip(), group).glob("*.yaml"))


def compose(bench: Bench, names: Mapping[str, Sequence[str]]) -> Section:
    """The composed configuration of each data set, model and experiment, and of all strategies in one stack."""
    asked = [f"{group}={name}" for group in ("data", "model") for name in names[group]]
    asked += [f"experiment={name}" for name in EXPERIMENTS] + [f"strategy=[{','.join(names['strategy'])}]"]
    found = {one: yaml.safe_load("\n".join(bench.call(f"compose {one}", "run", "--cfg", "job", one))) for one in asked}
    return {name: one | {"order of strategies": " ".join(one["strategy"])} for name, one in found.items()}


def train(bench: Bench, names: Mapping[str, Sequence[str]]) -> None:
    """Every strategy with every model on every kind of data, alone and stacked; options; settings; failures."""
    own = f"hydra.searchpath=[file://{bench.folder / 'conf'}]"
    models = f"model={','.join([*names['model'], *MODELS])}"
    for folder, stack in (("alone", "off"), ("stacked", "8")):
        for name, data in GRIDS.items():
            stacks = STACKS if name == "impressions" else ()
            grid = (f"strategy={','.join([*names['strategy'], *stacks])}", models, *data, *SHORT, own)
            bench.call(f"{folder}: {name}", "run", "-m", *grid, f"results={folder}", f"run.stack={stack}")
    rows = (*CLICKS, "data.rows=1500", "seed=0,1,2", "strategy=none,undersample", "model=linear", "debug=true")
    bench.call("fewer rows", "run", "-m", *rows, *SHORT, "results=alone")  # boards draw regret over rows
    bench.call("schema", "data", "check", "shop.csv", "data.target=bought", "results=checked")
    options = ("strategy=none,self_supervised,class_weights", "model=mlp", "results=options")
    bench.call("options", "run", "-m", f"data={','.join(TABLES)}", *options, *SHORT, own)
    settings = ("strategy=glob(*)", "model=mlp", *CLICKS, "data.rows=3000", "results=settings", "debug=true")
    bench.call("settings", "run", "-m", *settings, *SHORT, *OTHER)
    diverging = (*FILE, "data.target=bought", "data.ignore=[part,note]", "train.lr=1e30", "debug=true")
    bench.call("diverging", "run", *diverging, *SHORT, "results=diverging", works=False)
    cut(bench)


def cut(bench: Bench) -> None:
    """A sweep killed after its first records, with all its processes, and resumed; what survives stays as it is."""
    process, runs = bench.start("-m", "bench", *CUT, "results=resumed"), bench.folder / "resumed" / "runs"
    while process.poll() is None and len(list(runs.glob("??/*.json"))) < 3:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    survivors = {path: path.stat().st_ino for path in runs.glob("??/*.json")}
    bench.call("resumed", *CUT, "results=resumed")
    stay = all(path.stat().st_ino == inode for path, inode in survivors.items())
    killed = process.returncode == -signal.SIGKILL  # else it had come to its end before
    bench.commands["killed"] = {"code": process.returncode, "as expected": killed and stay}


def train_on_public_sets(bench: Bench) -> None:
    """Public sets fetched, read and trained on."""
    bench.call("fetch", "data", "get", *PUBLIC)
    plain = ("strategy=none", "model=linear,mlp", *SHORT, "results=public")
    bench.call("public", "run", "-m", f"data={','.join(PUBLIC[1:])}", *plain)
    bench.call("keel", "run", "-m", "data=keel", "data.name=yeast4,abalone9-18,flare-F", *plain)


def tune(bench: Bench) -> None:
    """Studies, and cells at the settings that the first ones found."""
    for name, study in STUDIES.items():
        bench.call(f"tune {name}", "tune", "-m", *SEARCH, *study)
    bench.call("tuned", "run", "-m", *SEARCH, *STUDIES["pruned"], "tuned=true", "seed=5,6")


def publish(bench: Bench) -> Section:
    """The files that boards and a snapshot come in, made from copies with constant seconds and memory."""
    for name in ("alone", "stacked", "search"):
        settle(bench.folder / name, bench.folder / f"settled-{name}")
    bench.call("publish", "publish", "results=settled-alone", "board.bootstrap=200")
    quick = ("board.bootstrap=0", "board.plots=false")
    bench.call("publish tuned", "publish", "results=settled-search", *quick)
    snapshot = ("board.name=guard", "board.metric=raw/auroc", "board.data=womens")
    bench.call("snapshot", "publish", "results=settled-alone", *snapshot, *quick)
    files = {str(p.relative_to(bench.folder)): p for p in bench.folder.glob("settled-*/**/*") if p.is_file()}
    return {name: content(path) for name, path in sorted(files.items()) if not {"runs", "cache"} & set(path.parts)}


def settle(folder: Path, copy: Path) -> None:
    """A copy of records and predictions in which all that clocks and machines decide is constant."""
    shutil.copytree(folder / "runs", copy / "runs")
    for path in copy.glob("runs/??/*.json"):
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["environment"] = {name: value if name == "stack" else "-" for name, value in raw["environment"].items()}
        raw["created"] = "2000-01-01T00:00:00+00:00"
        for part in ("cost", "notes"):
            raw[part] = {k: 1.0 if OF_THE_CLOCK.search(k) else v for k, v in raw[part].items()}
        path.write_text(json.dumps(raw, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


# Reading


def read_records(root: Path) -> Section:
    """What the records of all results folders say, by folder and cell."""
    found: Section = {}
    for path in sorted(root.glob("*/runs/??/*.json")):
        folder = path.relative_to(root).parts[0]
        if not folder.startswith("settled-"):
            raw = json.loads(path.read_text(encoding="utf-8"))
            name = f"{folder} · {cell(raw)}"
            assert name not in found, name
            found[name] = {key: value for key, value in raw.items() if key not in OF_THE_RUN}
            found[name] |= {part: timeless(raw[part]) for part in ("cost", "notes")}
            if raw["predictions"]:
                found[name]["predictions"] = columns(root / folder / raw["predictions"]["file"])
    return dict(sorted(found.items()))


def cell(raw: Mapping[str, Json]) -> str:
    """Which cell a record is about, in words: its key would change with all that it is the hash of."""
    config, generated = raw["config"], raw["traits"].get("generated", {})
    apart = {"hidden": config["model"].get("hidden"), "precision": config["train"].get("precision")}
    apart["rows"] = generated.get("rows")
    names = (f"{raw['data']}/{raw['target']}", raw["model"], raw["strategy"], f"{raw['split']}/{raw['seed']}")
    return " ".join([*names, *(f"{key}={value}" for key, value in apart.items() if value)])


def timeless(values: Mapping[str, Json]) -> Section:
    """Entries that no clock decides."""
    return {name: value for name, value in values.items() if not OF_THE_CLOCK.search(name)}


def columns(path: Path) -> Section:
    """Type and SHA-256 of each column of a Parquet file, decoded: not of its bytes, which versions of Arrow decide."""
    found = {}
    for name, column in zip((table := pq.read_table(path)).column_names, table.columns, strict=True):
        plain = pa.types.is_primitive(column.type) and not column.null_count
        data = column.to_numpy().tobytes() if plain else repr(column.to_pylist()).encode()
        found[name] = f"{column.type} × {len(column)} {hashlib.sha256(data).hexdigest()}"
    return found


def read_studies(folder: Path) -> Section:
    """Studies with their trials, and the files that they left."""
    found: Section = {}
    for journal in sorted(folder.glob("tuned/*/journal.log")):
        storage = JournalStorage(JournalFileBackend(str(journal)))
        for name in optuna.get_all_study_names(storage):
            study = optuna.load_study(study_name=name, storage=storage)
            files = [p for p in sorted(journal.parent.iterdir()) if p.suffix in (".yaml", ".csv", ".svg")]
            found[name.rpartition("-")[0]] = {
                "name": name, "directions": [d.name for d in study.directions],
                "files": {path.name: content(path) for path in files},
                "trials": {f"{t.number}": read_trial(t) for t in study.get_trials(deepcopy=False)},
            }  # fmt: skip
    return found


def read_trial(trial: optuna.trial.FrozenTrial) -> Section:
    """What was proposed and what came of it."""
    attributes = {k: v for k, v in timeless(trial.user_attrs).items() if k not in OF_THE_PROCESS}
    return {
        "state": trial.state.name, "params": trial.params, "values": trial.values, "attributes": attributes,
        "intermediate": {str(step): value for step, value in trial.intermediate_values.items()},
        "distributions": {name: str(one) for name, one in trial.distributions.items()},
        "system": {name: str(value) for name, value in trial.system_attrs.items()},
    }  # fmt: skip


def content(path: Path) -> Json:
    """What a file says, without seconds, dates and versions; of pages and pictures a hash."""
    if path.suffix == ".parquet":
        return columns(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".yaml", ".json"):
        left_out = ("optuna", "created", "made_by", "files")  # of best settings and of a snapshot's manifest
        said = (json.loads if path.suffix == ".json" else yaml.safe_load)(text)
        return {key: value for key, value in timeless(said).items() if key not in left_out}
    if path.suffix in (".html", ".svg"):
        return hashlib.sha256(text.encode()).hexdigest()
    if path.name == "trials.csv":
        return pc.read_csv(path).drop_columns(["seconds"]).to_pylist()
    return text.splitlines()


if __name__ == "__main__":
    sys.exit(main())
