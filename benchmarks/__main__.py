"""`python -m benchmarks`: Onbeat beside its peers and beside raw SQL, on one machine, in turns."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks import floors
from benchmarks.environments import CannotSetUp, node_version
from benchmarks.places import Places
from benchmarks.report import write_report
from benchmarks.results import Results
from benchmarks.rounds import Rounds
from benchmarks.subjects import SUBJECTS, Subject
from benchmarks.workloads import WORKLOADS

CHECKOUT = Path(__file__).parents[1]
RESULTS = CHECKOUT / "benchmarks" / "results"
PAGES = CHECKOUT / "docs" / "benchmarks"
CEILING = "ceiling"

Engine = StrEnum("Engine", ["sqlite", "postgres"])
Name = StrEnum("Name", [workload.name for workload in WORKLOADS])
Peer = StrEnum(
    "Peer", [*dict.fromkeys(one.folder for one in SUBJECTS if not one.is_product), CEILING]
)

console = Console(highlight=False, soft_wrap=True)


def main(
    peer: Annotated[list[Peer] | None, typer.Option(help="Only beside this; repeatable.")] = None,
    workload: Annotated[list[Name] | None, typer.Option(help="Only this; repeatable.")] = None,
    engine: Annotated[Engine | None, typer.Option(help="Only on this engine.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="How many jobs, or schedules.")] = 50_000,
    json_path: Annotated[Path | None, typer.Option("--json", help="Where results go.")] = None,
    pages: Annotated[Path | None, typer.Option(help="Where the table and the plot go.")] = None,
) -> None:
    """Measure, and compare; ends with 1 when a target or a floor is missed.

    A whole run writes benchmarks/results/latest.json and docs/benchmarks; a part of it writes
    benchmarks/results/part.json and no pages, unless it is told where.
    """
    is_whole = not (peer or workload or engine)
    json_path = json_path or RESULTS / ("latest.json" if is_whole else "part.json")
    results = Results(machine(), jobs, rounds, is_whole)
    with ExitStack() as stack:
        places = Places(stack)
        subjects = chosen_subjects(engine, peer or [])
        if subjects:
            turns = Rounds(results, places, console.print)
            turns.prepare(subjects)
            turns.run(subjects, [one for one in WORKLOADS if not workload or one.name in workload])

        if not peer or CEILING in peer:
            for floor in floors.chosen(engine, workload or []):
                summary = floors.measure(floor, rounds, jobs, places, console.print)
                results.floors.append(summary)

        results.machine["servers"] = places.versions()
        if any(subject.script.endswith(".js") for subject in subjects):
            results.machine["servers"]["Node"] = node_version()

    results.write(json_path)
    finish(results, json_path, pages or (PAGES if is_whole else None))
    raise typer.Exit(not results.is_good)


def chosen_subjects(engine: str | None, peers: Sequence[str]) -> list[Subject]:
    """Onbeat and the peers that were asked for; nobody when only the ceiling was."""
    if peers and set(peers) == {CEILING}:
        return []

    other = {"sqlite": "postgres", "postgres": "sqlite"}.get(engine or "")
    return [
        subject
        for subject in SUBJECTS
        if subject.place != other and (subject.is_product or not peers or subject.folder in peers)
    ]


def finish(results: Results, json_path: Path, pages: Path | None) -> None:
    """Write the pages, and say which targets are met."""
    console.print(f"Written to {json_path}")
    if pages:
        try:
            write_report(json_path, pages)
            console.print(f"Written to {pages}")
        except CannotSetUp as error:
            console.print(f"No plot: {error}")

    for verdict in results.verdicts():
        console.print(str(verdict), style=None if verdict.is_met else "red")
    for floor in results.floors:
        console.print(
            f"Floor of {floor['engine']} {floor['workload']}: {floor['ratio']['median']:.2f}, "
            f"wanted {floor['floor']:g}: {'MISSED' if floor['below_floor'] else 'met'}",
            style="red" if floor["below_floor"] else None,
        )


def machine() -> dict[str, Any]:
    """What must be known to read the figures later."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }


if __name__ == "__main__":
    typer.run(main)
