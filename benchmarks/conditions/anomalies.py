"""How many faults are found, and how often something is told of none, on simulated subjects.

`python -m benchmarks.conditions.anomalies`

Thresholds were set on the seeds of the set `tuning`; what docs/anomalies.md says is measured on
`held-out`, on which nothing was set. A series has 28 days before, and a month that is judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from enum import StrEnum
from statistics import median
from typing import Annotated

import typer
from tests.domain.series import KINDS, SUBJECTS, Kind, Score, Subject, score, series


class Set(StrEnum):
    """Which seeds."""

    TUNING = "tuning"
    HELD_OUT = "held-out"


FIRST_SEED = {Set.TUNING: 1_000, Set.HELD_OUT: 2_000}
Case = tuple[Subject, Kind | None, int]


def cases(of: Set, each: int) -> Iterator[Case]:
    """Every kind of fault of every subject that can have it; of healthy ones twice as many."""
    for kind in KINDS:
        for subject in SUBJECTS:
            if subject.name in kind.of:
                yield from ((subject, kind, FIRST_SEED[of] + at) for at in range(each))
    for subject in SUBJECTS:
        yield from ((subject, None, FIRST_SEED[of] + at) for at in range(2 * each))


def judge(case: Case) -> Score:
    """What is found of one."""
    return score(series(*case))


def run(
    of: Annotated[Set, typer.Option("--set")] = Set.HELD_OUT,
    each: Annotated[int, typer.Option(help="Series of each kind and subject.")] = 5,
    processes: int = 2,
) -> None:
    """Print both tables."""
    faults: defaultdict[str, Score] = defaultdict(Score)
    healthy: defaultdict[str, list[int]] = defaultdict(list)
    all_cases = list(cases(of, each))
    with ProcessPoolExecutor(processes) as pool:
        for (subject, kind, _), found in zip(
            all_cases, pool.map(judge, all_cases, chunksize=4), strict=True
        ):
            if kind is None:
                healthy[subject.name].append(found.false)
            else:
                faults[kind.name] += found
                faults["all"] += found
    typer.echo("| fault | simulated | found | recall | false | precision | found after |")
    typer.echo("|---|---|---|---|---|---|---|")
    for name, found in sorted(faults.items(), key=lambda one: one[0] == "all"):
        after = f"{median(found.delays):.0f} h" if found.delays else "-"
        typer.echo(f"| {name} | {found.faults} | {found.found} | {found.recall:.2f} | "
                   f"{found.false} | {found.precision:.2f} | {after} |")  # fmt: skip
    typer.echo("\n| healthy | months | false a month | most in a month |\n|---|---|---|---|")
    for name, numbers in healthy.items():
        mean = sum(numbers) / len(numbers)
        typer.echo(f"| {name} | {len(numbers)} | {mean:.2f} | {max(numbers)} |")


if __name__ == "__main__":
    typer.run(run)
