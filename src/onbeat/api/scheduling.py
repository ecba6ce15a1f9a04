"""Bodies about schedules, read into what the commands take; every refusal names its field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from onbeat.api.bodies import Body
from onbeat.api.enqueueing import need_for
from onbeat.api.problems import said_of
from onbeat.api.schemas.time import KeepIn, PolicyIn, RuleIn, ScheduleChange, ScheduleSaid
from onbeat.app.calls import Call
from onbeat.app.onbeat import Onbeat
from onbeat.app.options import PLAIN, Options, read_options
from onbeat.app.policies import PolicyOptions
from onbeat.app.reading.patches import args_given, args_merged, merged
from onbeat.app.reading.when import When, kept_to_workdays, rewritten
from onbeat.app.rebinding import ties_after
from onbeat.app.retention import KeepChange
from onbeat.domain.access import Principal
from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import Forbidden, InvalidInput, NotFound
from onbeat.domain.naming import arguments_at, named
from onbeat.domain.recurrence import Recurrence, recurrence_from_spec
from onbeat.domain.retention import Keep, parse_kept
from onbeat.domain.schedules import CatchUp, Overlap, Schedule, parse_catch_up, parse_overlap
from onbeat.domain.user_schedules import BUILT_IN
from onbeat.store.payloads import with_secrets

MOMENTS = ("cron", "every", "rrule", "once", "recurrence")
"""What names moments, one of which a new schedule has."""

READING = ("except_cron", "except_rrule", "closed", "tz", "day_match", "gap", "fold")
WORKING = ("workdays", "otherwise")
NEEDED = ("task", "args", "queue", "priority", "recurrence")
"""What a schedule always has."""

RESERVED = ("queue", "priority", "region", "timeout", "clock")
"""What is the application's to say where an owner makes a schedule."""


@contextmanager
def there(field: str) -> Iterator[None]:
    """What a body names and is not there is a wrong value; 404 is of what the path names."""
    try:
        yield
    except NotFound as error:
        raise InvalidInput(field, said_of(error)) from None


@contextmanager
def bounds(body: RuleIn) -> Iterator[None]:
    """Name what is refused of a schedule as its body does."""
    field = next((each for each in MOMENTS if getattr(body, each) is not None), "cron")
    places = {"start": "start_at", "end": "end_at", "at": "once", "calendar": "workdays"}
    with named(**places, when=field), arguments_at("args"):
        yield


async def recurrence_of(ob: Onbeat, body: RuleIn) -> Recurrence:
    """What says when. Raises InvalidInput."""
    if body.recurrence is None:
        said = when_of(body).recurrence()
    else:
        said = _spelled_out(body, body.recurrence)
    with there("workdays"):
        return await kept_to_workdays(ob, said, body.workdays, body.otherwise)


def when_of(body: RuleIn) -> When:
    """The texts that say when."""
    return When(
        cron=body.cron, every=body.every, rrule=body.rrule, at=body.once,
        except_cron=body.except_cron, except_rrule=body.except_rrule, closed=body.closed,
        tz=body.tz, day_match=body.day_match, gap=body.gap, fold=body.fold,
    )  # fmt: skip


def _spelled_out(body: RuleIn, spec: dict[str, Any]) -> Recurrence:
    for each in (*MOMENTS[:-1], *READING):
        if getattr(body, each) is not None:
            raise InvalidInput(each, "`recurrence` says it already; leave one of them out")
    with named("recurrence.", spec=""):
        return recurrence_from_spec(spec)


async def _recurrence_changed(ob: Onbeat, body: ScheduleChange, before: Recurrence) -> Recurrence:
    given = body.model_fields_set
    if body.recurrence is not None:
        spec, patch = before.spec(), body.recurrence
        # One of another kind has other keys: those of the one before it would be wrong in it.
        same = patch.get("kind", spec.get("kind")) == spec.get("kind")
        before = _spelled_out(body, merged(spec, patch) if same else patch)
    when = when_of(body)
    if "closed" in given and body.closed is None:
        when = replace(when, closed=["none"])
    calendar = "none" if "workdays" in given and body.workdays is None else body.workdays
    with there("workdays"):
        return await rewritten(ob, before, when, calendar, body.otherwise)


def call_of(ob: Onbeat, asker: Principal, body: ScheduleSaid, args: str) -> Call[Any]:
    """What its jobs run. Raises InvalidInput, and Forbidden where it is a command."""
    options = read_options(
        queue=body.queue, priority=body.priority, region=body.region, timeout=body.timeout,
        start_within=body.start_within,
    )  # fmt: skip
    call = _bound(ob, asker, body.task, args, options)
    need_for(asker, body.task, call.definition.name)
    return call


def _bound(
    ob: Onbeat, asker: Principal, task: str, args: str, options: Options = PLAIN
) -> Call[Any]:
    """The call of a task; of one for users where who asks has rows of their own alone."""
    refuse_built_in(task)
    if asker.owner is not None:
        return ob.user_schedules.call(asker.owner, task, msgspec.json.decode(args), options)
    return ob.jobs.bind(task, args, options, must_be_known=False)


def args_bound(ob: Onbeat, asker: Principal, schedule: Schedule, given: dict[str, Any]) -> str:
    """Arguments for one job of the schedule in place of its own, as JSON. Raises InvalidArguments,
    and Forbidden where they are a command.
    """
    call = _bound(ob, asker, schedule.task, args_given(given, schedule, schedule.task))
    need_for(asker, schedule.task, call.definition.name)
    return call.args.decode()


def may_revert(asker: Principal, before: Schedule, after: Schedule) -> None:
    """Raise Forbidden where a version of before says what is not for who asks to say."""
    refuse_built_in(before.task)
    refuse_built_in(after.task)
    need_for(asker, before.task, after.task)
    reserved = [each for each in ("queue", "priority", "options", "ties", "task")
                if getattr(before, each) != getattr(after, each)]  # fmt: skip
    if asker.owner is not None and reserved:
        raise Forbidden(f"that version has another {reserved[0]}, which is the application's to "
                        "say; change what else it said by PATCH")  # fmt: skip


def refuse_built_in(task: str) -> None:
    """Raise Forbidden for tasks of the product's own: they are as they were made."""
    if task.startswith(BUILT_IN):
        raise Forbidden(f"the task {task} is the product's own, and no schedule of it is written "
                        "by hand; what `/jobs/schedule` has made is taken away there")  # fmt: skip


def refuse_reserved(asker: Principal, body: Body) -> None:
    """Raise InvalidInput for what is not an owner's to say: it would be at the cost of others."""
    for each in RESERVED if asker.owner is not None else ():
        if getattr(body, each, None) is not None:
            raise InvalidInput(each, "it is the application's to say; leave it out")


def policies_of(body: ScheduleSaid) -> PolicyOptions:
    """How it treats its moments."""
    return PolicyOptions(
        catch_up=body.catch_up, overlap=body.overlap, start=body.start_at, end=body.end_at,
        limit=body.limit, jitter=body.jitter, pause_after=body.pause_after, clock=body.clock,
    )  # fmt: skip


def keep_of(body: KeepIn | None) -> Keep | None:
    """What is kept of its ended jobs. Raises InvalidInput."""
    if body is None:
        return None
    with named("keep."):
        read = {
            name: None if text is None else parse_kept(name, text)
            for name, text in (("completed", body.completed), ("failed", body.failed))
        }
    return Keep(**read)


def keep_changed(body: PolicyIn) -> KeepChange:
    """The same where it is left out to leave it as it is, and null to take it away."""
    if "keep" in body.model_fields_set and body.keep is None:
        return False
    return keep_of(body.keep)


async def changed(ob: Onbeat, asker: Principal, before: Schedule, body: ScheduleChange) -> Schedule:
    """The schedule with what is given in place of what was. Raises InvalidInput, Forbidden."""
    given = body.model_fields_set
    for each in NEEDED:
        if each in given and getattr(body, each) is None:
            raise InvalidInput(each, "it cannot be taken away; leave it out, or give another")
    changes: dict[str, Any] = {
        each: getattr(body, each)
        for each in ("queue", "priority", "start_at", "end_at", "limit", "pause_after")
        if each in given
    }
    if "queue" in given or "priority" in given:
        read_options(queue=body.queue, priority=body.priority)
    if given & {*MOMENTS, *READING, *WORKING}:
        changes["recurrence"] = await _recurrence_changed(ob, body, before.recurrence)
    need_for(asker, body.task or before.task)
    refuse_built_in(before.task)
    refuse_reserved(asker, body)
    rebound = _rebound(ob, asker, before, body)
    return replace(before, **changes, **_policies_changed(body), **rebound)


def _policies_changed(body: ScheduleChange) -> dict[str, Any]:
    given, found = body.model_fields_set, dict[str, Any]()
    if "catch_up" in given:
        found["catch_up"] = CatchUp() if body.catch_up is None else parse_catch_up(body.catch_up)
    if "overlap" in given:
        found["overlap"] = Overlap.SKIP if body.overlap is None else parse_overlap(body.overlap)
    if "jitter" in given:
        jitter = body.jitter
        found["jitter"] = timedelta() if jitter is None else parse_duration(jitter, "jitter")
    return found


def _rebound(
    ob: Onbeat, asker: Principal, before: Schedule, body: ScheduleChange
) -> dict[str, Any]:
    """What its jobs run now, where that changes."""
    if body.task is None and body.args is None:
        return {}
    task = body.task or before.task
    said = body.args or {}
    args = args_given(said, before, task) if body.replace_args else args_merged(said, before, task)
    call = _bound(ob, asker, task, args)
    found: dict[str, Any] = {"task": call.definition.name, "args": call.args.decode()}
    found["ties"] = ties_after(before, call, partial(_bound, ob, asker))
    if not call.definition.is_elsewhere:
        found["options"] = with_secrets(before.options, call.definition.arguments.secrets)
    return found
