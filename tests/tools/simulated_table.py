"""The table of a simulation: where each rule is worst at what was promised, the mean, and power by repeats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from scipy.special import betaincinv

from bench.leaderboard.statistics.design import LOOK
from tests.tools.simulated import EFFECT, Count, Outcome

PROMISES: Final = {
    "false better": ("at most", 0.03),
    "any false claim": ("at most", 0.06),
    "misses the best": ("at most", 0.055),
    "coverage": ("at least", 0.92),
}
RULES: Final = {"new": "new rule", "old": "old rule, same splits", "seeds": "old rule, seeds on one split"}


def worst(outcomes: Sequence[Outcome], rule: str, what: str) -> tuple[Outcome, Count] | None:
    """The scenario in which a rule is worst at something; coverage counts from 5 repeats on."""
    found = [(o, rates[what]) for o in outcomes if (rates := getattr(o, rule)) and what in rates]
    found = [(o, c) for o, c in found if what != "coverage" or o.scenario.repeats >= LOOK]
    lowest = PROMISES.get(what, ("at most", 0.0))[0] == "at least"
    return max(found, key=lambda f: -f[1].share if lowest else f[1].share, default=None)


def report(outcomes: Sequence[Outcome], tables: int, sigma: float, kurtosis: float) -> str:
    """The table as Markdown: the worst scenario of each promise, the mean, and power by repeats.

    kurtosis: excess kurtosis of the residuals of the records that σ was measured on.
    """
    total = tables * len(outcomes)
    lines = [
        "# Simulated boards",
        "",
        f"{total:,} simulated tables: {len(outcomes)} scenarios × {tables:,}, half of them without true differences, "
        f"half with one strategy that is better by {EFFECT:g} standard deviations of a repeat. The noise of one, σ = "
        f"{sigma:.4f}, is measured on records. Made by `make simulate`. In brackets: exact 95% intervals of the "
        "simulation.",
        "",
        "| what | rule | promised | mean | worst | where |",
        "| :--- | :--- | ---: | ---: | ---: | :--- |",
    ]
    for what, (way, bound) in PROMISES.items():
        for rule, label in RULES.items():
            found = worst(outcomes, rule, what)
            if found is None:
                continue
            outcome, count = found
            counts = [getattr(o, rule)[what] for o in outcomes if what in getattr(o, rule)]
            mean = sum(c.share for c in counts) / len(counts)
            low, high = count.bounds
            promise = f"{way} {bound:g}" if rule == "new" else ""
            lines.append(
                f"| {what} | {label} | {promise} | {mean:.3f} | {count.share:.3f} [{low:.3f}, {high:.3f}] | "
                f"{outcome.scenario.label} |"
            )
    lines += ["", f"Found of a true difference of {EFFECT:g} standard deviations of a repeat:", ""]
    lines += ["| strategies | repeats | " + " | ".join(RULES.values()) + " |", "| ---: | ---: | ---: | ---: | ---: |"]
    grouped: dict[tuple[int, int, bool], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        s = outcome.scenario
        grouped[s.strategies, s.repeats, s.further].append(outcome)
    for (strategies, repeats, further), members in sorted(grouped.items()):
        shares = []
        for rule in RULES:
            counts = [getattr(o, rule)["power"] for o in members if "power" in getattr(o, rule)]
            shares.append(f"{sum(c.share for c in counts) / len(counts):.2f}" if counts else "no verdict")
        lines.append(f"| {strategies} | {repeats}{' + 2' if further else ''} | {' | '.join(shares)} |")
    broken = list(exceeded(outcomes))
    lines += ["", f"Promises that the new rule breaks beyond the simulation's noise: {'; '.join(broken) or 'none'}."]
    lines += [
        "",
        f"How heavy are real tails? The measured residuals have an excess kurtosis of {kurtosis:+.2f} (a normal "
        "distribution: 0). The heavy tails here are Student's t with 3 degrees of freedom, whose kurtosis is infinite, "
        "also in the part that all splits share and no number of repeats averages: a stress beyond what was measured, "
        "and where a rule that trusts ten differences must be worst. Boards of real learners: real-tables.md.",
    ]
    return "\n".join(lines) + "\n"


def exceeded(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The scenarios whose exact interval, widened for looking at all of them, lies beyond what was promised."""
    for what, (way, bound) in PROMISES.items():
        for outcome in outcomes:
            count = outcome.new.get(what)
            if count is None or not count.n or (what == "coverage" and outcome.scenario.repeats < LOOK):
                continue
            tail = 0.025 / len(outcomes)
            low = float(betaincinv(count.hits, count.n - count.hits + 1, tail)) if count.hits else 0.0
            high = float(betaincinv(count.hits + 1, count.n - count.hits, 1 - tail)) if count.hits < count.n else 1.0
            if (way == "at most" and low > bound) or (way == "at least" and high < bound):
                yield f"{what} {count.share:.3f} ({outcome.scenario.label})"
