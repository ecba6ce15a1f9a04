"""What a stretch of minute calls is held to, beyond what any run with faults is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from onbeat.domain.planning import GRACE
from onbeat.domain.schedules import CatchUpMode, Overlap, Schedule
from tests.chaos.checker import ANY_RUN, SET_ASIDE, Books
from tests.chaos.findings import Finding
from tests.chaos.history import History
from tests.simulation.book import Era
from tests.simulation.ledger_oracle import Entry, bounds, judge, over_after
from tests.simulation.year.app import TRIES
from tests.simulation.year.host import Called

SLACK = timedelta(seconds=6)
"""How long a request may be under way: what it decides is decided up to so much later than its
process thought."""

MOST_LOSSES = 3

FAILURES = frozenset({"failed", "timed out"})

TOO_OLD, TOO_MANY = "older than", "more than"
"""How reasons begin of what was missed, and of what is too much to be kept."""


@dataclass(frozen=True, slots=True)
class Row(Entry):
    """A row of the ledger, and why it is so."""

    job: str | None = None
    reason: str | None = None


@dataclass
class Record:
    """A stretch, after all is over."""

    history: History
    schedules: Sequence[Schedule]
    ledger: dict[str, list[Row]]
    """By schedule, in order of time."""
    calls: Sequence[Called]
    until: datetime
    """Up to when each moment must be on record."""
    ends: dict[str, datetime]
    """When each job ended."""


def check(record: Record) -> Iterator[Finding]:
    """All that is wrong."""
    books = Books(record.history)
    for common in ANY_RUN:
        yield from common(record.history, books)
    yield from _ends_are_as_attempts_say(books)
    calls = Calls(record.calls)
    for schedule in record.schedules:
        rows = record.ledger.get(schedule.id, [])
        if schedule.recurrence.after_finish is None:
            yield from _each_moment_is_on_record(record, schedule, rows)
        else:
            yield from _rests(record, schedule, rows)
        yield from bounds(schedule, rows)
        for row in rows:
            yield from _is_allowed(row, schedule, record, calls)
        yield from _neighbours(rows, schedule)


def _each_moment_is_on_record(
    record: Record, schedule: Schedule, rows: Sequence[Row]
) -> Iterator[Finding]:
    made = schedule.created_at
    assert made is not None
    eras = [Era(schedule.recurrence, made, made, made)]
    over = over_after(schedule, rows)
    yield from judge(schedule.name, eras, rows, record.until, record.until, over)


def _rests(record: Record, schedule: Schedule, rows: Sequence[Row]) -> Iterator[Finding]:
    """One that rests after its job has no other moment before that has ended."""
    for before, after in pairwise(rows):
        ended = record.ends.get(before.job or "")
        if ended is None or after.due < ended:
            yield Finding("a schedule rests after its job", schedule.name, f"{before} {after}")


def _ends_are_as_attempts_say(books: Books) -> Iterator[Finding]:
    """A job completes by its one attempt that succeeded, or fails when none is left."""
    for job in books.jobs.values():
        said = books.attempts.get(job.id, [])
        outcomes = [each.outcome for each in said]
        losses = sum(each.outcome == "lost" and each.has_begun for each in said)
        failures = sum(each.outcome in FAILURES for each in said)
        for end in books.ends.get(job.id, []):
            if SET_ASIDE in (end.reason or ""):
                is_right = (end.outcome, losses) == ("failed", MOST_LOSSES)
            elif end.outcome == "completed":
                is_right = outcomes.count("succeeded") == 1 and outcomes[-1] == "succeeded"
            else:
                is_right = end.outcome == "failed" and failures == TRIES[job.task]
            if not is_right:
                detail = f"{end.outcome} ({end.reason}) after {outcomes}"
                yield Finding("a job ends as its attempts say", job.id, detail)


class Calls:
    """When what was due must have been decided: calls that ended well, and said so."""

    def __init__(self, calls: Sequence[Called]) -> None:
        """Of all calls."""
        well = sorted((each.at, each.ended_at) for each in calls if each.ended_at is not None
                      and each.is_complete)  # fmt: skip
        self._begins = [at for at, _ in well]
        self._ends = [ended for _, ended in well]

    def decided(self, moment: datetime) -> datetime:
        """When `moment` was decided at the latest."""
        place = bisect_left(self._begins, moment)
        last = datetime.max.replace(tzinfo=UTC)
        return min(self._ends[place : place + 10], default=last)


def _is_allowed(row: Row, schedule: Schedule, record: Record, calls: Calls) -> Iterator[Finding]:
    why_not = _why_not(row, schedule, record, calls)
    if why_not is not None:
        told = f"{row.due.isoformat()} {row.outcome} ({row.reason}): {why_not}"
        yield Finding("each outcome is one that its policy allows", schedule.name, told)


def _why_not(row: Row, schedule: Schedule, record: Record, calls: Calls) -> str | None:
    policy = schedule.catch_up
    window = GRACE if policy.mode is CatchUpMode.NONE else policy.window
    reason = row.reason or ""
    match row.outcome:
        case "ran":
            is_right = _made_at(row) - row.due <= GRACE + SLACK
            return None if is_right else f"its job was made at {_made_at(row)}"
        case "late":
            after = _made_at(row) - row.due
            waited = reason.startswith("waited")
            may = waited or schedule.recurrence.after_finish is not None
            may |= policy.mode is not CatchUpMode.NONE and after <= window + SLACK
            return None if may and after > GRACE - SLACK else f"its job was made {after} after it"
        case "missed" if reason.startswith(TOO_MANY):
            return None if policy.mode is CatchUpMode.ALL else f"{policy}"
        case "missed":
            decided = calls.decided(row.through)
            return None if decided - row.through >= window else f"a call decided at {decided}"
        case "skipped":
            return _why_not_skipped(row, schedule, record)
        case _:
            merges = policy.mode in (CatchUpMode.LATEST, CatchUpMode.FIRST)
            is_right = merges or schedule.overlap is Overlap.BUFFER_ONE
            return None if is_right else f"{policy}, {schedule.overlap}"


def _why_not_skipped(row: Row, schedule: Schedule, record: Record) -> str | None:
    """What is skipped has a job before that had not ended, or is too much to wait."""
    if schedule.overlap is Overlap.BUFFER_ALL:
        return None if (row.reason or "").startswith(TOO_MANY) else "it should wait"
    if schedule.overlap is not Overlap.SKIP:
        return f"{schedule.overlap}"
    before = [each.job for each in record.ledger[schedule.id] if each.job and each.due < row.due]
    ended = record.ends.get(before[-1]) if before else None
    if ended is None:
        return "no job was before it"
    return None if ended > row.due else f"the job before it ended at {ended}"


def _neighbours(rows: Sequence[Row], schedule: Schedule) -> Iterator[Finding]:
    """What was merged was merged into a neighbour, which made a job or was skipped for one."""
    for number, row in enumerate(rows):
        if row.outcome != "coalesced":
            continue
        is_back = "first" in (row.reason or "") or "waited" in (row.reason or "")
        place = number - 1 if is_back else number + 1
        into = rows[place].outcome if 0 <= place < len(rows) else None
        if into not in ("ran", "late", "skipped"):
            detail = f"{row.due.isoformat()} ({row.reason}) into {into}"
            yield Finding("what is merged goes into another", schedule.name, detail)


def _made_at(row: Row) -> datetime:
    """When the job was made, by its id."""
    assert row.job is not None
    return datetime.fromtimestamp(int(row.job[:12], 16) / 1000, UTC)
