"""How long cycles take: `python -m examples.monitors.load --monitors 100000`; ONBEAT_DB says where.

A worker of this process runs `dispatch` as it does in earnest, on SQLite in a folder of its own
unless ONBEAT_DB says otherwise. Each decision is a line of JSON, which goes nowhere. Nobody takes
the checks meanwhile, so that cycles alone are measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SETTINGS = {
    "ONBEAT_REGIONS": '{"queues": {"us": "checks-us", "eu": "checks-eu", "ap": "checks-ap"},'
    ' "default": "checks", "backlog": 100000}',
    "ONBEAT_QUEUES": "dispatch",
}
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
_folder = tempfile.TemporaryDirectory(prefix="monitors-")
os.environ.setdefault("ONBEAT_DB", f"sqlite:///{_folder.name}/load.db")

from examples.monitors.regions.app import dispatch, ob  # noqa: E402 - it reads them when made
from examples.monitors.regions.filling import fill, refuse_others  # noqa: E402 - as above
from examples.monitors.regions.record import due_now  # noqa: E402 - as above
from onbeat import Job, JobFilter, OnbeatError  # noqa: E402 - as above
from onbeat.telemetry.logs import start_logging  # noqa: E402 - as above

LOOK_EVERY = 0.2
MINUTES = 1440.0
"""The interval of each: nothing is due again while it is measured."""

LEFT = 1


@dataclass(frozen=True, slots=True)
class Round:
    """All monitors are due, and cycles run until none is."""

    due: int
    left: int
    seconds: float
    """From the begin of the first cycle to the end of the last."""
    cycles: list[dict[str, Any]]
    """What each of them returned."""

    @property
    def made(self) -> int:
        """Jobs that were made."""
        return sum(each.get("scheduled", 0) for each in self.cycles)

    def __str__(self) -> str:
        """One line."""
        longest = max(each["took_s"] for each in self.cycles)
        return (
            f"{self.due:,} due: {self.made:,} jobs in {self.seconds:.2f} s "
            f"({self.made / self.seconds:,.0f}/s), {len(self.cycles)} cycle(s), "
            f"the longest {longest:.2f} s; {self.left} left"
        )


async def measure(monitors: int, rounds: int) -> list[Round]:
    """So many rounds, each on a table that is filled anew."""
    await ob.migrate()
    await refuse_others()  # before a worker would take the cycles of a team that runs the same
    found: list[Round] = []
    with _logging_nowhere():
        async with ob, ob.running(scheduler=False):
            for _ in range(rounds):
                await fill(monitors, MINUTES)
                found.append(await _round())
    return found


async def _round() -> Round:
    due, began_at = await due_now(), datetime.now(UTC)
    await dispatch.enqueue()
    jobs = await _ended(began_at)
    attempts = [each for job in jobs for each in await ob.jobs.attempts(job.id)]
    began = min(each.started_at for each in attempts)
    ended = max(each.finished_at for each in attempts)
    cycles = [json.loads(each.result) for each in attempts if each.result]
    return Round(due, await due_now(), (ended - began).total_seconds(), cycles)


async def _ended(since: datetime) -> Sequence[Job]:
    """The cycles of a round, once all are over: one that leaves something has asked for another."""
    wanted = JobFilter(task=dispatch.name, created_since=since, limit=1_000)
    while True:
        jobs = await ob.jobs.list(wanted)
        if all(job.state.is_final for job in jobs):
            return jobs
        await asyncio.sleep(LOOK_EVERY)


@contextmanager
def _logging_nowhere() -> Iterator[None]:
    with Path(os.devnull).open("w") as nowhere:
        start_logging("json", "info", nowhere)
        yield


def main() -> int:
    """Measure, and print a line for each round; 1 where a monitor was left out."""
    parser = argparse.ArgumentParser(prog="python -m examples.monitors.load")
    parser.add_argument("--monitors", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    try:
        rounds = asyncio.run(measure(given.monitors, given.rounds))
    except OnbeatError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for each in rounds:
        print(f"{ob.url.partition(':')[0]}: {each}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:,.0f} MB at most; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return LEFT if any(each.left for each in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
