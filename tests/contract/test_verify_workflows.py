"""Verifying workflows: a job that waits for the wrong number of parents, or in vain, is named."""

from __future__ import annotations

from sqlalchemy import delete, update

from onbeat.store.schema import blocked, ends
from onbeat.store.store import Store
from onbeat.store.verify.laws import Law
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.flows import Flow, claim, started
from tests.contract.world import acked, begin


async def test_workflows_keep_the_laws_at_every_step(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": ["a?", "b?"], "d": ["c"]})
    session = await begin(store)
    for moves in ({"a": "snooze"}, {"a": "bury"}, {}, {}):
        assert (await verify(store)).breaches == []
        await flow.run(session, **moves)
    assert (await verify(store)).breaches == []


async def test_an_end_that_is_yet_to_be_followed_breaks_no_law(store: Store) -> None:
    await _with_an_end(store)

    assert (await verify(store)).breaches == []


async def test_an_end_that_was_lost_is_found_by_who_waits_for_it(store: Store) -> None:
    flow = await _with_an_end(store)

    await store.write(lambda connection, _: connection.execute(delete(ends)) and None)

    [breach] = (await verify(store)).breaches
    assert (breach.law, breach.subject) == (Law.WAITS_IN_VAIN, flow.jobs["b"])
    assert breach.detail == "counted 1 parents that have not ended, there are 0"


async def test_a_wrong_count_of_parents_is_found(store: Store) -> None:
    flow = await started(store, {"a": [], "b": [], "c": ["a", "b"]})
    wrong = update(blocked).values(parents=1)

    await store.write(lambda connection, _: connection.execute(wrong) and None)

    [breach] = (await verify(store)).breaches
    assert (breach.law, breach.subject) == (Law.PARENT_COUNT, flow.jobs["c"])


async def _with_an_end(store: Store) -> Flow:
    flow = await started(store, {"a": [], "b": ["a"]})
    session = await begin(store)
    [taken] = await claim(store, session)
    await acked(store, factories.ack(taken))
    return flow
