"""Which jobs a list shows, in which order: as a user asks for it, and checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.job_cursors import Position, Sort, read_cursor
from onbeat.domain.jobs import ID_DIGITS, Job, check_page
from onbeat.domain.marks import check_owner, check_tag
from onbeat.domain.recurrence.recurrence import aware
from onbeat.domain.states import FINAL_STATES, State

T = TypeVar("T")

Several: TypeAlias = T | Sequence[T] | None
"""One value, several of which one is enough, or None for any."""

Scalar: TypeAlias = str | int | float | bool | None

MOST_VALUES = 20
"""How many values a field may have."""

LONGEST_TEXT = 1_000
DEEPEST_PATH = 10
_LONG = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list, and which page. Of a field's values one is enough; all fields hold."""

    state: Several[str] = None
    task: Several[str] = None
    queue: Several[str] = None
    schedule: Several[str] = None
    """The ids of the schedules that made them."""
    name: Several[str] = None
    """What they go by: the name of the schedule that made them, else of their task."""
    search: str | None = None
    """What their task or the name of their schedule holds, in any case of letters."""
    search_reasons: bool = False
    """Whether one is found by its reason, too, as by `error`."""
    tag: Several[str] = None
    owner: Several[str] = None
    region: Several[str] = None
    """Where the queue is that they were sent to."""
    id: str | None = None
    """What their ids begin with."""
    created_since: datetime | None = None
    created_until: datetime | None = None
    finished_since: datetime | None = None
    finished_until: datetime | None = None
    error: str | None = None
    """What the reason holds for which they stand where they stand, in any case of letters."""
    args: Mapping[str, Scalar] | None = None
    """What is at which place of their arguments: `{"customer.id": 42}`; secrets are never met."""
    sort: Sort | str = Sort.NEWEST
    after: str | None = None
    """The cursor of a page, or, by when they were made, the id of a job: what comes after it."""
    before: str | None = None
    """The same: what comes before it."""
    limit: int = 50


class Field(StrEnum):
    """What jobs are chosen by."""

    STATE = "state"
    TASK = "task"
    QUEUE = "queue"
    SCHEDULE = "schedule"
    NAME = "name"
    SEARCH = "search"
    TAG = "tag"
    OWNER = "owner"
    REGION = "region"
    ID = "id"
    CREATED = "created"
    FINISHED = "finished"
    ERROR = "error"
    ARGS = "args"


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment to another, both within; None for no bound."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ArgumentIs:
    """What is at a place of the arguments."""

    path: tuple[str, ...]
    value: Scalar

    def holds(self, args: str) -> bool:
        """Whether it is so in the JSON of some arguments."""
        found = msgspec.json.decode(args)
        for name in self.path:
            if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                return False
        if isinstance(self.value, bool) or isinstance(found, bool):
            return found is self.value
        return bool(found == self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter that was checked; empty means any."""

    states: tuple[State, ...]
    tasks: tuple[str, ...]
    queues: tuple[str, ...]
    schedules: tuple[str, ...]
    names: tuple[str, ...]
    named_tasks: tuple[str, ...] = ()
    """All names of the tasks that are called by one of `names`."""
    search: str | None
    search_reasons: bool
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    regions: tuple[str, ...]
    id_prefix: str
    created: Span
    finished: Span
    error: str | None
    args: tuple[ArgumentIs, ...]
    sort: Sort
    after: Position | None
    before: Position | None
    limit: int

    @property
    def fields(self) -> frozenset[Field]:
        """By what they are chosen."""
        given = {
            Field.STATE: self.states,
            Field.TASK: self.tasks,
            Field.QUEUE: self.queues,
            Field.SCHEDULE: self.schedules,
            Field.NAME: self.names,
            Field.SEARCH: self.search,
            Field.TAG: self.tags,
            Field.OWNER: self.owners,
            Field.REGION: self.regions,
            Field.ID: self.id_prefix,
            Field.CREATED: self.created != Span(),
            Field.FINISHED: self.finished != Span(),
            Field.ERROR: self.error,
            Field.ARGS: self.args,
        }
        return frozenset(field for field, value in given.items() if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some jobs of a list, in its order."""

    jobs: Sequence[Job]
    after: str | None
    """The cursor of what comes after these; None where nothing does."""
    before: str | None
    """The cursor of what comes before these; None where nothing does, or nobody has looked."""
    is_cut: bool = False
    """Whether there may be more that fit than are shown, for so many did not: go on from the
    cursor."""


def read_filter(given: JobFilter) -> Wanted:
    """Check a filter as a user gives it. Raises InvalidInput naming the field that is wrong."""
    check_page(given.limit)
    sort = _read_sort(given.sort)
    if given.after is not None and given.before is not None:
        raise InvalidInput("before", "it is given together with after; give one of them")
    states = _several("state", given.state, _read_state)
    if sort.is_by_end and any(not state.is_final for state in states):
        raise InvalidInput("sort", f"{sort} is by when they ended, and of these states some have "
                           f"no end; give {Sort.NEWEST} or {Sort.OLDEST}")  # fmt: skip
    return Wanted(
        states=tuple(FINAL_STATES) if sort.is_by_end and not states else states,
        tasks=_several("task", given.task, _read_text),
        queues=_several("queue", given.queue, _read_text),
        schedules=_several("schedule", given.schedule, _read_id),
        names=_several("name", given.name, _read_text),
        search=None if given.search is None else _read_text("search", given.search),
        search_reasons=given.search_reasons,
        tags=_several("tag", given.tag, lambda field, tag: check_tag(tag, field)),
        owners=_several("owner", given.owner, lambda field, owner: check_owner(owner, field)),
        regions=_several("region", given.region, _read_text),
        id_prefix="" if given.id is None else _read_prefix("id", given.id),
        created=_read_span("created", given.created_since, given.created_until),
        finished=_read_span("finished", given.finished_since, given.finished_until),
        error=None if given.error is None else _read_text("error", given.error),
        args=_read_args(given.args or {}),
        sort=sort,
        after=None if given.after is None else read_cursor("after", given.after, sort),
        before=None if given.before is None else read_cursor("before", given.before, sort),
        limit=given.limit,
    )


def _several(field: str, given: Any, read: Callable[[str, Any], T]) -> tuple[T, ...]:
    if given is None:
        return ()
    listed = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if len(listed) > MOST_VALUES:
        told = f"{len(listed)} values are too many; give at most {MOST_VALUES}"
        raise InvalidInput(field, told)
    return tuple(dict.fromkeys(read(field, each) for each in listed))


def _read_state(field: str, given: Any) -> State:
    try:
        return State(given)
    except ValueError:
        known = ", ".join(State)
        raise InvalidInput(field, f"{given!r} is no state; give one of {known}") from None


def _read_sort(given: Any) -> Sort:
    try:
        return Sort(given)
    except ValueError:
        known = ", ".join(Sort)
        raise InvalidInput("sort", f"{given!r} is no order; give one of {known}") from None


def _read_text(field: str, given: Any) -> str:
    """A text that a database can compare."""
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_TEXT:
        raise InvalidInput(field, f"it is no text of 1 to {LONGEST_TEXT:,} characters; give one, "
                           "or leave it out")  # fmt: skip
    if "\0" in given or (not given.isascii() and _has_half_a_pair(given)):
        raise InvalidInput(field, "it holds what no database keeps as text; leave that out")
    return given


def _has_half_a_pair(text: str) -> bool:
    return any("\ud800" <= each <= "\udfff" for each in text)


def _read_prefix(field: str, given: Any) -> str:
    digits = given.replace("-", "").strip().lower() if isinstance(given, str) else ""
    if not 0 < len(digits) <= ID_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise InvalidInput(field, f"{given!r} begins no id; give 1 to {ID_DIGITS} hexadecimal "
                           "digits")  # fmt: skip
    return digits


def _read_id(field: str, given: Any) -> str:
    digits = _read_prefix(field, given)
    if len(digits) < ID_DIGITS:
        raise InvalidInput(field, f"{given!r} is no id; it has {ID_DIGITS} hexadecimal digits")
    return digits


def _read_span(field: str, since: datetime | None, until: datetime | None) -> Span:
    span = Span(
        None if since is None else aware(since, f"{field}_since"),
        None if until is None else aware(until, f"{field}_until"),
    )
    if span.since is not None and span.until is not None and span.until < span.since:
        told = f"{span.until.isoformat()} is before {field}_since; give a later moment"
        raise InvalidInput(f"{field}_until", told)
    return span


def _read_args(given: Mapping[str, Any]) -> tuple[ArgumentIs, ...]:
    if not isinstance(given, Mapping) or len(given) > MOST_VALUES:
        raise InvalidInput("args", f"give at most {MOST_VALUES} places with what is there, as "
                           '{"customer.id": 42}')  # fmt: skip
    return tuple(ArgumentIs(_read_path(path), _read_scalar(path, each))
                 for path, each in given.items())  # fmt: skip


def _read_path(given: Any) -> tuple[str, ...]:
    path = tuple(given.split(".")) if isinstance(given, str) else ()
    if not 0 < len(path) <= DEEPEST_PATH or not all(
        name.isprintable() and '"' not in name and name for name in path
    ):
        raise InvalidInput("args", f"{given!r} is no place in arguments; give at most "
                           f"{DEEPEST_PATH} names with dots between them, as customer.id or "
                           "items.0.sku")  # fmt: skip
    return path


def _read_scalar(path: str, given: Any) -> Scalar:
    is_too_large = isinstance(given, int) and not -_LONG <= given < _LONG
    is_no_number = isinstance(given, float) and not math.isfinite(given)
    if not isinstance(given, str | int | float | None) or is_too_large or is_no_number:
        raise InvalidInput("args", f"what is at {path} cannot be compared with that; give a text, "
                           "a number of at most 64 bits, true, false or null")  # fmt: skip
    if isinstance(given, str) and given:
        return _read_text("args", given)
    return given
