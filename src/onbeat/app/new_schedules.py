"""Schedules that somebody asks for, before they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from onbeat.app.calls import Call
from onbeat.app.policies import Policies, PolicyOptions, read_policies
from onbeat.app.sending import check_region
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId, check_name
from onbeat.domain.naming import named
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.retention import Keep
from onbeat.domain.schedules import Schedule
from onbeat.domain.ties import encode_ties
from onbeat.store.payloads import job_options

if TYPE_CHECKING:
    from onbeat.app.context import Context

MADE_AT_RUN_TIME = "api"


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule to make: at each moment of `when`, a job of `call`."""

    name: str
    call: Call[Any]
    when: Recurrence
    keep: Keep | None = None
    """What is kept of its jobs that have ended."""
    policies: PolicyOptions = field(default_factory=PolicyOptions)


def said_each(
    context: Context, ids: Sequence[str], wanted: Sequence[NewSchedule],
    by: str | None, owner: str | None,
) -> list[Schedule]:  # fmt: skip
    """The schedules, which are not stored. Raises InvalidInput that begins with its number."""
    made = []
    for number, (identity, each) in enumerate(zip(ids, wanted, strict=True)):
        with named(f"{number}."):
            call = each.call if owner is None else each.call.opts(owner=owner)
            read = read_policies(**each.policies)
            said = say(context, identity, each.name, call, each.when, read, MADE_AT_RUN_TIME)
        made.append(replace(said, changed_by=by))
    return made


def say(
    context: Context,
    identity: str,
    name: str,
    call: Call[Any],
    when: Recurrence,
    policies: Policies,
    source: str,
) -> Schedule:
    """The schedule that all this says, which is not stored. Raises InvalidInput."""
    check_region(context, call.options.region)
    router = context.router
    job = call.new_job(JobId(identity))
    if job.delay is not None or job.due_at is not None:
        raise InvalidInput("delay", "a schedule decides itself when its jobs run; leave it out")
    if call.options.clock is not None:
        raise InvalidInput("clock", "it is the schedule that lives by a clock; give clock= to it, "
                           "and catch_up= in place of grace")  # fmt: skip
    if job.start_by is not None:
        raise InvalidInput("start_by", "a schedule's jobs have moments of their own; give "
                           "start_within")  # fmt: skip
    if job.unique is not None and job.unique.replaces:
        raise InvalidInput("on_conflict", "a schedule's job does not replace one that waits; give "
                           "unique with on_conflict='keep', or unique=False")  # fmt: skip
    if policies.clock is not None and when.after_finish is not None:
        raise InvalidInput("clock", "a rest after a job's end is of the wall clock; leave one out")
    options = job_options(job.timeout, job.retry, job.secrets)
    return Schedule(
        id=identity,
        name=check_name("name", name),
        task=job.task,
        recurrence=when,
        args=job.args.decode(),
        # Each tick sends its jobs from here to where they can be run.
        queue=router.regions.queues[job.region] if router and job.region else job.queue,
        priority=job.priority,
        max_attempts=job.max_attempts,
        options=None if options is None else options.decode(),
        ties=encode_ties(job.ties),
        catch_up=policies.catch_up,
        overlap=policies.overlap,
        start_at=policies.start,
        end_at=policies.end,
        limit=policies.limit,
        jitter=policies.jitter,
        pause_after=policies.pause_after,
        clock=policies.clock,
        source=source,
    )
