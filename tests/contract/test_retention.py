"""What has ended is kept for so long, or so many of it; what stands or is needed always."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text

from onbeat.domain.attempts import LogLine
from onbeat.domain.errors import NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.meters import Meter
from onbeat.domain.retention import Keep, Subject
from onbeat.domain.states import State
from onbeat.domain.webhooks import Delivery
from onbeat.runtime.cleaner import CLEAN_EVERY, Cleaner
from onbeat.runtime.tick import tick
from onbeat.store import history, jobs, partitions, retention, schedules, webhooks
from onbeat.store.cleaning import AT_ONCE
from onbeat.store.history import StoredLine
from onbeat.store.schema import (
    attempts,
    finished,
    logs,
    members,
    occurrences,
    uniques,
    workflows,
)
from onbeat.store.schema import jobs as booked
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.flows import started
from tests.contract.world import acked, begin, cancel, state
from tests.timing import ManualTiming

KEEP = timedelta(days=90)
TERM = timedelta(days=1000)
DAY = 86_400


async def clean(store: Store) -> int:
    """One whole round; how many steps it took."""
    duty = Cleaner(store, KEEP)
    steps = 1
    while await duty.step() < CLEAN_EVERY:
        steps += 1
    await duty.clean_up()
    return steps


async def end(store: Store, count: int, move: str = "complete", **fields: Any) -> list[JobId]:
    """Jobs that have ended so, each a second after the one before."""
    session = await begin(store, TERM)
    timing = store.timing
    assert isinstance(timing, ManualTiming)
    ended = []
    for _ in range(count):
        wanted = factories.job(**fields)
        await store.enqueue([wanted])
        [claimed] = await store.claim(session.id, [wanted.queue], 1)
        timing.advance(seconds=1)
        await acked(store, factories.ack(claimed, move))
        ended.append(wanted.id)
    return ended


async def keep(store: Store, scope: str, name: str, kept: Keep) -> None:
    """Let code say what is kept."""
    wanted = {Subject(scope, name): kept.rule}
    await store.write(partial(retention.declare, wanted=wanted, by="code:app"))


async def on_record(store: Store) -> set[str]:
    """All jobs in the book."""
    return set(await store.read(lambda c, _: c.scalars(select(booked.c.id)).all()))


async def rows(store: Store, *tables: Any) -> list[int]:
    """How many rows are in each of the tables."""

    def counted(connection: Connection, _: object) -> list[int]:
        query = select(func.count()).select_from
        return [connection.scalar(query(table)) or 0 for table in tables]

    return await store.read(counted)


async def test_ended_jobs_go_with_all_they_left_after_90_days(
    store: Store, timing: ManualTiming
) -> None:
    old = await end(store, 3)
    await end(store, 2, "bury")
    line = StoredLine(
        old[0], 1, 1, LogLine(at=timing.now(), level="info", message="m", fields="{}")
    )
    await store.write(partial(history.write_lines, lines=[line]))
    called_off = factories.job()
    await store.enqueue([called_off])
    await cancel(store, called_off.id)
    timing.advance(seconds=50 * 86_400)
    young = await end(store, 2)
    timing.advance(seconds=41 * 86_400)

    await clean(store)

    assert await on_record(store) == set(young)
    assert await rows(store, finished, attempts, logs) == [2, 2, 0]
    assert (await verify(store)).breaches == []


async def test_what_stands_is_never_removed(store: Store, timing: ManualTiming) -> None:
    session = await begin(store, TERM)
    ready, later, runs = factories.job(), factories.job(delay=TERM), factories.job(queue="other")
    held = factories.job()
    await store.enqueue([ready, later, runs, held])
    await store.claim(session.id, ["other"], 1)
    await store.write(partial(jobs.block, job=held.id, reason="for now"))
    [revived] = await end(store, 1, queue="third")
    await store.write(partial(jobs.revive, job=revived))
    await keep(store, "task", "send", Keep(completed=0, failed=0))
    timing.advance(seconds=200 * 86_400)

    await clean(store)

    wanted = {ready.id, later.id, runs.id, held.id, revived}
    assert await on_record(store) == wanted
    assert await state(store, runs.id) is State.RUNNING


@pytest.mark.parametrize(("scope", "name"), [("task", "send"), ("queue", "mail")])
async def test_the_newest_of_a_task_or_a_queue_are_kept_and_exactly_so_many(
    store: Store, timing: ManualTiming, scope: str, name: str
) -> None:
    completed, failed = [], []
    for _ in range(5):
        completed += await end(store, 1, queue="mail")
        failed += await end(store, 1, "bury", queue="mail")
    other = await end(store, 4, task="other", queue="default")
    await keep(store, scope, name, Keep(completed=3, failed=1))

    await clean(store)

    assert await on_record(store) == {*completed[-3:], failed[-1], *other}
    assert (await verify(store)).breaches == []


async def test_failures_are_kept_for_as_long_as_a_rule_says(
    store: Store, timing: ManualTiming
) -> None:
    await end(store, 2, "bury")
    timing.advance(seconds=20 * 86_400)
    young = await end(store, 2, "bury")
    timing.advance(seconds=15 * 86_400)
    await keep(store, "task", "send", Keep(failed="30d"))

    await clean(store)

    assert await on_record(store) == set(young)


async def test_the_newest_of_a_schedule_are_kept_and_its_ledger_stays(
    store: Store, timing: ManualTiming
) -> None:
    plan = factories.schedule()
    await store.write(partial(schedules.create, schedule=plan))
    session = await begin(store, TERM)
    made = []
    for _ in range(6):
        timing.advance(seconds=60)
        await tick(store)
        [claimed] = await store.claim(session.id, ["default"], 1)
        await acked(store, factories.ack(claimed))
        made.append(claimed.id)
    await keep(store, "schedule", plan.name, Keep(completed=2))
    before = await rows(store, occurrences)

    await clean(store)

    assert await on_record(store) == set(made[-2:])
    assert await rows(store, occurrences) == before
    listed = await store.read(partial(schedules.list_occurrences, name=plan.name, limit=10))
    told = {job for entry, job in listed if entry.reason == "its job is no longer kept"}
    assert told == set(made[:-2])
    assert (await verify(store)).breaches == []


async def test_the_ledger_goes_after_90_days_but_for_the_jobs_that_stand(
    store: Store, timing: ManualTiming
) -> None:
    plans = [factories.schedule(overlap="allow") for _ in range(3)]
    for each in plans:
        await store.write(partial(schedules.create, schedule=each))
    timing.advance(seconds=61)
    await tick(store)
    session = await begin(store, TERM)
    claimed = await store.claim(session.id, ["default"], 2)
    await acked(store, *(factories.ack(each) for each in claimed))
    timing.advance(seconds=100 * 86_400)
    await tick(store)

    await clean(store)

    stands = await store.claim(session.id, ["default"], 1)
    old = select(occurrences.c.job).where(
        func.coalesce(occurrences.c.through_at, occurrences.c.due_at) < timing.now() - KEEP
    )
    assert await store.read(lambda connection, _: list(connection.scalars(old))) == [
        each.id for each in stands
    ]
    assert (await verify(store)).breaches == []


async def test_the_last_job_of_a_schedule_is_kept(store: Store, timing: ManualTiming) -> None:
    plan = factories.schedule(limit=1)
    await store.write(partial(schedules.create, schedule=plan))
    timing.advance(seconds=61)
    await tick(store)
    session = await begin(store, TERM)
    [claimed] = await store.claim(session.id, ["default"], 1)
    await acked(store, factories.ack(claimed))
    timing.advance(seconds=100 * 86_400)

    await clean(store)

    assert await on_record(store) == {claimed.id}
    assert await rows(store, occurrences) == [1]


async def test_a_job_whose_unique_key_is_held_and_one_of_an_open_workflow_are_kept(
    store: Store, timing: ManualTiming
) -> None:
    key = factories.new_id()
    [unique] = await end(store, 1, ties=(f"unique:{key}",))
    [member] = await end(store, 1)
    [other] = await end(store, 1)
    flow = factories.new_id()

    def hold(connection: Connection, now: Any) -> None:
        connection.execute(insert(uniques).values(key=key, job=unique))
        connection.execute(insert(members).values(workflow=flow, job=member, label="a"))
        connection.execute(
            insert(workflows).values(
                id=flow,
                name="w",
                on_failure="end",
                total=1,
                ended=0,
                failed=0,
                cancelled=0,
                created_at=now,
            )
        )

    await store.write(hold)
    timing.advance(seconds=100 * 86_400)

    await clean(store)

    assert await on_record(store) == {unique, member}
    assert other not in await on_record(store)


async def test_a_deploy_does_not_undo_what_was_set_by_hand(store: Store) -> None:
    subject = Subject("task", "send")
    await keep(store, "task", "send", Keep(completed=10))
    by_hand = Keep(completed=5).rule
    await store.write(partial(retention.set_rule, subject=subject, rule=by_hand, by="ann"))

    await keep(store, "task", "send", Keep(completed=20))

    [state] = await store.read(retention.list_rules)
    assert (state.rule, state.declared) == (by_hand, Keep(completed=20).rule)
    again = await store.write(partial(retention.remove, subject=subject, by="ann"))
    assert again is not None
    assert again.rule == Keep(completed=20).rule


async def test_what_code_says_no_more_is_no_rule_any_more(store: Store) -> None:
    await keep(store, "task", "send", Keep(completed=10))
    await keep(store, "task", "other", Keep(completed=10))

    [state] = await store.read(retention.list_rules)

    assert state.subject.name == "other"
    with pytest.raises(NotFound, match="no retention for task/send"):
        await store.write(partial(retention.remove, subject=Subject("task", "send"), by="ann"))


async def test_many_jobs_are_removed_in_bounded_steps(store: Store, timing: ManualTiming) -> None:
    await store.enqueue(factories.jobs(2_300))
    session = await begin(store, TERM)
    while claimed := await store.claim(session.id, ["default"], 1_000):
        await acked(store, *(factories.ack(each) for each in claimed))
    await keep(store, "task", "send", Keep(completed=100))

    steps = await clean(store)

    assert await rows(store, booked, finished, attempts) == [100, 100, 100]
    walked = 2_300 // AT_ONCE[store.engine] + 1
    others = ("the ledger", "deliveries", "roll-ups", "keys of requests", "operations", "notices",
              "incidents", "silences")  # fmt: skip
    assert steps == walked + 3 + len(others), "one for each batch, each state, and each other"


async def test_empty_partitions_of_the_past_are_dropped(store: Store, timing: ManualTiming) -> None:
    if store.engine != "postgresql":
        return
    for each in await store.read(partitions.missing):
        await store.write(partial(partitions.make, wanted=each))
    await end(store, 2)
    standing = factories.job()
    await store.enqueue([standing])
    before = Counter(await names(store))
    timing.advance(seconds=200 * 86_400)

    await clean(store)

    left = await names(store)
    assert len(left) < len(before)
    assert f"onbeat_finished_{timing.now() - timedelta(days=200):%Y%m%d}" not in left
    assert await on_record(store) == {standing.id}


async def names(store: Store) -> list[str]:
    """All partitions."""
    query = text(
        "SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid "
        "JOIN pg_class AS parent ON parent.oid = inhparent WHERE parent.relkind = 'p'"
    )
    return await store.read(lambda connection, _: list(connection.scalars(query)))


async def test_a_workflow_goes_with_the_last_of_its_jobs(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store, TERM)
    over = await started(store, {"a": [], "b": ["a"]})
    await over.run(session)
    timing.advance(seconds=50 * DAY)
    await over.run(session)
    open_still = await started(store, {"a": [], "b": ["a"]})
    await open_still.run(session)

    timing.advance(seconds=41 * DAY)
    await clean(store)
    assert await rows(store, workflows, members) == [2, 3]
    assert (await verify(store)).breaches == []

    timing.advance(seconds=50 * DAY)
    await clean(store)
    assert await rows(store, workflows, members) == [1, 2]


async def test_the_record_of_deliveries_goes_with_the_jobs_of_its_time(
    store: Store, timing: ManualTiming
) -> None:
    made = partial(webhooks.create, identity=store.new_id(), owner="ann", events=(),
                   url="https://hooks.example/", secret="sealed")  # noqa: S106  # fmt: skip
    hook = await store.write(made)
    for _ in range(2):
        timing.advance(by=KEEP)
        delivery = Delivery(id=store.new_id(), webhook=hook.id, job=store.new_id(), message="msg",
                            attempt=1, at=timing.now())  # fmt: skip
        await store.write(partial(webhooks.record, made=delivery))
    timing.advance(seconds=1)

    await clean(store)

    listed = partial(webhooks.list_deliveries, webhook=hook.id, owner=None, before=None, limit=9)
    assert await store.read(listed) == [delivery]


async def test_what_is_removed_is_counted_by_kind_and_what_rules_remove_together(
    store: Store, timing: ManualTiming
) -> None:
    await keep(store, "task", "send", Keep(completed=1))
    await end(store, 3, task="send")
    await end(store, 2, "bury", task="other")
    await clean(store)
    timing.advance(by=KEEP + timedelta(days=1))
    await clean(store)

    sums = store.counting.sums()
    removed = {each.labels: each.number for each in sums if each.meter is Meter.REMOVED}
    assert removed == {("by rule",): 2, ("completed",): 1, ("failed",): 2}
