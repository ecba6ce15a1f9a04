"""What a worker counts of its attempts: how long each took, and how long its job had waited."""

from __future__ import annotations

from collections import Counter

from onbeat.domain.meters import Added, Meter
from tests.waiting import wait_for
from tests.worker.test_ends import never_end
from tests.worker.workshop import AGAIN, DEADLINE, SHORT, Workshop


async def done() -> None: ...


async def fails() -> None:
    raise ValueError("no")


async def counted(shop: Workshop, number: int) -> list[Added]:
    """What was counted, once so many attempts were."""
    taken: list[Added] = []

    async def look() -> bool:
        found = shop.store.counting.take()
        taken.extend(each for each in found if each.meter is not Meter.ASKED)
        return sum(each.number for each in taken if each.meter is Meter.RAN) >= number

    await wait_for(look, DEADLINE, f"{number} attempts")
    return taken


async def test_each_attempt_is_counted_by_queue_and_task_and_what_came_of_it(
    shop: Workshop,
) -> None:
    async with shop.working():
        for task, retry in ((done, AGAIN), (done, AGAIN), (fails, AGAIN)):
            await shop.ended(await shop.enqueue(shop.task(task, retry=retry), retry=retry))
        found = await counted(shop, 5)

    numbers = Counter[tuple[str, ...]]()
    for each in found:
        numbers[each.meter, *each.labels] += each.number
    assert numbers == {
        ("ran", "default", "done", "succeeded"): 2, ("ran", "default", "fails", "failed"): 3,
        ("waited", "default"): 3,
    }  # fmt: skip


async def test_how_long_an_attempt_took_is_counted(shop: Workshop) -> None:
    task = shop.task(never_end, timeout=SHORT)
    async with shop.working():
        await shop.ended(await shop.enqueue(task))
        found = await counted(shop, 1)

    [ran] = (each for each in found if each.meter is Meter.RAN)
    assert ran.labels == ("default", task, "timed out")
    assert ran.seconds >= SHORT.total_seconds()
