"""Brings a crontab into the store: a schedule of the task `shell` for each of its entries.

What was brought in before from the same crontab is changed where the file says something else,
and left alone where it does not: reading a file twice makes nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.domain.crontab import Crontab, Entry, Passed, schedule_names
from onbeat.domain.errors import Conflict, InvalidArguments, InvalidInput
from onbeat.domain.jobs import DEFAULT_PRIORITY, DEFAULT_QUEUE, check_name
from onbeat.domain.recurrence import Boot
from onbeat.domain.schedules import CatchUp, CatchUpMode, Overlap, Schedule
from onbeat.domain.url_passwords import hide_passwords
from onbeat.runtime.machine import boot_id, host_name
from onbeat.runtime.shell import shell_definition
from onbeat.store import schedules as stored
from onbeat.store.payloads import job_options
from onbeat.store.schedule_rows import differ
from onbeat.store.wakeups import SCHEDULER

LONGEST_LABEL = 120
"""Characters; a name has room for the command and two numbers behind it."""

NO_CATCH_UP = CatchUp(CatchUpMode.NONE)


HERE = "(this machine)"
"""No host is called that."""

MOST_TOLD = 20
"""Wrong lines that a refusal tells."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a crontab is from; with the same origin it is the same crontab."""

    label: str
    host: str | None
    """The machine, where many may share the database."""

    @property
    def source(self) -> str:
        """As its schedules have it."""
        named = f"crontab:{self.label}"
        return named if self.host is None else f"{named}@{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """How all entries of a crontab are treated. Unsaid, as cron does: no catching up, overlaps."""

    catch_up: CatchUp = NO_CATCH_UP
    overlap: Overlap = Overlap.ALLOW
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    timeout: timedelta | None = None


class Change(StrEnum):
    """What becomes of an entry's schedule."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An entry and its schedule."""

    entry: Entry
    schedule: Schedule
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What came of a crontab, or would."""

    brought: tuple[Brought, ...]
    passed: tuple[Passed, ...]
    """Lines that became nothing."""
    gone: tuple[Schedule, ...]
    """Schedules that were brought in before and whose lines are there no more."""
    pruned: bool = False
    """Whether those were removed."""

    @property
    def bad(self) -> tuple[Passed, ...]:
        """The lines that are wrong."""
        return tuple(each for each in self.passed if each.is_bad)


class Crontabs:
    """`ob.crontabs`: crontabs brought in as schedules."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    def preview(
        self, label: str, crontab: Crontab, policies: Policies, *, prune: bool = False
    ) -> Import:
        """What `bring_in` would make in an empty database, without one. Raises InvalidInput."""
        wanted, passed = self._wanted(self._from(label), crontab, policies, prune=prune)
        found = [
            Brought(entry=entry, schedule=schedule, change=Change.ADDED)
            for entry, schedule in wanted
        ]
        return Import(brought=tuple(found), passed=passed, gone=())

    async def compare(
        self, label: str, crontab: Crontab, policies: Policies, *, prune: bool = False,
        host: str | None = HERE,
    ) -> Import:  # fmt: skip
        """What `bring_in` would do, without doing it. Raises InvalidInput, Conflict."""
        origin = self._from(label, host)
        wanted, passed = self._wanted(origin, crontab, policies, prune=prune)
        source = origin.source
        brought, gone = await self._context.read(
            lambda connection, now: _compare(connection, now, source, wanted)
        )
        return Import(brought=brought, passed=passed, gone=gone)

    async def bring_in(
        self,
        label: str,
        crontab: Crontab,
        policies: Policies,
        *,
        paused_by: str | None = None,
        prune: bool = False,
        whole: bool = False,
        host: str | None = HERE,
    ) -> Import:
        """Make and change schedules, all in one transaction; with `prune` remove those gone.

        `label` names the crontab: the same one again is the same crontab. `paused_by` pauses
        those that are added; a pause of others stays. While a line is wrong nothing is pruned: it
        may be the line of a schedule that seems gone; with `whole` nothing is made then. Where a
        database may be shared, `host` says whose crontab it is: unsaid, this machine's. Raises
        InvalidInput, also for `prune` with a crontab that runs nothing, and Conflict.
        """
        origin = self._from(label, host)
        wanted, passed = self._wanted(origin, crontab, policies, prune=prune)
        bad = [each for each in passed if each.is_bad]
        if whole and bad:
            raise _wrong_lines(bad)
        pruned = prune and not bad
        source = origin.source
        store = await self._context.store()

        def work(
            connection: Connection, now: datetime
        ) -> tuple[tuple[Brought, ...], tuple[Schedule, ...]]:
            brought, gone = _compare(connection, now, source, wanted)
            made = tuple(
                _apply(connection, now, each, store.new_id(), paused_by) for each in brought
            )
            for schedule in gone if pruned else ():
                stored.remove(connection, now, schedule.name)
            return made, gone

        brought, gone = await self._context.change(
            "crontab.import", ("crontab", source), work, look=partial(_names_from, source=source)
        )
        store.wakeups.send([SCHEDULER])
        return Import(brought=brought, passed=passed, gone=gone, pruned=pruned)

    def _from(self, label: str, host: str | None = HERE) -> Origin:
        """Where it is from; a SQLite file is of one machine."""
        if self._context.url.startswith("sqlite"):
            return Origin(label, None)
        return Origin(label, host_name() if host == HERE else host)

    def _wanted(
        self, origin: Origin, crontab: Crontab, policies: Policies, *, prune: bool
    ) -> tuple[list[tuple[Entry, Schedule]], tuple[Passed, ...]]:
        check_name("name", origin.label)
        names = schedule_names(origin.label[:LONGEST_LABEL], crontab.entries)
        wanted, passed = [], list(crontab.passed)
        for name, entry in zip(names, crontab.entries, strict=True):
            try:
                wanted.append((entry, _schedule(name, entry, origin, policies)))
            except InvalidArguments as error:
                passed.append(Passed(line=entry.line, reason=str(error)))
        if prune and not wanted:
            _refuse_pruning_all(passed)
        return wanted, tuple(sorted(passed, key=lambda each: each.line))


def _schedule(name: str, entry: Entry, origin: Origin, policies: Policies) -> Schedule:
    is_boot = entry.recurrence is None
    task = shell_definition()
    options = job_options(policies.timeout, None, task.arguments.secrets)
    return Schedule(
        id="",
        name=name,
        task=task.name,
        recurrence=entry.recurrence or Boot(seen=_seen_of(origin), host=origin.host),
        args=task.arguments.encode((), _arguments(entry)).decode(),
        queue=policies.queue,
        priority=policies.priority,
        max_attempts=task.retry.attempts,
        options=None if options is None else options.decode(),
        # A start that nobody looked for within seconds is still one to act on.
        catch_up=CatchUp() if is_boot else policies.catch_up,
        overlap=policies.overlap,
        source=origin.source,
    )


def _seen_of(origin: Origin) -> str:
    """The start that is not to be acted on: this machine's; of another none is known."""
    return (boot_id() or "") if origin.host in (None, host_name()) else ""


def _wrong_lines(bad: Sequence[Passed]) -> InvalidInput:
    """The refusal of a crontab for its wrong lines."""
    told = "; ".join(f"line {each.line}: {each.reason}" for each in bad[:MOST_TOLD])
    more = f"; and {len(bad) - MOST_TOLD} more" if len(bad) > MOST_TOLD else ""
    return InvalidInput("crontab", f"{hide_passwords(told)}{more}; nothing was made")


def _names_from(connection: Connection, now: datetime, source: str) -> dict[str, Any]:
    return {"schedules": [each.name for each in stored.from_source(connection, now, source)]}


def _refuse_pruning_all(passed: Sequence[Passed]) -> None:
    """Raise InvalidInput for a crontab that says nothing, unless its wrong lines tell why.

    A redirection or a pipe that failed (`crontab -l | …`) hands over an empty one.
    """
    if not any(each.is_bad for each in passed):
        raise InvalidInput(
            "prune", "the crontab is empty: no line of it runs a command; if that is meant, "
            "remove its schedules with `onbeat schedules rm`",
        )  # fmt: skip


def _arguments(entry: Entry) -> dict[str, Any]:
    """What the task is told; what says nothing is left out."""
    told = {
        "command": entry.command,
        "stdin": entry.stdin or None,
        "env": dict(entry.variables) or None,
        "user": entry.user,
    }
    return {name: value for name, value in told.items() if value is not None}


def _compare(
    connection: Connection,
    now: datetime,
    source: str,
    wanted: Sequence[tuple[Entry, Schedule]],
) -> tuple[tuple[Brought, ...], tuple[Schedule, ...]]:
    before = {each.name: each for each in stored.from_source(connection, now, source)}
    found = []
    for entry, schedule in wanted:
        known = before.pop(schedule.name, None)
        if known is None:
            _refuse_taken(connection, schedule.name)
            found.append(Brought(entry=entry, schedule=schedule, change=Change.ADDED))
            continue
        kept = _with_what_was_seen(schedule, known)
        differs = differ(known, kept) or known.broken is not None
        change = Change.CHANGED if differs else Change.SAME
        found.append(Brought(entry=entry, schedule=kept, change=change))
    return tuple(found), tuple(before[name] for name in sorted(before))


def _refuse_taken(connection: Connection, name: str) -> None:
    if not stored.is_free(connection, name):
        raise Conflict(
            f"a schedule named {name!r} exists and did not come from this crontab; give the "
            "crontab another --name, or remove that schedule"
        )


def _with_what_was_seen(schedule: Schedule, known: Schedule) -> Schedule:
    """The schedule with what only the stored one knows: its number, pause, and last boot."""
    recurrence = schedule.recurrence
    if isinstance(recurrence, Boot) and isinstance(known.recurrence, Boot):
        recurrence = replace(known.recurrence, host=recurrence.host)
    return replace(
        known,
        **{name: getattr(schedule, name) for name in DECIDED},
        recurrence=recurrence,
    )


DECIDED = (
    "task", "args", "queue", "priority", "max_attempts", "options", "catch_up", "overlap",
)  # fmt: skip
"""What a crontab and the options of its import decide, beside the time."""


def _apply(
    connection: Connection, now: datetime, brought: Brought, new_id: str, paused_by: str | None
) -> Brought:
    """Write what is to be written; the schedule as it is stored."""
    schedule = brought.schedule
    match brought.change:
        case Change.ADDED:
            schedule = stored.create(connection, now, replace(schedule, id=new_id))
            if paused_by is not None:
                stored.pause(connection, now, schedule.name, paused_by)
                schedule = stored.find(connection, now, schedule.name)
        case Change.CHANGED:
            schedule = stored.change(connection, now, schedule)
        case Change.SAME:
            pass
    return replace(brought, schedule=schedule)
