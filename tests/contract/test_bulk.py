"""Many jobs at once: dead letters run again, jobs called off, and what they have on the way."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import Connection, Table, func, select

from onbeat.domain.jobs import JobId
from onbeat.domain.states import Place, State
from onbeat.domain.ties import TieKind
from onbeat.domain.workflows import WorkflowState
from onbeat.store import bulk, deadlines, history, jobs, limits
from onbeat.store.bulk import AT_ONCE, CalledOff, Redriven, Selection
from onbeat.store.schema import finished, ready
from onbeat.store.store import Store
from tests import factories
from tests.contract.bounds import claim, declare, state_of, under
from tests.contract.conditions import TEN, ask, dated, is_free, laws, unique
from tests.contract.flows import follow, started
from tests.contract.world import acked, begin, cancel, count_attempts, find, place, state
from tests.timing import ManualTiming


async def bury(store: Store, count: int) -> list[JobId]:
    """So many dead letters."""
    session = await begin(store)
    await store.enqueue([factories.job() for _ in range(count)])
    taken = await claim(store, session, count)
    await acked(store, *(factories.ack(each, "bury") for each in taken))
    return [each.id for each in taken]


async def redrive(store: Store, done: Redriven | None = None, limit: int = AT_ONCE) -> Redriven:
    """One pass over the dead letters, from where another came to."""
    after = None if done is None else done.last
    pass_ = partial(bulk.redrive, wanted=Selection(), after=after, limit=limit)
    return await store.write(pass_)


async def cancel_some(
    store: Store, done: CalledOff | None = None, limit: int = AT_ONCE
) -> CalledOff:
    """One pass over the open jobs, from where another came to."""
    after = None if done is None else done.last
    return await store.write(
        partial(bulk.cancel, wanted=Selection(task="send"), reason="over", after=after, limit=limit)
    )


async def count(store: Store, table: Table) -> int:
    """How many jobs stand there."""
    query = select(func.count()).select_from(table)
    return await store.read(lambda connection, _: connection.scalar(query)) or 0


async def test_a_redrive_that_died_after_a_pass_is_gone_on_with_by_asking_anew(
    store: Store,
) -> None:
    dead = await bury(store, AT_ONCE + 120)

    first = await redrive(store)
    assert (first.count, await count(store, ready)) == (AT_ONCE, AT_ONCE)
    again = await redrive(store)

    assert again.count == 120
    assert (await count(store, ready), await count(store, finished)) == (len(dead), 0)
    assert await laws(store) == []


async def test_a_redrive_goes_on_pass_after_pass_until_all_run_again(store: Store) -> None:
    await bury(store, 5)

    first = await redrive(store, limit=2)
    second = await redrive(store, first, limit=2)
    third = await redrive(store, second, limit=2)

    assert [first.count, second.count, third.count] == [2, 2, 1]
    assert await laws(store) == []


async def test_a_pass_that_fails_half_way_leaves_nothing_done(store: Store) -> None:
    await bury(store, 3)

    def half(connection: Connection, now: datetime) -> None:
        bulk.redrive(connection, now, wanted=Selection(), after=None, limit=2)
        raise RuntimeError("the process died")

    with pytest.raises(RuntimeError, match="died"):
        await store.write(half)

    assert (await count(store, ready), await count(store, finished)) == (0, 3)
    assert await laws(store) == []


async def test_jobs_called_off_in_passes_are_each_called_off_once(store: Store) -> None:
    session = await begin(store)
    await store.enqueue([factories.job() for _ in range(AT_ONCE + 40)])
    running = await claim(store, session, 30)

    first = await cancel_some(store)
    second = await cancel_some(store, first)
    third = await cancel_some(store)

    assert (first.cancelled + second.cancelled, first.asked + second.asked) == (AT_ONCE + 10, 30)
    assert (third.cancelled, third.asked) == (0, 0)
    assert await count(store, finished) == AT_ONCE + 10
    assert {await state(store, each.id) for each in running} == {State.RUNNING}
    assert await laws(store) == []


async def test_dead_letters_of_a_workflow_that_run_again_are_waited_for_again(
    store: Store,
) -> None:
    flow = await started(store, {"a": [], "b": [], "both": ["a", "b"], "last": ["both"]})
    session = await begin(store)
    await flow.run(session, a="bury", b="bury")

    done = await redrive(store)
    stood = await flow.states()
    ran = [await flow.run(session) for _ in range(3)]

    assert done.count == 2
    assert (stood["both"], stood["last"]) == (State.BLOCKED, State.BLOCKED)
    assert ran == [["a", "b"], ["both"], ["last"]]
    shown = await flow.show()
    assert (shown.state, shown.ended, shown.failed, shown.cancelled) == (
        WorkflowState.COMPLETED, 4, 0, 0,
    )  # fmt: skip
    assert await laws(store) == []


async def test_what_needs_two_dead_letters_waits_again_when_the_second_runs_again(
    store: Store,
) -> None:
    flow = await started(store, {"a": [], "b": [], "both": ["a", "b"]})
    session = await begin(store)
    await flow.run(session, a="bury", b="bury")

    first = await redrive(store, limit=1)
    between = await flow.states()
    await redrive(store, first, limit=1)

    assert between["both"] is State.CANCELLED
    assert [await flow.run(session), await flow.run(session)] == [["a", "b"], ["both"]]
    assert (await flow.show()).state is WorkflowState.COMPLETED
    assert await laws(store) == []


async def test_a_dead_letter_of_a_workflow_that_fails_again_calls_off_again(store: Store) -> None:
    flow = await started(store, {"a": [], "needs": ["a"], "tidies": ["a?"]})
    session = await begin(store)
    await flow.run(session, a="bury")
    assert await flow.run(session) == ["tidies"]

    await redrive(store)
    assert await flow.run(session, a="bury") == ["a"]

    shown = await flow.show()
    assert (shown.state, shown.ended, shown.failed, shown.cancelled) == (
        WorkflowState.FAILED, 3, 1, 1,
    )  # fmt: skip
    assert await flow.run(session) == []
    assert await laws(store) == []


async def test_jobs_of_a_workflow_that_are_called_off_in_bulk_call_off_what_needs_them(
    store: Store,
) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "tidies": ["b?"]})

    done = await cancel_some(store)
    await follow(store)

    assert done.cancelled == 3
    assert set((await flow.states()).values()) == {State.CANCELLED}
    assert (await flow.show()).cancelled == 3
    assert await laws(store) == []


async def test_a_dead_letter_that_runs_again_is_under_its_limit_and_has_its_key(
    store: Store,
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    key = unique()
    failing = factories.job(unique=key.unique, ties=(*key.ties, "slot:calls:a"))
    await ask(store, failing)
    [first] = await claim(store, session)
    await acked(store, factories.ack(first, "bury"))
    await store.enqueue([under("calls:a", priority=9)])
    [holder] = await claim(store, session)
    assert await is_free(store)

    assert (await redrive(store)).count == 1

    assert not await is_free(store)
    assert await claim(store, session) == []
    await acked(store, factories.ack(holder))
    [again] = await claim(store, session)
    assert (again.id, again.attempt) == (failing.id, 1)
    assert await laws(store) == []


async def test_a_dead_letter_that_runs_again_keeps_what_it_is(store: Store) -> None:
    [dead] = await bury(store, 1)
    before = await find(store, dead)

    await redrive(store)

    after = await find(store, dead)
    assert (after.created_at, after.args, after.schedule, after.route, after.queue) == (
        before.created_at, before.args, before.schedule, before.route, before.queue,
    )  # fmt: skip
    assert (after.state, after.attempt) == (State.PENDING, 0)
    kept = await store.read(lambda connection, now: history.list_attempts(connection, now, dead))
    assert [each.outcome for each in kept] == ["failed"]


@pytest.mark.parametrize("until", [TieKind.UNIQUE, TieKind.WAITING])
@pytest.mark.parametrize("way", ["cancel", "cancel many", "expire"])
async def test_who_waits_for_a_slot_and_is_called_off_lets_go_of_slot_and_key(
    store: Store, timing: ManualTiming, way: str, until: TieKind
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a", priority=9, task="other")])
    key, late = unique(until=until), dated()
    waits = factories.job(
        unique=key.unique, start_within=TEN, ties=(*key.ties, *late.ties, "slot:calls:a")
    )
    await ask(store, waits)
    [holder] = await claim(store, session)
    assert (await state_of(store)).waiting == 1

    match way:
        case "cancel":
            await cancel(store, waits.id)
        case "cancel many":
            await cancel_some(store)
        case _:
            timing.advance(by=TEN)
            await store.write(deadlines.call_off)

    assert await state(store, waits.id) is State.CANCELLED
    assert await is_free(store)
    assert ((await state_of(store)).waiting, (await state_of(store)).used) == (0, 1)
    assert await laws(store) == []
    await acked(store, factories.ack(holder))
    assert await claim(store, session) == []


@pytest.mark.parametrize("move", ["snooze", "stop", "retry", "bury"])
async def test_a_job_with_a_slot_and_a_key_that_stops_running_lets_go_of_the_slot(
    store: Store, move: str
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    key = unique()
    await ask(store, factories.job(unique=key.unique, ties=(*key.ties, "slot:calls:a")))
    [runs] = await claim(store, session)

    await acked(store, factories.ack(runs, move))

    assert (await state_of(store)).used == 0
    assert await is_free(store) is (move in ("stop", "bury"))
    assert await laws(store) == []


async def test_a_redrive_of_a_job_that_is_run_again_by_hand_meanwhile_moves_it_once(
    store: Store,
) -> None:
    [dead] = await bury(store, 1)

    await store.write(partial(jobs.revive, job=dead))
    done = await redrive(store)

    assert done.count == 0
    assert await place(store, dead) is Place.READY
    assert await count_attempts(store, dead) == 1
    assert await laws(store) == []


async def test_a_limit_that_is_gone_holds_no_dead_letter_that_runs_again(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a")])
    [first] = await claim(store, session)
    await acked(store, factories.ack(first, "bury"))

    await redrive(store)
    await store.write(partial(limits.remove, name="calls"))

    assert [each.id for each in await claim(store, session)] == [first.id]
    assert await laws(store) == []
