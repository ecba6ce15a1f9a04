"""When a rule, or a schedule that is stored, would be due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from onbeat.app.facts.schedules import Preview
from onbeat.app.onbeat import Onbeat
from onbeat.app.reading.when import When
from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.recurrence.recurrence import due_from, stamp
from onbeat.domain.schedules import Schedule


def preview_of_rule(
    recurrence: Recurrence, when: When, *, begin: datetime, now: datetime, count: int
) -> Preview:
    """The next `count` moments from `begin` on, of what was read from `when`.

    Raises InvalidRecurrence where there is none.
    """
    found = list(islice(due_from(recurrence, begin), count))
    if not found:
        raise _never(when.field or "from", "it", begin, recurrence.describe())
    warnings = (*when.unheeded(recurrence), *recurrence.warnings(found[0]))
    return Preview(recurrence, found, tuple(dict.fromkeys(warnings)), now)


async def preview_of_schedule(
    ob: Onbeat, name: str, *, begin: datetime | None, count: int, must_be_due: bool = True
) -> Preview:
    """The same of a schedule, within its bounds; from what its clock shows where none is given.

    Raises NotFound, and InvalidRecurrence where it is never due and must be.
    """
    schedule = await ob.schedules.find(name)
    now = await ob.schedules.now(schedule)
    found = await ob.schedules.preview(schedule, begin=begin or now, count=count)
    warnings = (*await ob.schedules.warnings(name), *_held(schedule))
    if not found and must_be_due:
        raise _never("from", repr(name), begin or now, _bounded(schedule))
    return Preview(schedule.recurrence, found, warnings, now)


def _held(schedule: Schedule) -> Iterator[str]:
    """What keeps moments from making jobs, which a preview does not ask."""
    if schedule.paused_at is not None:
        until = f" until {stamp(schedule.paused_until)}" if schedule.paused_until else ""
        yield f"it is paused{until}; `onbeat schedules resume {schedule.name}` lets it go on"
    if schedule.skips:
        left = "moment is" if schedule.skips == 1 else f"{schedule.skips:,} moments are"
        yield f"its next {left} left out, by {schedule.skips_by}"
    if schedule.recurrence.after_finish is not None:
        yield "it rests after each job's end, so that only its next moment is known"


def _bounded(schedule: Schedule) -> str:
    """When it is due, and what ends that."""
    until = f", until {stamp(schedule.end_at)}" if schedule.end_at else ""
    limit = schedule.limit
    jobs = "job" if limit == 1 else "jobs"
    used = "" if limit is None else f", {schedule.made:,} of {limit:,} {jobs} made"
    return schedule.recurrence.describe() + until + used


def _never(field: str, what: str, begin: datetime, described: str) -> InvalidRecurrence:
    return InvalidRecurrence(
        field, f"{what} is never due at or after {stamp(begin)}: {described}; look from earlier on"
    )
