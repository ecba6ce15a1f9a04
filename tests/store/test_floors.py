"""Floors of the queue's lines: where a claim begins, and how often one goes without."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest
from sqlalchemy import update

from onbeat.store.postgres import statements
from onbeat.store.postgres.connections import SERVER_SETTINGS
from onbeat.store.postgres.floors import LONGEST_WITHOUT, MARGIN, SHARE, Floors
from onbeat.store.postgres.store import PostgresStore
from onbeat.store.rendering import numbered
from onbeat.store.schema import ready
from onbeat.store.store import Store
from tests import factories
from tests.contract import world
from tests.contract.bounds import declare, under
from tests.timing import ManualTiming

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
AT = 1_000_000_000


def test_the_first_claim_goes_without() -> None:
    assert Floors().next(0, ["mail"]) is None


def test_a_floor_lies_a_margin_below_the_lowest_key_found() -> None:
    floors = swept()

    floors.learn([("mail", 5, AT), ("mail", 5, AT + 1), ("mail", 6, AT + 2)], ["mail"], at=None)

    assert floors.next(1, ["mail"]) == {"mail": {"5": AT - MARGIN, "6": AT + 2 - MARGIN}}


def test_a_line_in_which_nothing_was_found_begins_when_it_was_looked_at() -> None:
    floors = swept()

    floors.learn([("mail", 5, AT)], ["mail", "sms"], at=AT + 7)

    told = floors.next(1, ["mail", "sms"])
    assert told is not None
    assert (told["mail"]["5"], told["mail"]["4"], told["sms"]["10"]) == (
        AT - MARGIN,
        AT + 7 - MARGIN,
        AT + 7 - MARGIN,
    )


def test_a_full_claim_says_nothing_of_lines_it_may_not_have_reached() -> None:
    floors = swept()

    floors.learn([("mail", 5, AT)], ["mail", "sms"], at=None)

    assert floors.next(1, ["sms"]) == {"sms": {}}


def test_a_floor_follows_its_line_down_again() -> None:
    """A clock that was set back: new rows have lower keys than those claimed before."""
    floors = swept()
    floors.learn([("mail", 5, AT)], ["mail"], at=None)

    floors.learn([("mail", 5, AT // 2)], ["mail"], at=None)

    assert floors.next(1, ["mail"]) == {"mail": {"5": AT // 2 - MARGIN}}


def test_after_a_claim_that_an_outage_held_up_the_next_one_without_is_not_far() -> None:
    floors = Floors()
    floors.swept(0, 60)

    assert floors.next(60 + LONGEST_WITHOUT, ["mail"]) is None


@pytest.mark.parametrize("took", [0.001, 0.1, 0.5])
def test_claims_without_floors_take_a_twentieth_of_the_time(took: float) -> None:
    floors = Floors()
    floors.swept(10, 10 + took)

    due = 10 + took + SHARE * took

    assert floors.next(due - 0.0001, ["mail"]) is not None
    assert floors.next(due, ["mail"]) is None


def swept() -> Floors:
    """Floors after a claim that went without, long before the next that will."""
    floors = Floors()
    floors.swept(0, 1)
    return floors


@on_postgresql
async def test_a_row_that_comes_to_lie_below_the_floor_is_found_by_the_next_claim_without(
    store: Store, timing: ManualTiming
) -> None:
    """As that of a transaction which enqueued long before it committed."""
    assert isinstance(store, PostgresStore)
    session = await world.begin(store)
    await world.claim_one(store, session, (await placed(store)).queue)
    late = await placed(store)
    await store.write(
        lambda connection, _: connection.execute(
            update(ready).where(ready.c.job == late.id).values(order_key=1)
        )
    )
    store.claims.floors.swept(timing.monotonic(), timing.monotonic() + 1)

    before = await store.claim(session.id, [late.queue], 10)
    timing.advance(seconds=1 + LONGEST_WITHOUT)
    after = await store.claim(session.id, [late.queue], 10)

    assert ([job.id for job in before], [job.id for job in after]) == ([], [late.id])


@on_postgresql
async def test_a_line_does_not_begin_behind_those_who_lack_a_slot_and_stay_in_it(
    store: Store, timing: ManualTiming
) -> None:
    assert isinstance(store, PostgresStore)
    await declare(store, concurrency=1)
    session = await world.begin(store)
    first, second = under("calls:a"), under("calls:a")
    await store.enqueue([first])
    [running] = await store.claim(session.id, ["default"], 10)
    await store.enqueue([second])
    timing.advance(seconds=60)
    await store.enqueue([under("calls:b") for _ in range(3)])
    store.claims.floors.swept(timing.monotonic(), timing.monotonic() + 1)
    assert await store.claim(session.id, ["default"], 10, far=False)
    await world.acked(store, factories.ack(running))

    taken = await store.claim(session.id, ["default"], 10, far=False)

    assert [each.id for each in taken] == [second.id]


async def placed(store: Store) -> Any:
    """Enqueue a job."""
    job = factories.job()
    await store.enqueue([job])
    return job


@on_postgresql
async def test_with_an_old_snapshot_held_a_claim_does_not_walk_through_what_was_claimed(
    store: Store, database_url: str
) -> None:
    holder = await asyncpg.connect(database_url)
    await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await holder.fetch("SELECT FROM onbeat_queues")
    session = await world.begin(store)
    await store.enqueue([factories.job() for _ in range(20_000)])
    while claimed := await store.claim(session.id, ["default"], 1_000):
        await store.ack([factories.ack(each) for each in claimed])
    asker = await asyncpg.connect(database_url, server_settings=SERVER_SETTINGS)

    without = await pages_of_a_claim(asker, session.id, {})
    micros = int(store.timing.now().timestamp() * 1_000_000)
    begun = {str(lane): micros + 1 for lane in range(11)}
    with_floors = await pages_of_a_claim(asker, session.id, {"default": begun})

    await asker.close()
    await holder.close()
    assert without > 300
    assert with_floors < 60


async def pages_of_a_claim(asker: Any, session: str, floors: dict[str, dict[str, int]]) -> int:
    """How many pages a claim looks at."""
    text, names = numbered(statements.CLAIM)
    values = {
        "now": None,
        "session": session,
        "queues": '["default"]',
        "limit": 100,
        "floors": json.dumps(floors),
    }
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}"
    answer = await asker.fetchval(explain, *(values[name] for name in names))
    plan = json.loads(answer)[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])
