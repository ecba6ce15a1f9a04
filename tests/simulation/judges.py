"""What a run is held to, beyond what any run with faults is (see tests.chaos.checker)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from tests.chaos.checker import ANY_RUN, SET_ASIDE, Books
from tests.chaos.effects import Effect
from tests.chaos.findings import Finding
from tests.chaos.history import Attempt, Booked, End, History
from tests.simulation.bond_judges import BondRecord, check_bonds
from tests.simulation.book import Asked
from tests.simulation.ledger_oracle import Entry, bounds, judge, over_after
from tests.simulation.tasks import CALL_TRIES

MOST_LOSSES = 3
MOST_TRIES = {"stumble": 4, "overrun": 4, "flop": 1, "call": CALL_TRIES}
"""Attempts that may fail, of the tasks that do; none of the others fails."""

FAILURES = frozenset({"failed", "timed out"})

SOON = 0.2
"""Seconds in which a job ends that its worker has cancelled: it waits for nothing else."""


@dataclass(frozen=True)
class Settled:
    """A moment."""

    wall: float
    """Seconds since 1970, by the database."""
    virtual: float
    """Seconds of the loop."""


@dataclass
class Record:
    """A run, after all is over."""

    history: History
    asked: Asked
    ledger: dict[str, list[Entry]]
    """By schedule."""
    times: dict[str, datetime]
    """What time it is in the end by each schedule's clock."""
    grace: timedelta
    """How long before a moment of then may not be on record yet."""
    settled: Settled
    """Since when all has been well for long."""
    nobody_dies: bool
    """Whether no worker had a reason to be silent while others were heard."""
    bonds: BondRecord
    complaints: list[Finding] = field(default_factory=list)
    """What was found while it ran."""


def check(record: Record) -> list[Finding]:
    """All that is wrong with a run."""
    history = record.history
    books = Books(history)
    found = [*record.complaints]
    for common in ANY_RUN:
        found += common(history, books)
    for schedule, eras in record.asked.eras.items():
        entries = record.ledger.get(schedule, [])
        name = record.asked.schedules[schedule].name
        time = record.times[schedule]
        schedule_made = record.asked.schedules[schedule]
        over = over_after(schedule_made, entries)
        found += judge(name, eras, entries, time, time - record.grace, over)
        found += bounds(schedule_made, entries)
    found += _failures_pause(record, books)
    found += _what_is_asked_is_left_out(record)
    found += _ends_are_as_promised(record, books)
    found += _tries_are_limited(record, books)
    found += _nobody_goes_on(history, books)
    found += _nobody_healthy_is_rescued(record)
    found += _nobody_is_taken_for_dead(record)
    found += _who_lost_a_job_hears_of_it(record)
    found += _none_runs_beside_its_predecessor(record, books)
    found += check_bonds(record.bonds, books)
    return found


def _ends_are_as_promised(record: Record, books: Books) -> Iterator[Finding]:
    for job in books.jobs.values():
        said = _said(record, job.id, books)
        for end in books.ends.get(job.id, []):
            if not _is_right(record, job, end, said):
                told = f"{end.outcome} ({end.reason}) after {[each.outcome for each in said]}"
                yield Finding("a job ends as its attempts say", job.id, f"{job.task}: {told}")


def _is_right(record: Record, job: Booked, end: End, said: list[Attempt]) -> bool:
    last = said[-1].outcome if said else None
    losses = sum(each.outcome == "lost" and each.has_begun for each in said)
    if end.outcome == "cancelled":
        return (
            job.id in record.asked.called_off
            or job.schedule is not None
            or _is_called_off_by_what_binds_it(record, job.id, end)
        )
    if SET_ASIDE in (end.reason or ""):
        return last == "lost" and losses == MOST_LOSSES
    if losses >= MOST_LOSSES:
        return False
    if end.outcome == "completed":
        return last == "succeeded"
    failures = sum(each.outcome in FAILURES for each in said)
    return last in FAILURES and failures == MOST_TRIES.get(job.task)


def _is_called_off_by_what_binds_it(record: Record, job: str, end: End) -> bool:
    """Whether it should have begun before, or waited for another of its workflow."""
    if (end.reason or "").startswith("expired"):
        return job in record.bonds.bonds.dated
    flows = record.bonds.bonds.flows
    return any(edge.job == job for flow in flows for edge in flow.edges)


def _said(record: Record, job: str, books: Books) -> list[Attempt]:
    """The attempts of a job; of one that was revived, those since then: they count anew."""
    since = record.asked.revived.get(job, -1)
    return [each for each in books.attempts.get(job, []) if each.token > since]


def _failures_pause(record: Record, books: Books) -> Iterator[Finding]:
    """A schedule that pauses itself does so after so many failures in a row, and no earlier."""
    outcomes = {job: ends[-1].outcome for job, ends in books.ends.items()}
    for schedule in record.asked.self_pausing:
        most, resumed = schedule.pause_after or 0, record.asked.resumed.get(schedule.id, [])
        mine = [job.id for job in books.jobs.values() if job.schedule == schedule.id]
        failed = [outcomes.get(job) == "failed" for job in mine]
        begin = 0
        for made, paused_itself in [*resumed, (len(mine), False)]:
            for number in range(begin + most, made):
                if all(failed[number - most : number]):
                    detail = f"{most} failures before {mine[number]}"
                    yield Finding("so many failures pause a schedule", schedule.name, detail)
            # The job before a resumption may have been counted after it.
            since = max(begin - 1, made - most)
            if paused_itself and (made - since < most or not all(failed[since:made])):
                detail = f"after {made} jobs: {failed[begin:made]}"
                yield Finding("only so many failures pause a schedule", schedule.name, detail)
            begin = made


def _what_is_asked_is_left_out(record: Record) -> Iterator[Finding]:
    """So many moments are left out as was asked, and while any is to be, no job is made."""
    for identity, marks in record.asked.skips.items():
        name = record.asked.schedules[identity].name
        for before, after in pairwise(marks):
            if before.asked - after.open != after.left_out - before.left_out:
                yield Finding(
                    "as many moments are left out as was asked", name, f"{before} {after}"
                )
            if after.open and after.made > before.made:
                yield Finding(
                    "no job is made while moments are left out", name, f"{before} {after}"
                )


def _tries_are_limited(record: Record, books: Books) -> Iterator[Finding]:
    for job in books.attempts:
        said = _said(record, job, books)
        failures = sum(each.outcome in FAILURES for each in said)
        if failures > MOST_TRIES.get(books.jobs[job].task, 0):
            yield Finding("a job is tried no more often than it may be", job, f"{failures} times")


def _nobody_goes_on(history: History, books: Books) -> Iterator[Finding]:
    """A job ends at once when its worker hears that its session was lost."""
    began = {
        (effect.job, effect.token): effect for begins in books.begins.values() for effect in begins
    }
    for effect in history.effects:
        begin = began.get((effect.job, effect.token))
        for life, at in history.heard:
            if begin is not None and life == effect.worker and begin.at < at < effect.at - SOON:
                detail = f"{effect.token}: {effect.at - at:.3f} s after the news"
                yield Finding("no orphan goes on with a job", effect.job, detail)


def _nobody_healthy_is_rescued(record: Record) -> Iterator[Finding]:
    for attempt in record.history.attempts:
        if attempt.outcome == "lost" and attempt.finished_at > record.settled.wall:
            yield Finding("a worker that lives keeps its jobs", attempt.job, f"{attempt.token}")


def _nobody_is_taken_for_dead(record: Record) -> Iterator[Finding]:
    """A store out of reach is not a death, nor is a machine that slept."""
    for attempt in record.history.attempts:
        if attempt.outcome == "lost" and record.nobody_dies:
            yield Finding("an outage is not a death", attempt.job, f"{attempt.token}")


def _who_lost_a_job_hears_of_it(record: Record) -> Iterator[Finding]:
    """No attempt goes on in good times that was over on record before."""
    over = {
        (attempt.job, attempt.token)
        for attempt in record.history.attempts
        if attempt.finished_at < record.settled.wall
    }
    for effect in record.history.effects:
        if effect.at > record.settled.virtual + SOON and (effect.job, effect.token) in over:
            yield Finding("who has lost a job hears of it", effect.job, f"{effect.token}")


def _none_runs_beside_its_predecessor(record: Record, books: Books) -> Iterator[Finding]:
    """Of a schedule that never allowed it, a job begins when the last attempt of the one before
    is over. An attempt whose lease was lost may go on unknowing; it is not the last.
    """
    over = _last_ends(books)
    for schedule in record.asked.never_beside():
        mine = [job for job in books.jobs.values() if job.schedule == schedule]
        before: Booked | None = None
        for job in mine:
            begins = books.begins.get(job.id)
            if begins and before is not None and over.get(before.id, 0.0) > begins[0].at:
                yield Finding("no job runs beside its predecessor", job.id, before.id)
            before = job


def _last_ends(books: Books) -> dict[str, float]:
    """When the last effect was noted of the attempt that decided about a job."""
    by_attempt: dict[tuple[str, int], list[Effect]] = defaultdict(list)
    for effect in books.history.effects:
        by_attempt[effect.job, effect.token].append(effect)
    return {
        job: by_attempt[job, said[-1].token][-1].at
        for job, said in books.attempts.items()
        if said[-1].outcome == "succeeded" and by_attempt[job, said[-1].token]
    }
