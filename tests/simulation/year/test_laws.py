"""The laws of minute calls find what is wrong: each is broken once, in a stretch that was well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onbeat import every
from onbeat.domain.schedules import Overlap, Schedule, parse_catch_up
from onbeat.store.column_types import to_micros
from tests.chaos.effects import Effect, Word
from tests.chaos.history import Attempt, Booked, End, History, Moment
from tests.simulation.year.host import Called
from tests.simulation.year.laws import Record, Row, check

BEGIN = datetime(2031, 3, 9, 4, tzinfo=UTC)
MADE = BEGIN - timedelta(seconds=1)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EVERY, LAST = timedelta(minutes=10), 6

SCHEDULE = Schedule(
    id="s", name="often", task="blink", recurrence=every("10m"), overlap=Overlap.SKIP,
    catch_up=parse_catch_up("latest within 1h"), created_at=MADE,
)  # fmt: skip

Rows = list[Row]


def _ran(number: int, after: timedelta = SECOND, outcome: str = "ran") -> Row:
    due = BEGIN + number * EVERY
    stamp = int((due + after).timestamp() * 1000)
    return Row(due, due, outcome, f"{stamp:012x}7000{number:016x}")


def _other(first: int, last: int, outcome: str, reason: str) -> Row:
    return Row(BEGIN + first * EVERY, BEGIN + last * EVERY, outcome, None, reason)


def _record(rows: Rows, schedule: Schedule = SCHEDULE, calls: int = 61) -> Record:
    """What is on record after `rows`, where each job was done at once, and `calls` came in time."""
    jobs = [(row, row.job, token) for token, row in enumerate(rows, 1) if row.job is not None]
    history = History(
        booked=[Booked(job, "blink", "s", to_micros(row.due)) for row, job, _ in jobs],
        ends=[End(job, "completed") for _, job, _ in jobs],
        attempts=[Attempt(job, token, "succeeded", token) for _, job, token in jobs],
        effects=[
            Effect(word, job, token, 1, 0.0, occurrence=to_micros(row.due))
            for row, job, token in jobs for word in (Word.BEGIN, Word.END)
        ],
        ledger=[
            Moment("s", to_micros(row.due), to_micros(row.through), row.outcome, row.job)
            for row in rows
        ],
    )  # fmt: skip
    told = [
        Called(BEGIN + n * MINUTE, BEGIN + n * MINUTE + SECOND, is_complete=True)
        for n in range(calls)
    ]
    ends = {job: row.due + 2 * SECOND for row, job, _ in jobs}
    return Record(history, [schedule], {"s": rows}, told, BEGIN + LAST * EVERY, ends)


def _well() -> Rows:
    return [_ran(number) for number in range(LAST + 1)]


def _promises(record: Record) -> set[str]:
    return {finding.promise for finding in check(record)}


def test_a_stretch_in_which_all_went_well_is_well() -> None:
    assert _promises(_record(_well())) == set()


def test_what_came_due_while_nobody_called_may_be_merged_and_made_late() -> None:
    rows = [_ran(0), _other(1, 2, "coalesced", "into the latest one"), _ran(3, MINUTE, "late")]

    assert _promises(_record([*rows, *_well()[4:]])) == set()


def _lose(rows: Rows) -> Rows:
    return [*rows[:3], *rows[4:]]


def _repeat(rows: Rows) -> Rows:
    return [*rows, _ran(LAST, 2 * SECOND)]


def _miss(rows: Rows) -> Rows:
    return [*rows[:3], _other(3, 3, "missed", "older than catch-up allows"), *rows[4:]]


def _skip(rows: Rows) -> Rows:
    return [*rows[:3], _other(3, 3, "skipped", "the last job has not ended"), *rows[4:]]


def _merge_the_last(rows: Rows) -> Rows:
    return [*rows[:-1], _other(LAST, LAST, "coalesced", "into the latest one")]


def _make_late(rows: Rows) -> Rows:
    return [*rows[:3], _ran(3, 5 * MINUTE), *rows[4:]]


def _make_too_late(rows: Rows) -> Rows:
    return [*rows[:3], _ran(3, 2 * HOUR, "late"), *rows[4:]]


@pytest.mark.parametrize(
    ("damage", "promise"),
    [
        (_lose, "each moment of a schedule is on record"),
        (_repeat, "a moment is in one entry of the ledger"),
        (_miss, "each outcome is one that its policy allows"),
        (_skip, "each outcome is one that its policy allows"),
        (_make_late, "each outcome is one that its policy allows"),
        (_make_too_late, "each outcome is one that its policy allows"),
        (_merge_the_last, "what is merged goes into another"),
    ],
)
def test_a_moment_that_was_dealt_with_wrongly_is_found(
    damage: Callable[[Rows], Rows], promise: str
) -> None:
    assert promise in _promises(_record(damage(_well())))


def test_what_nobody_called_for_may_be_missed() -> None:
    assert _promises(_record(_miss(_well()), calls=5)) == set()


def test_a_schedule_that_merges_nothing_has_nothing_merged() -> None:
    rows = [_ran(0), _other(1, 2, "coalesced", "into the latest one"), _ran(3, MINUTE, "late")]
    keeps_all = replace(SCHEDULE, catch_up=parse_catch_up("all within 1h"))

    assert _promises(_record([*rows, *_well()[4:]], keeps_all)) == {
        "each outcome is one that its policy allows"
    }


def test_more_jobs_than_the_limit_are_found() -> None:
    bounded = replace(SCHEDULE, limit=3)

    assert "a limit bounds the jobs that are made" in _promises(_record(_well(), bounded))


def test_a_job_that_ended_twice_or_other_than_its_attempts_say_is_found() -> None:
    twice, wrongly = _record(_well()), _record(_well())
    twice.history.ends.append(twice.history.ends[0])
    wrongly.history.ends[0] = replace(wrongly.history.ends[0], outcome="failed")

    assert "every job ends, once" in _promises(twice)
    assert _promises(wrongly) == {"a job ends as its attempts say"}
