"""Worker sessions: on record from their first word to their last."""

from __future__ import annotations

from datetime import timedelta

from onbeat.domain.workers import Session
from onbeat.store import workers
from onbeat.store.store import Store
from tests.contract.world import TERM, begin, running
from tests.timing import START, ManualTiming


async def listed(store: Store) -> list[Session]:
    return await store.read(workers.list_sessions)


async def test_a_session_is_listed_as_it_began(store: Store) -> None:
    session = await begin(
        store, instance="b-7", host="host-é", pid=42, queues=("mail", "default"), slots=3,
        region="eu",
    )  # fmt: skip

    [shown] = await listed(store)

    assert (shown.id, shown.instance, shown.host, shown.pid) == (session.id, "b-7", "host-é", 42)
    assert (shown.queues, shown.slots, shown.region) == (("mail", "default"), 3, "eu")
    assert (shown.started_at, shown.heartbeat_at, shown.expires_at) == (START, START, START + TERM)
    assert (shown.draining, shown.running) == (False, 0)


async def test_a_session_shows_how_many_jobs_it_runs(store: Store) -> None:
    busy, idle = await begin(store), await begin(store)
    for _ in range(3):
        await running(store, busy)

    counts = {each.id: each.running for each in await listed(store)}

    assert counts == {busy.id: 3, idle.id: 0}


async def test_the_jobs_that_sessions_run_are_listed_those_that_have_run_longest_first(
    store: Store, timing: ManualTiming
) -> None:
    first, second = await begin(store), await begin(store)
    early = await running(store, first)
    timing.advance(seconds=5)
    late = await running(store, second)

    held = await store.read(lambda c, now: workers.list_held(c, now, 10))
    shortest = await store.read(lambda c, now: workers.list_held(c, now, 1))

    assert [(each.session, each.job) for each in held] == [
        (first.id, early.id), (second.id, late.id)
    ]  # fmt: skip
    assert (held[0].attempt, held[0].started_at) == (1, START)
    assert shortest == held[:1]


async def test_a_heartbeat_puts_the_end_further_away(store: Store, timing: ManualTiming) -> None:
    session = await begin(store)
    timing.advance(seconds=5)

    pulse = await store.heartbeat(session.id, timedelta(seconds=30))

    [shown] = await listed(store)
    assert pulse.alive
    assert (shown.heartbeat_at, shown.expires_at) == (
        START + timedelta(seconds=5), START + timedelta(seconds=35),
    )  # fmt: skip


async def test_a_draining_session_says_so_and_still_lives(store: Store) -> None:
    session = await begin(store)

    await store.write(lambda c, now: workers.drain(c, now, session.id))

    [shown] = await listed(store)
    assert shown.draining
    assert (await store.heartbeat(session.id, TERM)).alive


async def test_a_session_that_ended_is_no_longer_listed(store: Store) -> None:
    session = await begin(store)

    await store.write(lambda c, now: workers.end(c, now, session.id))

    assert await listed(store) == []


async def test_only_sessions_whose_time_is_over_expire(store: Store, timing: ManualTiming) -> None:
    dead = await begin(store, timedelta(seconds=10))
    await begin(store, timedelta(seconds=20))
    timing.advance(seconds=10)
    on_the_second = await store.write(workers.expire)
    timing.advance(seconds=1)

    after = await store.write(workers.expire)

    assert (on_the_second, after) == ([], [dead.id])


async def test_the_heartbeat_of_a_session_nobody_knows_says_it_is_dead(store: Store) -> None:
    pulse = await store.heartbeat("0" * 32, TERM)

    assert not pulse.alive
    assert await listed(store) == []
