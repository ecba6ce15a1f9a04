"""What the doctor looks at, one after the other; each finding says what to do."""

from __future__ import annotations

import importlib.util
import platform
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from onbeat import __version__
from onbeat.app.doctor.channels import examine_channels
from onbeat.app.doctor.database import examine_database, examine_work
from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.app.doctor.incidents import examine_incidents
from onbeat.app.doctor.redis import examine_redis
from onbeat.app.doctor.rules import examine_rules
from onbeat.app.doctor.settings import unknown_words
from onbeat.app.onbeat import Onbeat
from onbeat.domain.environments import schema_of
from onbeat.domain.errors import OnbeatError
from onbeat.domain.processes import SCHEDULER, SeenService, at_rest
from onbeat.domain.recurrence.zones import RULES
from onbeat.domain.services import Status
from onbeat.domain.url_passwords import hide_passwords
from onbeat.domain.words import lasting, many, one_line
from onbeat.settings import Settings
from onbeat.store import duties, processes, schedules
from onbeat.store.delays import has_scheduler
from onbeat.store.sqlite.connections import OLDEST, database_path
from onbeat.store.workers import connections_in_use

EXTRAS = {
    "postgres": "asyncpg", "rrule": "dateutil", "ics": "icalendar", "server": "aiohttp",
    "email": "aiosmtplib", "apprise": "apprise", "prometheus": "prometheus_client",
    "redis": "redis", "otel": "opentelemetry", "sentry": "sentry_sdk",
}  # fmt: skip
"""By extra, a module that comes with it."""

WAL_RESET_FIXED = (3, 51, 3)
AGREEMENT = timedelta(milliseconds=100)
LARGEST_DRIFT = timedelta(seconds=2)
CROWDED = 0.8
"""Share of the server's connections in use, above which the next workers may not get theirs."""


async def examine(ob: Onbeat) -> AsyncIterator[Finding]:
    """Look at everything there is to an application; what rests on something that is wrong is not
    looked at.
    """
    for finding in of_machine():
        yield finding
    async for finding in of_settings(ob.settings):
        yield finding
    for told in ob.schedules.passed_over:
        yield Finding("settings", Verdict.NOTE, told)
    yield of_app(ob)
    async for finding in of_database(ob):
        yield finding


def of_machine() -> Iterator[Finding]:
    """What is installed."""
    yield _python()
    yield _zones()
    yield _extras()


async def of_settings(settings: Settings) -> AsyncIterator[Finding]:
    """Settings that were read, so that each is allowed, and what they name."""
    yield Finding("settings", Verdict.GOOD, "all values are allowed")
    for words in unknown_words():
        yield Finding("settings", Verdict.NOTE, words)
    if settings.redis_url is not None:
        yield await examine_redis(settings.redis_url)


def wrong(name: str, error: OnbeatError) -> Finding:
    """What could not be looked at, and why."""
    message = hide_passwords(one_line(str(error)))
    return Finding(name, Verdict.WRONG, message, error.exit_code)


def _python() -> Finding:
    return Finding(
        "versions",
        Verdict.GOOD,
        f"onbeat {__version__}, Python {platform.python_version()} on {sys.platform}",
    )


def _zones() -> Finding:
    return Finding("zones", Verdict.GOOD, f"the rules of tzdata {RULES}")


def _extras() -> Finding:
    missing = [extra for extra, module in EXTRAS.items() if not importlib.util.find_spec(module)]
    if missing:
        told = f"not installed: {', '.join(missing)}; pip install 'onbeat[{','.join(missing)}]'"
        return Finding("extras", Verdict.NOTE, told)
    return Finding("extras", Verdict.GOOD, f"{', '.join(EXTRAS)} installed")


def of_app(ob: Onbeat) -> Finding:
    """What it declares in code."""
    tasks, declared = many(len(ob.tasks), "task"), many(len(ob.schedules.declared), "schedule")
    return Finding("app", Verdict.GOOD, f"{tasks}, {declared} in code")


def _sqlite() -> Finding:
    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST:
        return Finding("sqlite", Verdict.WRONG, f"{found} is too old; 3.37 or newer is needed", 5)
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        return Finding(
            "sqlite",
            Verdict.NOTE,
            f"{found}: before 3.51.3 two writers at once can corrupt a WAL; Onbeat writes under "
            "a file lock, and so must you: use onbeat.sqlite_engine()",
        )
    return Finding("sqlite", Verdict.GOOD, found)


async def of_database(ob: Onbeat) -> AsyncIterator[Finding]:
    """The database, if it is there, and what goes on in it."""
    is_sqlite = ob.url.startswith("sqlite")
    if is_sqlite:
        yield _sqlite()
    path = database_path(ob.url) if is_sqlite else None
    if ob.environment is not None:
        yield _environment(ob.environment, path)
    if path is not None and not path.exists():
        told = f"{path} is not there yet; `onbeat up` makes it"
        yield Finding("database", Verdict.NOTE, told)
        return
    try:
        schema = await ob.schema()
        yield Finding("database", Verdict.GOOD, f"{hide_passwords(ob.url)} answers")
        if not schema.is_current:
            told = f"it has {schema.current or 'none'}, this Onbeat needs {schema.needed}"
            yield Finding("schema", Verdict.WRONG, f"{told}; {schema.remedy}", 5)
            return
        yield Finding("schema", Verdict.GOOD, f"{schema.current} is current")
        async for finding in _of_tables(ob, path):
            yield finding
    except OnbeatError as error:
        yield wrong("database", error)


async def _of_tables(ob: Onbeat, path: Path | None) -> AsyncIterator[Finding]:
    yield await _writable(ob)
    yield await _clock(ob)
    if not ob.url.startswith("sqlite"):
        yield await _connections(ob)
    yield await _scheduler(ob)
    yield await _workers(ob)
    yield await _schedules(ob)
    async for finding in _at_work(ob):
        yield finding
    async for finding in examine_database(ob, path):
        yield finding


async def _at_work(ob: Onbeat) -> AsyncIterator[Finding]:
    async for finding in examine_incidents(ob):
        yield finding
    async for finding in examine_work(ob):
        yield finding
    async for finding in examine_rules(ob):
        yield finding
    async for finding in examine_channels(ob):
        yield finding


def _environment(name: str, path: Path | None) -> Finding:
    where = f"schema {schema_of(name)}" if path is None else f"file {path}"
    return Finding("environment", Verdict.GOOD, f"{name}, in {where}")


async def _clock(ob: Onbeat) -> Finding:
    store = await ob.store()
    before = datetime.now(UTC)
    theirs = await store.read(lambda _, now: now)
    after = datetime.now(UTC)
    drift = theirs - (before + (after - before) / 2)
    if abs(drift) <= AGREEMENT:
        return Finding("clock", Verdict.GOOD, "the database's and this machine's agree")
    told = f"{lasting(abs(drift))} {'ahead of' if drift > timedelta() else 'behind'} this machine's"
    if abs(drift) > LARGEST_DRIFT:
        return Finding("clock", Verdict.WRONG, f"the database's is {told}; set both by NTP")
    return Finding("clock", Verdict.NOTE, f"the database's is {told}")


async def _writable(ob: Onbeat) -> Finding:
    """Raises StoreError where nothing can be written: read-only, or locked by somebody."""
    await (await ob.store()).look(lambda now: duties.held_by_another("doctor", "", now))
    return Finding("writes", Verdict.GOOD, "the database takes them")


async def _connections(ob: Onbeat) -> Finding:
    used, most = await (await ob.store()).read(connections_in_use)
    told = f"{used} of {most} in use; a worker takes about five"
    if used > most * CROWDED:
        return Finding("connections", Verdict.NOTE, f"{told}: raise max_connections, or pool them")
    return Finding("connections", Verdict.GOOD, told)


async def _scheduler(ob: Onbeat) -> Finding:
    store = await ob.store()
    resting = await store.read(_schedulers_at_rest)
    if resting:
        told = "; ".join(f"{each.id} is {each.snapshot.status}" for each in resting[:3])
        verb = "start" if resting[0].snapshot.status is Status.STOPPED else "resume"
        return Finding("scheduler", Verdict.NOTE, f"none is at work: {told}; `onbeat services "
                       f"{verb} {resting[0].id}`")  # fmt: skip
    if await store.read(has_scheduler):
        return Finding("scheduler", Verdict.GOOD, "one is there")
    told = "none is there: schedules make no jobs until `onbeat scheduler` or `onbeat up` runs"
    return Finding("scheduler", Verdict.NOTE, told)


def _schedulers_at_rest(connection: Connection, now: datetime) -> tuple[SeenService, ...]:
    return at_rest(processes.list_processes(connection, now), SCHEDULER)


async def _workers(ob: Onbeat) -> Finding:
    sessions = await ob.workers.list()
    verdict = Verdict.GOOD if sessions else Verdict.NOTE
    return Finding("workers", verdict, f"{many(len(sessions), 'worker')} there")


async def _schedules(ob: Onbeat) -> Finding:
    names, count = await (await ob.store()).read(schedules.set_aside)
    if not names:
        return Finding("schedules", Verdict.GOOD, "none is set aside")
    shown = ", ".join(names) + (", …" if count > len(names) else "")
    told = f"{many(count, 'schedule')} set aside, and making no jobs: {shown}"
    return Finding("schedules", Verdict.NOTE, f"{told}; `onbeat schedules show {names[0]}`")
