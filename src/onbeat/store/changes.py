"""What changed lately, read for those who follow it; the statements of jobs write nothing for it.

Jobs asked for lie by their ids, ends by their moment, what was done by hand by the ids of its
entries: each is read from a moment on (see domain/lateness.py). What runs, and the workers, are few
rows: they are read whole, and compared with what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    type_coerce,
)

from onbeat.domain.jobs import ID_DIGITS
from onbeat.domain.marks import owner_in
from onbeat.domain.states import FINAL_STATES
from onbeat.store.among import among
from onbeat.store.schema import (
    attempts,
    audit,
    blocked,
    delayed,
    finished,
    jobs,
    leases,
    logs,
    ready,
    schedules,
    sessions,
)

MOST_ROWS = 10_000
"""Rows of one kind that a look reads: of more it says that there were too many."""

MOST_RUNNING = 20_000

MOST_LINES = 1_000
"""Log lines that one look reads; the next goes on behind them."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""By how much the clock of a machine that asks for jobs, and gives them their ids, may lag."""

LAGS = timedelta(seconds=5)
"""By how much it must lag to be looked for apart; what lags less is among what is read anyway."""

BRANCHES = 200
"""Of one condition: SQLite fails at one of a thousand."""

LINES_LATE = timedelta(hours=1)
"""How far back log lines are looked for: their moments are the worker's."""


Since = Callable[[datetime, frozenset[int] | None], datetime]
"""From which moment on is to be read, now, while these transactions write."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A job that was asked for."""

    job: str
    task: str
    queue: str
    schedule: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """An end of a job."""

    job: str
    at: datetime
    task: str
    queue: str
    state: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs."""

    token: int
    job: str
    task: str
    queue: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Something done by hand."""

    id: str
    subject_kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw; None where there was too much of it."""

    at: datetime
    writing: frozenset[int] | None
    since: datetime
    asked: Sequence[Asked] | None
    ended: Sequence[Ended] | None
    running: Mapping[int, Running] | None
    workers: Mapping[str, str]
    """How each is: `takes jobs`, `drains`, `has ended`."""
    entries: Sequence[Entry] | None
    heard_at: datetime | None
    """When a worker was last heard: then nobody held up all who write."""
    lagging: Sequence[Asked] = ()
    """Jobs whose ids are older than what was read, from a machine whose clock lags."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be known of jobs and schedules that changed."""

    jobs: Mapping[str, Asked]
    schedules: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    """The name of each, and whose it is."""


def writing(connection: Connection) -> frozenset[int] | None:
    """The transactions that write now; None on SQLite, where one alone writes at a time."""
    if connection.dialect.name != "postgresql":
        return None
    shown = connection.execute(text("SELECT CAST(pg_current_snapshot() AS text)")).scalar_one()
    return frozenset(int(each) for each in shown.split(":")[2].split(",") if each)


def see(
    connection: Connection,
    now: datetime,
    since: Since,
    lagging: datetime | None = None,
) -> Sight:
    """Look once. With `lagging`, also at jobs stored since then whose ids are older than that.

    What runs is read before what has ended: what is not there any more, has ended by then.
    """
    written = writing(connection)
    floor = since(now, written)
    running = _running(connection)
    workers, heard_at = _workers(connection)
    asked = _asked(connection, jobs.c.id >= first_id(floor))
    late = () if lagging is None else _lagging(connection, now, floor, lagging)
    return Sight(
        now, written, floor, asked, _ended(connection, floor), running, workers,
        _entries(connection, floor), heard_at, late,
    )  # fmt: skip


def clock(connection: Connection) -> datetime:
    """The moment it is on the database's own clock; of PostgreSQL alone."""
    moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)  # type: ignore[no-any-return] # a timestamptz


def facts(
    connection: Connection, now: datetime, wanted: Collection[str], known: Sequence[Asked],
    named: Collection[str],
) -> Facts:  # fmt: skip
    """What is on record of these jobs, of the schedules of all, and of those with these names."""
    found = {each.job: each for each in known}
    if missing := [job for job in wanted if job not in found]:
        more = _asked(connection, among(connection, jobs.c.id, missing)) or ()
        found |= {each.job: each for each in more}
    of_jobs = {each.schedule for each in found.values() if each.schedule is not None}
    if not of_jobs and not named:
        return Facts(found)
    of_them = or_(among(connection, schedules.c.id, of_jobs), schedules.c.name.in_(list(named)))
    rows = connection.execute(
        select(schedules.c.id, schedules.c.name, schedules.c.owner).where(of_them)
    )
    return Facts(found, {row.id: (row.name, row.owner) for row in rows})


def waiting_again(connection: Connection, now: datetime) -> list[str] | None:
    """Jobs that wait for another attempt; None where they are many."""
    found: list[str] = []
    for table in (delayed, ready, blocked):
        query = select(table.c.job).where(table.c.attempt > 0).limit(MOST_ROWS + 1)
        found += connection.scalars(query)
    return found if len(found) <= MOST_ROWS else None


@dataclass(frozen=True, slots=True)
class Line:
    """A log line."""

    job: str
    token: int
    number: int
    at: datetime
    level: str
    message: str
    fields: str


Places = Mapping[int, int]
"""How far each attempt's lines are known, by its token."""


def last_lines(
    connection: Connection, now: datetime, watched: Collection[str]
) -> dict[str, dict[int, int]]:
    """The last line of each attempt of these jobs."""
    found: dict[str, dict[int, int]] = {job: {} for job in watched}
    rows = connection.execute(
        select(logs.c.job, logs.c.token, func.max(logs.c.line).label("line"))
        .where(among(connection, logs.c.job, watched), logs.c.at >= now - LINES_LATE)
        .group_by(logs.c.job, logs.c.token)
    )
    for row in rows:
        found[row.job][row.token] = row.line
    return found


def lines_beyond(
    connection: Connection, now: datetime, known: Mapping[str, Places]
) -> list[Line]:  # fmt: skip
    """Lines of these jobs that are not known, those of each attempt in their order."""
    found: list[Line] = []
    branches = _beyond(known)
    while some := list(islice(branches, BRANCHES)):
        rows = connection.execute(
            select(logs)
            .where(or_(*some), logs.c.at >= now - LINES_LATE)
            .order_by(logs.c.job, logs.c.token, logs.c.line)
            .limit(MOST_LINES - len(found))
        )
        found += [
            Line(row.job, row.token, row.line, row.at, row.level, row.message, row.fields)
            for row in rows
        ]
        if len(found) >= MOST_LINES:
            break
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running attempt has come."""

    token: int
    attempt: int
    fraction: float | None
    note: str | None

    @property
    def is_said(self) -> bool:
        """Whether the attempt has said anything of it; none has when it begins."""
        return self.fraction is not None or self.note is not None


def progress_of(
    connection: Connection, now: datetime, watched: Collection[str]
) -> dict[str, Progress]:
    """How far those of the jobs have come that run."""
    rows = connection.execute(
        select(leases.c.job, leases.c.token, leases.c.attempt, leases.c.progress, leases.c.note)
        .where(among(connection, leases.c.job, watched))
    )  # fmt: skip
    return {row.job: Progress(row.token, row.attempt, row.progress, row.note) for row in rows}


def _beyond(known: Mapping[str, Places]) -> Iterator[ColumnElement[bool]]:
    """What one of these holds for is not known; each attempt falls under one of them."""
    for job, places in known.items():
        of_it = logs.c.job == job
        for token, line in places.items():
            yield and_(of_it, logs.c.token == token, logs.c.line > line)
        yield and_(of_it, logs.c.token > max(places, default=-1))


def _asked(connection: Connection, which: ColumnElement[bool]) -> list[Asked] | None:
    rows = connection.execute(
        select(jobs.c.id, jobs.c.task, jobs.c.queue, jobs.c.schedule, jobs.c.ties)
        .where(which)
        .limit(MOST_ROWS + 1)
    ).all()
    if len(rows) > MOST_ROWS:
        return None
    return [
        Asked(row.id, row.task, row.queue, row.schedule, owner_in(row.ties)) for row in rows
    ]  # fmt: skip


def _lagging(
    connection: Connection, now: datetime, floor: datetime, stored_since: datetime
) -> Sequence[Asked]:
    row = jobs.c
    behind = and_(
        row.id >= first_id(now - CLOCKS_DIFFER), row.id < first_id(floor),
        row.created_at >= stored_since, _lags(connection),
    )  # fmt: skip
    return _asked(connection, behind) or ()


def _lags(connection: Connection) -> ColumnElement[bool]:
    """Whether the moment in the id is older than when the job was stored by more than LAGS."""
    row, lags = jobs.c, LAGS // timedelta(milliseconds=1)
    if connection.dialect.name == "postgresql":
        millis = cast(func.extract("epoch", row.created_at) * 1000, BigInteger) - lags
        made = func.left(func.replace(cast(row.id, Text), "-", ""), 12)
        return made < func.lpad(func.to_hex(millis), 12, "0")
    stored = type_coerce(row.created_at, Integer) / 1000 - lags
    return func.substr(row.id, 1, 12) < func.printf("%012x", cast(stored, Integer))


def _ended(connection: Connection, since: datetime) -> list[Ended] | None:
    row = finished.c
    rows = connection.execute(
        select(row.job, row.finished_at, row.task, row.queue, row.outcome, row.attempts)
        .where(row.outcome.in_(sorted(FINAL_STATES)), row.finished_at >= since)
        .limit(MOST_ROWS + 1)
    ).all()
    if len(rows) > MOST_ROWS:
        return None
    return [Ended(*each) for each in rows]


def _running(connection: Connection) -> dict[int, Running] | None:
    row = leases.c
    rows = connection.execute(
        select(row.token, row.job, row.task, row.queue, row.attempt).limit(MOST_RUNNING + 1)
    ).all()
    if len(rows) > MOST_RUNNING:
        return None
    return {each.token: Running(*each) for each in rows}


def _workers(connection: Connection) -> tuple[dict[str, str], datetime | None]:
    row = sessions.c
    rows = connection.execute(select(row.id, row.draining, row.ended_at, row.heartbeat_at)).all()
    found = {
        row.id: "has ended" if row.ended_at else "drains" if row.draining else "takes jobs"
        for row in rows
    }
    return found, max((row.heartbeat_at for row in rows), default=None)


def _entries(connection: Connection, since: datetime) -> list[Entry] | None:
    rows = connection.execute(
        select(audit.c.id, audit.c.subject_kind, audit.c.subject)
        .where(audit.c.id >= first_id(since - CLOCKS_DIFFER))
        .limit(MOST_ROWS + 1)
    ).all()
    return [Entry(*row) for row in rows] if len(rows) <= MOST_ROWS else None


def first_id(moment: datetime) -> ColumnElement[str]:
    """The first id that could be made then: its first 48 bits are milliseconds (RFC 9562)."""
    millis = max(int(moment.timestamp() * 1000), 0)
    return literal(f"{millis:012x}".ljust(ID_DIGITS, "0"), jobs.c.id.type)


def attempts_of(
    connection: Connection, now: datetime, wanted: Collection[str]
) -> dict[tuple[str, int], int]:
    """The number of each ended attempt of these jobs, by job and token."""
    rows = connection.execute(
        select(attempts.c.job, attempts.c.token, attempts.c.attempt)
        .where(among(connection, attempts.c.job, wanted))
    )  # fmt: skip
    return {(row.job, row.token): row.attempt for row in rows}
