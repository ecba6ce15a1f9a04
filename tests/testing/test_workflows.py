"""Workflows under the kit: one `drain` runs them to their end, a crash in between costs nothing."""

from __future__ import annotations

import pytest

from onbeat import Flow, Onbeat, Settings, State, WorkflowState
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION


def shop() -> tuple[Onbeat, Flow]:
    ob = Onbeat(PRODUCTION, settings=Settings())

    @ob.task
    async def count(number: int) -> int:
        return number + 1

    flow = ob.workflow("count")
    step = flow.add(count.bind(0))
    for _ in range(9):
        step = flow.add(count.bind(step.result))
    return ob, flow


async def test_a_workflow_is_run_to_its_end(onbeat_kit: Kits) -> None:
    ob, flow = shop()
    async with onbeat_kit(ob) as kit:
        await flow.start()
        await kit.drain(raises=True)

        assert (await ob.workflows.find(flow.id)).state is WorkflowState.COMPLETED
        results = [await ob.jobs.attempts(each.id) for each in await ob.workflows.graph(flow.id)]
        assert [each[-1].result for each in results] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("point", ["ack-answered", "job-ended"])
async def test_a_worker_that_dies_between_an_end_and_what_follows_it_costs_nothing(
    onbeat_kit: Kits, point: str
) -> None:
    ob, flow = shop()
    async with onbeat_kit(ob) as kit:
        await flow.start()
        kit.crash_at(point, on_pass=3)
        await kit.advance("2m")

        states = {each.state for each in await ob.workflows.graph(flow.id)}
        assert states == {State.COMPLETED}
