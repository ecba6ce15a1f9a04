"""Operations: in batches, once each, whoever carries them on, on what was there when they began."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from onbeat.crash_points import CrashPoint, arm, disarm
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.operations import Action, Meant, Operation, Stage, Where, read_meant
from onbeat.domain.states import State
from onbeat.runtime.operations import LOOK_EVERY, Operator
from onbeat.store import bulk, operations
from onbeat.store.cleaning import Walk
from onbeat.store.jobs import find as find_job
from onbeat.store.schema import finished, ready
from onbeat.store.store import Store
from tests import factories
from tests.contract.conditions import unique
from tests.contract.world import acked, running
from tests.timing import ManualTiming


async def begun(store: Store, meant: Meant) -> Operation:
    """An operation that nobody has carried on yet."""
    asked = read_meant(meant)
    found = await store.read(partial(operations.count, meant=asked))
    return await store.write(
        partial(
            operations.begin, identity=store.new_id(), meant=asked, found=found, actor=None,
            by="test",
        )
    )  # fmt: skip


async def stands(store: Store, operation: Operation) -> Operation:
    """How it stands by now."""
    return await store.read(partial(operations.find, identity=operation.id))


async def carried_on(store: Store, operation: Operation) -> Operation:
    """How it stands when it has ended."""
    operator = Operator(store)
    while await operator.step() < LOOK_EVERY:
        pass
    await operator.clean_up()
    return await stands(store, operation)


async def enqueued(store: Store, count: int, **said: Any) -> list[JobId]:
    """So many jobs."""
    made = [factories.job(id=each, **said) for each in store.ids.many(count)]
    await store.enqueue(made)
    return [job.id for job in made]


async def count_of(store: Store, table: Any) -> int:
    """How many rows a table has."""
    query = select(func.count()).select_from(table)
    return await store.read(lambda connection, _: connection.scalar(query) or 0)


async def state_of(store: Store, job: JobId) -> State:
    """Where the job stands."""
    return (await store.read(partial(find_job, job=job))).state


CANCEL = Meant(action=Action.CANCEL, where=Where(task=("send",)), reason="by mistake")


async def test_all_that_fit_are_called_off_and_no_others(store: Store) -> None:
    await enqueued(store, 1_100)
    others = await enqueued(store, 3, task="charge")

    ended = await carried_on(store, await begun(store, CANCEL))

    assert (ended.stage, ended.total, ended.is_total_exact) == (Stage.COMPLETED, 1_100, True)
    assert (ended.done, ended.failed) == (1_100, 0)
    assert await count_of(store, ready) == len(others)


async def test_what_is_made_after_it_began_is_left_alone(
    store: Store, timing: ManualTiming
) -> None:
    await enqueued(store, 5)
    operation = await begun(store, CANCEL)
    timing.advance(by=timedelta(seconds=1))
    await enqueued(store, 4)

    ended = await carried_on(store, operation)

    assert (ended.done, await count_of(store, ready)) == (5, 4)


async def test_what_fails_after_it_began_is_not_run_again(
    store: Store, timing: ManualTiming
) -> None:
    await acked(store, factories.ack(await running(store), move="bury"))
    other = await running(store)
    operation = await begun(store, Meant(action=Action.REDRIVE, where=Where(queue=("default",))))
    timing.advance(by=timedelta(seconds=1))
    await acked(store, factories.ack(other, move="bury"))

    ended = await carried_on(store, operation)

    assert (ended.done, await count_of(store, finished)) == (1, 1)


async def test_who_dies_between_two_batches_leaves_the_rest_to_another(
    store: Store, other_store: Store
) -> None:
    await enqueued(store, 1_300)
    operation = await begun(store, CANCEL)
    dying = Operator(store)
    arm(CrashPoint.WRITE_AFTER_COMMIT, crash, on_pass=2)  # the first takes the duty
    with pytest.raises(Crash):
        await dying.step()
    disarm()
    midway = await stands(store, operation)
    await dying.clean_up()

    ended = await carried_on(other_store, operation)

    assert 0 < midway.done < 1_300
    assert (ended.done, ended.stage) == (1_300, Stage.COMPLETED)


async def test_a_batch_and_its_progress_are_committed_together_or_not_at_all(
    store: Store,
) -> None:
    await enqueued(store, 1_300)
    operation = await begun(store, CANCEL)

    def broken(connection: Any, now: Any) -> None:
        operations.go_on(connection, now, identity=operation.id, entry=store.new_id())
        raise Crash

    with pytest.raises(Crash):
        await store.write(broken)

    assert (await stands(store, operation)).done == 0
    assert await count_of(store, ready) == 1_300


class Crash(BaseException):
    """Takes down what runs, as the end of its process would."""


def crash() -> None:
    """Die here."""
    raise Crash


async def test_one_that_is_stopped_changes_no_more(store: Store) -> None:
    await enqueued(store, 1_300)
    operation = await begun(store, CANCEL)
    operator = Operator(store)
    await operator.step()
    await operator.clean_up()
    stopped = await store.write(partial(operations.stop, identity=operation.id))

    ended = await carried_on(store, operation)

    assert (ended.stage, ended.done) == (Stage.STOPPED, stopped.done)
    assert await count_of(store, ready) == 1_300 - stopped.done
    with pytest.raises(Conflict, match="stopped"):
        await store.write(partial(operations.stop, identity=operation.id))


async def test_running_jobs_are_asked_to_stop(store: Store) -> None:
    lease = await running(store)

    ended = await carried_on(store, await begun(store, CANCEL))

    assert ended.done == 1
    assert (await store.read(partial(find_job, job=lease.id))).stop_asked == "by mistake"


@pytest.mark.parametrize(
    ("action", "states"), [(Action.REDRIVE, ()), (Action.RETRY, (State.FAILED, State.CANCELLED))]
)
async def test_ended_ones_run_again(
    action: Action, states: tuple[State, ...], store: Store
) -> None:
    failed = await running(store)
    await acked(store, factories.ack(failed, move="bury"))
    [cancelled] = await enqueued(store, 1)
    await carried_on(
        store, await begun(store, Meant(action=Action.CANCEL, where=Where(), ids=[cancelled]))
    )

    where = Where(task=("send",), state=states)
    await carried_on(store, await begun(store, Meant(action=action, where=where)))

    expected = State.PENDING if states else State.CANCELLED
    assert await state_of(store, failed.id) is State.PENDING
    assert await state_of(store, cancelled) is expected


async def test_of_those_that_are_named_what_no_longer_fits_is_told(store: Store) -> None:
    first, second = await enqueued(store, 2)
    meant = Meant(action=Action.CANCEL, where=Where(), ids=[first, second])
    operation = await begun(store, meant)
    await store.write(
        lambda connection, now: bulk.call_off_many(
            connection, now, [first], "sooner", bulk.CalledOff()
        )
    )

    ended = await carried_on(store, operation)

    assert (ended.done, ended.failed) == (1, 1)
    assert [each.job for each in ended.failures] == [first]


async def test_one_whose_unique_key_another_has_is_told_and_left(store: Store) -> None:
    old = unique()
    await store.enqueue_with_conditions([old])
    await carried_on(
        store, await begun(store, Meant(action=Action.CANCEL, where=Where(), ids=[old.id]))
    )
    new = unique()
    await store.enqueue_with_conditions([new])

    meant = Meant(action=Action.RETRY, where=Where(state=(State.CANCELLED,)))
    ended = await carried_on(store, await begun(store, meant))

    assert (ended.done, ended.failed) == (0, 1)
    assert new.id in ended.failures[0].why


async def test_an_owner_sees_its_own_alone(store: Store) -> None:
    mine = Meant(action=Action.CANCEL, where=Where(task=("send",)), owner="u-1")
    operation = await begun(store, mine)

    with pytest.raises(NotFound):
        await store.read(partial(operations.find, identity=operation.id, owner="u-2"))
    listed = await store.read(partial(operations.list_operations, owner="u-2"))

    assert (listed, operation.meant.where.owner) == ([], ("u-1",))


async def test_more_than_are_counted_are_told_as_more(store: Store) -> None:
    for _ in range(3):
        await enqueued(store, 4_000)

    found = await store.read(partial(operations.count, meant=read_meant(CANCEL)))

    assert (found.count, found.is_exact, len(found.ids)) == (10_000, False, 20)


async def test_two_carry_one_on_without_doing_anything_twice(
    store: Store, other_store: Store
) -> None:
    await enqueued(store, 1_300)
    operation = await begun(store, CANCEL)
    for turn in range(20):
        each = store if turn % 2 else other_store
        await each.write(partial(operations.go_on, identity=operation.id, entry=store.new_id()))

    assert (await stands(store, operation)).done == 1_300


async def test_the_cleaner_removes_those_that_ended_long_ago(
    store: Store, timing: ManualTiming
) -> None:
    ended = await carried_on(store, await begun(store, CANCEL))
    timing.advance(by=timedelta(days=1))
    later = await begun(store, CANCEL)
    before = timing.now() - timedelta(hours=1)

    await store.write(partial(operations.clean, before=before, walk=Walk()))

    left = await store.read(operations.list_operations)
    assert [each.id for each in left] == [later.id]
    assert ended.id != later.id
