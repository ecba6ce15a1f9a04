"""All examples, one after the other, on SQLite and on PostgreSQL: `make examples`.

Each runs as its README says, ends by itself, and ends with 1 where something was not seen.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from tests.servers.postgres import running_server
from tests.tables import table

ROOT = Path(__file__).parents[2]
MOST_SECONDS, TO_END = 600.0, 60.0
"""For one example, and to end its processes after that."""

TIMED_OUT = 124


@dataclass(frozen=True)
class Example:
    """What is run, and by which variables it ends by itself."""

    module: str
    variables: dict[str, str]
    options: list[str] = field(default_factory=list)
    most_seconds: float = MOST_SECONDS


EXAMPLES = (
    Example("examples.monitors", {"DEMO_SECONDS": "20"}),
    Example("examples.monitors.regions", {"MONITORS_SECONDS": "180"}, ["--brisk"]),
    Example("examples.user_jobs", {"USER_JOBS_SECONDS": "90"}),
    Example("examples.csv_pipeline", {"CSV_PIPELINE_SECONDS": "180"}),
    Example("examples.cron_tracking", {"CRON_TRACKING_SECONDS": "300"}),
    Example("examples.game_world", {"GAME_SECONDS": "20"}),
)


@dataclass(frozen=True)
class Ran:
    """What became of one."""

    module: str
    engine: str
    seconds: float
    code: int


def ran(example: Example, engine: str, url: str) -> Ran:
    """Run it to its end, and let it say what it says."""
    sys.stdout.write(f"\n== {example.module} on {engine}\n")
    sys.stdout.flush()
    given = {
        name: value for name, value in os.environ.items()
        if not name.startswith("ONBEAT_") and name != "SHOP"
    }  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", example.module, *example.options], cwd=ROOT,
        env={**given, **example.variables, "ONBEAT_DB": url, "ONBEAT_PORT": "0"},
    )  # fmt: skip
    code = ended(process, example.most_seconds)
    return Ran(example.module, engine, time.monotonic() - began, code)


def ended(process: subprocess.Popen[bytes], most_seconds: float) -> int:
    """Its exit code; TIMED_OUT where it had to be ended."""
    try:
        return process.wait(most_seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # at which it ends those that it began
    try:
        process.wait(TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return TIMED_OUT


def all_on(engine: str, names: list[str]) -> Iterator[Ran]:
    """Each that is asked for, on a database of its own."""
    wanted = [each for each in EXAMPLES if not names or each.module in names]
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            for number, each in enumerate(wanted):
                yield ran(each, engine, f"sqlite:///{folder}/{number}.db")
        return
    with running_server() as server:
        for number, each in enumerate(wanted):
            name = f"example_{number}_{os.getpid()}"
            yield ran(each, engine, server.create_database(name))
            server.drop_database(name)


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Modules; all unless said.")] = None,
    engine: Annotated[str, typer.Option(help="sqlite, postgresql, or both.")] = "both",
) -> None:
    """Run them, and end with 1 where one did not end with 0."""
    known = [each.module for each in EXAMPLES]
    if unknown := [each for each in names or [] if each not in known]:
        raise typer.BadParameter(f"{unknown[0]} is none of {', '.join(known)}")
    engines = ("sqlite", "postgresql") if engine == "both" else (engine,)
    found = [each for one in engines for each in all_on(one, names or [])]
    rows = [("example", "engine", "seconds", "")]
    rows += [
        (each.module, each.engine, f"{each.seconds:.0f}", "seen" if each.code == 0 else "MISSING")
        for each in found
    ]
    sys.stdout.write(f"\n{table(rows)}\n")
    raise typer.Exit(any(each.code for each in found))


if __name__ == "__main__":
    typer.run(main)
