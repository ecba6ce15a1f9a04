"""Webhooks and the record of their deliveries, on both engines."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, text

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.webhooks import TASK, Delivery, EventType, Webhook
from onbeat.store import listing, webhooks
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.store import Store
from onbeat.store.webhooks import MOST_OF_ONE_OWNER, Change
from tests.contract.hooks import URL, create, end, follow
from tests.timing import START, ManualTiming


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


async def test_an_owner_who_asks_for_many_at_once_has_no_more(store: Store) -> None:
    asked = [create(store) for _ in range(MOST_OF_ONE_OWNER + 10)]

    answers = await asyncio.gather(*asked, return_exceptions=True)

    refused = [each for each in answers if not isinstance(each, Webhook)]
    assert [type(each) for each in refused] == [Conflict] * 10
    assert len(await store.read(webhooks.list_webhooks)) == MOST_OF_ONE_OWNER


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
    [job] = await store.read(partial(listing.list_jobs, wanted=JobFilter(task=TASK)))
    made = await record(store, delivery(store, hook, job=job.id))
    lost = await record(store, delivery(store, hook))
    said_by = partial(webhooks.said_by, owner="ann", webhook=None)

    found, owner = await store.read(partial(said_by, delivery=made.id))
    assert (json.loads(found), owner) == (json.loads(job.args), "ann")
    with pytest.raises(Conflict, match="no longer kept"):
        await store.read(partial(said_by, delivery=lost.id))
    with pytest.raises(NotFound, match="no delivery"):
        await store.read(partial(said_by, delivery=store.new_id()))
    other = await create(store)
    for another in ({"owner": "bob"}, {"webhook": other.id}):
        with pytest.raises(NotFound, match="no delivery"):
            await store.read(partial(said_by, delivery=made.id, **another))
