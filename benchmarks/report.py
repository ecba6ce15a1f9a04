"""Writes a run for readers: `python -m benchmarks.report RESULTS FOLDER`, a table and a plot."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import environments
from benchmarks.environments import run
from benchmarks.results import Results
from benchmarks.workloads import MEASURES, POSTGRES, SQLITE, Measure

NONE = "-"

PLOT = Path(__file__).parent / "plot"


def write_report(results_path: Path, folder: Path) -> list[Path]:
    """Write `results.md` and `results.png` into the folder. Raises CannotSetUp for the plot."""
    results = Results.read(results_path)
    folder.mkdir(parents=True, exist_ok=True)
    table, picture = folder / "results.md", folder / "results.png"
    table.write_text("\n".join(page(results)) + "\n")
    interpreter = environments.python(PLOT).command[0]
    run(interpreter, PLOT / "plot.py", results_path, picture)
    return [table, picture]


def page(results: Results) -> Iterator[str]:
    """The lines of the page."""
    machine = results.machine
    yield "# Benchmarks"
    yield ""
    yield (
        f"Measured {machine['measured_at']} on {machine['cores']} cores, {versions(machine)}, "
        f"{machine['system']}; {results.rounds} rounds, {results.jobs:,} jobs for the fast ones. "
        "Written by `make bench`; how it is done is in "
        "[benchmarks/README.md](../../benchmarks/README.md)."
    )
    yield ""
    yield "![Onbeat beside its peers](results.png)"
    yield from targets(results)
    yield from figures(results)
    yield from ratios(results)
    yield from floors(results)
    yield from settings(results)
    yield from gaps(results)


def versions(machine: dict[str, Any]) -> str:
    """Of all that is measured with; files of before do not have those of servers."""
    named = {"Python": machine["python"], "SQLite": machine["sqlite"], **machine.get("servers", {})}
    return ", ".join(f"{name} {version}" for name, version in named.items())


def targets(results: Results) -> Iterator[str]:
    yield from heading(
        "Targets",
        "Beside a peer the ratio counts, taken within each round: what is shown is the median of "
        "those ratios, not the ratio of the medians below.",
    )
    yield from table(
        ["figure", "Onbeat", "peer", "wanted", "reached", ""],
        (
            [
                MEASURES[verdict.target.measure].title,
                verdict.target.product.removeprefix("Onbeat "),
                verdict.target.peer or NONE,
                verdict.wanted_text,
                verdict.reached_text,
                "met" if verdict.is_met else "**missed**",
            ]
            for verdict in results.verdicts()
        ),
    )


def figures(results: Results) -> Iterator[str]:
    yield from heading(
        "Figures",
        "Median of the rounds. They drift with the machine: compare within the table.",
    )
    measures = [each for each in MEASURES.values() if measured(results, each)]
    yield from table(
        ["", *(f"{measure.title}, {measure.unit}" for measure in measures)],
        (
            [name, *(figure(results.median(name, each.name), each) for each in measures)]
            for name in results.figures
        ),
    )


def ratios(results: Results) -> Iterator[str]:
    yield from heading(
        "Ratios",
        "Onbeat over the peer, the median of the ratios of each round (least to most); over 1 "
        "Onbeat is faster.",
    )
    measures = [
        each
        for each in MEASURES.values()
        if each.more_is_better and each.name != "load_rate" and measured(results, each)
    ]
    yield from table(
        ["", *(measure.title for measure in measures)],
        (
            [
                f"{product.removeprefix('Onbeat ')} over {peer}",
                *(ratio(results.ratios(each.name, product, peer)) for each in measures),
            ]
            for product in (SQLITE, POSTGRES)
            for peer in results.figures
            if not peer.startswith("Onbeat") and product in results.figures
        ),
    )


def floors(results: Results) -> Iterator[str]:
    if not results.floors:
        return

    yield from heading(
        "Floors",
        "Beside raw SQL on the driver; thousand jobs a second, median of the rounds; the ratio is "
        "the median of those of each round. They differ from the figures above: here both sides "
        "run in one process and at other times of the run, there client and worker are processes "
        "of their own.",
    )
    yield from table(
        ["", "ceiling", "Onbeat", "ratio", "floor", ""],
        (
            [
                f"{floor['engine']} {floor['workload']}",
                f"{floor['ceiling']['median'] / 1000:.1f}",
                f"{floor['product']['median'] / 1000:.1f}",
                ratio(floor["ratio"]["rounds"]),
                f"{floor['floor']:g}",
                "**missed**" if floor["below_floor"] else "met",
            ]
            for floor in results.floors
        ),
    )


def settings(results: Results) -> Iterator[str]:
    yield from heading("Who is measured", "")
    told = {"settings": "settings", "keeps": "what is left of a completed job"}
    if all("version" in each for each in results.subjects.values()):  # not in files of before
        told = {"version": "version", **told}
    yield from table(
        ["", *told.values()],
        ([name, *(each[part] for part in told)] for name, each in results.subjects.items()),
        rule="---",
    )


def gaps(results: Results) -> Iterator[str]:
    if results.not_run:
        yield from heading("Not run", "")
        yield from (
            f"- {gap['subject']}, {gap['workload']}: {gap['why']}" for gap in results.not_run
        )


def heading(title: str, about: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield from ([about, ""] if about else [])


def table(head: list[str], rows: Iterable[list[str]], rule: str = "---:") -> Iterator[str]:
    yield line(head)
    yield line(["---", *[rule for _ in head[1:]]])
    yield from map(line, rows)


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def measured(results: Results, measure: Measure) -> bool:
    return any(measure.name in figures for figures in results.figures.values())


def figure(value: float | None, measure: Measure) -> str:
    if value is None:
        return NONE

    form: Callable[[float], str] = "{:,.0f}".format if measure.more_is_better else "{:.1f}".format
    return form(value)


def ratio(values: list[float]) -> str:
    if not values:
        return NONE

    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    if len(ordered) == 1:
        return f"{middle:.2f}"

    return f"{middle:.2f} ({ordered[0]:.2f} to {ordered[-1]:.2f})"


if __name__ == "__main__":
    for written in write_report(Path(sys.argv[1]), Path(sys.argv[2])):
        print(written)
