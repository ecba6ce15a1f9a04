"""What is done to many schedules at once, by the servers, and which are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId

MOST_NAMES = 1_000
"""Schedules that may be named; more are found by a filter."""


class ScheduleAction(StrEnum):
    """What is done to the schedules."""

    PAUSE = "pause"
    """Make no more jobs until they are resumed."""
    RESUME = "resume"
    """Go on from then."""
    REMOVE = "remove"
    """Take them away; their jobs and their record stay."""


class ScheduleWhere(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which schedules are meant: of a field's values one is enough, and all fields hold."""

    name: tuple[str, ...] = ()
    prefix: str | None = None
    """What their names begin with."""
    task: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    paused: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesMeant:
    """What is to be done, and to which schedules."""

    action: ScheduleAction
    where: ScheduleWhere
    reason: str = ""
    until: datetime | None = None
    """When those that are paused go on by themselves."""
    owner: str | None = None
    """Whose schedules alone; None for everybody's."""
    ids: Sequence[JobId] = ()
    """None: they are named in `where`."""


def read_schedules_meant(meant: SchedulesMeant) -> SchedulesMeant:
    """Check it, and keep it to its owner. Raises InvalidInput."""
    where = meant.where
    if not any(getattr(where, name) not in ((), None, "") for name in where.__struct_fields__):
        raise InvalidInput("where", "it says nothing; give at least one field: an operation is "
                           "never on all schedules by omission")  # fmt: skip
    if len(where.name) > MOST_NAMES:
        raise InvalidInput("name", f"{len(where.name):,} are too many; give at most "
                           f"{MOST_NAMES:,}, or another filter")  # fmt: skip
    if meant.until is not None and meant.action is not ScheduleAction.PAUSE:
        raise InvalidInput("until", f"it is of a pause; leave it out of {meant.action}")
    if meant.owner is None:
        return meant
    return replace(meant, where=msgspec.structs.replace(where, owner=(meant.owner,)))
