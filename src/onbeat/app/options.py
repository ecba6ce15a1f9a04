"""What one call of a task overrides of it: checked as a user gives it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from onbeat.domain.breakers import Breaker
from onbeat.domain.clocks import check_clock
from onbeat.domain.durations import read_duration as domain_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name, check_priority
from onbeat.domain.limits import Limit
from onbeat.domain.marks import check_owner, check_tags
from onbeat.domain.retries import Retry, check_retry
from onbeat.domain.uniqueness import Keyer, Unique, check_unique
from onbeat.runtime.tasks import Definition, check_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one call overrides of its task; None leaves the task's own."""

    queue: str | None = None
    priority: int | None = None
    timeout: timedelta | None = None
    retry: Retry | None = None
    delay: timedelta | None = None
    at: datetime | None = None
    clock: str | None = None
    grace: timedelta | None = None
    limits: tuple[Limit, ...] | None = None
    """The limits it is under, in place of its task's."""
    region: str | None = None
    """Where it is wanted, in place of where its task is."""
    unique: Unique | Literal[False] | None = None
    keyer: Keyer | None = None
    """What makes keys by `unique`, where the task is known."""
    start_within: timedelta | Literal[False] | None = None
    start_by: datetime | None = None
    tags: tuple[str, ...] | None = None
    """What its job can be found by, beside the task's own tags."""
    owner: str | None = None
    """Whose its job is."""
    trace: tuple[tuple[str, str], ...] | None = None
    """The W3C trace context it is asked for in; see `Call.traced`."""


T = TypeVar("T", Limit, Breaker)

Limits = Limit | Sequence[Limit] | None


class JobOptions(TypedDict, total=False):
    """What `Task.opts` takes. With `region` it goes to that region's queue, or where its jobs go
    when that cannot take them; `queue` is not given then. With `clock`, `delay` and `at` are of
    that virtual clock; where it jumps past the moment by more than `grace`, the job is called off.

    `unique` says which jobs are the same, of which there is then one; False that none are, whatever
    the task says. A job that has not begun `start_within` the time after it might, or `start_by` a
    moment, is called off; False that it is not, whatever the task says. `limits=()` puts it under
    none. It can be found by `tags`, beside the task's own, and by its `owner`.
    """

    queue: str | None
    priority: int | None
    timeout: str | timedelta | None
    retry: Retry | None
    delay: str | timedelta | None
    at: datetime | None
    clock: str | None
    grace: str | timedelta | None
    limits: Limits
    region: str | None
    unique: Unique | Literal[False] | None
    start_within: str | timedelta | Literal[False] | None
    start_by: datetime | None
    tags: Sequence[str] | None
    owner: str | None


_KNOWN = tuple(JobOptions.__annotations__)


def read_options(**given: Unpack[JobOptions]) -> Options:
    """Check options as a user gives them. Raises InvalidInput naming the one that is wrong."""
    queue, priority, clock = given.get("queue"), given.get("priority"), given.get("clock")
    limits, retry, unique = given.get("limits"), given.get("retry"), given.get("unique")
    region, tags, owner = given.get("region"), given.get("tags"), given.get("owner")
    _refuse_unknown(given)
    _refuse_both(given, "delay", "at")
    _refuse_both(given, "queue", "region")
    _refuse_both(given, "start_within", "start_by")
    if unique is not None and unique is not False:
        check_unique(unique, "", None)
    if retry is not None:
        check_retry("retry", retry)
    return Options(
        queue=None if queue is None else check_name("queue", queue),
        priority=None if priority is None else check_priority(priority),
        timeout=read_timeout(given.get("timeout")),
        retry=retry,
        delay=read_duration("delay", given.get("delay")),
        at=_read_moment("at", given.get("at")),
        clock=None if clock is None else check_clock(clock),
        grace=read_duration("grace", given.get("grace")),
        limits=None if limits is None else read_limits(limits),
        region=None if region is None else check_name("region", region),
        unique=unique,
        start_within=_read_own_start(given.get("start_within")),
        start_by=_read_moment("start_by", given.get("start_by")),
        tags=None if tags is None else check_tags(tags),
        owner=None if owner is None else check_owner(owner),
    )


def _refuse_unknown(given: JobOptions) -> None:
    for name in given:
        if name not in _KNOWN:
            close = get_close_matches(name, _KNOWN, n=1)
            meant = f"is {close[0]} meant?" if close else f"give one of {', '.join(_KNOWN)}"
            raise InvalidInput(name, f"a call has no such option; {meant}")


def _refuse_both(given: JobOptions, one: str, other: str) -> None:
    if given.get(one) is not None and given.get(other) is not None:
        raise InvalidInput(other, f"it is given together with {one}; give one of them")


def _read_moment(name: str, moment: datetime | None) -> datetime | None:
    """A moment as a user gives it, in UTC."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise InvalidInput(name, f"{moment!r} is no moment; give a datetime with a zone")
    if moment.tzinfo is None:
        raise InvalidInput(name, f"{moment.isoformat()} has no zone; add one, such as tzinfo=UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        told = f"{moment.isoformat()} lies outside of the years 1 to 9999 in UTC; give another"
        raise InvalidInput(name, told) from None


def read_several(
    field: str, given: T | Sequence[T] | None, kind: type[T], example: str
) -> tuple[T, ...]:
    """What a user gives of a kind: one, several, or none. Raises InvalidInput."""
    if given is not None and not isinstance(given, kind | Iterable):
        raise InvalidInput(field, f"{given!r} is not a {kind.__name__}; give {example}")
    listed: tuple[Any, ...] = (given,) if isinstance(given, kind) else tuple(given or ())  # type: ignore[arg-type]
    for each in listed:
        if not isinstance(each, kind):
            raise InvalidInput(field, f"{each!r} is not a {kind.__name__}; give {example}")
    names = [each.name for each in listed]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidInput(
            field, f"{twice[0]!r} is given twice; leave one out, or give it another name"
        )
    return listed


def read_limits(limits: Limits) -> tuple[Limit, ...]:
    """Limits as a user gives them: one, several, or none. Raises InvalidInput."""
    return read_several("limits", limits, Limit, "Limit('calls', concurrency=3)")


def check_options(options: Options) -> Options:
    """Return `options`, if they go together. Raises InvalidInput."""
    if options.grace is not None and options.clock is None:
        raise InvalidInput("grace", "it is by a virtual clock; give clock too")
    for name in ("start_within", "start_by"):
        if options.clock is not None and getattr(options, name) not in (None, False):
            raise InvalidInput(name, "it is by the wall's clock; with clock give grace")
    begin, end = options.at, options.start_by
    if begin is not None and end is not None and end <= begin:
        raise InvalidInput(
            "start_by", f"{end.isoformat()} is not after at, {begin.isoformat()}; give a later one"
        )
    return options


def read_duration(name: str, value: str | timedelta | None) -> timedelta | None:
    """A duration as a user gives it, at least 0."""
    duration = None if value is None else domain_duration(value, name)
    if duration is not None and duration < timedelta():
        raise InvalidInput(name, f"{value!r} is negative; give 0s or more")
    return duration


def read_timeout(value: str | timedelta | None) -> timedelta | None:
    """A timeout as a user gives it, more than 0."""
    duration = read_duration("timeout", value)
    if duration == timedelta():
        raise InvalidInput("timeout", "0 leaves no time to run; give more, or leave it out")
    return duration


def read_start_within(value: str | timedelta | None) -> timedelta | None:
    """A time to begin within as a user gives it, more than 0."""
    duration = read_duration("start_within", value)
    if duration == timedelta():
        raise InvalidInput("start_within", "0 leaves no time to begin; give more, or leave it out")
    return duration


def _read_own_start(
    value: str | timedelta | Literal[False] | None,
) -> timedelta | Literal[False] | None:
    return False if value is False else read_start_within(value)


def check_all_tags(definition: Definition, options: Options) -> None:
    """Raise InvalidInput where a call's tags and its task's are too many together."""
    if options.tags and definition.tags:
        check_tags((*definition.tags, *options.tags))


PLAIN = Options()


def change_options(definition: Definition, before: Options, options: JobOptions) -> Options:
    """Options with what a user gives put over them. Raises InvalidInput."""
    given = read_options(**options)
    check_limits(definition, given.limits or ())
    check_all_tags(definition, given)
    changes = {
        name: getattr(given, name)
        for name in Options.__dataclass_fields__
        if getattr(given, name) is not None
    }
    if given.delay is not None or given.at is not None:  # the one replaces the other
        changes |= {"delay": given.delay, "at": given.at}
    if given.queue is not None or given.region is not None:  # here too
        changes |= {"queue": given.queue, "region": given.region}
    if given.start_within is not None or given.start_by is not None:
        changes |= {"start_within": given.start_within, "start_by": given.start_by}
    if given.unique is not None:
        own = None if definition.is_elsewhere else given.unique
        changes["keyer"] = definition.keyer_of(own, b"") if own else None
    return check_options(replace(before, **changes))
