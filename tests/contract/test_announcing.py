"""Ends of jobs are told to their owners' webhooks, each just once, on both engines."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text, update

from onbeat.domain.attempts import Failure
from onbeat.domain.error_classes import ErrorClass
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.states import FINAL_STATES, State
from onbeat.domain.webhooks import EVENT_OF, QUEUE, RETRY, TASK, EventType
from onbeat.domain.workflows import Edge, Member, NewWorkflow, OnFailure
from onbeat.store import ends, jobs, listing, webhooks, workflows
from onbeat.store.announcing import announce
from onbeat.store.schema import finished
from onbeat.store.schema import webhooks as hooks_table
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.beats import create as create_schedule
from tests.contract.hooks import OWNED, create, end, follow, messages
from tests.contract.world import acked, begin, running
from tests.timing import START, ManualTiming


@pytest.mark.parametrize(
    ("move", "event"),
    [("complete", "job.completed"), ("bury", "job.failed"), ("stop", "job.cancelled")],
)
async def test_an_end_makes_a_job_for_each_webhook_of_the_job_s_owner(
    store: Store, move: str, event: str
) -> None:
    hooks = [await create(store), await create(store)]
    await create(store, owner="bob")
    job = await end(store, move)

    followed = await follow(store)

    told = await messages(store)
    assert followed == ends.Followed(1, frozenset([QUEUE]))
    assert sorted(each["webhook"] for each in told) == sorted(hook.id for hook in hooks)
    assert {each["message"] for each in told} == {told[0]["message"]}
    assert [each["body"]["type"] for each in told] == [event, event]
    assert told[0]["body"]["data"] == {
        "job": job, "task": "send", "schedule": None, "state": event.removeprefix("job."),
        "attempts": 1, "finished_at": "2030-06-15T12:00:00Z", "error": None, "error_class": None,
    }  # fmt: skip


async def test_the_job_that_delivers_stands_in_line_as_the_task_has_it(store: Store) -> None:
    await create(store)
    await end(store)
    await follow(store)

    claimed = await store.claim((await begin(store)).id, [QUEUE], 10)

    assert [(each.task, each.queue, each.attempt, each.max_attempts) for each in claimed] == [
        (TASK, QUEUE, 1, RETRY.attempts)
    ]


async def test_what_is_made_of_ends_keeps_the_laws_of_the_store(store: Store) -> None:
    await create(store)
    await end(store)
    await follow(store)
    await end(store, "bury")

    assert (await verify(store)).breaches == []


async def test_a_failure_is_told_by_the_class_of_its_error_and_not_by_what_it_says(
    store: Store,
) -> None:
    await create(store)
    failure = Failure(type="OSError", message="password=hunter2", traceback="hunter2",
                      error_class=ErrorClass.TRANSIENT)  # fmt: skip
    await end(store, "bury", failure=failure, reason="OSError: password=hunter2")

    await follow(store)

    [told] = await messages(store)
    assert (told["body"]["data"]["error"], told["body"]["data"]["error_class"]) == (
        "OSError", "transient",
    )  # fmt: skip
    assert "hunter2" not in json.dumps(told)


async def test_a_webhook_hears_of_the_ends_it_asked_for_alone(store: Store) -> None:
    hook = await create(store, events=[EventType.FAILED])
    await end(store)
    failed = await end(store, "bury")

    await follow(store)

    told = await messages(store)
    assert [(each["webhook"], each["body"]["data"]["job"]) for each in told] == [(hook.id, failed)]


async def test_nothing_is_told_of_jobs_without_owner_and_to_disabled_webhooks(
    store: Store,
) -> None:
    hook = await create(store)
    await end(store, ties=())
    await end(store, ties=("ends:",))
    await end(store, ties=("owner:bob", "ends:"))
    await follow(store)
    assert await messages(store) == []

    await store.write(partial(webhooks.disable, webhook=hook.id, why="off"))
    await end(store)
    await follow(store)

    assert await messages(store) == []


async def test_a_job_that_is_called_off_is_told_of(store: Store) -> None:
    await create(store)
    job = factories.job(ties=OWNED)
    await store.enqueue([job])

    await store.write(partial(jobs.cancel, job=job.id, reason="enough"))
    await follow(store)

    [told] = await messages(store)
    assert (told["body"]["type"], told["body"]["data"]["job"]) == ("job.cancelled", job.id)


async def test_the_end_of_a_delivery_is_not_told_of(store: Store) -> None:
    """Else each would make another, for ever."""
    await create(store)
    job = await end(store, job={"task": TASK})

    await follow(store)

    delivering = await store.read(partial(listing.list_jobs, wanted=JobFilter(task=TASK)))
    assert [each.id for each in delivering] == [job]


async def test_an_end_is_told_once_though_it_is_followed_by_many_at_once(
    store: Store, other_store: Store
) -> None:
    await create(store)
    for _ in range(20):
        await end(store)

    await asyncio.gather(*(follow(each) for each in (store, other_store) * 4))

    told = await messages(store)
    assert (len(told), len({each["body"]["data"]["job"] for each in told})) == (20, 20)


async def test_an_end_that_is_told_of_again_makes_no_second_job(store: Store) -> None:
    await create(store)
    job = await end(store)
    await follow(store)

    queues = await store.write(partial(announce, ended={job: START}))

    assert (queues, len(await messages(store))) == (frozenset(), 1)


async def test_what_is_made_of_an_end_is_lost_with_its_transaction_and_made_with_the_next(
    store: Store,
) -> None:
    await create(store)
    await end(store)

    def fail(connection: Any, now: Any) -> None:
        ends.follow(connection, now)
        raise RuntimeError("the process dies here")

    with pytest.raises(RuntimeError):
        await store.write(fail)
    assert await messages(store) == []
    await follow(store)

    assert len(await messages(store)) == 1


async def test_a_job_that_runs_again_and_ends_again_is_told_of_twice(
    store: Store, timing: ManualTiming
) -> None:
    await create(store)
    job = await end(store, "bury")
    await follow(store)
    timing.advance(seconds=1)
    await store.write(partial(jobs.revive, job=job))
    [claimed] = await store.claim((await begin(store)).id, ["default"], 1)
    await acked(store, factories.ack(claimed))
    await follow(store)

    told = await messages(store)
    assert [each["body"]["type"] for each in told] == ["job.failed", "job.completed"]
    assert len({each["message"] for each in told}) == 2


async def test_an_end_that_was_taken_back_before_it_was_followed_is_not_told_of(
    store: Store,
) -> None:
    await create(store)
    job = await end(store, "bury")
    await store.write(partial(jobs.revive, job=job))

    await follow(store)
    told = await store.write(partial(announce, ended={job: START}))

    assert (told, await messages(store)) == (frozenset(), [])


async def test_an_event_of_a_newer_onbeat_holds_nothing_up(store: Store) -> None:
    hook = await create(store)
    said = '["job.begun","job.failed"]'
    await store.write(
        lambda connection, _: connection.execute(update(hooks_table).values(events=said))
    )
    await end(store)
    failed = await end(store, "bury")

    assert (await follow(store)).count == 2

    assert [each["body"]["data"]["job"] for each in await messages(store)] == [failed]
    shown = await store.read(partial(webhooks.find, webhook=hook.id))
    assert shown.events == (EventType.FAILED,)


async def test_a_job_s_schedule_is_named(store: Store) -> None:
    schedule = await create_schedule(store)
    await create(store)
    claimed = await running(store, ties=OWNED)
    query = text("UPDATE onbeat_jobs SET schedule = :schedule WHERE id = :job")
    await store.write(
        lambda connection, _: connection.execute(
            query, {"schedule": schedule.id, "job": claimed.id}
        )
    )
    await acked(store, factories.ack(claimed))

    await follow(store)

    assert [each["body"]["data"]["schedule"] for each in await messages(store)] == [schedule.name]


async def test_where_there_is_no_webhook_nothing_is_read_of_ended_jobs(store: Store) -> None:
    """A damaged row of theirs would be noticed."""
    job = await end(store)
    await store.write(
        lambda connection, _: connection.execute(update(finished).values(outcome="nonsense"))
    )

    assert await store.write(partial(announce, ended={job: START})) == frozenset()
    await create(store)
    with pytest.raises(ValueError, match="nonsense"):
        await store.write(partial(announce, ended={job: START}))


def test_every_final_state_has_an_event() -> None:
    assert set(EVENT_OF) == {State(state) for state in FINAL_STATES}


async def test_a_job_that_is_called_off_because_another_failed_is_told_of(store: Store) -> None:
    hook = await create(store)
    parent = factories.job(ties=("ends:",))
    child = factories.job(ties=OWNED)
    flow = NewWorkflow(
        id=factories.new_id(), name="nightly", on_failure=OnFailure.CONTINUE,
        edges=[Edge(parent.id, child.id, "success")],
        members=[Member(parent, "parent"), Member(child, "child")],
    )  # fmt: skip
    await store.write(partial(workflows.start, wanted=flow))
    [claimed] = await store.claim((await begin(store)).id, ["default"], 1)
    await acked(store, factories.ack(claimed, "bury"))

    await follow(store)

    [told] = await messages(store)
    assert (told["webhook"], told["body"]["type"], told["body"]["data"]["job"]) == (
        hook.id, "job.cancelled", child.id,
    )  # fmt: skip


async def test_a_failure_is_told_by_the_error_of_its_last_attempt(
    store: Store, timing: ManualTiming
) -> None:
    """That of another, ended at the same time as another job's last, is not it."""

    def failure(name: str) -> Failure:
        return Failure(type=name, message="", error_class=ErrorClass.TRANSIENT)

    await create(store)
    session = await begin(store, timedelta(days=1))
    for _ in range(2):
        await store.enqueue([factories.job(ties=OWNED)])
    first, second = await store.claim(session.id, ["default"], 2)
    await acked(
        store,
        factories.ack(first, "retry", failure=failure("First")),
        factories.ack(second, "bury", failure=failure("Other")),
    )
    timing.advance(by=timedelta(minutes=1))
    await store.promote(10)
    [again] = await store.claim(session.id, ["default"], 2)
    await acked(store, factories.ack(again, "bury", failure=None))

    await follow(store)

    told = {each["body"]["data"]["job"]: each["body"]["data"] for each in await messages(store)}
    assert {job: data["error"] for job, data in told.items()} == {
        first.id: None, second.id: "Other",
    }  # fmt: skip
