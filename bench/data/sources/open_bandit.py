"""Open Bandit: a real log of fashion recommendations with the probability of each choice; which are clicked?"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.fetching.cache import sha256
from bench.data.fetching.fetch import Package
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import ColumnKind, Table, TableConfig, Values

_CAMPAIGNS = ("all", "men", "women")
FOLDER = "obp/dataset/obd"
HASHES = {
    "random/all/all.csv": "7168295b6e0a9eabcf3392320a5dd434e542b68e705d5cd9491499af589812f1",
    "random/men/men.csv": "ede6d08c6877f99cd3770f7d09e26c738e6aa6de4445ccccfb1356ba5d06b1eb",
    "random/women/women.csv": "e65f3bd3beb17664fa69cc129bf7bf852a775f8ffa630506e505fc905315bb34",
    "bts/all/all.csv": "0ad874e4dbf6902f0845dd478ad8dde5ef6903583d3ffaace78411bdad064106",
    "bts/men/men.csv": "db6d1f7ed2d591ba521533e45286d4c1fba7fe57a8ad2e80342210335f43c527",
    "bts/women/women.csv": "e5d1b49a39b608585a2f3014a3f54970430cd37a495c1b73fceb85cdf428a5b8",
    "random/all/item_context.csv": "eba04cc23d5f130a93ff174c5392986882b94c3839433cb8143870eaa6221358",
    "random/men/item_context.csv": "6d855c2b7e917d0448d71bbe62c023147495882c0fdc8c41e86fef86abf9fe09",
    "random/women/item_context.csv": "b1ca4905f97703d196004f2ad4552c1e90c2afad8b50688d333b0d2dc0b33147",
}
NUMBERS = ("affinity", "affinity_sum", "affinity_most", "item_price", "hour")
NO_FEATURES = ("weight", "propensity", "timestamp", "click")


@dataclass(frozen=True)
class OpenBandit(FetchedSource):
    """Impressions; inverse propensities as row weights with data.weight=weight."""

    name = "open_bandit"
    title = "a fashion shop's recommendations with their propensities, 60,000 rows"
    licence = "package Apache-2.0"
    targets: ClassVar = {
        "click": "the item shown is clicked (.48%: 287 of 60,000, so expect ties and wide intervals)",
        "click_women": "the same in the women's campaign; the men's is there to transfer from",
    }
    package = Package("PyPI", "obp", "0.4.1", "87dec9caf4283c25ab13036532e0a24566f1c7bdcad1653a8ded43b2f5ef8208")
    members: ClassVar = {f"{FOLDER}/{path}": digest for path, digest in HASHES.items()}
    citation = "Open Bandit Dataset, ZOZO (Saito et al. 2021), the sample in obp 0.4.1"

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        """60,000 impressions of three campaigns under two policies.

        `affinity`: of the user to the item shown; `weight`: inverse propensity over the number of items, by which the
        log of either policy stands for uniformly random recommendations (Saito et al. 2021, section 3).
        """
        parts = []
        for policy in ("random", "bts"):
            for campaign in _CAMPAIGNS:
                log = pd.read_csv(io.BytesIO(files[f"{FOLDER}/{policy}/{campaign}/{campaign}.csv"]), index_col=0)
                # Features of items were hashed anew for each file; one of the two is used for both policies.
                context = pd.read_csv(io.BytesIO(files[f"{FOLDER}/random/{campaign}/item_context.csv"]), index_col=0)
                parts.append(impressions(log, context.set_index("item_id"), campaign, policy))
        return {"open_bandit": pa.Table.from_pandas(pd.concat(parts), preserve_index=False)}

    def load(self, config: TableConfig) -> Table:
        target, columns = self.pick_target(config), self.read()
        if target == "click":
            return self.table(columns, np.arange(len(columns["click"].data)), target, config)
        campaign = columns.pop("campaign").data
        women, men = (
            self.table(columns, np.flatnonzero(campaign == name).astype(np.int64), target, config)
            for name in ("women", "men")
        )
        both = sha256(f"{women.fingerprint}{men.fingerprint}".encode())
        return replace(women, elsewhere={"men": men}, transfer_source="men", fingerprint=both)

    def table(self, columns: dict[str, Values], rows: npt.NDArray[np.int64], target: str, config: TableConfig) -> Table:
        """The given impressions, cleaned."""
        taken = {n: v.take(rows) for n, v in columns.items()}
        kinds: dict[str, ColumnKind] = {n: "numeric" if n in NUMBERS else "categorical" for n in taken}
        kinds.update(dict.fromkeys(NO_FEATURES, "ignored"))
        return self.build(taken, target, config, labels="click", kinds=kinds, duplicates="keep")


def impressions(log: pd.DataFrame, context: pd.DataFrame, campaign: str, policy: str) -> pd.DataFrame:
    """One campaign under one policy as typed columns."""
    items = log["item_id"].to_numpy()
    affinity = log[[c for c in log if str(c).startswith("user-item_affinity_")]].to_numpy(np.float64)
    shown = context.loc[items]
    columns = {
        "campaign": campaign,
        "policy": policy,
        "timestamp": log["timestamp"].to_numpy(),
        "hour": pd.to_datetime(log["timestamp"], format="ISO8601").dt.hour.to_numpy(np.float64),
        "item": [f"{campaign}-{i}" for i in items],
        "position": log["position"].astype(str).to_numpy(),
        "affinity": affinity[np.arange(len(items)), items],
        "affinity_sum": affinity.sum(axis=1),
        "affinity_most": affinity.max(axis=1),
        "item_price": shown["item_feature_0"].to_numpy(np.float64),
        "propensity": log["propensity_score"].to_numpy(np.float64),
        "weight": 1 / (len(context) * log["propensity_score"].to_numpy(np.float64)),
        "click": log["click"].to_numpy(np.int64),
    }
    columns |= {f"user_{i}": log[f"user_feature_{i}"].to_numpy() for i in range(4)}
    columns |= {f"item_{i}": shown[f"item_feature_{i}"].to_numpy() for i in range(1, 4)}
    return pd.DataFrame(columns)
