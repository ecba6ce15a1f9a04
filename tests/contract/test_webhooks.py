"""Webhooks and their deliveries on both engines, and ends that are told to them just once."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from onbeat.domain.attempts import Failure
from onbeat.domain.error_classes import ErrorClass
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.states import FINAL_STATES, State
from onbeat.domain.webhooks import EVENT_OF, QUEUE, RETRY, TASK, Delivery, EventType, Webhook
from onbeat.store import ends, jobs, webhooks
from onbeat.store.announcing import announce
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.schema import finished
from onbeat.store.schema import webhooks as hooks_table
from onbeat.store.store import Store
from onbeat.store.webhooks import MOST_OF_ONE_OWNER, Change
from tests import factories
from tests.contract.beats import create as create_schedule
from tests.contract.world import acked, begin, running
from tests.timing import START, ManualTiming

URL = "https://hooks.example/onbeat"
OWNED = ("owner:ann", "ends:")


async def create(store: Store, owner: str = "ann", **fields: Any) -> Webhook:
    given = {
        "identity": store.new_id(), "owner": owner, "url": URL, "events": tuple(EventType),
        "secret": "sealed",
    }  # fmt: skip
    return await store.write(partial(webhooks.create, **{**given, **fields}))


async def end(store: Store, move: str = "complete", **fields: Any) -> JobId:
    """A job that ends so, with its id."""
    ties = fields.pop("ties", OWNED)
    claimed = await running(store, ties=ties, **fields.pop("job", {}))
    await acked(store, factories.ack(claimed, move, **fields))
    return claimed.id


async def follow(store: Store) -> ends.Followed:
    return await store.write(ends.follow)


async def messages(store: Store) -> list[dict[str, Any]]:
    """The arguments of the jobs that deliver, their bodies read."""
    found = await store.read(partial(jobs.list_jobs, wanted=jobs.JobFilter(task=TASK)))
    return [_read(job) for job in sorted(found, key=lambda job: job.id)]


def _read(job: Job) -> dict[str, Any]:
    args: dict[str, Any] = json.loads(job.args)
    return {**args, "body": json.loads(args["body"])}


async def test_a_webhook_is_kept_as_it_was_given(store: Store) -> None:
    made = await create(store, events=[EventType.FAILED])

    assert made == Webhook(
        id=made.id, owner="ann", url=URL, events=(EventType.FAILED,), enabled=True,
        created_at=START, changed_at=START,
    )  # fmt: skip
    assert await store.read(partial(webhooks.find, webhook=made.id)) == made
    assert await store.read(webhooks.list_webhooks) == [made]


async def test_another_s_webhook_is_as_if_it_were_not_there(store: Store) -> None:
    made = await create(store)
    verbs = (
        partial(webhooks.find, webhook=made.id, owner="bob"),
        partial(webhooks.change, webhook=made.id, owner="bob", wanted=Change(enabled=False)),
        partial(webhooks.exchange_secret, webhook=made.id, owner="bob", secret="s",
                keep_for=timedelta(1)),
        partial(webhooks.list_deliveries, webhook=made.id, owner="bob", before=None, limit=1),
        partial(webhooks.remove, webhook=made.id, owner="bob"),
    )  # fmt: skip

    for verb in verbs:
        with pytest.raises(NotFound, match=f"no webhook {made.id}"):
            await store.write(verb)

    assert await store.read(partial(webhooks.list_webhooks, owner="bob")) == []
    assert await store.read(partial(webhooks.list_webhooks, owner="ann")) == [made]


async def test_an_owner_has_so_many_webhooks_and_no_more(store: Store) -> None:
    for _ in range(MOST_OF_ONE_OWNER):
        await create(store)

    with pytest.raises(Conflict, match="ann has 20 webhooks, which is the most; remove one"):
        await create(store)
    await create(store, owner="bob")


async def test_what_is_changed_is_and_the_rest_stays(store: Store, timing: ManualTiming) -> None:
    made = await create(store)
    later = timing.advance(seconds=60)
    change = partial(webhooks.change, webhook=made.id, owner="ann")

    off = await store.write(partial(change, wanted=Change(enabled=False, why="by hand")))
    moved = await store.write(
        partial(change, wanted=Change(url="https://b.example/", events=(EventType.FAILED,)))
    )
    on = await store.write(partial(change, wanted=Change(enabled=True)))

    assert (off.enabled, off.disabled_at, off.disabled_why) == (False, later, "by hand")
    assert (moved.enabled, moved.url, moved.events) == (
        False, "https://b.example/", (EventType.FAILED,),
    )  # fmt: skip
    assert (on.enabled, on.disabled_at, on.disabled_why, on.changed_at) == (True, None, None, later)


async def test_one_that_is_disabled_keeps_its_first_reason(store: Store) -> None:
    made = await create(store)

    for why in ("410", "again"):
        await store.write(partial(webhooks.disable, webhook=made.id, why=why))

    assert (await store.read(partial(webhooks.find, webhook=made.id))).disabled_why == "410"


async def test_the_secret_before_is_good_for_its_time_and_none_before_that(
    store: Store, timing: ManualTiming
) -> None:
    made = await create(store, secret="first")
    exchange = partial(webhooks.exchange_secret, webhook=made.id, owner=None)
    secrets = partial(webhooks.secrets_of, webhook=made.id)

    await store.write(partial(exchange, secret="second", keep_for=timedelta(hours=24)))
    await store.write(partial(exchange, secret="third", keep_for=timedelta(hours=24)))
    both = await store.read(secrets)
    timing.advance(by=timedelta(hours=24))
    one = await store.read(secrets)
    await store.write(partial(exchange, secret="fourth", keep_for=timedelta()))
    at_once = await store.read(secrets)

    assert (both.secret, both.former) == ("third", "second")
    assert (one.secret, one.former) == ("third", None)
    assert (at_once.secret, at_once.former) == ("fourth", None)
    assert "third" not in repr(both)


def delivery(store: Store, webhook: Webhook, **fields: Any) -> Delivery:
    given = {
        "id": store.new_id(), "webhook": webhook.id, "job": store.new_id(), "message": "msg_1",
        "attempt": 1, "at": store.timing.now(),
    }  # fmt: skip
    return Delivery(**{**given, **fields})


async def record(store: Store, made: Delivery) -> Delivery:
    await store.write(partial(webhooks.record, made=made))
    return made


async def attempts(store: Store, webhook: Webhook, **fields: Any) -> list[Delivery]:
    given = {"owner": None, "before": None, "limit": 50}
    return await store.read(
        partial(webhooks.list_deliveries, webhook=webhook.id, **{**given, **fields})
    )


async def test_attempts_are_listed_the_newest_first_and_page_by_page(store: Store) -> None:
    hook, other = await create(store), await create(store)
    made = [
        await record(store, delivery(store, hook, attempt=number + 1, status=503,
                                     latency=timedelta(microseconds=1500), error="503",
                                     answer="no\0"))
        for number in range(3)
    ]  # fmt: skip
    await record(store, delivery(store, other))

    first = await attempts(store, hook, limit=2)
    rest = await attempts(store, hook, before=first[-1].id)

    assert [each.id for each in (*first, *rest)] == [each.id for each in reversed(made)]
    assert (first[0].status, first[0].latency, first[0].error, first[0].answer) == (
        503, timedelta(microseconds=1500), "503", "no\ufffd",
    )  # fmt: skip


async def test_with_a_webhook_its_record_goes_and_no_attempt_is_added_to_it(store: Store) -> None:
    hook = await create(store)
    await record(store, delivery(store, hook))

    await store.write(partial(webhooks.remove, webhook=hook.id))
    await record(store, delivery(store, hook))

    query = select(func.count()).select_from(text("onbeat_deliveries"))
    assert await store.read(lambda connection, _: connection.scalar(query)) == 0


async def test_old_attempts_are_removed_and_newer_ones_are_not(
    store: Store, timing: ManualTiming
) -> None:
    hook, at_once = await create(store), AT_ONCE[store.engine]
    for _ in range(at_once + 1):
        await record(store, delivery(store, hook))
    timing.advance(by=timedelta(days=1))
    kept = await record(store, delivery(store, hook))

    walk, steps = Walk(), 0
    while not walk.is_over:
        steps += 1
        walk = await store.write(partial(webhooks.clean_deliveries, before=timing.now(), walk=walk))

    assert (walk.removed, steps) == (at_once + 1, 2)
    assert await attempts(store, hook) == [kept]


async def test_the_message_of_an_attempt_is_had_from_its_job_while_that_is_kept(
    store: Store,
) -> None:
    hook = await create(store)
    await end(store)
    await follow(store)
    [job] = await store.read(partial(jobs.list_jobs, wanted=jobs.JobFilter(task=TASK)))
    made = await record(store, delivery(store, hook, job=job.id))
    lost = await record(store, delivery(store, hook))
    arguments = partial(webhooks.arguments_of, owner="ann")

    found = await store.read(partial(arguments, delivery=made.id))
    assert json.loads(found) == json.loads(job.args)
    with pytest.raises(Conflict, match="no longer kept"):
        await store.read(partial(arguments, delivery=lost.id))
    with pytest.raises(NotFound, match="no delivery"):
        await store.read(partial(arguments, delivery=store.new_id()))
    with pytest.raises(NotFound, match="no webhook"):
        await store.read(partial(webhooks.arguments_of, delivery=made.id, owner="bob"))


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

    delivering = await store.read(partial(jobs.list_jobs, wanted=jobs.JobFilter(task=TASK)))
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
