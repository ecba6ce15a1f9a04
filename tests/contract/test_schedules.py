"""Schedules over time: their limit, their end, their rest, a pause, an edit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, event

from onbeat.domain.errors import Conflict
from onbeat.domain.recurrence import every, once
from onbeat.domain.schedules import OccurrenceOutcome, Overlap, Schedule
from onbeat.runtime.tick import tick
from onbeat.runtime.watchdog import Watchdog
from onbeat.store import declared, jobs, schedules
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.beats import MINUTE, again, change, create, ledger, outcomes
from tests.contract.world import acked, begin, cancel, claim_one, enqueue
from tests.timing import START, ManualTiming


async def test_a_schedule_stops_at_its_limit(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, limit=2, overlap=Overlap.ALLOW)
    for _ in range(4):
        await tick(store)
        timing.advance(by=MINUTE)

    after = await again(store, schedule)

    assert (after.made, after.next_due_at) == (2, None)
    assert outcomes(await ledger(store, schedule)) == ["ran", "ran"]


async def test_a_schedule_stops_after_its_end_which_counts(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, end_at=START + MINUTE, overlap=Overlap.ALLOW)
    for _ in range(4):
        await tick(store)
        timing.advance(by=MINUTE)

    assert (await again(store, schedule)).next_due_at is None
    assert [row.due_at for row, _ in await ledger(store, schedule)] == [START, START + MINUTE]


async def test_a_schedule_of_one_moment_fires_once_and_rests(store: Store) -> None:
    schedule = await create(store, recurrence=once(START))

    await tick(store)

    assert (await again(store, schedule)).next_due_at is None
    assert outcomes(await ledger(store, schedule)) == ["ran"]


@pytest.mark.parametrize("end", ["complete", "bury", "cancel"])
async def test_a_schedule_that_rests_after_its_job_is_due_again_from_its_end(
    store: Store, timing: ManualTiming, end: str
) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True))
    await tick(store)
    waiting = await again(store, schedule)
    timing.advance(by=timedelta(minutes=3))

    if end == "cancel":
        assert waiting.last_job is not None
        await cancel(store, waiting.last_job)
    else:
        claimed = await claim_one(store, await begin(store))
        await acked(store, factories.ack(claimed, end))

    assert waiting.next_due_at is None
    assert (await again(store, schedule)).next_due_at == START + timedelta(minutes=13)


async def test_a_job_to_be_retried_does_not_yet_release_its_schedule(store: Store) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True))
    await tick(store)

    await acked(store, factories.ack(await claim_one(store, await begin(store)), "retry"))

    assert (await again(store, schedule)).next_due_at is None


async def test_a_schedule_that_rests_after_its_job_keeps_its_limit(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True), limit=2)
    session = await begin(store)

    for _ in range(4):
        await tick(store)
        for claimed in await store.claim(session.id, ["default"], 10):
            await acked(store, factories.ack(claimed))
        timing.advance(by=timedelta(minutes=10))

    assert (await again(store, schedule)).made == 2


async def test_a_job_enqueued_by_hand_releases_no_schedule(store: Store) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True), queue="mine")
    await tick(store)
    await enqueue(store)

    await acked(store, factories.ack(await claim_one(store, await begin(store))))

    assert (await again(store, schedule)).next_due_at is None


async def test_a_paused_schedule_is_not_due(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    timing.advance(by=MINUTE)

    done = await tick(store)

    assert (done.fired, done.skipped) == (0, 0)
    assert (await store.next_due()).schedule_at is None


async def test_resuming_records_the_skipped_range_and_goes_on_from_now(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    timing.advance(by=timedelta(minutes=90, seconds=30))

    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))

    [(row, _)] = await ledger(store, schedule)
    assert (row.due_at, row.through_at) == (START, START + timedelta(minutes=90))
    assert (row.outcome, row.reason) == (OccurrenceOutcome.SKIPPED, "paused by ann")
    assert (await again(store, schedule)).next_due_at == START + timedelta(minutes=91)


async def test_a_moment_that_comes_just_as_the_schedule_is_resumed_fires(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))

    done = await tick(store)

    [(row, job)] = await ledger(store, schedule)
    assert (done.fired, row.due_at, row.outcome) == (1, START, OccurrenceOutcome.RAN)
    assert job is not None


async def test_a_pause_that_outlasts_the_schedule_is_recorded_up_to_its_end(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, end_at=START + timedelta(minutes=5))
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    timing.advance(by=timedelta(hours=1, seconds=1))

    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))

    [(row, _)] = await ledger(store, schedule)
    assert row.through_at == START + timedelta(minutes=5)
    assert (await again(store, schedule)).next_due_at is None


async def test_editing_when_a_schedule_is_due_computes_its_next_moment_from_now(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    await tick(store)
    timing.advance(seconds=20)

    changed = await change(
        store, factories.schedule(name=schedule.name, recurrence=every("1h"), queue="other")
    )

    assert (changed.next_due_at, changed.version, changed.queue, changed.made) == (
        START + timedelta(hours=1), 2, "other", 1,
    )  # fmt: skip


async def test_what_is_on_record_is_not_due_again_after_a_clock_was_set_back(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), overlap=Overlap.ALLOW)
    timing.advance(by=5 * MINUTE)
    await tick(store)
    timing.set(START + 2 * MINUTE)
    await change(store, replace(schedule, recurrence=every("30s")))
    timing.set(START + timedelta(hours=1))

    await tick(store)

    rows = [occurrence for occurrence, _ in await ledger(store, schedule)]
    through = [row.through_at or row.due_at for row in rows]
    assert all(after.due_at > before for before, after in zip(through, rows[1:], strict=False))
    assert (await verify(store)).breaches == []


async def test_a_change_after_a_clock_was_set_back_is_no_older_than_the_one_before(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1h"))
    timing.set(START - timedelta(minutes=90))

    await change(store, replace(schedule, overlap=Overlap.ALLOW))
    await Watchdog(store).step()

    changed = await again(store, schedule)
    assert changed.changed_at == START
    assert changed.next_due_at == schedule.next_due_at


SOURCE = "code:app"


async def deploy(store: Store, *wanted: Schedule) -> None:
    """Start a scheduler with a code that declares these."""
    await store.write(
        lambda connection, now: declared.reconcile(connection, now, SOURCE, wanted, store.new_id)
    )


async def test_moments_while_it_was_gone_from_the_code_are_on_record(
    store: Store, timing: ManualTiming
) -> None:
    schedule = factories.schedule(recurrence=every("1m"), source=SOURCE, overlap=Overlap.ALLOW)

    await deploy(store, schedule)
    await tick(store)
    timing.advance(by=MINUTE)
    await deploy(store)
    timing.advance(by=3 * MINUTE)
    await deploy(store, schedule)
    await tick(store)
    made = await again(store, schedule)

    entries = [each for each, _ in await ledger(store, made)]
    assert [(each.outcome, each.due_at, each.through_at) for each in entries] == [
        ("ran", START, None),
        ("skipped", START + MINUTE, START + 3 * MINUTE),
        ("ran", START + 4 * MINUTE, None),
    ]
    assert entries[1].reason == "it was gone from the code"


async def test_one_that_is_gone_from_the_code_cannot_be_changed(store: Store) -> None:
    schedule = factories.schedule(recurrence=every("1m"), source=SOURCE)
    await deploy(store, schedule)
    await deploy(store)

    with pytest.raises(Conflict, match="gone from its application's code"):
        await change(store, replace(schedule, recurrence=every("2m")))

    assert (await again(store, schedule)).next_due_at is None


async def test_one_that_rests_after_its_job_comes_back_when_that_ends(store: Store) -> None:
    resting = factories.schedule(recurrence=every("1m", after_finish=True), source=SOURCE)
    await deploy(store, resting)
    await tick(store)
    claimed = await claim_one(store, await begin(store))

    await deploy(store)
    await deploy(store, resting)
    during = await again(store, resting)
    await acked(store, factories.ack(claimed))

    assert (during.next_due_at, during.awaits_job) == (None, claimed.id)
    assert (await again(store, resting)).next_due_at == START + MINUTE


async def test_a_change_begins_no_job_beside_the_one_it_rests_after(store: Store) -> None:
    resting = await create(store, recurrence=every("1m", after_finish=True))
    await tick(store)
    claimed = await claim_one(store, await begin(store))

    changed = await change(
        store, replace(await again(store, resting), recurrence=every("5m", after_finish=True))
    )
    await acked(store, factories.ack(claimed))

    assert (changed.next_due_at, changed.awaits_job) == (None, claimed.id)
    assert (await again(store, resting)).next_due_at == START + 5 * MINUTE


async def test_whether_a_job_has_ended_is_seen_at_one_look(store: Store) -> None:
    """It moves from place to place: of two looks each may come when it is in the other's."""
    job = await enqueue(store)

    def look(connection: Connection, _: datetime) -> tuple[bool, int]:
        looks: list[str] = []
        event.listen(
            connection, "before_cursor_execute", lambda *told: looks.append(told[2]), named=False
        )
        return jobs.is_open(connection, job), len(looks)

    assert await store.read(look) == (True, 1)
