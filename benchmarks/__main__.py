"""`python -m benchmarks`: measure the ceiling and Onbeat in turns, and compare.

In turns, because a machine's speed drifts: a ratio is taken within a round, never across rounds.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Table
from tests.servers.postgres import PostgresDatabases, running_server

from benchmarks.memory import PENDING, WALL_MB, peak_of_a_worker
from benchmarks.workloads import WORKLOADS, Run, Workload, chosen

RESULTS = Path(__file__).parent / "results" / "latest.json"

Engine = StrEnum("Engine", ["sqlite", "postgres"])
Name = StrEnum("Name", sorted({workload.name for workload in WORKLOADS}))
Figures = dict[str, list[float]]

console = Console()


def main(
    engine: Annotated[Engine | None, typer.Option(help="Only this engine.")] = None,
    workload: Annotated[Name | None, typer.Option(help="Only this workload.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="How many jobs, or schedules.")] = 50_000,
    json_path: Annotated[Path, typer.Option("--json", help="Where results go.")] = RESULTS,
    *,
    ceiling_only: Annotated[bool, typer.Option("--ceiling-only", help="SQL alone.")] = False,
) -> None:
    """Measure throughput; ends with 1 when Onbeat is below a workload's floor."""
    workloads = chosen(engine, workload, ceiling_only=ceiling_only)
    if not workloads:
        raise typer.BadParameter("Nothing to measure; without Onbeat's side use --ceiling-only")

    figures: dict[Workload, Figures] = {}
    with ExitStack() as stack:
        database = Databases(stack)
        for one in workloads:
            figures[one] = measure(one, rounds, jobs, database, ceiling_only=ceiling_only)

        whole = workload is None and not ceiling_only
        memory = measure_memory(engine, database) if whole else []

    results = [summary(one, measured) for one, measured in figures.items()]
    show(results)
    for peak in memory:
        console.print(
            f"{peak['engine']} worker with {PENDING:,} pending jobs: at most {peak['mb']:.0f} MB "
            f"(wall {WALL_MB} MB)"
        )

    report = {"jobs": jobs, "rounds": rounds, "results": results, "memory": memory}
    write(json_path, {"machine": machine(), **report})
    missed = any(result.get("below_floor") for result in results)
    raise typer.Exit(missed or any(peak["mb"] > WALL_MB for peak in memory))


class Databases:
    """Hands out empty databases; the PostgreSQL server is started when it is first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._server: PostgresDatabases | None = None

    @contextmanager
    def empty(self, engine: str) -> Iterator[str]:
        """Make a database for one measurement, and remove it."""
        if engine == "sqlite":
            with tempfile.TemporaryDirectory(prefix="onbeat-bench-") as directory:
                yield f"sqlite:///{directory}/bench.db"

            return

        self._server = self._server or self._stack.enter_context(running_server(durable=True))
        name = f"bench_{uuid4().hex}"
        try:
            yield self._server.create_database(name)
        finally:
            self._server.drop_database(name)


def measure_memory(engine: Engine | None, database: Databases) -> list[dict[str, Any]]:
    """The peak of a worker on each engine, with a backlog."""
    peaks = []
    for one in [engine] if engine else list(Engine):
        with database.empty(one) as url:
            peaks.append({"engine": str(one), "mb": peak_of_a_worker(url)})

    return peaks


def measure(
    workload: Workload, rounds: int, jobs: int, database: Databases, *, ceiling_only: bool
) -> Figures:
    """Run the sides of a workload in turns."""
    figures: Figures = defaultdict(list)
    for number in range(1, rounds + 1):
        for side, run in sides(workload, ceiling_only=ceiling_only):
            with database.empty(workload.engine) as url:
                figures[side].append(run(url, jobs))

            console.print(f"{workload} {number}/{rounds} {side}: {figures[side][-1]:,.0f}/s")

    return figures


def sides(workload: Workload, *, ceiling_only: bool) -> Iterator[tuple[str, Run]]:
    yield "ceiling", workload.ceiling
    if not ceiling_only and workload.product:
        yield "product", workload.product


def summary(workload: Workload, figures: Figures) -> dict[str, Any]:
    """What a workload came to: each side, and their ratio round by round."""
    result: dict[str, Any] = {"workload": workload.name, "engine": workload.engine}
    result |= {side: spread(values) for side, values in figures.items()}
    if "product" in figures:
        pairs = zip(figures["product"], figures["ceiling"], strict=True)
        result["ratio"] = spread([product / ceiling for product, ceiling in pairs])
        result["floor"] = workload.floor
        result["below_floor"] = result["ratio"]["median"] < workload.floor

    return result


def spread(values: list[float]) -> dict[str, Any]:
    median = statistics.median(values)
    return {"median": median, "min": min(values), "max": max(values), "rounds": values}


def show(results: list[dict[str, Any]]) -> None:
    table = Table("workload", title="thousand jobs a second: median (min to max)")
    for column in ("ceiling", "product", "ratio", "floor"):
        table.add_column(column, justify="right")

    for result in results:
        table.add_row(
            f"{result['engine']} {result['workload']}",
            cell(result.get("ceiling"), thousands),
            cell(result.get("product"), thousands),
            cell(result.get("ratio"), "{:.2f}".format),
            f"{result['floor']}{' missed' if result['below_floor'] else ''}"
            if "floor" in result
            else "",
        )

    console.print(table)


def thousands(value: float) -> str:
    return f"{value / 1000:.1f}"


def cell(values: dict[str, Any] | None, form: Callable[[float], str]) -> str:
    if values is None:
        return ""

    return f"{form(values['median'])} ({form(values['min'])} to {form(values['max'])})"


def machine() -> dict[str, Any]:
    """What must be known to read the figures later."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }


def write(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    console.print(f"Written to {path}")


if __name__ == "__main__":
    typer.run(main)
