"""Verifying workflows: a job that waits for the wrong number of parents, or in vain, is named."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from onbeat.store.schema import blocked, ends, members, workflows
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

    [breach, total] = (await verify(store)).breaches
    assert (total.law, total.subject) == (Law.WORKFLOW_TOTALS, flow.id)
    assert (breach.law, breach.subject) == (Law.WAITS_IN_VAIN, flow.jobs["b"])
    assert breach.detail == "counted 1 parents that have not ended, there are 0"


async def test_a_wrong_count_of_parents_is_found(store: Store) -> None:
    flow = await started(store, {"a": [], "b": [], "c": ["a", "b"]})
    wrong = update(blocked).values(parents=1)

    await store.write(lambda connection, _: connection.execute(wrong) and None)

    [breach] = (await verify(store)).breaches
    assert (breach.law, breach.subject) == (Law.PARENT_COUNT, flow.jobs["c"])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"ended": 1}, "counted 1 jobs that have ended, there are 2"),
        ({"ended": 3}, "counted 3 jobs that have ended, there are 2"),
        ({"total": 2}, "counted 2 jobs, there are 3"),
        ({"failed": 0}, "counted 0 failed and 1 cancelled, there are 1 and 1"),
        ({"cancelled": 2}, "counted 1 failed and 2 cancelled, there are 1 and 1"),
        ({"ended_at": True}, "it is over with 2 of 3 jobs"),
    ],
    ids=str,
)
async def test_totals_that_do_not_add_up_are_found(
    store: Store, wrong: dict[str, Any], told: str
) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": []})
    session = await begin(store)
    assert await flow.run(session, a="bury", c="snooze") == ["a", "c"]
    assert (await verify(store)).breaches == []
    values = {name: store.timing.now() if value is True else value for name, value in wrong.items()}

    await store.write(lambda c, _: c.execute(update(workflows).values(values)) and None)

    [breach] = (await verify(store)).breaches
    assert (breach.law, breach.subject, breach.detail) == (Law.WORKFLOW_TOTALS, flow.id, told)


async def test_a_workflow_that_is_over_and_not_said_to_be_is_found(store: Store) -> None:
    flow = await started(store, {"a": []})
    await flow.run(await begin(store))

    await store.write(lambda c, _: c.execute(update(workflows).values(ended_at=None)) and None)

    [breach] = (await verify(store)).breaches
    assert (breach.law, breach.detail) == (Law.WORKFLOW_TOTALS, "it is not over with 1 of 1 jobs")


async def test_totals_add_up_without_jobs_that_are_kept_no_longer(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"]})
    await flow.run(await begin(store), a="bury")
    gone = delete(members).where(members.c.job == flow.jobs["b"])

    await store.write(lambda connection, _: connection.execute(gone) and None)

    assert (await verify(store)).breaches == []


async def _with_an_end(store: Store) -> Flow:
    flow = await started(store, {"a": [], "b": ["a"]})
    session = await begin(store)
    [taken] = await claim(store, session)
    await acked(store, factories.ack(taken))
    return flow
