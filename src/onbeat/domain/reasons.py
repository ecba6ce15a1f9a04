"""Why a job or a schedule does not run: what holds it, each with what would change that. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from onbeat.domain.breakers import LIMIT as BREAKER
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.limits import SlotState, limit_of, slot_text
from onbeat.domain.processes import SCHEDULER, WORKER, SeenService
from onbeat.domain.queues import Queue
from onbeat.domain.recurrence.recurrence import stamp
from onbeat.domain.regions import RegionState, elsewhere_text
from onbeat.domain.schedules import Schedule
from onbeat.domain.services import Status
from onbeat.domain.states import State
from onbeat.domain.workers import Session
from onbeat.domain.workflows import Parent, Workflow

NOBODY_KNOWS = "no worker here knows task"
"""How the reason begins of a job that a worker left to others, for it has no such task."""

OF_SLOTS = ("breaker-open", "breaker-half-open", "limit-full", "rate-limited")
"""Codes of reasons that tell of a slot, which lets nobody begin now."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that holds it, and what would change that."""

    code: str
    """A word for programs: paused, no-worker, not-due, …"""
    what: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What there is around a job or a schedule, as far as it matters."""

    queue: Queue
    sessions: Sequence[Session] = ()
    """All live workers."""
    ahead: int = 0
    """How many pending jobs of the queue come before the job; counted up to a bound."""
    ahead_is_more: bool = False
    has_scheduler: bool = True
    resting: Sequence[SeenService] = ()
    """The schedulers that are heard of, where all of them were told to rest."""
    now: datetime
    clock_at: datetime | None = None
    """Where the schedule's own clock stands, if that is a virtual one."""
    last_job: Job | None = None
    """Of a schedule, the job it made last."""
    around_last_job: Surroundings | None = None
    """Of a schedule, what there is around that job."""
    holder: Session | None = field(default=None)
    """The worker that holds the job."""
    is_snoozed: bool = False
    """Whether the job waits because its last attempt snoozed."""
    region: RegionState | None = None
    """The region the job's queue is of."""
    slots: Sequence[SlotState] = ()
    """The slots of limits that the job needs, that of its queue first."""
    parents: Sequence[Parent] = ()
    """The first few parents that the job waits for."""
    open_parents: int = 0
    """How many it waits for."""
    workflow: Workflow | None = None
    """The workflow that the job is of, where it waits for parents."""
    called_off_by: JobId | None = None
    """The job of its workflow because of whose end it was called off: it waits for that anew when
    that is run again, but for nobody when it is run again itself."""
    behind: Sequence[Reason] = ()
    """Why the first job does not run that all this waits for."""


def reasons_of_job(job: Job, around: Surroundings) -> list[Reason]:
    """What holds the job, the first to be mended first; empty when it will run in a moment."""
    reasons = [*_of_state(job, around), *_expiring(job)]
    return [*reasons, *_sent_elsewhere(job), *_renamed(job)] if reasons else []


def _sent_elsewhere(job: Job) -> Iterator[Reason]:
    """Why it is in another region's queue than where it was wanted."""
    told = None if job.route is None else elsewhere_text(job.route)
    if told is not None:
        yield Reason("sent-elsewhere", f"it was {told}", "onbeat regions ls")


def _renamed(stored: Job | Schedule) -> Iterator[Reason]:
    if stored.runs_as is not None:
        yield Reason("renamed", f"its task {stored.task} is called {stored.runs_as} now")


def _expiring(job: Job) -> Iterator[Reason]:
    """By when it must have begun."""
    if job.expires_at is not None and not job.state.is_final and job.state is not State.RUNNING:
        told = f"it is called off if it has not begun by {_at(job.expires_at)}"
        yield Reason("expires", told)


def _of_state(job: Job, around: Surroundings) -> list[Reason]:
    match job.state:
        case State.PENDING:
            return list(_pending(job, around))
        case State.SCHEDULED | State.RETRYING:
            return list(_waiting(job, around))
        case State.BLOCKED:
            return list(_blocked(job, around))
        case State.RUNNING:
            return list(_running(job, around))
        case _:
            told = f"it has ended: {job.state}" + (f" ({job.reason})" if job.reason else "")
            return [Reason("ended", told, f"onbeat jobs retry {around.called_off_by or job.id}")]


def _pending(job: Job, around: Surroundings) -> Iterator[Reason]:
    held, stranded = list(_queue(around)), list(_region_is_empty(around.region, around.now))
    if stranded and around.region is not None and around.region.region is None:
        # Nobody need serve the queue of last resort: a worker there is not what is missing.
        held = [each for each in held if each.code != "no-worker"]
    yield from held
    working = _working(around)
    if not working:
        yield from stranded
        return
    queue = around.queue
    yield from _limited(around)
    free = sum(max(each.slots - each.running, 0) for each in working)
    if free == 0:
        slots = sum(each.slots for each in working)
        yield Reason(
            "slots-full",
            f"{'the' if slots == 1 else 'all'} {_count(slots, 'slot')} of the "
            f"{_count(len(working), 'worker')} on queue {queue.name} {_are(slots)} taken",
            f"start another: onbeat worker --queues {queue.name}",
        )
    if around.ahead:
        more = "more than " if around.ahead_is_more else ""
        jobs = _count(around.ahead, "job")
        yield Reason("behind-others", f"{more}{jobs} of its queue come first", "a higher priority")


def _limited(around: Surroundings) -> Iterator[Reason]:
    """The slots it needs that let nobody begin now."""
    for slot in around.slots:
        limit = limit_of(slot.name)
        shown = slot_text(slot.name)
        if limit.startswith(BREAKER) and (slot.is_full or slot.open_at > around.now):
            yield _broken(limit.removeprefix(BREAKER), slot, around.now)
        elif slot.is_full:
            most = slot.bounds.concurrency
            others = slot.used - len(slot.holders)
            held = ", ".join(slot.holders) + (f" and {others:,} more" if others > 0 else "")
            run = "runs" if slot.used == 1 else "run"
            told = f"limit {shown} is full: {slot.used:,} of {most:,} {run}: {held}"
            yield Reason("limit-full", told, f"onbeat limits set {limit} --concurrency …")
        elif slot.open_at > around.now:
            told = f"limit {shown} lets the next begin at {_at(slot.open_at)}"
            yield Reason("rate-limited", told, f"onbeat limits set {limit} --rate …")


def _broken(breaker: str, slot: SlotState, now: datetime) -> Reason:
    """A dependency is left alone, or just being tried."""
    close = f"onbeat breakers close {breaker}"
    if slot.open_at > now:
        told = f"breaker {breaker} is open until {_at(slot.open_at)}"
        return Reason("breaker-open", told, close)
    trying = f"{', '.join(slot.holders)} {_are(len(slot.holders))} trying"
    told = f"breaker {breaker} is half open: {trying}"
    return Reason("breaker-half-open", told, close)


def _blocked(job: Job, around: Surroundings) -> Iterator[Reason]:
    """What a blocked job waits for; a slot may have become free since."""
    if around.parents:
        yield from _behind_parents(job, around)
        return
    found = list(_limited(around))
    yield from found or [Reason("blocked", f"it is held back: {job.reason}")]
    if found and around.queue.paused_at is not None:
        yield _paused(around.queue)


def _behind_parents(job: Job, around: Surroundings) -> Iterator[Reason]:
    """The parents it waits for, and what holds the first of those it waits for in the end."""
    named = ", ".join(f"{each.label} is {each.state} ({each.id})" for each in around.parents)
    others = around.open_parents - len(around.parents)
    more = f", and {others:,} more" if others > 0 else ""
    flow = f" of workflow {around.workflow.name}" if around.workflow else ""
    told = f"it waits for {_count(around.open_parents, 'job')}{flow}: {named}{more}"
    remedy = f"onbeat workflows show {around.workflow.id}" if around.workflow else None
    yield Reason("parents", told, remedy)
    yield from around.behind


def _paused(queue: Queue) -> Reason:
    told = f"its queue {queue.name} was paused by {queue.paused_by} at {_at(queue.paused_at)}"
    return Reason("queue-paused", told, f"onbeat queues resume {queue.name}")


def _queue(around: Surroundings) -> Iterator[Reason]:
    """What holds all jobs of the queue: it is paused, or no worker serves it."""
    queue = around.queue
    if queue.paused_at is not None:
        yield _paused(queue)
    if not _working(around):
        yield _nobody_serves(queue.name, _serving(around), around.sessions)


def _serving(around: Surroundings) -> list[Session]:
    return [each for each in around.sessions if around.queue.name in each.queues]


def _working(around: Surroundings) -> list[Session]:
    return [each for each in _serving(around) if not each.draining and not each.paused]


def _nobody_serves(queue: str, serving: Sequence[Session], sessions: Sequence[Session]) -> Reason:
    start = f"onbeat worker --queues {queue}"
    if serving:
        those = f"the {_count(len(serving), 'worker')} on its queue {queue}"
        if any(not each.draining for each in serving):
            return _workers_rest(those, serving)
        told = f"{those} {_are(len(serving))} shutting down"
        return Reason("workers-draining", told, start)
    if not sessions:
        return Reason("no-worker", "no worker is running", start)
    others = sorted({name for each in sessions for name in each.queues})
    told = f"no worker serves its queue {queue}; those that run serve {', '.join(others)}"
    return Reason("no-worker", told, start)


def _workers_rest(those: str, serving: Sequence[Session]) -> Reason:
    """No worker claims, and those that do not shut down are paused."""
    paused = [each for each in serving if each.paused and not each.draining]
    others = "" if len(paused) == len(serving) else " or shutting down"
    one = paused[0].service if len(paused) == 1 else None
    told = f"{those} {_are(len(serving))} paused{others}"
    return Reason("workers-paused", told, f"onbeat services resume {one or WORKER}")


def _schedulers_rest(resting: Sequence[SeenService]) -> Reason:
    """All schedulers were told to rest; what is only paused is the first to go on again."""
    paused = [each for each in resting if each.snapshot.status is Status.PAUSED]
    verb, those = ("resume", paused) if paused else ("start", resting)
    which = those[0].id if len(those) == 1 else SCHEDULER
    stands = " or ".join(sorted({each.snapshot.status.lower() for each in resting}))
    told = f"the {_count(len(resting), 'scheduler')} {_are(len(resting))} {stands}"
    return Reason("scheduler-at-rest", told, f"onbeat services {verb} {which}")


def _region_is_empty(region: RegionState | None, now: datetime) -> Iterator[Reason]:
    """What becomes of a job whose region has no worker."""
    if region is not None and region.moves_at is not None:
        since = region.health.served_at
        told = f"no worker is in its region {region.region}"
        if region.region is None:
            told = f"no region could take it, and no worker serves the default queue {region.queue}"
        told += f" since {_at(since)}" if since is not None else ""
        yield Reason("region-empty", f"{told}; {_moves(region, region.moves_at, now)}",
                     "onbeat regions ls")  # fmt: skip


def _moves(region: RegionState, at: datetime, now: datetime) -> str:
    """Where it moves and when; a moment that is over is none."""
    if region.goes_to != region.queue:
        if at <= now:
            return f"it moves to {region.goes_to} as soon as a worker serves that"
        to = f"to {region.goes_to}, once a worker serves that"
    elif at <= now:
        return "it moves as soon as a worker is where it can go"
    else:
        to = "to where one works, if one does"
    return f"it moves {to}, at {_at(at)} or later"


def _waiting(job: Job, around: Surroundings) -> Iterator[Reason]:
    after = _after(job, around)
    if job.due_at is not None and job.due_at > around.now:
        yield Reason("not-due", f"it is not due until {_at(job.due_at)}{after}", _sooner(job))
    elif _brings_back(around):
        yield Reason("due", f"it is due since {_at(job.due_at)} and about to be pending{after}")
    if _brings_back(around):
        return
    if around.has_scheduler and around.resting:
        yield _schedulers_rest(around.resting)
    else:
        told = "neither a scheduler nor a worker is running, and waiting jobs need one"
        yield Reason("no-scheduler", told, "onbeat up (or onbeat worker)")


def _after(job: Job, around: Surroundings) -> str:
    """Why it waits; what no worker knows did not snooze itself."""
    knows = not (job.reason or "").startswith(NOBODY_KNOWS)
    told = ["snoozed"] if around.is_snoozed and knows else []
    return "".join(f": {each}" for each in (*told, job.reason) if each)


def _brings_back(around: Surroundings) -> bool:
    """Whether somebody makes waiting jobs pending: workers do where no scheduler is at work."""
    return (around.has_scheduler and not around.resting) or bool(around.sessions)


def _sooner(job: Job) -> str:
    """What helps a job that is not due; one that no worker knows would only come back."""
    if job.reason and job.reason.startswith(NOBODY_KNOWS):
        start = f"start a worker whose application has task {job.task}"
        return f"{start}, or `onbeat jobs cancel {job.id}`"
    return f"onbeat jobs retry {job.id}"


def _running(job: Job, around: Surroundings) -> Iterator[Reason]:
    holder = around.holder
    if holder is None:
        told = "it is held by a worker that is gone; it will be given to another within seconds"
        yield Reason("worker-lost", told)
        return
    told = f"it runs in {holder.instance} since {_at(job.started_at)}"
    if job.stop_asked is not None:
        yield Reason("stopping", f"{told}, and was asked to stop: {job.stop_asked}")
        return
    yield Reason("running", told, f"onbeat jobs cancel {job.id}")


def reasons_of_schedule(schedule: Schedule, around: Surroundings) -> list[Reason]:
    """Why the schedule makes no job now, and why its last one does not run."""
    reasons = [*_schedule(schedule, around), *_last_job(schedule, around)]
    return [*reasons, *_renamed(schedule)] if reasons else []


def _schedule(schedule: Schedule, around: Surroundings) -> Iterator[Reason]:
    name = schedule.name
    if schedule.retired_at is not None:
        told = f"it is gone from its application's code since {_at(schedule.retired_at)}"
        yield Reason("retired", told, "declare it again, and start a scheduler with that code")
        return
    if schedule.broken is not None:
        yield Reason(
            "broken", f"it was set aside: {schedule.broken}", f"onbeat schedules edit {name}"
        )
        return
    if schedule.paused_at is not None:
        why = f": {schedule.paused_why}" if schedule.paused_why else ""
        until = f" until {_at(schedule.paused_until)}" if schedule.paused_until else ""
        told = f"{schedule.paused_by} paused it at {_at(schedule.paused_at)}{until}{why}"
        yield Reason("paused", told, f"onbeat schedules resume {name}")
        return
    if schedule.limit is not None and schedule.made >= schedule.limit:
        told = f"its limit of {_count(schedule.limit, 'job')} is used up"
        yield Reason("limit", told, f"onbeat schedules edit {name} --limit none")
        return
    if schedule.next_due_at is None:
        yield _without_moment(schedule)
        if schedule.awaits_job is not None:
            yield from _later(around)
        return
    yield from _not_due(schedule, around)
    if schedule.skips:
        moments = _count(schedule.skips, "moment")
        yield Reason("skips", f"{schedule.skips_by} wants its next {moments} left out",
                     f"onbeat schedules skip-next {name} --count 0")  # fmt: skip
    yield from _later(around)


def _later(around: Surroundings) -> Iterator[Reason]:
    """What will hold its jobs once they are made; what holds an open last job is told with that."""
    last = around.last_job
    if last is not None and last.state is State.PENDING and last.queue == around.queue.name:
        return
    for reason in _queue(around):
        yield replace(reason, what=f"its jobs will wait: {reason.what}")


def _not_due(schedule: Schedule, around: Surroundings) -> Iterator[Reason]:
    told = f"it is not due until {_at(schedule.next_due_at)}"
    if around.clock_at is not None:
        told += f" by the clock {schedule.clock}, which stands at {_at(around.clock_at)}"
        goal = stamp(max(schedule.next_due_at or around.clock_at, around.clock_at))
        yield Reason("clock", told, f"onbeat clocks advance {schedule.clock} --to {goal}")
        return
    if schedule.next_due_at is not None and schedule.next_due_at > around.now:
        yield Reason("not-due", told, f"onbeat schedules trigger {schedule.name}")
    if around.resting:
        yield _schedulers_rest(around.resting)
    elif not around.has_scheduler:
        told = "no scheduler is running, and schedules need one"
        yield Reason("no-scheduler", told, "onbeat scheduler (or onbeat up)")


def _without_moment(schedule: Schedule) -> Reason:
    if schedule.awaits_job is not None:
        told = f"it waits for its last job {schedule.awaits_job} to end"
        if schedule.held_due_at is not None:
            since = _at(schedule.held_due_at)
            told += f": its moments since {since} wait (overlap: {schedule.overlap})"
        return Reason("last-job", told, f"onbeat jobs cancel {schedule.awaits_job}")
    if schedule.end_at is not None:
        return Reason("ended", f"it has ended: its last moment was before {_at(schedule.end_at)}",
                      f"onbeat schedules edit {schedule.name} --end none")  # fmt: skip
    return Reason("ended", "it has no more moments", f"onbeat schedules edit {schedule.name}")


def _last_job(schedule: Schedule, around: Surroundings) -> Iterator[Reason]:
    """What holds the last job, if that has not ended: with most policies it holds the schedule."""
    job = around.last_job
    if job is None or job.state.is_final:
        return
    holds = job.state is State.RUNNING or job.task == schedule.task
    skips = holds and schedule.overlap == "skip"
    so = " and while it does, its moments are skipped" if skips else ""
    yield Reason("last-job-open", f"its last job {job.id} is {job.state}{so}",
                 f"onbeat jobs why {job.id}")  # fmt: skip
    if job.state is not State.RUNNING and around.around_last_job is not None:
        yield from reasons_of_job(job, around.around_last_job)


def _at(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
