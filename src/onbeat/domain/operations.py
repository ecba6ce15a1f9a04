"""Operations: one thing that is done to many jobs, by the servers, in bounded batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.job_cursors import Sort
from onbeat.domain.job_filters import JobFilter, Scalar, Wanted, read_filter
from onbeat.domain.jobs import JobId
from onbeat.domain.schedule_operations import SchedulesMeant
from onbeat.domain.states import FINAL_STATES, State

MOST_IDS = 1_000
"""Jobs that may be named; more are found by a filter."""

COUNTED = 10_000
"""How far jobs that fit are counted."""

MOST_FAILURES = 20
"""Jobs that could not be changed of which it is kept why."""

SHOWN = 20
"""Jobs that a dry run names."""


class Action(StrEnum):
    """What is done to the jobs."""

    CANCEL = "cancel"
    """Call off those that wait, ask those that run to stop."""
    RETRY = "retry"
    """Run ended ones again, their attempts counted from one."""
    REDRIVE = "redrive"
    """The same for dead letters: those that failed."""

    @property
    def states(self) -> frozenset[State]:
        """Of which jobs it is an action."""
        if self is Action.REDRIVE:
            return frozenset({State.FAILED})
        return frozenset(State) - FINAL_STATES if self is Action.CANCEL else FINAL_STATES


class Stage(StrEnum):
    """How far an operation is."""

    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"


class Where(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which jobs are meant, as a list of jobs is filtered; what is not given means any."""

    state: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    schedule: tuple[str, ...] = ()
    """The ids of the schedules that made them."""
    tag: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    id: str | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    finished_since: datetime | None = None
    finished_until: datetime | None = None
    error: str | None = None
    args: Mapping[str, Scalar] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What is to be done, and to which jobs: those that are named, or those that fit."""

    action: Action
    where: Where
    ids: Sequence[JobId] = ()
    reason: str = "cancelled"
    owner: str | None = None
    """Whose jobs alone; None for everybody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """How many jobs fit, and the first of them."""

    count: int
    is_exact: bool
    """Otherwise there are more."""
    ids: Sequence[JobId]


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that could not be changed, and why; of schedules, the name of one."""

    job: JobId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation, and how far it has come."""

    id: str
    meant: Meant | SchedulesMeant
    by: str
    created_at: datetime
    total: int
    """How many jobs fit when it began."""
    is_total_exact: bool
    """Otherwise there were more."""
    done: int
    """How many were changed."""
    failed: int
    """How many could not be."""
    failures: Sequence[Failure]
    """The first of these."""
    stage: Stage
    ended_at: datetime | None


def read_meant(meant: Meant) -> Meant:
    """Check it; what a redrive and an owner leave out is filled in. Raises InvalidInput."""
    if bool(meant.ids) is _says_anything(meant.where):
        raise InvalidInput("where", "give either where, with at least one field, or ids: an "
                           "operation is never on all jobs by omission")  # fmt: skip
    if len(meant.ids) > MOST_IDS:
        raise InvalidInput("ids", f"{len(meant.ids):,} are too many; give at most {MOST_IDS:,}, or "
                           "a filter")  # fmt: skip
    where = msgspec.structs.replace(meant.where, state=_states(meant))
    if meant.owner is not None:
        where = msgspec.structs.replace(where, owner=(meant.owner,))
    _filter(where, None, 1)
    return replace(meant, where=where, ids=tuple(dict.fromkeys(meant.ids)))


def _says_anything(where: Where) -> bool:
    """Whether a field of it picks jobs: an empty list, text or object picks none and all."""
    return any(getattr(where, name) for name in where.__struct_fields__)


def _states(meant: Meant) -> tuple[str, ...]:
    """The states in which jobs are meant."""
    given, possible = meant.where.state, meant.action.states
    if meant.action is Action.RETRY and not given and not meant.ids:
        raise InvalidInput("state", "it is not said which are to run again; give failed, or other "
                           "states that are ends")  # fmt: skip
    if wrong := [state for state in given if state not in possible]:
        told = f"{meant.action} is nothing for jobs that are {', '.join(wrong)}"
        raise InvalidInput("state", f"{told}; give of {', '.join(sorted(possible))}")
    return given or tuple(sorted(possible))


def wanted_of(meant: Meant, began: datetime, after: JobId | None, limit: int) -> Wanted:
    """The jobs of the next batch, the oldest first: of those that were there when it began, and,
    where it is about how they ended, had ended by then.
    """
    where = meant.where
    bounds = {"created_until": _first(where.created_until, began)}
    if meant.action is not Action.CANCEL:
        bounds["finished_until"] = _first(where.finished_until, began)
    return _filter(msgspec.structs.replace(where, **bounds), after, limit)


def _first(given: datetime | None, began: datetime) -> datetime:
    return began if given is None else min(given, began)


def _filter(where: Where, after: JobId | None, limit: int) -> Wanted:
    fields: dict[str, Any] = {
        name: getattr(where, name) or None for name in where.__struct_fields__
    }
    return read_filter(JobFilter(**fields, sort=Sort.OLDEST, after=after, limit=limit))
