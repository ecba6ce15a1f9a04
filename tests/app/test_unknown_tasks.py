"""A task that nobody knows is asked for all the same, and said to be unknown once any is known."""

from __future__ import annotations

from onbeat import Onbeat, Settings


async def charge(order: int) -> None: ...


async def with_a_worker(url: str) -> None:
    """A worker that has the task `charge`, which was `bill`, was here."""
    async with Onbeat(url, settings=Settings()) as other:
        other.task(aliases=("bill",))(charge)
        async with other.running(scheduler=False):
            pass


async def test_nothing_is_said_of_a_task_before_any_worker_was_here(ob: Onbeat) -> None:
    assert await ob.jobs.warnings("chrage") == ()


async def test_a_mistyped_task_is_told_the_nearest_that_a_worker_had(ob: Onbeat) -> None:
    await with_a_worker(ob.url)

    [told] = await ob.jobs.warnings("chrage")

    assert told.startswith("no worker that was here has a task 'chrage' (is charge meant?)")


async def test_nothing_is_said_of_a_task_that_a_worker_had_or_had_before(ob: Onbeat) -> None:
    await with_a_worker(ob.url)

    assert [await ob.jobs.warnings(name) for name in ("charge", "bill")] == [(), ()]


async def test_nothing_is_said_of_a_task_that_this_process_knows(ob: Onbeat) -> None:
    await with_a_worker(ob.url)
    ob.task(name="report")(charge)

    assert await ob.jobs.warnings("report") == ()
