"""What a call of a workflow may say of itself: unique for a time, without deadline or limits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from onbeat import Conflict, InvalidInput, Limit, Onbeat, Unique
from onbeat.store.schema import jobs
from onbeat.store.verify.walk import verify


async def test_a_job_is_unique_for_a_time_within_workflows_too(ob: Onbeat) -> None:
    @ob.task(unique=Unique(by=("number",), within="1h"))
    async def once(number: int, note: str = "") -> None: ...

    @ob.task
    async def write() -> str:
        return "noted"

    async with ob.workflow("first") as flow:
        first = flow.add(once.bind(1, flow.add(write.bind()).result))
    assert not (await once.enqueue(1)).is_new

    with pytest.raises(Conflict, match=f"job {first.id} has the unique key of 'once-2'; nothing"):
        async with ob.workflow("second") as flow:
            flow.chain(write.bind(), once.bind(2), once.bind(1))

    assert [each.name for each in await ob.workflows.list()] == ["first"]
    assert len(await ob.jobs.list()) == 2
    assert (await once.enqueue(2)).is_new
    async with ob.workflow("third") as flow:
        flow.add(once.opts(unique=False).bind(1))
    await ob.workflows.cancel(flow.id)
    assert (await verify(await ob.store())).breaches == []


@pytest.mark.parametrize(
    ("unique", "told"),
    [
        (Unique(by=("number",)), "has a unique key for a time alone"),
        (Unique(by=("number",), within="1h", on_conflict="replace"), "for a time alone"),
        (Unique(within="1h"), "it is by 'number', a result that is not known yet"),
        (Unique(by=("number",), within="1h"), "it is by 'number', a result"),
    ],
    ids=str,
)
async def test_a_key_that_a_workflow_cannot_have_is_refused(
    ob: Onbeat, unique: Unique, told: str
) -> None:
    @ob.task
    async def double(number: int) -> int:
        return 2 * number

    flow = ob.workflow("flow")
    first = flow.add(double.bind(1))
    flow.add(double.opts(unique=unique).bind(first.result))

    with pytest.raises(InvalidInput, match=f"unique: double: .*{told}"):
        await flow.start()

    assert not await ob.jobs.list()


async def test_what_a_task_says_of_deadline_and_limits_is_left_out_for_a_call(ob: Onbeat) -> None:
    calls = Limit("calls", concurrency=1)

    @ob.task(start_within="5m", limits=calls)
    async def ring() -> None: ...

    async with ob.workflow("flow") as flow:
        step = flow.add(ring.opts(start_within=False, limits=()).bind())
    alone = await ring.opts(start_within=False, limits=()).enqueue()
    await ob.clocks.create("world", datetime(1204, 1, 1, tzinfo=UTC))
    timeless = await ring.opts(start_within=False, clock="world").enqueue()
    usual = await ring.enqueue()

    for handle in (step.handle, alone, timeless):
        assert (await handle.show()).expires_at is None
    assert (await usual.show()).expires_at is not None
    store = await ob.store()
    ties = await store.read(
        lambda c, _: {row.id: row.ties for row in c.execute(select(jobs.c.id, jobs.c.ties))}
    )
    assert ties[alone.id] is None
    assert "calls" not in (ties[step.id] or "")
    assert "calls" in (ties[usual.id] or "")
