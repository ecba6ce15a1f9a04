"""Objectives that code says, beside those that somebody sets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onbeat import InvalidInput, NotFound, Onbeat, every


async def said(ob: Onbeat) -> dict[str, tuple[float, str | None]]:
    """Each that is on record: the target, and by whom."""
    return {
        f"{each.kind}/{each.name}": (each.objective.target, each.objective.changed_by)
        for each in await ob.objectives.list()
    }


async def started(ob: Onbeat) -> None:
    """As when a process of it starts."""
    async with ob.running():
        pass


def application(url: str, charge: Any = None) -> Onbeat:
    """One whose code says something of its task, or nothing."""
    ob = Onbeat(url)

    @ob.task(name="charge", objective=charge)
    async def _() -> None: ...

    return ob


async def test_code_says_them_of_tasks_schedules_and_queues(ob: Onbeat) -> None:
    @ob.schedule(every("1h"), name="nightly", objective="95%")
    @ob.task(objective=0.999)
    async def charge() -> None: ...

    ob.queue("mail", objective="98% over 7d")
    await started(ob)

    code = "code:app"
    assert await said(ob) == {
        "task/charge": (0.999, code), "schedule/nightly": (0.95, code), "queue/mail": (0.98, code)
    }  # fmt: skip
    assert (await ob.objectives.find("queue/mail")).objective.window == timedelta(days=7)
    assert [each.name for each in await ob.limits.list()] == []


async def test_what_is_set_by_hand_wins_over_what_code_says(database_url: str) -> None:
    async with application(database_url, 0.999) as ob:
        await started(ob)
        await ob.objectives.set("task/charge", 0.9, "ann")
        await started(ob)
        assert await said(ob) == {"task/charge": (0.9, "ann")}

        await ob.objectives.remove("task/charge")
        await started(ob)
        assert await said(ob) == {"task/charge": (0.999, "code:app")}


async def test_what_code_says_otherwise_or_no_more_follows_with_its_next_start(
    database_url: str,
) -> None:
    found = []
    for charge in (0.999, 0.99, None):
        async with application(database_url, charge) as ob:
            await started(ob)
            found.append(await said(ob))

    code = "code:app"
    assert found == [{"task/charge": (0.999, code)}, {"task/charge": (0.99, code)}, {}]


async def test_what_is_set_by_hand_stays_when_code_says_nothing(database_url: str) -> None:
    async with application(database_url) as ob:
        await ob.objectives.set("task/charge", 0.9, "ann")
        await started(ob)

        assert await said(ob) == {"task/charge": (0.9, "ann")}
        await ob.objectives.remove("task/charge")
        with pytest.raises(NotFound):
            await ob.objectives.remove("task/charge")


@pytest.mark.parametrize(
    "wrong", [1, 0.2, "all", "99% over", "99% over 30m", "99% for 7d", True, ("99%", "7d")]
)
def test_what_is_no_objective_is_refused_where_it_is_written(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^objective: "):
        application("sqlite://", wrong)
