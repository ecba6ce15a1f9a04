"""Reads what was written down: the logs of the hosts, and the record in the database."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from onbeat.store.schema import attempts, finished, jobs, occurrences, sessions
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests.hosts.app import REGIONS, Effect, read_effect
from tests.hosts.laws import Attempt, Cut, Moment, Story


@dataclass(frozen=True)
class Asked:
    """A job that was accepted."""

    job: str
    at: float


def log_of(folder: Path, host: str) -> Path:
    """Where the jobs on a host write what they do."""
    return folder / f"effects-{host}"


def effects(folder: Path) -> list[Effect]:
    """What the hosts' logs say so far, whole lines only."""
    found = []
    for host in REGIONS:
        path = log_of(folder, host)
        said = path.read_text() if path.exists() else ""
        found += [read_effect(host, line) for line in said[: said.rfind("\n") + 1].splitlines()]
    return found


async def homes(store: Store) -> dict[str, str]:
    """The host of each worker's session that is on record now."""
    query = select(sessions.c.id, sessions.c.host)
    rows = await store.read(lambda connection, _: connection.execute(query).all())
    return {_id(row.id): row.host for row in rows}


async def count_open(store: Store, wanted: set[str]) -> int:
    """How many of these jobs have not ended."""
    query = select(finished.c.job)
    ended = await store.read(lambda connection, _: connection.scalars(query).all())
    return len(wanted - {_id(each) for each in ended})


async def booked(store: Store) -> set[str]:
    """All jobs on record."""
    query = select(jobs.c.id)
    return {_id(job) for job in await store.read(lambda connection, _: connection.scalars(query))}


async def tell(
    store: Store, folder: Path, cut: Cut, asked: list[Asked], known: dict[str, str], rescues: bool
) -> Story:
    """The whole story."""
    found = await verify(store)
    return await store.read(
        lambda connection, _: Story(
            cut=cut,
            asked=[each.job for each in asked],
            booked=[_id(job) for job in connection.scalars(select(jobs.c.id))],
            ended=_ended(connection),
            attempts=_attempts(connection),
            effects=effects(folder),
            moments=_moments(connection),
            moved=_moved(connection),
            homes=known,
            rescues=rescues,
            breaches=[str(each) for each in found.breaches],
        )
    )


def _ended(connection: Connection) -> dict[str, list[str]]:
    ended: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(select(finished.c.job, finished.c.outcome)):
        ended[_id(row.job)].append(row.outcome)
    return ended


def _attempts(connection: Connection) -> list[Attempt]:
    return [
        Attempt(
            _id(row.job), row.token, _id(row.session), row.outcome, row.finished_at.timestamp(),
            None if row.result is None else json.loads(row.result),
        )
        for row in connection.execute(select(attempts))
    ]  # fmt: skip


def _moments(connection: Connection) -> list[Moment]:
    return [
        Moment(
            _id(row.schedule), row.due_at.timestamp(), row.outcome,
            None if row.job is None else _id(row.job), row.decided_at.timestamp(),
        )
        for row in connection.execute(select(occurrences))
    ]  # fmt: skip


def _moved(connection: Connection) -> dict[str, float]:
    """When each job was moved that was."""
    query = select(jobs.c.id, jobs.c.options).where(jobs.c.options.is_not(None))
    routes = {
        _id(row.id): json.loads(row.options).get("route", {}) for row in connection.execute(query)
    }
    return {
        job: datetime.fromisoformat(route["moved_at"]).timestamp()
        for job, route in routes.items()
        if "moved_at" in route
    }


def _id(text: str) -> str:
    return str(text).replace("-", "")
