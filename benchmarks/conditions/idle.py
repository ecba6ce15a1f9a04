"""What processes without jobs cost: `python -m benchmarks.conditions.idle`.

A fleet of the product's own commands, started as a user would, with nothing to do: the share of a
core each takes, with its heart, and how many statements PostgreSQL is sent meanwhile, BEGIN and
COMMIT among them. They are counted in the log of a server of its own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from tests.servers.postgres import PostgresServer, launch

from benchmarks.processes import processor_seconds
from onbeat import Onbeat

CHECKOUT = Path(__file__).parents[2]
SETTLE_SECONDS = 5.0
MOST_CPU = 1.0
"""What is promised of each process: so much of a core, in percent."""

MOST_STATEMENTS = 2.0
"""And so many statements a second."""

onbeat = Onbeat("sqlite://")


@onbeat.task
async def noop() -> None:
    """What is never asked for."""


def measure(
    url: str,
    server: PostgresServer | None = None,
    *,
    workers: int = 8,
    schedulers: int = 2,
    ups: int = 0,
    seconds: float = 30,
) -> dict[str, Any]:
    """Let a fleet rest on the empty database at `url` for `seconds`; what each process took."""
    asyncio.run(migrate(url))
    commands = ["worker"] * workers + ["scheduler"] * schedulers + ["up"] * ups
    with ExitStack() as stack:
        fleet = [stack.enter_context(running(command, url)) for command in commands]
        time.sleep(SETTLE_SECONDS)
        told = stack.enter_context(server.telling()) if server else None
        before = [processor_seconds(each.pid) for each in fleet]
        counted, began = told() if told else 0, time.perf_counter()
        time.sleep(seconds)
        passed = time.perf_counter() - began
        after = [processor_seconds(each.pid) for each in fleet]
        sent = told() - counted if told else None
    shares = [100 * (b - a) / passed for a, b in zip(before, after, strict=True)]
    result: dict[str, Any] = {
        "engine": url.partition(":")[0],
        "processes": {"workers": workers, "schedulers": schedulers, "ups": ups},
        "seconds": passed,
        "cpu_percent": mean(shares),
        "cpu_percent_by_command": by_command(commands, shares),
        "cpu_percent_most": max(shares),
    }
    if sent is not None:
        result["statements_per_second"] = sent / passed / len(fleet)
    return result


async def migrate(url: str) -> None:
    application = Onbeat(url)
    await application.migrate()
    await application.close()


@contextmanager
def running(command: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the product's that is ready, and is stopped in the end."""
    options = ["--db", url, "--app", "benchmarks.conditions.idle:onbeat", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "onbeat", command, *options],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        if b"ready" not in (said := process.stdout.readline()):
            raise RuntimeError(f"`onbeat {command}` did not start; it said {said.decode()!r}")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def by_command(commands: Sequence[str], shares: Sequence[float]) -> dict[str, float]:
    return {
        command: mean(
            [share for name, share in zip(commands, shares, strict=True) if name == command]
        )
        for command in dict.fromkeys(commands)
    }


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def is_kept(result: dict[str, Any]) -> bool:
    """Whether what is promised of a process was kept."""
    asked = result.get("statements_per_second", 0.0)
    return bool(result["cpu_percent"] < MOST_CPU and asked < MOST_STATEMENTS)


def main(
    workers: Annotated[int, typer.Option(help="`onbeat worker` processes.")] = 8,
    schedulers: Annotated[int, typer.Option(help="`onbeat scheduler` processes.")] = 2,
    ups: Annotated[int, typer.Option(help="`onbeat up` processes.")] = 0,
    seconds: Annotated[float, typer.Option(help="How long they rest.")] = 30,
) -> None:
    """Measure on both engines; ends with 1 where a process takes more than is promised."""
    rest = partial(measure, workers=workers, schedulers=schedulers, ups=ups, seconds=seconds)
    with tempfile.TemporaryDirectory(prefix="onbeat-idle-") as folder:
        results = [rest(f"sqlite:///{folder}/idle.db")]
    with launch(durable=True) as server:
        results.append(rest(server.create_database("idle"), server))
    for result in results:
        print(json.dumps(result))
    raise typer.Exit(not all(is_kept(result) for result in results))


if __name__ == "__main__":
    typer.run(main)
