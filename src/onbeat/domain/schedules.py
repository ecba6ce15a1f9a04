"""A schedule: a recurrence plus the policies that say what to do with each of its moments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Protocol

import msgspec

from onbeat.domain.durations import format_duration, parse_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, DEFAULT_QUEUE, JobId
from onbeat.domain.json_text import compact
from onbeat.domain.marks import owner_in, tags_in
from onbeat.domain.recurrence import Recurrence, Unreadable
from onbeat.domain.recurrence.recurrence import MICROSECOND, due_from
from onbeat.domain.secrets import Path, mask

FARTHEST_LIMIT = 100_000
"""Jobs that a limit leaves, above which no preview looks for the last of them."""


class CatchUpMode(StrEnum):
    """Which of the moments missed while nobody ticked still make a job."""

    ALL = "all"
    LATEST = "latest"
    FIRST = "first"
    NONE = "none"


class Overlap(StrEnum):
    """What to do when a moment comes and the schedule's last job has not ended."""

    SKIP = "skip"
    """Leave the moment out."""
    ALLOW = "allow"
    """Make a job all the same."""
    BUFFER_ONE = "buffer one"
    """Let the first such moment wait for the job's end, and merge later ones into it."""
    BUFFER_ALL = "buffer all"
    """Let all wait, and run one after the other; of more than MAX_BUFFERED the oldest go."""
    CANCEL = "cancel running"
    """Ask the job to stop, and run the latest moment when it has."""


HOLDING = frozenset({Overlap.BUFFER_ONE, Overlap.BUFFER_ALL, Overlap.CANCEL})
"""Policies by which a moment waits until the schedule's last job has ended."""

MAX_BUFFERED = 100
"""How many moments may wait for the last job under `buffer all`."""

MAX_CATCH_UP = 1_000
"""How many missed moments `all` turns into jobs at once; what is over it is on record as missed."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Which missed moments still count, how far back, how many, and how far apart they run."""

    mode: CatchUpMode = CatchUpMode.LATEST
    window: timedelta = timedelta(days=1)
    most: int = MAX_CATCH_UP
    apart: timedelta = timedelta()
    """Of several late jobs each runs so long after the one before, so that they are no flood."""

    def __str__(self) -> str:
        if self.mode is CatchUpMode.NONE:
            return "none"
        most = "" if self.most == MAX_CATCH_UP else f" at most {self.most}"
        apart = f" every {format_duration(self.apart)}" if self.apart else ""
        return f"{self.mode} within {format_duration(self.window)}{most}{apart}"


_CATCH_UP = re.compile(
    r"(?P<mode>[a-z]+)(?: within (?P<window>\S+))?(?: at most (?P<most>\d{1,9}))?"
    r"(?: every (?P<apart>\S+))?"
)


def parse_catch_up(text: str) -> CatchUp:
    """Read "latest", "latest within 6h", "all within 1d at most 50 every 10s", "first", "none"."""
    found = _CATCH_UP.fullmatch(" ".join(text.lower().split()))
    if found is None or found["mode"] not in set(CatchUpMode):
        allowed = ", ".join(CatchUpMode)
        raise InvalidInput("catch_up", f"{text!r} is not known; give one of {allowed}, and how far "
                           "back as in 'latest within 6h', or 'all within 1d at most 50 every 10s'"
        )  # fmt: skip
    mode, most = CatchUpMode(found["mode"]), int(found["most"] or MAX_CATCH_UP)
    if mode is not CatchUpMode.ALL and (found["most"] or found["apart"]):
        raise InvalidInput("catch_up", f"{text!r}: {mode} runs one at most; 'at most' and 'every' "
                           "go with all")  # fmt: skip
    if not 1 <= most <= MAX_CATCH_UP:
        raise InvalidInput("catch_up", f"at most {most} is out of range; give 1 to {MAX_CATCH_UP}")
    return CatchUp(
        mode,
        parse_duration(found["window"], "catch_up") if found["window"] else CatchUp().window,
        most,
        parse_duration(found["apart"], "catch_up") if found["apart"] else timedelta(),
    )


def parse_overlap(text: str) -> Overlap:
    """Read "skip", "allow", "buffer one", "buffer all" or "cancel running"."""
    plain = " ".join(text.lower().split())
    if plain not in set(Overlap):
        raise InvalidInput("overlap", f"{text!r} is not known; give one of {', '.join(Overlap)}")
    return Overlap(plain)


LONGEST_JITTER = timedelta(days=1)


def check_jitter(jitter: timedelta) -> timedelta:
    """Return `jitter`, from nothing to a day."""
    if not timedelta() <= jitter <= LONGEST_JITTER:
        raise InvalidInput("jitter", f"{format_duration(jitter)} is out of range; give 0s to 1d")
    return jitter


def check_pause_after(failures: int | None) -> int | None:
    """Return after how many failures in a row a schedule pauses itself; None for never."""
    if failures is not None and not 1 <= failures <= MAX_PAUSE_AFTER:
        raise InvalidInput(
            "pause_after", f"{failures} is out of range; give 1 to {MAX_PAUSE_AFTER:,} failures"
        )
    return failures


MAX_PAUSE_AFTER = 10_000


def jitter_of(schedule: str, jitter: timedelta) -> timedelta:
    """How long after each of its moments the schedule with that id runs: less than `jitter`.

    Always the same for the same schedule, as systemd's FixedRandomDelay: jobs of one schedule keep
    their distance, and many schedules of one moment are spread.
    """
    if not jitter:
        return jitter
    drawn = int.from_bytes(hashlib.blake2b(schedule.encode(), digest_size=8).digest())
    return timedelta(microseconds=drawn * (jitter // MICROSECOND) >> 64)


class OccurrenceOutcome(StrEnum):
    """The one recorded end of each moment a schedule was due."""

    RAN = "ran"
    LATE = "late"
    COALESCED = "coalesced"
    SKIPPED = "skipped"
    MISSED = "missed"
    UNDECIDED = "undecided"
    """None yet: it is due and not planned. Never on record."""

    @property
    def makes_job(self) -> bool:
        """Whether this outcome has a job of its own."""
        return self in (OccurrenceOutcome.RAN, OccurrenceOutcome.LATE)


class Occurrence(msgspec.Struct, frozen=True):
    """One moment a schedule was due, or one unbroken range of them that shares an outcome."""

    due_at: datetime
    outcome: OccurrenceOutcome
    through_at: datetime | None = None
    """The last moment of a range; None for a single one."""
    reason: str | None = None
    run_at: datetime | None = None
    """When its job is to run; None for at once."""
    reruns: int = 0
    """How many jobs somebody has had made for it, or the moments of its range, by hand."""


class Totals(msgspec.Struct, frozen=True):
    """How many entries of its ledger had which outcome; a range counts as one."""

    late: int = 0
    coalesced: int = 0
    skipped: int = 0
    missed: int = 0


NO_TOTALS = Totals()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When to make which job, and what was last done about it."""

    id: str
    name: str
    task: str
    recurrence: Recurrence
    args: str = field(default="{}", repr=False)
    """JSON of its jobs' arguments, with their secrets: show `shown_args`."""
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    options: str | None = None
    """JSON of what its jobs override of their task: timeout, retry."""
    ties: str | None = None
    """What ties its jobs to others, as it stands in the book; see domain/ties.py."""
    catch_up: CatchUp = field(default_factory=CatchUp)
    overlap: Overlap = Overlap.SKIP
    start_at: datetime | None = None
    end_at: datetime | None = None
    limit: int | None = None
    """How many jobs it may make in all; None for no limit."""
    jitter: timedelta = timedelta()
    """Its jobs run up to so long after their moment, always the same time."""
    pause_after: int | None = None
    """It pauses itself after so many jobs that failed in a row; None for never."""
    made: int = 0
    """How many jobs it has made."""
    totals: Totals = NO_TOTALS
    failures: int = 0
    """How many of its last jobs have failed in a row; counted where it may pause for it."""
    skips: int = 0
    """How many of its next moments are to be left out."""
    skips_by: str | None = None
    held_due_at: datetime | None = None
    """Its first moment that waits, or waited, for the last job to end."""
    clock: str | None = None
    """The virtual clock whose time it lives by; None for the wall clock."""
    source: str = "api"
    """`code:<application>` when declared in code, `api` when made at run time."""
    version: int = 1
    created_at: datetime | None = None
    next_due_at: datetime | None = None
    last_due_at: datetime | None = None
    last_job: JobId | None = None
    awaits_job: JobId | None = None
    unread: frozenset[str] = frozenset()
    """Policies that are damaged where they are stored: their defaults stand here."""
    """The job whose end makes it due again."""
    changed_at: datetime | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None
    paused_why: str | None = None
    paused_until: datetime | None = None
    """When it goes on by itself; None for when it is resumed."""
    retired_at: datetime | None = None
    """Since when it is gone from the code that declared it; it comes back with it."""
    changed_by: str | None = None
    broken: str | None = None
    """Why it was set aside: it could not be planned. Editing it puts it back."""
    secrets: tuple[Path, ...] = field(default=(), compare=False)
    """Where in its arguments the secrets are."""
    runs_as: str | None = field(default=None, compare=False)
    """The name its task has now, where it was stored under a former one and a worker said so."""

    @property
    def tags(self) -> tuple[str, ...]:
        """What its jobs can be found by."""
        return tags_in(self.ties)

    @property
    def owner(self) -> str | None:
        """Whose it is, and its jobs are."""
        return owner_in(self.ties)

    @property
    def shown_args(self) -> str:
        """JSON of its jobs' arguments, with `***` for what is secret."""
        return compact(mask(self.args, self.secrets))


@dataclass(frozen=True, slots=True)
class Version:
    """What a schedule said from a moment on; `said` is JSON."""

    version: int
    at: datetime
    by: str
    why: str | None
    said: str


class Plannable(Protocol):
    """What planning must know: a Schedule has it, and so do the few columns that a tick reads."""

    @property
    def id(self) -> str:
        """What its jitter is drawn from."""
        ...

    @property
    def jitter(self) -> timedelta:
        """How long after their moments its jobs run, at most."""
        ...

    @property
    def pause_after(self) -> int | None:
        """After how many failures in a row it pauses."""
        ...

    @property
    def failures(self) -> int:
        """How many of its jobs have failed in a row."""
        ...

    @property
    def skips(self) -> int:
        """How many of its next moments are to be left out."""
        ...

    @property
    def skips_by(self) -> str | None:
        """Who wants them to be."""
        ...

    @property
    def held_due_at(self) -> datetime | None:
        """Its first moment that waits, or waited, for the last job to end."""
        ...

    @property
    def recurrence(self) -> Recurrence:
        """When it is due."""
        ...

    @property
    def catch_up(self) -> CatchUp:
        """Which missed moments still count."""
        ...

    @property
    def overlap(self) -> str:
        """What to do while its last job has not ended."""
        ...

    @property
    def end_at(self) -> datetime | None:
        """The last moment it may be due."""
        ...

    @property
    def limit(self) -> int | None:
        """How many jobs it may make in all."""
        ...

    @property
    def made(self) -> int:
        """How many it has made."""
        ...

    @property
    def next_due_at(self) -> datetime | None:
        """When it is due next."""
        ...


def check_window(start_at: datetime | None, end_at: datetime | None, limit: int | None) -> None:
    """Refuse a schedule that could never make a job for reasons other than its recurrence."""
    for name, moment in (("start", start_at), ("end", end_at)):
        if moment is not None and moment.tzinfo is None:
            raise InvalidInput(name, f"{moment.isoformat()} has no zone; add one, such as +00:00")
    if start_at is not None and end_at is not None and end_at < start_at:
        told = f"{end_at.isoformat()} is before start {start_at.isoformat()}; give a later end"
        raise InvalidInput("end", told)
    if limit is not None and limit < 1:
        raise InvalidInput("limit", f"{limit} is out of range; give 1 or more, or leave it out")


def first_due(schedule: Schedule, now: datetime) -> datetime | None:
    """The first moment at or after both `now` and the schedule's start; None if none remains."""
    begin = max(now, schedule.start_at) if schedule.start_at else now
    wait = schedule.recurrence.after_finish
    if wait is not None:
        return within_end(schedule, begin)
    return within_end(schedule, schedule.recurrence.next(begin - timedelta(microseconds=1)))


def coming(schedule: Schedule, begin: datetime, now: datetime, count: int) -> Sequence[datetime]:
    """Up to `count` of its moments from `begin` on, included, within its start, end and limit.

    Of a limit what is left counts from `now` on, as if each moment made a job. One that rests after
    its job's end has no moment but its next.
    """
    return list(islice(moments_of(schedule, begin, now), count))


def moments_of(
    schedule: Schedule, begin: datetime, now: datetime, *, farthest: int = FARTHEST_LIMIT
) -> Iterator[datetime]:
    """The same one by one; a limit that leaves more jobs than `farthest` is not heeded."""
    if schedule.recurrence.after_finish is not None:
        due = schedule.next_due_at
        return iter([due] if due is not None and due >= begin else [])
    first = max(begin, schedule.start_at) if schedule.start_at else begin
    last = _last_within_limit(schedule, now, farthest)
    ends = [moment for moment in (schedule.end_at, last) if moment is not None]
    found = due_from(schedule.recurrence, first)
    return takewhile(lambda moment: all(moment <= end for end in ends), found)


def _last_within_limit(schedule: Schedule, now: datetime, farthest: int) -> datetime | None:
    """The moment that uses its limit up; None where there is no limit, or it is far away."""
    if schedule.limit is None:
        return None
    left = schedule.limit - schedule.made
    if left <= 0:
        return now - MICROSECOND
    if left > farthest:
        return None
    begin = max(now, schedule.start_at) if schedule.start_at else now
    return next(islice(due_from(schedule.recurrence, begin), left - 1, None), None)


def planned_from(schedule: Schedule, time: datetime) -> datetime | None:
    """The first moment from `time` on; that itself where nobody knows, for what is set aside."""
    return time if why_unreadable(schedule) else first_due(schedule, time)


def why_unreadable(schedule: Schedule) -> str | None:
    """Why its recurrence cannot be read; None where it can."""
    found = schedule.recurrence
    return found.reason if isinstance(found, Unreadable) else None


def within_end(schedule: Plannable, moment: datetime | None) -> datetime | None:
    """`moment`, or None when it lies past the schedule's end, which is inclusive."""
    if moment is None or (schedule.end_at is not None and moment > schedule.end_at):
        return None
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
