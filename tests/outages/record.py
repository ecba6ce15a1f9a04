"""Compares what is on record with what was asked for and what was done."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from onbeat.domain.states import State
from onbeat.store.schema import finished, jobs, occurrences
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests.e2e.crews import Effect, Tried, outcomes, tried

MOST_LINES = 400
"""Lines that all processes of a drill may write to stderr: they tell of it, not on and on."""


@dataclass
class Found:
    """What came of a drill's jobs."""

    jobs: int = 0
    lost: int = 0
    """Jobs that were accepted, or made by a schedule, and have not succeeded."""
    doubled: int = 0
    """Jobs whose effect came more than once."""
    long_attempts: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """What the drill asked for."""

    accepted: Collection[str]
    """Short jobs."""
    long: Collection[str]
    rescues: bool
    """Whether jobs are to be rescued: their worker was cut off, and could not say that it lived."""


async def count_open(store: Store) -> int:
    """How many jobs have not ended."""

    def work(connection: Connection, _: object) -> int:
        booked = connection.scalar(select(func.count()).select_from(jobs)) or 0
        return booked - (connection.scalar(select(func.count()).select_from(finished)) or 0)

    return await store.read(work)


async def compare(store: Store, asked: Asked, effects: list[Effect]) -> Found:
    """Look for what must not be."""
    attempts = await tried(store)
    booked = await store.read(lambda connection, _: connection.scalars(select(jobs.c.id)).all())
    succeeded = Counter(each.job for each in attempts if each.outcome == "succeeded")
    done = Counter(each.job for each in effects if each.word != "begun")
    tries = Counter(each.job for each in attempts)
    wanted = {str(each).replace("-", "") for each in booked} | set(asked.accepted)
    found = Found(
        jobs=len(wanted),
        lost=sum(not succeeded[job] or not done[job] for job in wanted),
        doubled=sum(count > 1 for count in done.values()),
        long_attempts=[tries[job] for job in asked.long],
    )
    found.wrong += of_jobs(found, wanted, await outcomes(store), succeeded)
    found.wrong += of_attempts(asked, attempts, effects, found)
    found.wrong += [f"verify: {each}" for each in (await verify(store)).breaches]
    return found


def of_jobs(
    found: Found, wanted: set[str], ended: Counter[str], succeeded: Counter[str]
) -> Iterator[str]:
    """Each job ends, completed, and once."""
    if found.lost:
        yield f"{found.lost} jobs were lost"
    if ended != Counter({State.COMPLETED: len(wanted)}):
        yield f"of {len(wanted)} jobs ended: {dict(ended)}"
    if any(count > 1 for count in succeeded.values()):
        yield "a job succeeded more than once"


def of_attempts(
    asked: Asked, attempts: list[Tried], effects: list[Effect], found: Found
) -> Iterator[str]:
    """No attempt has an effect twice, fails, or is taken for lost but where a worker is cut off."""
    if max(Counter((each.job, each.token, each.word) for each in effects).values()) > 1:
        yield "an attempt had its effect twice"
    ended = Counter(each.outcome for each in attempts)
    if strange := set(ended) - {"succeeded", "lost", "interrupted"}:
        yield f"attempts ended as {strange}"
    if asked.rescues:
        yield from of_rescued(attempts)
        return
    if ended["lost"]:
        yield f"{ended['lost']} attempts were taken for lost"
    if found.doubled:
        yield f"{found.doubled} jobs had their effect twice"
    if set(found.long_attempts) != {1}:
        yield f"the long jobs took {found.long_attempts} attempts"


def of_rescued(attempts: list[Tried]) -> Iterator[str]:
    """A worker that was cut off loses its jobs, and is not believed afterwards."""
    lost = [each for each in attempts if each.outcome == "lost"]
    last = {each.job: each.token for each in attempts if each.outcome == "succeeded"}
    if not lost:
        yield "nothing was rescued"
    if any(each.token >= last.get(each.job, 0) for each in lost):
        yield "an attempt that was given up on was believed"


async def standing(store: Store, schedules: Collection[str], since: datetime) -> list[str]:
    """The schedules that have not been due since; that no moment came twice or was left out,
    `verify` sees.
    """
    last = func.max(occurrences.c.due_at)
    query = select(occurrences.c.schedule, last).group_by(occurrences.c.schedule)
    rows = await store.read(lambda connection, _: connection.execute(query).all())
    gone_on = {str(row[0]).replace("-", "") for row in rows if row[1] > since}
    return [each for each in schedules if each not in gone_on]


def of_stderr(path: Path) -> Iterator[str]:
    """What processes say of an outage is short, and never a traceback."""
    said = path.read_text()
    if said.count("\n") > MOST_LINES:
        yield f"{said.count(chr(10))} lines on stderr"
    said = LET_GO.sub("", said)
    if found := re.search("Traceback|never retrieved|Warning|Fatal", said):
        yield f"on stderr: {said[max(0, found.start() - 500) : found.start() + 2000]}"


LET_GO = re.compile(
    r"^Exception ignored in:.*\n(?:Traceback.*\n(?: .*\n)*)?ResourceWarning: unclosed.*\n",
    re.MULTILINE,
)
"""SQLAlchemy lets go of a connection that ends while it is being set up. Python closes it then, and
says so only where all warnings are errors, as here."""
