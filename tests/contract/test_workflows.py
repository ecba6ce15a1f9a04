"""Workflows: what waits goes on when its parents have ended, or is called off; whoever follows."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.states import State
from onbeat.domain.workflows import WorkflowState
from onbeat.store import jobs, workflows
from onbeat.store.schema import dependencies, members
from onbeat.store.schema import jobs as stored_jobs
from onbeat.store.schema import workflows as stored_workflows
from onbeat.store.store import Store
from tests import factories
from tests.contract.flows import asked, claim, follow, started, untold
from tests.contract.world import acked, begin, cancel, everything, state

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
COMPLETED, FAILED, CANCELLED = State.COMPLETED, State.FAILED, State.CANCELLED
BLOCKED, PENDING = State.BLOCKED, State.PENDING


async def test_a_job_begins_when_all_its_parents_have_succeeded(store: Store) -> None:
    flow = await started(store, DIAMOND)
    session = await begin(store)

    order = [await flow.run(session) for _ in range(4)]

    assert order == [["a"], ["b", "c"], ["d"], []]
    assert (await flow.show()).state is WorkflowState.COMPLETED


async def test_a_job_that_waits_is_blocked_and_names_its_parents(store: Store) -> None:
    waits = {**dict.fromkeys("abcde", ()), "last": tuple("abcde")}
    flow = await started(store, waits)

    assert (await flow.states())["last"] is BLOCKED
    assert await flow.reason("last") == "waits for a, b, c and 2 more"


async def test_one_of_several_parents_is_not_enough(store: Store) -> None:
    flow = await started(store, {"a": [], "b": [], "c": ["a", "b"]})
    session = await begin(store)

    [first, second] = await claim(store, session)
    await acked(store, factories.ack(first))
    await follow(store)
    assert (await flow.states())["c"] is BLOCKED
    await acked(store, factories.ack(second))
    await follow(store)

    assert (await flow.states())["c"] is PENDING


async def test_an_end_is_told_with_the_ack_itself(store: Store) -> None:
    await started(store, {"a": [], "b": ["a"]})
    session = await begin(store)
    [taken] = await claim(store, session)

    await acked(store, factories.ack(taken))

    assert await untold(store) == 1


@pytest.mark.parametrize("move", ["retry", "snooze", "release"])
async def test_a_parent_that_is_to_run_again_leaves_its_children_waiting(
    store: Store, move: str
) -> None:
    flow = await started(store, {"a": [], "b": ["a?"]})
    session = await begin(store)

    await flow.run(session, a=move)

    assert await untold(store) == 0
    assert (await flow.states())["b"] is BLOCKED


async def test_a_job_without_ties_tells_nothing(store: Store) -> None:
    session = await begin(store)
    await store.enqueue([factories.job()])
    [taken] = await claim(store, session)

    await acked(store, factories.ack(taken))

    assert await untold(store) == 0


async def test_what_needs_a_failed_parent_is_called_off_down_to_the_last(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": ["b"], "other": []})
    session = await begin(store)

    await flow.run(session, a="bury")

    assert await flow.states() == {
        "a": FAILED, "b": CANCELLED, "c": CANCELLED, "other": COMPLETED
    }  # fmt: skip
    for label in ("b", "c"):
        told = f"a failed (job {flow.jobs['a']}), and it waits for that"
        assert await flow.reason(label) == told
    assert (await flow.show()).state is WorkflowState.FAILED


async def test_what_waits_for_any_end_goes_on_after_a_failure(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "tidy": ["b?"], "tell": ["a?"]})
    session = await begin(store)

    await flow.run(session, a="bury")

    assert await flow.states() == {"a": FAILED, "b": CANCELLED, "tidy": PENDING, "tell": PENDING}


async def test_a_failed_branch_ends_whatever_waits_where_that_is_the_policy(store: Store) -> None:
    waits = {"a": [], "b": ["a?"], "c": ["b?"], "other": [], "next": ["other"]}
    flow = await started(store, waits, on_failure="end")
    session = await begin(store)

    await flow.run(session, a="bury")

    assert await flow.states() == {
        "a": FAILED, "b": CANCELLED, "c": CANCELLED, "other": COMPLETED, "next": PENDING
    }  # fmt: skip


async def test_a_job_that_is_called_off_twice_ends_once(store: Store) -> None:
    """The second parent to fail finds it gone, and lets nothing go on a second time."""
    flow = await started(store, {"a": [], "b": [], "c": ["a", "b"], "z": [], "d": ["c?", "z"]})
    session = await begin(store)
    taken = {each.id: each for each in await claim(store, session)}

    for label in ("a", "b"):
        await acked(store, factories.ack(taken[flow.jobs[label]], "bury"))
        await follow(store)

    states = await flow.states()
    assert (states["c"], states["d"]) == (CANCELLED, BLOCKED)
    shown = await flow.show()
    assert (shown.ended, shown.failed, shown.cancelled) == (3, 2, 1)


async def test_a_waiting_parent_that_is_called_off_by_hand_counts_as_its_end(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": ["b"], "d": ["b?"]})

    await cancel(store, flow.jobs["b"])
    await follow(store)

    states = await flow.states()
    assert states == {"a": PENDING, "b": CANCELLED, "c": CANCELLED, "d": PENDING}


async def test_a_job_goes_on_in_its_own_queue_with_its_own_priority(store: Store) -> None:
    wanted = asked({"a": [], "b": ["a"]})
    own = factories.job(ties=("ends:",), queue="slow", priority=9, id=wanted.members[1].job.id)
    wanted.members[1:] = [wanted.members[1]._replace(job=own)]  # type: ignore[index]
    await store.write(partial(workflows.start, wanted=wanted))
    session = await begin(store)
    [first] = await claim(store, session)
    await acked(store, factories.ack(first))
    await follow(store)

    [second] = await store.claim(session.id, ["slow"], 10)

    found = await store.read(partial(jobs.find, job=second.id))
    assert (second.id, found.priority) == (own.id, 9)


async def test_a_workflow_that_cannot_be_stored_whole_leaves_nothing(store: Store) -> None:
    wanted = asked(DIAMOND)
    twice = [*wanted.members, wanted.members[0]]
    before = await everything(store)

    broken = type(wanted)(
        id=wanted.id, name="n", on_failure=wanted.on_failure, members=twice, edges=wanted.edges
    )
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        await store.write(partial(workflows.start, wanted=broken))

    assert await everything(store) == before


async def test_a_workflow_that_is_started_twice_is_stored_once(store: Store) -> None:
    wanted = asked(DIAMOND)
    await store.write(partial(workflows.start, wanted=wanted))
    before = await everything(store)

    await store.write(partial(workflows.start, wanted=wanted))

    assert await everything(store) == before


async def test_a_failed_parent_that_is_revived_is_waited_for_again(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": ["b"]})
    session = await begin(store)
    await flow.run(session, a="bury")
    assert (await flow.show()).state is WorkflowState.FAILED

    await store.write(partial(jobs.revive, job=flow.jobs["a"]))

    assert await flow.states() == {"a": PENDING, "b": BLOCKED, "c": BLOCKED}
    assert (await flow.show()).state is WorkflowState.RUNNING
    assert [await flow.run(session) for _ in range(3)] == [["a"], ["b"], ["c"]]
    shown = await flow.show()
    assert (shown.state, shown.ended, shown.failed, shown.cancelled) == (
        WorkflowState.COMPLETED, 3, 0, 0,
    )  # fmt: skip


async def test_what_also_needs_another_failed_parent_stays_called_off(store: Store) -> None:
    flow = await started(store, {"a": [], "b": [], "c": ["a", "b"], "d": ["c"], "e": ["a"]})
    session = await begin(store)
    await flow.run(session, a="bury", b="bury")

    await store.write(partial(jobs.revive, job=flow.jobs["a"]))
    assert await flow.run(session) == ["a"]
    assert await flow.run(session) == ["e"]
    states = await flow.states()
    assert (states["c"], states["d"]) == (CANCELLED, CANCELLED)

    await store.write(partial(jobs.revive, job=flow.jobs["b"]))
    assert [await flow.run(session) for _ in range(3)] == [["b"], ["c"], ["d"]]
    assert (await flow.show()).state is WorkflowState.COMPLETED


async def test_what_has_gone_on_since_is_not_run_again_by_a_revival(store: Store) -> None:
    flow = await started(store, {"a": [], "tell": ["a?"], "b": ["a"]})
    session = await begin(store)
    await flow.run(session, a="bury")
    assert await flow.run(session) == ["tell"]

    await store.write(partial(jobs.revive, job=flow.jobs["a"]))

    assert [await flow.run(session) for _ in range(3)] == [["a"], ["b"], []]
    assert (await flow.show()).ended == 3


async def test_a_revival_before_its_end_was_followed_takes_that_back(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"]})
    session = await begin(store)
    [taken] = await claim(store, session)
    await acked(store, factories.ack(taken, "bury"))

    await store.write(partial(jobs.revive, job=flow.jobs["a"]))
    await follow(store)

    assert await flow.states() == {"a": PENDING, "b": BLOCKED}
    assert [await flow.run(session) for _ in range(2)] == [["a"], ["b"]]


async def test_a_workflow_that_is_cancelled_runs_no_more(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": ["b?"], "r": []})
    session = await begin(store)
    [running] = await store.claim(session.id, ["default"], 1)

    gone, asked_to_stop = await store.write(
        partial(workflows.cancel, identity=flow.id, reason="by ann")
    )

    assert (gone, asked_to_stop) == (3, 1)
    await acked(store, factories.ack(running, "stop"))
    await follow(store)
    assert set((await flow.states()).values()) == {CANCELLED}
    assert (await flow.show()).state is WorkflowState.CANCELLED
    with pytest.raises(Conflict, match="has ended"):
        await store.write(partial(workflows.cancel, identity=flow.id, reason="again"))


async def test_a_workflow_that_is_not_there_is_told(store: Store) -> None:
    for look in (workflows.find, workflows.graph, partial(workflows.cancel, reason="")):
        with pytest.raises(NotFound, match="onbeat workflows ls"):
            await store.write(partial[Any](look, identity=factories.new_id()))


@pytest.mark.parametrize("gone", ["member", "job"])
async def test_a_page_of_a_workflow_is_one_page_whatever_goes_while_it_is_read(
    store: Store, gone: str
) -> None:
    flow = await started(store, {"a": [], "b": [], "c": []})
    first, second, _ = sorted(flow.jobs, key=lambda label: flow.jobs[label])
    table = {"member": members.c.job, "job": stored_jobs.c.id}[gone]

    def look(connection: Connection, now: datetime) -> list[str]:
        """What another transaction does between two statements is done by this one."""

        def take_away(*told: Any) -> None:
            if dependencies.name in told[2] and not is_gone.is_set():
                is_gone.set()
                goes = delete(table.table).where(table == flow.jobs[first])
                connection.execute(goes)

        is_gone = Event()
        event.listen(connection, "before_cursor_execute", take_away)
        return [each.label for each in workflows.graph(connection, now, flow.id, limit=2)]

    assert await store.write(look) == {"member": [first, second], "job": [second]}[gone]


async def test_ends_nobody_waits_for_any_more_are_passed_over(store: Store) -> None:
    flow = await started(store, {"a": []})
    session = await begin(store)
    await store.write(lambda connection, _: connection.execute(delete(stored_workflows)) and None)
    [taken] = await claim(store, session)
    await acked(store, factories.ack(taken))

    assert await follow(store) == 1
    assert await untold(store) == 0
    assert await state(store, flow.jobs["a"]) is COMPLETED


async def test_a_job_that_waits_and_is_run_by_hand_runs_once(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"]})
    session = await begin(store)

    await store.write(partial(jobs.run_again, job=flow.jobs["b"]))

    assert await flow.run(session) == ["a", "b"]
    assert await flow.run(session) == []
    assert (await flow.show()).state is WorkflowState.COMPLETED
