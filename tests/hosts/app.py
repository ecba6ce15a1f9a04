"""The application of the fleet: jobs that note on their host what they do, in three regions.

A host's own log is the file that EFFECTS names; the store knows nothing of it. A job's result is
the region it ran in, so that the record says whom it believed.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

from onbeat import Onbeat, Regions, Run

REGIONS = ("eu", "us", "ap")
QUEUES = {region: f"checks-{region}" for region in REGIONS}


@dataclass(frozen=True)
class Effect:
    """A line of a host's log."""

    host: str
    job: str
    token: int
    attempt: int
    word: str
    """`begun` or `done`."""
    at: float
    """Seconds since 1970."""


def note(run: Run, word: str) -> None:
    """Add a line to the host's log; so short a write with O_APPEND is never torn."""
    job = str(run.job).replace("-", "")
    line = f"{job} {run.token} {run.attempt} {word} {time.time():.6f}\n".encode()
    descriptor = os.open(os.environ["EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def read_effect(host: str, line: str) -> Effect:
    """A line as `note` writes it."""
    job, token, attempt, word, at = line.split()
    return Effect(host, job, int(token), int(attempt), word, float(at))


def made(url: str | None = None, *, silence: str = "30s", patience: str = "2m") -> Onbeat:
    """The application on the database at `url`.

    A region is given no more jobs once nobody has served it for `silence`, and what waits there is
    moved after `patience`.
    """
    regions = Regions(
        QUEUES,
        default="checks",
        fallback={each: [other for other in REGIONS if other != each] for each in REGIONS},
        unavailable_after=silence,
        move_after=patience,
    )
    ob = Onbeat(url, name="hosts", regions=regions)

    @ob.task(queue="checks")
    async def check(run: Run, seconds: float = 0.02) -> str:
        """Take so long, and note begin and end; the region it ran in."""
        note(run, "begun")
        await asyncio.sleep(seconds)
        note(run, "done")
        return os.environ["ONBEAT_REGION"]

    return ob


ob = made(
    silence=os.environ.get("UNAVAILABLE_AFTER", "30s"),
    patience=os.environ.get("MOVE_AFTER", "2m"),
)
"""What the processes of the fleet run."""
