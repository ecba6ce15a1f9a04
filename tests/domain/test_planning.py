"""`plan`: every moment from the due one up to now has exactly one outcome."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.planning import GRACE, INSTANT, Plan, latest, plan
from onbeat.domain.recurrence import Recurrence, cron, every, once
from onbeat.domain.schedules import (
    HOLDING,
    MAX_BUFFERED,
    MAX_CATCH_UP,
    CatchUp,
    CatchUpMode,
    Occurrence,
    Overlap,
    Schedule,
    jitter_of,
    parse_catch_up,
)
from tests import factories

NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Counting:
    """A recurrence of every second that counts how often it is asked."""

    asked: list[datetime] = field(default_factory=list, hash=False, compare=False)
    zone: str = "UTC"
    after_finish: timedelta | None = None

    def next(self, after: datetime) -> datetime | None:
        self.asked.append(after)
        return after.replace(microsecond=0) + timedelta(seconds=1)

    def describe(self) -> str:
        return "every second"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        return ()

    def spec(self) -> dict[str, object]:
        return {}


def due(recurrence: Recurrence | None = None, at: datetime = NOON, **fields: Any) -> Schedule:
    """A schedule that is due at `at`, every minute unless told otherwise."""
    return factories.schedule(recurrence=recurrence or every("1m"), next_due_at=at, **fields)


def caught_up(text: str, late: timedelta, **fields: Any) -> Plan:
    return plan(due(catch_up=parse_catch_up(text), **fields), NOON + late, busy=False)


def told(planned: Plan) -> list[tuple[str, int, int]]:
    """Outcome, and the first and last minute after noon it covers."""
    return [
        (
            str(each.outcome),
            (each.due_at - NOON) // MINUTE,
            ((each.through_at or each.due_at) - NOON) // MINUTE,
        )
        for each in planned.occurrences
    ]


def test_a_schedule_that_is_not_due_yet_is_left_alone() -> None:
    assert plan(due(at=NOON + MINUTE), NOON, busy=False) == Plan((), NOON + MINUTE, 0)


def test_a_schedule_that_has_ended_is_left_alone() -> None:
    schedule = replace(due(), next_due_at=None)

    assert plan(schedule, NOON, busy=False) == Plan((), None, 0)


@pytest.mark.parametrize("late", [timedelta(), GRACE / 2, GRACE])
def test_a_moment_within_the_grace_ran_on_time(late: timedelta) -> None:
    planned = plan(due(), NOON + late, busy=False)

    assert told(planned) == [("ran", 0, 0)]
    assert (planned.next_due_at, planned.made) == (NOON + MINUTE, 1)


def test_a_moment_past_the_grace_is_late() -> None:
    planned = plan(due(), NOON + GRACE + INSTANT, busy=False)

    assert (told(planned), planned.made) == ([("late", 0, 0)], 1)


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("latest", [("coalesced", 0, 9), ("late", 10, 10)]),
        ("first", [("late", 0, 0), ("coalesced", 1, 10)]),
        ("none", [("missed", 0, 10)]),
        ("all", [("late", minute, minute) for minute in range(11)]),
        ("latest within 3m", [("missed", 0, 7), ("coalesced", 8, 9), ("late", 10, 10)]),
        ("first within 3m", [("missed", 0, 7), ("late", 8, 8), ("coalesced", 9, 10)]),
        ("all within 2m", [("missed", 0, 8), ("late", 9, 9), ("late", 10, 10)]),
        ("latest within 1s", [("missed", 0, 10)]),
    ],
)
def test_each_catch_up_policy_sorts_out_what_was_missed(
    catch_up: str, expected: list[tuple[str, int, int]]
) -> None:
    planned = caught_up(catch_up, 10 * MINUTE + timedelta(seconds=30), overlap=Overlap.ALLOW)

    assert told(planned) == expected
    assert planned.next_due_at == NOON + 11 * MINUTE


def test_what_was_missed_is_merged_into_a_moment_that_is_on_time() -> None:
    planned = caught_up("latest", 10 * MINUTE)

    assert told(planned) == [("coalesced", 0, 9), ("ran", 10, 10)]


def test_no_more_than_a_thousand_are_caught_up_with_at_once() -> None:
    planned = caught_up("all", MINUTE * 1_500 + GRACE * 2, overlap=Overlap.ALLOW)

    assert planned.made == MAX_CATCH_UP
    # The window of a day cuts off 60 minutes, the cap what is left over a thousand.
    assert [each[0] for each in told(planned)][::MAX_CATCH_UP] == ["missed", "late"]
    assert told(planned)[-1] == ("missed", 1_061, 1_500)


def test_a_schedule_of_every_second_down_for_a_year_is_planned_in_few_questions() -> None:
    recurrence = Counting()

    planned = plan(due(recurrence), NOON + timedelta(days=365, microseconds=1), busy=False)

    assert len(recurrence.asked) < 500
    assert planned.next_due_at == NOON + timedelta(days=365, seconds=1)


def test_the_latest_moment_is_found_in_few_questions() -> None:
    recurrence = Counting()

    found = latest(recurrence, NOON, NOON + timedelta(days=3_650, milliseconds=500))

    assert found == NOON + timedelta(days=3_650)
    assert len(recurrence.asked) < 100


@pytest.mark.parametrize("late", [timedelta(), MINUTE / 2, HOUR])
def test_a_busy_schedule_that_must_not_overlap_skips(late: timedelta) -> None:
    planned = plan(due(), NOON + late, busy=True)

    assert planned.made == 0
    assert told(planned)[-1][0] == "skipped"
    assert planned.occurrences[-1].reason == "the last job has not ended"


def test_a_busy_schedule_that_may_overlap_runs() -> None:
    assert plan(due(overlap=Overlap.ALLOW), NOON, busy=True).made == 1


def test_of_several_moments_at_once_only_the_first_makes_a_job_without_overlap() -> None:
    planned = caught_up("all", 2 * MINUTE + GRACE * 2)

    assert [outcome for outcome, _, _ in told(planned)] == ["late", "skipped", "skipped"]


def test_a_limit_ends_the_schedule_with_its_last_job() -> None:
    planned = caught_up("all", 5 * MINUTE, limit=7, made=4, overlap=Overlap.ALLOW)

    assert (planned.made, planned.next_due_at) == (3, None)


def test_a_skipped_moment_does_not_count_towards_the_limit() -> None:
    planned = plan(due(limit=1), NOON, busy=True)

    assert (planned.made, planned.next_due_at) == (0, NOON + MINUTE)


def test_nothing_is_due_after_the_end() -> None:
    planned = caught_up("all", HOUR, end_at=NOON + 2 * MINUTE, overlap=Overlap.ALLOW)

    assert told(planned) == [("late", 0, 0), ("late", 1, 1), ("late", 2, 2)]
    assert planned.next_due_at is None


def test_a_single_moment_ends_with_itself() -> None:
    planned = plan(due(once(NOON)), NOON, busy=False)

    assert (planned.made, planned.next_due_at) == (1, None)


class TestAfterFinish:
    """A recurrence that rests after each job has one moment at a time."""

    rest = every("10m", after_finish=True)

    def test_it_waits_for_its_job_to_end(self) -> None:
        assert plan(due(self.rest), NOON, busy=False).next_due_at is None

    def test_it_is_late_when_it_was_missed(self) -> None:
        assert told(plan(due(self.rest), NOON + HOUR, busy=False)) == [("late", 0, 0)]

    def test_it_keeps_its_limit(self) -> None:
        assert plan(due(self.rest, limit=2, made=2), NOON, busy=False) == Plan((), None, 0)

    def test_it_keeps_its_end(self) -> None:
        ended = due(self.rest, end_at=NOON - INSTANT)

        assert plan(ended, NOON, busy=False) == Plan((), None, 0)


recurrences: st.SearchStrategy[Recurrence] = st.sampled_from(
    [
        every("1s"), every("7s"), every("1m"), every("90m"), cron("*/5 * * * *"),
        cron("30 2 * * *", tz="Europe/Paris"), cron("0,1,2 9-17 * * mon-fri"),
    ]
)  # fmt: skip
policies = st.builds(
    CatchUp, st.sampled_from(CatchUpMode), st.timedeltas(timedelta(), timedelta(days=3))
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Schedule, datetime, Plan]:
    """A schedule due at one of its moments, planned some time after that."""
    recurrence = draw(recurrences)
    first = recurrence.next(NOON)
    assert first is not None
    longest = min(recurrence.next(first) or first, first + HOUR) - first
    now = first + draw(st.timedeltas(timedelta(), max(GRACE * 3, longest * 300)))
    schedule = due(
        recurrence,
        first,
        catch_up=draw(policies),
        overlap=draw(st.sampled_from([Overlap.SKIP, Overlap.ALLOW])),
        end_at=draw(st.none() | st.just(first + (now - first) / 2)),
    )
    return schedule, now, plan(schedule, now, busy=draw(st.booleans()))


def covered(recurrence: Recurrence, occurrence: Occurrence) -> list[datetime]:
    """Every moment an occurrence accounts for."""
    found, last = [occurrence.due_at], occurrence.through_at or occurrence.due_at
    while (following := recurrence.next(found[-1])) is not None and following <= last:
        found.append(following)
    return found


@settings(deadline=None)
@given(plans())
def test_every_moment_is_in_exactly_one_occurrence(made: tuple[Schedule, datetime, Plan]) -> None:
    schedule, now, planned = made
    until = min(now, schedule.end_at or now)
    assert schedule.next_due_at is not None
    whole = Occurrence(schedule.next_due_at, planned.occurrences[0].outcome, until)

    accounted = [
        moment for each in planned.occurrences for moment in covered(schedule.recurrence, each)
    ]

    assert accounted == covered(schedule.recurrence, whole)


@settings(deadline=None)
@given(plans())
def test_the_next_moment_is_the_first_after_now(made: tuple[Schedule, datetime, Plan]) -> None:
    schedule, now, planned = made
    following = schedule.recurrence.next(now)

    has_ended = following is None or (schedule.end_at is not None and following > schedule.end_at)
    assert planned.next_due_at == (None if has_ended else following)


@settings(deadline=None)
@given(plans())
def test_what_it_makes_is_what_its_occurrences_make(made: tuple[Schedule, datetime, Plan]) -> None:
    _, _, planned = made
    jobs = [each for each in planned.occurrences if each.outcome.makes_job]

    assert planned.made == len(jobs)
    assert all(each.through_at is None for each in jobs)


@settings(deadline=None)
@given(plans())
def test_a_range_ends_on_a_moment_of_its_own(made: tuple[Schedule, datetime, Plan]) -> None:
    schedule, _, planned = made

    for each in planned.occurrences:
        if each.through_at is not None:
            assert each.through_at > each.due_at
            assert schedule.recurrence.next(each.through_at - INSTANT) == each.through_at


def planned_by(overlap: Overlap, late: timedelta, *, busy: bool, **fields: Any) -> Plan:
    return plan(due(overlap=overlap, **fields), NOON + late, busy=busy)


@pytest.mark.parametrize("overlap", sorted(HOLDING))
def test_a_moment_waits_for_the_last_job_where_the_policy_says_so(overlap: Overlap) -> None:
    planned = planned_by(overlap, timedelta(), busy=True)

    assert planned.occurrences == ()
    assert (planned.next_due_at, planned.held_due_at) == (None, NOON)
    assert planned.awaits_last
    assert planned.stops_last == (overlap is Overlap.CANCEL)


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (Overlap.BUFFER_ONE, [("late", 0, 0), ("coalesced", 1, 5)]),
        (Overlap.CANCEL, [("coalesced", 0, 4), ("ran", 5, 5)]),
    ],
)
def test_what_waited_is_one_job_when_the_last_has_ended(
    overlap: Overlap, expected: list[tuple[str, int, int]]
) -> None:
    planned = planned_by(overlap, 5 * MINUTE, busy=False, held_due_at=NOON)

    assert told(planned) == expected
    assert (planned.next_due_at, planned.held_due_at) == (NOON + 6 * MINUTE, None)


def test_of_what_waits_by_buffer_all_one_job_is_made_at_a_time() -> None:
    schedule = due(overlap=Overlap.BUFFER_ALL, held_due_at=NOON)
    seen: list[tuple[str, int, int]] = []
    now = NOON + 3 * MINUTE + timedelta(seconds=30)
    while schedule.next_due_at is not None and schedule.next_due_at <= now:
        planned = plan(schedule, now, busy=False)
        assert planned.made == 1
        seen += told(planned)
        schedule = replace(
            schedule, next_due_at=planned.next_due_at, held_due_at=planned.held_due_at
        )

    assert seen == [("late", minute, minute) for minute in range(4)]
    assert (schedule.next_due_at, schedule.held_due_at) == (NOON + 4 * MINUTE, None)


@pytest.mark.parametrize("more", [0, 1, 7])
def test_of_more_than_may_wait_the_oldest_are_dropped_and_on_record(more: int) -> None:
    late = (MAX_BUFFERED - 1 + more) * MINUTE

    planned = planned_by(Overlap.BUFFER_ALL, late, busy=False, held_due_at=NOON)

    dropped = [("skipped", 0, more - 1)] if more else []
    assert told(planned) == [*dropped, ("late", more, more)]


def test_many_moments_on_time_wait_for_the_first_of_them() -> None:
    schedule = due(every("1s"), overlap=Overlap.BUFFER_ALL)

    planned = plan(schedule, NOON + timedelta(seconds=3), busy=False)

    second = NOON + timedelta(seconds=1)
    assert planned.made == 1
    assert (planned.next_due_at, planned.held_due_at) == (second, second)


def test_moments_that_somebody_asked_to_skip_are_left_out() -> None:
    schedule = due(every("1s"), overlap=Overlap.ALLOW, skips=2, skips_by="ann")

    planned = plan(schedule, NOON + timedelta(seconds=2), busy=False)

    assert [str(each.outcome) for each in planned.occurrences] == ["skipped", "skipped", "ran"]
    assert planned.occurrences[0].reason == "left out by ann"
    assert (planned.skips, planned.made) == (2, 1)


def test_jitter_moves_the_run_and_never_the_moment() -> None:
    jitter = timedelta(seconds=50)
    schedule = due(jitter=jitter)

    [occurrence] = plan(schedule, NOON, busy=False).occurrences

    assert occurrence.due_at == NOON
    assert occurrence.run_at == NOON + jitter_of(schedule.id, jitter)


@given(st.uuids(), st.timedeltas(timedelta(microseconds=1), timedelta(days=1)))
def test_jitter_is_always_the_same_and_less_than_was_said(
    identity: uuid.UUID, jitter: timedelta
) -> None:
    drawn = jitter_of(identity.hex, jitter)

    assert timedelta() <= drawn < jitter
    assert drawn == jitter_of(identity.hex, jitter)


def test_jitter_spreads_many_schedules_evenly() -> None:
    jitter = timedelta(seconds=60)

    drawn = sorted(jitter_of(uuid.UUID(int=n).hex, jitter) for n in range(600))

    for part in range(6):
        within = [each for each in drawn if part * 10 <= each.total_seconds() < part * 10 + 10]
        assert 60 <= len(within) <= 140


def test_what_is_caught_up_is_spread_over_time() -> None:
    planned = caught_up("all every 10s", 2 * MINUTE + GRACE + INSTANT, overlap=Overlap.ALLOW)

    now = NOON + 2 * MINUTE + GRACE + INSTANT
    runs = [each.run_at for each in planned.occurrences]
    assert runs == [now + n * timedelta(seconds=10) for n in range(3)]


def test_no_more_is_caught_up_than_was_said_and_the_rest_is_on_record() -> None:
    planned = caught_up("all at most 2", 5 * MINUTE + timedelta(seconds=30), overlap=Overlap.ALLOW)

    assert told(planned) == [("late", 0, 0), ("late", 1, 1), ("missed", 2, 5)]


@pytest.mark.parametrize(
    ("failures", "has_failed", "counted", "pauses"),
    [(0, True, 1, False), (1, True, 2, False), (2, True, 3, True), (2, False, 0, False),
     (2, None, 2, False), (3, None, 3, True)],
)  # fmt: skip
def test_a_schedule_pauses_after_so_many_failures_in_a_row(
    failures: int, has_failed: bool | None, counted: int, pauses: bool
) -> None:
    schedule = due(pause_after=3, failures=failures)

    planned = plan(schedule, NOON, busy=False, has_failed=has_failed)

    assert (planned.failures, planned.pause is not None) == (counted, pauses)
    assert planned.made == (not pauses)
    assert planned.next_due_at == (NOON if pauses else NOON + MINUTE)


@given(
    overlap=st.sampled_from(list(Overlap)),
    late=st.integers(0, 400),
    busy=st.booleans(),
    held=st.booleans(),
    skips=st.integers(0, 3),
    limit=st.none() | st.integers(1, 5),
)
def test_whatever_the_policy_each_moment_is_decided_once_or_waits(
    overlap: Overlap, late: int, busy: bool, held: bool, skips: int, limit: int | None
) -> None:
    now = NOON + timedelta(seconds=late)
    schedule = due(
        every("10s"), overlap=overlap, held_due_at=NOON if held else None, skips=skips, limit=limit
    )

    planned = plan(schedule, now, busy=busy)

    every_moment = [NOON + timedelta(seconds=10 * n) for n in range(late // 10 + 1)]
    decided = [
        moment
        for each in planned.occurrences
        for moment in every_moment
        if each.due_at <= moment <= (each.through_at or each.due_at)
    ]
    waits_from = planned.held_due_at or planned.next_due_at
    if waits_from is None:  # its limit is used up: what is later is no moment of its any more
        assert decided == every_moment[: len(decided)]
    else:
        assert decided == [moment for moment in every_moment if moment < waits_from]
