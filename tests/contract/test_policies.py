"""What a schedule does while its last job goes on; pauses, skips, changes, spread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import HOLDING, OccurrenceOutcome, Overlap, Schedule, jitter_of
from onbeat.domain.states import State
from onbeat.runtime.tick import tick
from onbeat.store import repairs, schedules
from onbeat.store.schedule_rows import set_values
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, again, all_due, change, create, ledger, outcomes
from tests.contract.world import acked, begin, claim_one, find, state
from tests.timing import START, ManualTiming

holding = pytest.mark.parametrize("overlap", sorted(HOLDING))


async def busy(store: Store, **fields: object) -> tuple[Schedule, JobId]:
    """A schedule of every minute whose first job runs; it ran at START."""
    schedule = await create(store, recurrence=every("1m"), **fields)
    await tick(store)
    [(_, job)] = await ledger(store, schedule)
    assert job is not None
    return schedule, job


async def end(store: Store, move: str = "complete") -> JobId:
    """Run the next job to its end."""
    claimed = await claim_one(store, await begin(store))
    await acked(store, factories.ack(claimed, move))
    return claimed.id


@holding
async def test_a_moment_that_waits_makes_no_job_until_the_last_has_ended(
    store: Store, timing: ManualTiming, overlap: Overlap
) -> None:
    schedule, _ = await busy(store, overlap=overlap)
    await claim_one(store, await begin(store))
    timing.advance(by=MINUTE)
    await tick(store)
    timing.advance(by=MINUTE)
    await tick(store)

    shown = await again(store, schedule)
    assert outcomes(await all_due(store, schedule)) == ["ran", "undecided"]
    assert (shown.next_due_at, shown.held_due_at, shown.made) == (None, START + MINUTE, 1)


@pytest.mark.parametrize(
    ("overlap", "expected", "due"),
    [
        (Overlap.BUFFER_ONE, ["ran", "late", "coalesced"], START + MINUTE),
        (Overlap.CANCEL, ["ran", "coalesced", "ran"], START + 3 * MINUTE),
    ],
)
async def test_when_the_last_job_has_ended_what_waited_is_one_job(
    store: Store, timing: ManualTiming, overlap: Overlap, expected: list[str], due: object
) -> None:
    schedule, _ = await busy(store, overlap=overlap)
    claimed = await claim_one(store, await begin(store))
    for _ in range(3):
        timing.advance(by=MINUTE)
        await tick(store)
    await acked(store, factories.ack(claimed))

    await tick(store)

    entries = await ledger(store, schedule)
    assert outcomes(entries) == expected
    [job] = [job for _, job in entries[1:] if job is not None]
    assert (await find(store, job)).occurrence_at == due
    assert (await again(store, schedule)).next_due_at == START + 4 * MINUTE


async def test_by_buffer_all_each_moment_has_its_job_one_after_the_other(
    store: Store, timing: ManualTiming
) -> None:
    schedule, _ = await busy(store, overlap=Overlap.BUFFER_ALL)
    timing.advance(by=3 * MINUTE)
    for _ in range(4):
        await tick(store)
        await tick(store)
        await end(store)
    await tick(store)

    entries = await ledger(store, schedule)
    assert outcomes(entries) == ["ran", "late", "late", "ran"]
    assert (await again(store, schedule)).held_due_at is None


async def test_the_running_job_is_asked_to_stop_where_the_policy_says_so(
    store: Store, timing: ManualTiming
) -> None:
    schedule, job = await busy(store, overlap=Overlap.CANCEL)
    await claim_one(store, await begin(store))
    timing.advance(by=MINUTE)

    await tick(store)

    shown = await find(store, job)
    assert shown.state is State.RUNNING
    assert shown.stop_asked == f"its schedule {schedule.name!r} is due again"


async def test_a_last_job_that_has_not_begun_is_called_off_and_the_schedule_goes_on(
    store: Store, timing: ManualTiming
) -> None:
    schedule, job = await busy(store, overlap=Overlap.CANCEL)
    timing.advance(by=MINUTE)

    await tick(store)
    await tick(store)

    assert await state(store, job) is State.CANCELLED
    assert outcomes(await ledger(store, schedule)) == ["ran", "ran"]


@holding
async def test_a_job_that_ends_while_its_schedule_begins_to_wait_holds_up_nothing(
    store: Store, timing: ManualTiming, overlap: Overlap
) -> None:
    schedule, job = await busy(store, overlap=overlap)
    await end(store)
    await store.write(
        lambda c, now: set_values(  # as the tick leaves it that looked before the end
            c, schedule.id, awaits_job=job, held_due_at=START + MINUTE, next_due_at=None
        )
    )

    await store.write(lambda c, now: repairs.go_on_if_ended(c, now, schedule.id))

    assert (await again(store, schedule)).next_due_at == START + MINUTE


@holding
async def test_a_pause_gives_up_what_waited(
    store: Store, timing: ManualTiming, overlap: Overlap
) -> None:
    schedule, _ = await busy(store, overlap=overlap)
    timing.advance(by=MINUTE)
    await tick(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    timing.advance(seconds=90)
    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))

    shown = await again(store, schedule)
    assert outcomes(await ledger(store, schedule)) == ["ran", "skipped"]
    assert (shown.held_due_at, shown.next_due_at) == (None, START + 3 * MINUTE)


async def test_a_pause_ends_by_itself_at_its_moment(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, recurrence=every("1m"))
    await tick(store)
    until = START + timedelta(minutes=2, seconds=30)
    await store.write(
        lambda c, now: schedules.pause(c, now, schedule.name, "ann", why="a move", until=until)
    )
    assert (await store.next_due()).resume_at == until
    timing.set(until)

    resumed = await store.write(schedules.resume_over)

    [_, (skipped, _)] = await ledger(store, schedule)
    assert resumed == [schedule.name]
    assert (skipped.outcome, skipped.reason) == ("skipped", "paused by ann: a move")
    assert (skipped.due_at, skipped.through_at) == (START + MINUTE, START + 2 * MINUTE)
    assert (await again(store, schedule)).next_due_at == START + 3 * MINUTE


async def test_a_pause_until_a_moment_that_is_over_is_refused(store: Store) -> None:
    schedule = await create(store)

    with pytest.raises(InvalidInput, match="until"):
        await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann", until=START))


async def test_it_pauses_itself_after_failures_in_a_row(store: Store, timing: ManualTiming) -> None:
    schedule, _ = await busy(store, pause_after=2)
    for _ in range(2):
        await end(store, "bury")
        timing.advance(by=MINUTE)
        await tick(store)

    shown = await again(store, schedule)
    assert (shown.made, shown.failures, shown.paused_by) == (2, 2, "onbeat")
    assert shown.paused_why == "2 jobs failed in a row"
    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))
    assert (await again(store, schedule)).failures == 0


async def test_a_success_begins_the_count_of_failures_anew(
    store: Store, timing: ManualTiming
) -> None:
    schedule, _ = await busy(store, pause_after=2)
    for move in ("bury", "complete", "bury"):
        await end(store, move)
        timing.advance(by=MINUTE)
        await tick(store)

    shown = await again(store, schedule)
    assert (shown.made, shown.failures, shown.paused_at) == (4, 1, None)


async def test_a_failure_is_counted_once_however_often_the_schedule_is_due(
    store: Store, timing: ManualTiming
) -> None:
    schedule, _ = await busy(store, pause_after=2)
    await end(store, "bury")
    await store.write(lambda c, now: schedules.skip_next(c, now, schedule.name, "ann", 3))
    for _ in range(3):
        timing.advance(by=MINUTE)
        await tick(store)

    assert (await again(store, schedule)).failures == 1


async def test_the_next_moments_are_left_out_once(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, recurrence=every("1m"), overlap=Overlap.ALLOW)
    await store.write(lambda c, now: schedules.skip_next(c, now, schedule.name, "ann", 2))
    for _ in range(3):
        await tick(store)
        timing.advance(by=MINUTE)

    entries = await ledger(store, schedule)
    assert outcomes(entries) == ["skipped", "skipped", "ran"]
    assert entries[0][0].reason == "left out by ann"
    assert (await again(store, schedule)).skips == 0


async def test_a_job_runs_after_its_schedules_jitter(store: Store, timing: ManualTiming) -> None:
    jitter = timedelta(seconds=40)
    schedule = await create(store, recurrence=every("1m"), jitter=jitter)

    await tick(store)

    [(occurrence, job)] = await ledger(store, schedule)
    assert job is not None
    shown = await find(store, job)
    assert occurrence.due_at == START
    assert (shown.state, shown.due_at) == (State.SCHEDULED, START + jitter_of(schedule.id, jitter))


async def test_a_schedule_of_many_that_has_jitter_delays_no_other(
    store: Store, timing: ManualTiming
) -> None:
    late = [await create(store, jitter=timedelta(hours=1)) for _ in range(3)]
    plain = [await create(store) for _ in range(3)]

    await tick(store)

    states = [
        await state(store, job)
        for schedule in [*late, *plain]
        for _, job in await ledger(store, schedule)
        if job is not None
    ]
    assert states == [State.SCHEDULED] * 3 + [State.PENDING] * 3


async def test_what_was_due_before_a_change_and_not_planned_is_on_record(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"))
    await tick(store)
    timing.advance(seconds=150)

    await change(store, replace(schedule, recurrence=every("1h")))

    [_, (missed, _)] = await ledger(store, schedule)
    assert (missed.outcome, missed.due_at) == (OccurrenceOutcome.MISSED, START + MINUTE)
    assert missed.through_at == START + 2 * MINUTE
    assert (await again(store, schedule)).next_due_at == START + timedelta(hours=1)


async def test_a_change_of_what_is_run_moves_no_moment(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, recurrence=every("1m"))
    await tick(store)

    changed = await change(store, replace(schedule, args='{"n":1}'))

    assert (changed.next_due_at, changed.version) == (START + MINUTE, 2)


async def test_jobs_of_before_a_change_go_on_as_they_were_asked_for(
    store: Store, timing: ManualTiming
) -> None:
    schedule, job = await busy(store, queue="old")

    await change(store, replace(schedule, queue="new", args='{"n":1}'))

    shown = await find(store, job)
    assert (shown.state, shown.queue, shown.args) == (State.PENDING, "old", "{}")


async def test_what_a_schedule_said_is_kept_with_who_and_why(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), changed_by="ann")
    timing.advance(seconds=5)
    await store.write(
        lambda c, now: schedules.change(
            c, now, replace(schedule, recurrence=every("2m")), by="bob", why="too often"
        )
    )

    second, first = await store.read(lambda c, now: schedules.list_versions(c, now, schedule.name))

    assert (first.version, first.by, first.at, first.why) == (1, "ann", START, None)
    assert (second.version, second.by, second.why) == (2, "bob", "too often")
    assert second.at == START + timedelta(seconds=5)
    assert "2m" not in first.said
    assert first.said != second.said


async def test_totals_count_the_entries_of_the_ledger(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, recurrence=every("1m"))
    await tick(store)
    timing.advance(by=MINUTE)
    await tick(store)  # the first has not ended: skipped
    await end(store)
    timing.advance(by=timedelta(days=3, seconds=30))
    await tick(store)  # missed, coalesced, late

    totals = (await again(store, schedule)).totals
    counted = [getattr(totals, name) for name in ("late", "coalesced", "skipped", "missed")]
    entries = outcomes(await ledger(store, schedule))
    assert counted == [entries.count(name) for name in ("late", "coalesced", "skipped", "missed")]
    assert sum(counted) + 1 == len(entries)


async def test_the_ledger_between_two_moments_has_no_holes(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), overlap=Overlap.ALLOW)
    for minutes in (1, 5, 1, 30, 1):
        timing.advance(by=minutes * MINUTE)
        await tick(store)
    timing.advance(by=2 * MINUTE)

    begin_at, end_at = START + 3 * MINUTE, START + 40 * MINUTE
    entries = await store.read(
        lambda c, now: schedules.list_occurrences(
            c, now, schedule.name, begin=begin_at, end=end_at, limit=1_000
        )
    )

    expected = [START + n * MINUTE for n in range(3, 41)]
    found = [
        moment
        for occurrence, _ in reversed(entries)
        for moment in expected
        if occurrence.due_at <= moment <= (occurrence.through_at or occurrence.due_at)
    ]
    assert found == expected
    assert str(entries[0][0].outcome) == "undecided"


@pytest.mark.parametrize(
    ("begin", "end", "listed"),
    [
        (None, None, (1, 10)),
        (0, 20, (1, 10)),
        (4.5, None, (5, 10)),
        (None, 6.5, (1, 6)),
        (4, 6, (4, 6)),
        (4, 4, (4, None)),
        (4.2, 4.8, None),
        (11, None, None),
        (None, 0.5, None),
    ],
)
async def test_of_what_is_undecided_the_asked_range_is_listed(
    store: Store,
    timing: ManualTiming,
    begin: float | None,
    end: float | None,
    listed: tuple[int, int | None] | None,
) -> None:
    schedule = await create(store, recurrence=every("1m"), start_at=START + MINUTE)
    timing.advance(by=10.5 * MINUTE)
    begin_at = None if begin is None else START + begin * MINUTE
    end_at = None if end is None else START + end * MINUTE

    entries = await store.read(
        lambda c, now: schedules.list_occurrences(c, now, schedule.name, begin=begin_at, end=end_at)
    )

    found = [(each.due_at, each.through_at) for each, _ in entries]
    first, last = listed or (None, None)
    through = None if last is None else START + last * MINUTE
    assert found == ([] if first is None else [(START + first * MINUTE, through)])


async def test_a_rest_after_a_job_whose_moment_is_left_out_begins_anew(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("5m", after_finish=True))
    await tick(store)
    await end(store)
    await store.write(lambda c, now: schedules.skip_next(c, now, schedule.name, "ann"))
    for _ in range(3):
        timing.advance(by=5 * MINUTE)
        await tick(store)

    entries = await ledger(store, schedule)
    assert outcomes(entries) == ["ran", "skipped", "ran"]
    assert entries[1][0].reason == "left out by ann"
    assert entries[2][0].due_at == START + 10 * MINUTE
    assert (await again(store, schedule)).skips == 0
