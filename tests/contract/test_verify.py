"""Verifying the store: each law that is broken by hand is found and named; nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Executable, delete, insert, update

from onbeat.domain.jobs import ClaimedJob, JobId
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Overlap, Schedule, parse_catch_up
from onbeat.runtime.tick import tick
from onbeat.store import jobs, schedules
from onbeat.store.schema import attempts, blocked, finished, leases, occurrences, ready, sessions
from onbeat.store.schema import jobs as book
from onbeat.store.schema import schedules as schedule_table
from onbeat.store.store import Store
from onbeat.store.verify.laws import Breach, Law, Report
from onbeat.store.verify.walk import FOR_GOOD, Suspects, confirmed, verify
from tests import factories
from tests.contract.beats import MINUTE, again, change, create
from tests.contract.rescue import rescue
from tests.contract.world import (
    TERM,
    begin,
    cancel,
    claim_one,
    drain,
    enqueue,
    everything,
    running,
)
from tests.timing import START, ManualTiming

SMALL = 3
"""Rows in a chunk: the small worlds of these tests have many."""


async def test_an_empty_store_keeps_its_laws(store: Store) -> None:
    assert await verify(store, chunk=SMALL) == Report()


async def test_jobs_in_every_place_and_after_every_move_keep_the_laws(
    store: Store, timing: ManualTiming
) -> None:
    await _live(store, timing)

    report = await verify(store, chunk=SMALL)

    assert report.breaches == []
    assert report.jobs > 5 * SMALL
    assert report.attempts > 2 * SMALL


async def test_schedules_of_every_kind_keep_the_laws(store: Store, timing: ManualTiming) -> None:
    await _beat(store, timing)

    report = await verify(store, chunk=SMALL)

    assert report.breaches == []
    assert report.occurrences > 3 * SMALL


@pytest.mark.parametrize("chunk", [1, 2, 7, 1_000])
async def test_what_is_read_does_not_depend_on_the_size_of_a_chunk(
    store: Store, timing: ManualTiming, chunk: int
) -> None:
    await _live(store, timing)
    await _beat(store, timing)
    rows = await store.read(
        lambda connection, _: [
            len(connection.execute(table.select()).all())
            for table in (book, attempts, leases, occurrences)
        ]
    )

    report = await verify(store, chunk=chunk)

    assert (report.jobs, report.attempts, report.occurrences) == (
        rows[0], rows[1] + rows[2], rows[3],
    )  # fmt: skip


async def test_progress_is_told_after_every_chunk(store: Store) -> None:
    await store.enqueue(factories.jobs(3 * SMALL))
    told: list[int] = []

    await verify(store, lambda report: told.append(report.jobs), chunk=SMALL)

    assert told[:3] == [SMALL, 2 * SMALL, 3 * SMALL]


async def test_a_job_that_stands_nowhere_is_found(store: Store) -> None:
    job = await enqueue(store)
    await _do(store, delete(ready))

    assert await _found(store) == [(Law.NO_PLACE, job)]


async def test_a_job_that_stands_in_two_places_is_found(store: Store) -> None:
    job = await enqueue(store)
    row = {"job": job, "queue": "default", "lane": 5, "attempt": 0, "since_at": START}
    await _do(store, insert(blocked).values(**row, reason="by hand"))

    assert await _found(store) == [(Law.TWO_PLACES, job)]


async def test_a_job_that_is_ready_twice_is_found(store: Store) -> None:
    job = await enqueue(store)
    row = {"job": job, "queue": "default", "lane": 5, "attempt": 0, "order_key": 1}
    await _do(store, insert(ready).values(**row))

    assert await _found(store) == [(Law.TWO_PLACES, job)]


async def test_a_second_end_is_found(store: Store, timing: ManualTiming) -> None:
    job = await _completed(store)
    end = {"job": job, "task": "send", "queue": "default", "lane": 5, "attempts": 0}
    late = START + MINUTE
    await _do(store, insert(finished).values(**end, outcome="cancelled", finished_at=late))

    assert await _found(store) == [(Law.ENDED_TWICE, job)]


@pytest.mark.parametrize("job", ["0" * 32, "f" * 32], ids=["before all", "after all"])
async def test_a_job_that_is_not_in_the_book_is_found(store: Store, job: str) -> None:
    await enqueue(store)
    row = {"job": job, "queue": "default", "lane": 5, "attempt": 0, "order_key": 1}
    await _do(store, insert(ready).values(**row))

    assert await _found(store) == [(Law.NO_BOOK, job)]


async def test_a_token_that_two_jobs_had_is_found(store: Store) -> None:
    first, second = [await _completed(store), await _completed(store)]
    token = await _token_of(store, first)
    await _do(store, update(attempts).where(attempts.c.job == second).values(token=token))

    [breach] = (await verify(store, chunk=1)).breaches

    assert (breach.law, breach.subject) == (Law.SHARED_TOKEN, first)
    assert second in breach.detail


async def test_a_token_that_a_running_job_shares_with_an_ended_one_is_found(store: Store) -> None:
    ended, runs = await _completed(store), await running(store)
    await _do(store, update(attempts).where(attempts.c.job == ended).values(token=runs.token))

    assert await _found(store) == [(Law.SHARED_TOKEN, ended)]


async def test_a_lease_older_than_an_ended_attempt_of_its_job_is_found(store: Store) -> None:
    claimed = await _second_attempt(store)
    lower = update(leases).where(leases.c.job == claimed.id).values(token=-1)
    await _do(store, lower)

    assert await _found(store) == [(Law.TOKEN_ORDER, claimed.id)]


async def test_attempts_whose_tokens_go_backward_are_found(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await running(store)
    for _ in range(2):
        claimed = await _again_after_a_failure(store, timing, claimed)
    await _do(store, update(attempts).where(attempts.c.attempt == 2).values(token=-1))

    assert await _found(store) == [(Law.TOKEN_ORDER, claimed.id)]


async def test_an_end_by_an_attempt_that_was_not_the_last_is_found(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await _again_after_a_failure(store, timing, await running(store))
    await store.ack([factories.ack(claimed)])
    await _do(store, update(attempts).where(attempts.c.attempt == 2).values(token=-1))

    assert await _found(store) == [(Law.WRONG_END, claimed.id)]


async def test_an_attempt_that_is_missing_is_found(store: Store, timing: ManualTiming) -> None:
    claimed = await running(store)
    for _ in range(2):
        claimed = await _again_after_a_failure(store, timing, claimed)
    await _do(store, delete(attempts).where(attempts.c.attempt == 2))

    assert await _found(store) == [(Law.TOKEN_ORDER, claimed.id)]


async def test_an_end_that_its_last_attempt_does_not_say_is_found(store: Store) -> None:
    job = await _completed(store)
    await _do(store, update(finished).values(outcome="failed"))

    assert await _found(store) == [(Law.WRONG_END, job)]


async def test_an_end_without_an_attempt_is_found(store: Store) -> None:
    job = await _completed(store)
    await _do(store, delete(attempts))

    assert await _found(store) == [(Law.WRONG_END, job)]


async def test_an_attempt_after_the_end_is_found(store: Store, timing: ManualTiming) -> None:
    claimed = await running(store, max_attempts=5)
    claimed = await _again_after_a_failure(store, timing, claimed)
    await store.ack([factories.ack(claimed, "bury")])
    timing.advance(seconds=1)
    await _do(store, update(finished).values(finished_at=timing.now()))

    assert await _found(store) == [(Law.WRONG_END, claimed.id)]


async def test_a_fired_occurrence_whose_job_is_gone_is_found(store: Store) -> None:
    schedule = await _fired(store)
    await _do(store, delete(ready))
    await _do(store, delete(book))

    assert await _found(store) == [(Law.OCCURRENCE_WITHOUT_JOB, schedule.id)]


async def test_two_occurrences_of_one_job_are_found(store: Store) -> None:
    schedule = await _fired(store)
    job = (await again(store, schedule)).last_job
    row = {"schedule": schedule.id, "outcome": "ran", "job": job, "decided_at": START}
    await _do(store, insert(occurrences).values(**row, due_at=START + MINUTE))

    assert await _found(store) == [(Law.OCCURRENCE_WITHOUT_JOB, schedule.id)]


async def test_a_scheduled_job_that_the_ledger_does_not_know_is_found(store: Store) -> None:
    schedule = await _fired(store)
    await _do(store, delete(occurrences))
    job = (await again(store, schedule)).last_job

    assert await _found(store) == [(Law.JOB_WITHOUT_OCCURRENCE, job)]


@pytest.mark.parametrize("change", [{"job": None}, {"outcome": "skipped"}], ids=str)
async def test_an_outcome_that_does_not_go_with_its_job_is_found(
    store: Store, change: dict[str, str | None]
) -> None:
    schedule = await _fired(store)
    await _do(store, update(occurrences).values(**change))

    found = await _found(store)

    assert (Law.OCCURRENCE_OUTCOME, schedule.id) in found


@pytest.mark.parametrize("chunk", [1, 2, 100])
async def test_a_range_that_reaches_into_the_next_occurrence_is_found(
    store: Store, timing: ManualTiming, chunk: int
) -> None:
    schedule = await create(store, overlap=Overlap.ALLOW)
    for _ in range(4):
        await tick(store)
        timing.advance(by=MINUTE)
    reaching = update(occurrences).where(occurrences.c.due_at == START + MINUTE)
    await _do(store, reaching.values(through_at=START + 2 * MINUTE))

    assert await _found(store, chunk) == [(Law.OVERLAPPING_OCCURRENCES, schedule.id)]


async def test_a_schedule_that_waits_for_an_ended_job_is_found(store: Store) -> None:
    schedule = await create(store)
    job = await _completed(store)
    await _do(store, update(schedule_table).values(awaits_job=job, next_due_at=None))

    assert await _found(store) == [(Law.AWAITS_ENDED_JOB, schedule.id)]


async def test_a_lease_of_a_session_that_is_not_on_record_is_found(store: Store) -> None:
    claimed = await running(store)
    await _do(store, delete(sessions))

    assert await _found(store) == [(Law.LEASE_WITHOUT_SESSION, claimed.id)]


@pytest.mark.parametrize("law", sorted(set(Law) - FOR_GOOD), ids=str)
async def test_what_is_right_at_the_second_look_is_not_reported(store: Store, law: Law) -> None:
    schedule = await _fired(store)
    job = (await again(store, schedule)).last_job
    suspects = Suspects()
    suspects.add([
        Breach(law, str(job), "seen while it moved"),
        Breach(law, schedule.id, "seen while it moved", (START, START)),
    ])  # fmt: skip

    assert await confirmed(store, suspects) == []


async def test_verifying_changes_nothing(store: Store, timing: ManualTiming) -> None:
    await _live(store, timing)
    before = await everything(store)

    await verify(store)

    assert await everything(store) == before


async def _live(store: Store, timing: ManualTiming) -> None:
    """Jobs in every place, by every move."""
    session = await begin(store)
    await store.enqueue([*factories.jobs(4), *factories.jobs(3, delay=MINUTE)])
    for move in factories.ENDS:
        ended = await running(store, session, queue=move)
        await store.ack([factories.ack(ended, move)])
    await _revive(store, await _completed(store))
    revived = await _completed(store)
    await _revive(store, revived)
    await cancel(store, revived)
    held = await enqueue(store, queue="held")
    await store.write(lambda connection, now: jobs.block(connection, now, held, "by hand"))
    timing.advance(by=MINUTE)
    await store.promote(10)
    dying = await begin(store)
    await drain(store, dying, ["retry", "snooze", "release"], 10)
    timing.advance(by=2 * TERM)
    await begin(store)
    await rescue(store)
    lasting = await begin(store)
    await drain(store, lasting, ["retry", "default"], 2)


async def _beat(store: Store, timing: ManualTiming) -> None:
    """Schedules that ran, were skipped, late, missed, paused, changed, removed, or rest."""
    kinds = [
        await create(store, overlap=Overlap.ALLOW),
        await create(store, overlap=Overlap.SKIP),
        await create(store, recurrence=every("1m", after_finish=True)),
        await create(store, catch_up=parse_catch_up("all within 3m")),
    ]
    for pause in (1, 1, 7, 1):
        await tick(store)
        timing.advance(by=pause * MINUTE)
    name = kinds[0].name
    await store.write(lambda c, now: schedules.pause(c, now, name, "ann"))
    timing.advance(by=5 * MINUTE)
    await store.write(lambda c, now: schedules.resume(c, now, name))
    await change(store, replace(kinds[1], recurrence=every("2m")))
    await store.write(lambda c, now: schedules.remove(c, now, kinds[3].name))
    await tick(store)
    timing.advance(by=3 * MINUTE)
    await tick(store)


async def _revive(store: Store, job: JobId) -> None:
    await store.write(lambda connection, now: jobs.revive(connection, now, job))


async def _do(store: Store, statement: Executable) -> None:
    await store.write(lambda connection, _: connection.execute(statement) and None)


async def _found(store: Store, chunk: int = SMALL) -> list[tuple[Law, str]]:
    return [(each.law, each.subject) for each in (await verify(store, chunk=chunk)).breaches]


async def _completed(store: Store) -> JobId:
    claimed = await running(store)
    await store.ack([factories.ack(claimed)])
    return claimed.id


async def _second_attempt(store: Store) -> ClaimedJob:
    session = await begin(store)
    claimed = await running(store, session)
    await store.ack([factories.ack(claimed, "release")])
    return await claim_one(store, session)


async def _again_after_a_failure(
    store: Store, timing: ManualTiming, claimed: ClaimedJob
) -> ClaimedJob:
    await store.ack([factories.ack(claimed, "retry")])
    timing.advance(by=MINUTE)
    await store.promote(10)
    return await claim_one(store, await begin(store))


async def _token_of(store: Store, job: JobId) -> int:
    query = attempts.select().where(attempts.c.job == job)
    return await store.read(lambda connection, _: int(connection.execute(query).one().token))


async def _fired(store: Store) -> Schedule:
    schedule = await create(store)
    await tick(store)
    return schedule
