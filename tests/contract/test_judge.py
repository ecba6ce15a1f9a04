"""The judge: what is wrong opens an incident, once, and what is over closes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import select, update

from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.incidents import Change, Incident, Kind, Severity, State, acknowledge, resolve
from onbeat.domain.incidents import snooze as snoozed
from onbeat.domain.recurrence import every
from onbeat.domain.rules import Limits, Selector
from onbeat.domain.silences import Matcher, Silence, Windows
from onbeat.runtime.judge import ABSENT_AFTER, Judge
from onbeat.store import incidents, rules
from onbeat.store.schema import conditions, incident_changes
from onbeat.store.schema import schedules as stored_schedules
from onbeat.store.schema import sessions as stored_sessions
from onbeat.store.store import Store
from tests.contract.beats import create
from tests.contract.judging import (
    changes,
    judged,
    listed,
    save,
    schedule_at_work,
    stands,
    told,
)
from tests.contract.test_watcher import ended, watched
from tests.contract.world import begin, enqueue, running
from tests.timing import ManualTiming

SOON = timedelta(minutes=3)


async def failed(store: Store, timing: ManualTiming, times: int = 1) -> None:
    """So many jobs failed for good, one after the other."""
    for _ in range(times):
        await ended(store, timing, "bury")
    await watched(store, timing)


async def test_where_all_is_well_nothing_is_open_and_nothing_remembered(
    store: Store, timing: ManualTiming
) -> None:
    await schedule_at_work(store)
    await create(store, recurrence=every("1d"))
    await ended(store, timing, "complete")
    await watched(store, timing)
    await judged(store, timing, rounds=3)
    assert await listed(store) == []
    rows = await store.read(lambda connection, _: connection.execute(select(conditions)).all())
    assert rows == []


async def test_a_job_that_fails_for_good_opens_one_incident_with_what_is_known(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "complete")
    await failed(store, timing)
    await judged(store, timing, rounds=3)
    found = await stands(store, "failed")
    assert (found.kind, found.subject, found.state) == (Kind.TASK, "send", State.OPEN)
    assert found.facts.last_good_at is not None
    assert found.facts.last_error is not None
    assert found.facts.last_error.job is not None
    assert found.facts.to_try[0].startswith("onbeat jobs show ")
    assert await told(store, found) == [Change.OPENED]


async def test_a_single_failure_among_successes_is_told_of(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "bury")
    await ended(store, timing, "complete")
    await watched(store, timing)
    judge = await judged(store, timing)
    assert (await stands(store, "failed")).state is State.OPEN
    timing.advance(by=SOON)
    await judged(store, timing, judge)
    assert (await stands(store, "failed")).state is State.RESOLVED


async def test_what_fails_is_resolved_by_a_success(store: Store, timing: ManualTiming) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    timing.advance(by=SOON)
    await ended(store, timing, "complete")
    await watched(store, timing)
    await judged(store, timing, judge)
    found = await stands(store, "failed")
    assert await told(store, found) == [Change.OPENED, Change.RESOLVED]


async def test_the_third_failure_in_a_row_is_an_error_that_hides_the_single_one(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing, 2)
    judge = await judged(store, timing)
    await failed(store, timing)
    await judged(store, timing, judge)
    assert (await stands(store, "in-a-row")).severity is Severity.ERROR
    assert (await stands(store, "failed")).inhibited_by == "in-a-row"


async def test_what_was_told_as_failures_in_a_row_is_not_told_again_when_they_are_over(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing, 3)
    judge = await judged(store, timing)
    await ended(store, timing, "complete")
    await watched(store, timing)

    await judged(store, timing, judge)

    assert [(each.rule, each.state) for each in await listed(store)] == [
        ("in-a-row", State.RESOLVED)
    ]


async def test_what_was_hidden_by_failures_in_a_row_does_not_wake_when_they_are_over(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing, 2)
    judge = await judged(store, timing)
    await failed(store, timing)
    await judged(store, timing, judge)
    await ended(store, timing, "complete")
    await watched(store, timing)

    await judged(store, timing, judge)

    assert (await stands(store, "in-a-row")).state is State.RESOLVED
    assert Change.WOKEN not in await told(store, await stands(store, "failed"))


async def test_what_comes_back_soon_is_the_same_incident_opened_again(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    timing.advance(by=SOON)
    await ended(store, timing, "complete")
    await watched(store, timing)
    await judged(store, timing, judge)
    await failed(store, timing)
    await judged(store, timing, judge)
    found = await stands(store, "failed")
    assert (found.reopened, found.state) == (1, State.OPEN)
    assert await told(store, found) == [Change.OPENED, Change.RESOLVED, Change.REOPENED]


async def test_what_comes_back_late_is_another_incident(store: Store, timing: ManualTiming) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    await dismissed(store, (await listed(store))[0])
    timing.advance(seconds=1200)
    await failed(store, timing)
    await judged(store, timing, judge)
    states = [each.state for each in await listed(store) if each.rule == "failed"]
    assert states == [State.OPEN, State.RESOLVED]


async def dismissed(store: Store, incident: Incident) -> None:
    """Somebody resolves it."""
    await store.write(
        lambda connection, now: incidents.move(
            connection, now, incident.id, lambda was: resolve(was, now, "ann"), "ann"
        )
    )


async def test_what_somebody_resolved_stays_so_until_it_fails_again(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    await dismissed(store, await stands(store, "failed"))
    timing.advance(seconds=1)
    await judged(store, timing, judge, rounds=3)
    assert (await stands(store, "failed")).state is State.RESOLVED
    await failed(store, timing)
    await judged(store, timing, judge)
    assert (await stands(store, "failed")).state is State.OPEN


async def test_more_than_six_openings_in_an_hour_are_said_to_flap_once(
    store: Store, timing: ManualTiming
) -> None:
    judge = Judge(store)
    for _ in range(9):
        await enqueue(store, queue="mail")
        timing.advance(seconds=301)
        await judged(store, timing, judge, rounds=1)
        session = await begin(store, queues=("mail",))
        await store.claim(session.id, ["mail"], 10)
        await judged(store, timing, judge, rounds=1)
    found = [each for each in await listed(store) if each.rule == "backlog"]
    whats = [what for each in found for what in await told(store, each)]
    assert len(found) == 1
    assert whats.count(Change.FLAPPING) == 1
    assert found[0].flapping


async def test_a_snooze_ends(store: Store, timing: ManualTiming) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    found = await stands(store, "failed")
    await store.write(
        lambda connection, now: incidents.move(
            connection, now, found.id,
            lambda was: snoozed(was, now, "ann", now + timedelta(minutes=1)), "ann",
        )
    )  # fmt: skip
    await judged(store, timing, judge)
    assert (await stands(store, "failed")).state is State.SNOOZED
    timing.advance(seconds=60)
    await judged(store, timing, judge)
    assert (await stands(store, "failed")).state is State.OPEN
    assert (await told(store, found))[-1] == Change.WOKEN


async def test_what_is_acknowledged_stays_so_while_it_lasts(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    found = await stands(store, "failed")
    await store.write(
        lambda connection, now: incidents.move(
            connection, now, found.id, lambda was: acknowledge(was, now, "ann"), "ann", "mine"
        )
    )
    await judged(store, timing, judge, rounds=22)
    now = await stands(store, "failed")
    assert (now.state, now.state_by) == (State.ACKNOWLEDGED, "ann")
    assert now.seen > found.seen
    assert [each.note for each in await changes(store, found)] == [None, "mine"]


async def test_while_nothing_changes_nothing_is_written(store: Store, timing: ManualTiming) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    before = await listed(store)
    await judged(store, timing, judge, rounds=3)
    assert await listed(store) == before


async def test_a_rule_that_becomes_more_severe_makes_its_incidents_so(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    await save(store, replace(DEFAULTS["failed"], severity=Severity.CRITICAL))
    await judged(store, timing, judge)
    found = await stands(store, "failed")
    assert found.severity is Severity.CRITICAL
    assert (await told(store, found))[-1] == Change.WORSENED


async def test_a_rule_that_is_switched_off_closes_what_it_opened(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing)
    judge = await judged(store, timing)
    await save(store, replace(DEFAULTS["failed"], enabled=False))
    await judged(store, timing, judge)
    assert (await stands(store, "failed")).state is State.RESOLVED


async def test_a_silence_is_on_record_and_its_end_wakes_what_still_is_so(
    store: Store, timing: ManualTiming
) -> None:
    now = await store.read(lambda _, now: now)
    silence = Silence(
        id=store.new_id(), matcher=Matcher(tasks=("se*",)), reason="a deploy", by="ann",
        begins_at=now, ends_at=now + timedelta(minutes=10), created_at=now,
    )  # fmt: skip
    await store.write(partial(rules.add_silence, made=silence))
    await failed(store, timing)
    judge = await judged(store, timing)
    found = await stands(store, "failed")
    assert found.silenced_by == silence.id
    timing.advance(seconds=600)
    await judged(store, timing, judge)
    assert not (await stands(store, "failed")).is_hushed
    assert (await told(store, found))[-1] == Change.WOKEN


async def test_a_silence_that_comes_again_wakes_what_still_is_so_at_the_end_of_each_window(
    store: Store, timing: ManualTiming
) -> None:
    now = await store.read(lambda _, now: now)
    hourly = Silence(
        id=store.new_id(), matcher=Matcher(tasks=("send",)), reason="backups", by="ann",
        begins_at=now, ends_at=now + timedelta(days=1), created_at=now,
        windows=Windows(cron="0 * * * *", lasts="10m"),
    )  # fmt: skip
    await store.write(partial(rules.add_silence, made=hourly))
    await failed(store, timing)
    judge = await judged(store, timing)
    in_window = (await stands(store, "failed")).silenced_by
    timing.set(now + timedelta(minutes=10))
    await judged(store, timing, judge)
    after = (await stands(store, "failed")).silenced_by
    timing.set(now + timedelta(hours=1))
    await judged(store, timing, judge)

    assert (in_window, after) == (hourly.id, None)
    assert (await stands(store, "failed")).silenced_by == hourly.id


async def test_a_queue_that_nobody_serves_hides_that_its_jobs_wait(
    store: Store, timing: ManualTiming
) -> None:
    await enqueue(store, queue="mail")
    timing.advance(seconds=400)
    judge = await judged(store, timing, rounds=4)
    found = {each.rule: each for each in await listed(store)}
    assert found["no-workers"].name == "mail"
    assert found["backlog"].inhibited_by == "no-workers"
    await begin(store, queues=("mail",))
    await judged(store, timing, judge)
    found = {each.rule: each for each in await listed(store)}
    assert found["no-workers"].state is State.RESOLVED
    assert found["backlog"].state is State.OPEN
    assert not found["backlog"].is_hushed
    assert (await told(store, found["backlog"]))[-1] == Change.WOKEN


async def test_a_schedule_that_is_due_and_fires_not_is_late_where_a_scheduler_is_at_work(
    store: Store, timing: ManualTiming
) -> None:
    await schedule_at_work(store)
    daily = await create(store)
    timing.advance(by=timedelta(days=1, minutes=2))
    await schedule_at_work(store)
    await judged(store, timing)
    assert (await stands(store, "late")).name == daily.name


async def test_without_a_scheduler_that_is_told_and_not_each_of_what_follows(
    store: Store, timing: ManualTiming
) -> None:
    for number in range(5):
        await create(store, name=f"s{number}")
    timing.advance(by=timedelta(days=1, minutes=2))
    judge = await judged(store, timing, rounds=6)
    found = await listed(store, states=(State.OPEN,))
    told_of = [each.rule for each in found if not each.is_hushed]
    assert told_of == ["no-scheduler"]
    await schedule_at_work(store)
    await judged(store, timing, judge, rounds=2)
    assert {each.rule for each in await listed(store, states=(State.OPEN,))} == {"late"}


async def test_moments_missed_while_nobody_was_at_work_make_one_incident(
    store: Store, timing: ManualTiming
) -> None:
    await schedule_at_work(store)
    for number in range(5):
        await create(store, name=f"s{number}", recurrence=every("1d"))
    judge = await judged(store, timing)
    timing.advance(by=10 * ABSENT_AFTER)
    await schedule_at_work(store)
    await missed(store, 3)
    await judged(store, timing, judge, rounds=5)
    assert [each.rule for each in await listed(store)] == ["no-scheduler"]
    for _ in range(12):
        timing.advance(seconds=40)
        await judged(store, timing, judge)
    await missed(store, 4)
    await judged(store, timing, judge)
    assert len([each for each in await listed(store) if each.rule == "missed"]) == 5


async def missed(store: Store, count: int) -> None:
    """So many moments of each schedule were missed by now."""
    await store.write(
        lambda connection, _: connection.execute(update(stored_schedules).values(missed=count))
    )


async def test_a_worker_that_dies_with_jobs_is_told_of(store: Store, timing: ManualTiming) -> None:
    await running(store)
    timing.advance(seconds=120)
    await judged(store, timing)
    found = await stands(store, "worker-lost")
    assert found.kind is Kind.WORKER
    assert found.facts.figures == {"jobs it had": "1"}
    # They are run again by others, and have not failed.
    assert found.facts.to_try == ["onbeat workers ls", "onbeat jobs ls --state running"]


async def test_jobs_at_a_worker_that_is_silent_for_long_are_told_of_by_their_task(
    store: Store, timing: ManualTiming
) -> None:
    await running(store)
    await running(store)
    timing.advance(by=timedelta(minutes=31))
    await judged(store, timing)
    found = await stands(store, "silent")
    assert (found.subject, found.facts.figures) == ("send", {"jobs not heard of": "2"})


async def test_a_job_that_runs_far_longer_than_others_of_its_task_is_stuck(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "complete", took=3600)
    await watched(store, timing)
    await running(store)
    timing.advance(by=timedelta(hours=2))
    judge = await judged(store, timing)
    assert [each for each in await listed(store) if each.rule == "stuck"] == []
    timing.advance(by=timedelta(hours=1, minutes=10))
    await judged(store, timing, judge)
    assert (await stands(store, "stuck")).subject == "send"


async def test_a_task_whose_runs_are_over_its_own_limit_is_slow(
    store: Store, timing: ManualTiming
) -> None:
    for _ in range(10):
        await ended(store, timing, "complete", took=4)
    await watched(store, timing)
    judge = await judged(store, timing)
    assert await listed(store) == []
    own = replace(
        DEFAULTS["slow"], name="slow-send", selector=Selector(tasks=("send",)),
        limits=Limits(longer_than=timedelta(seconds=2)),
    )  # fmt: skip
    await save(store, own)
    await judged(store, timing, judge)
    assert (await stands(store, "slow-send")).severity is Severity.INFO


async def test_the_share_of_jobs_that_fail_is_looked_at_from_a_least_number_on(
    store: Store, timing: ManualTiming
) -> None:
    rate = replace(DEFAULTS["failure-rate"], limits=Limits(share=0.2, least=5))
    await save(store, rate)
    for move in ("bury", "complete", "complete", "complete"):
        await ended(store, timing, move)
    await watched(store, timing)
    judge = await judged(store, timing)
    assert [each for each in await listed(store) if each.rule == "failure-rate"] == []
    await ended(store, timing, "complete")
    await watched(store, timing)
    await judged(store, timing, judge)
    found = await stands(store, "failure-rate")
    assert found.facts.figures["failure rate"] == "20%"


async def test_a_worker_that_ends_by_itself_is_not_lost(store: Store, timing: ManualTiming) -> None:
    await begin(store)
    await store.write(
        lambda connection, now: connection.execute(update(stored_sessions).values(ended_at=now))
    )
    timing.advance(seconds=120)
    await judged(store, timing)
    assert await listed(store) == []


async def test_each_change_is_yet_to_be_told(store: Store, timing: ManualTiming) -> None:
    await failed(store, timing)
    await judged(store, timing)
    query = select(incident_changes.c.routed)
    assert list(await store.read(lambda c, _: c.scalars(query).all())) == [0]


async def test_each_rule_can_be_looked_at_where_there_is_nothing(
    store: Store, timing: ManualTiming
) -> None:
    for rule in DEFAULTS.values():
        await save(store, replace(rule, open_after=2))
    await judged(store, timing)
    assert await listed(store) == []
