"""Two applications in one program keep their tasks apart."""

from __future__ import annotations

import pytest

from onbeat import InvalidTask, Onbeat, Settings


async def charge(order_id: int) -> None: ...


async def test_a_call_of_another_application_s_task_is_refused_and_nothing_is_stored(
    ob: Onbeat,
) -> None:
    other = Onbeat("sqlite://", name="other", settings=Settings())
    own, foreign = ob.task(charge), other.task(name="bill")(charge)

    with pytest.raises(InvalidTask, match="'bill' belongs to another application"):
        await ob.enqueue_many([own.bind(1), foreign.bind(2)])

    assert await ob.jobs.list() == []
