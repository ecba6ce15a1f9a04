"""How running jobs are ended from outside: out of time, asked to stop, cleaning up meanwhile."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

from onbeat.domain.states import State
from onbeat.runtime.run import Run
from onbeat.store import bulk
from onbeat.store.bulk import Selection
from tests.waiting import wait_for
from tests.worker import isolated
from tests.worker.workshop import DEADLINE, SHORT, Workshop


async def never_end() -> None:
    await asyncio.Event().wait()


async def answer() -> int:
    return 42


async def pids_in(note: Path) -> list[int]:
    """The pids a job wrote down, once it has."""

    async def look() -> bool:
        return note.exists()  # noqa: ASYNC240 - a file in memory

    await wait_for(look, DEADLINE, f"{note}")
    return [int(pid) for pid in note.read_text().split()]  # noqa: ASYNC240


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has waited for yet does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


async def gone(*pids: int) -> None:
    """Wait until none of the processes is left."""

    async def look() -> bool:
        return not any(is_alive(pid) for pid in pids)

    await wait_for(look, DEADLINE, f"the end of {pids}")


async def test_a_coroutine_past_its_timeout_is_cancelled(shop: Workshop) -> None:
    task = shop.task(never_end, timeout=SHORT)
    async with shop.working():
        job = await shop.enqueue(task)
        shown = await shop.ended(job)

    [attempt] = await shop.attempts(job)
    assert (shown.state, attempt.outcome) == (State.FAILED, "timed out")
    assert shown.reason == "TimeoutError: ran past its timeout of 0.1 s"


async def test_a_job_past_its_timeout_is_left_to_clean_up(shop: Workshop) -> None:
    cleaned = []

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            # Longer than a few looks at the deadlines.
            await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.4)
            cleaned.append(True)

    task = shop.task(tidy, timeout=SHORT)
    async with shop.working():
        await shop.ended(await shop.enqueue(task))

    assert cleaned == [True]


async def test_a_slot_whose_job_was_cancelled_is_as_good_as_new(shop: Workshop) -> None:
    async def swallow() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "swallowed"
        return "never"

    async def count_cancels() -> int:
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    swallowing, counting = shop.task(swallow, timeout=SHORT), shop.task(count_cancels)
    async with shop.working(slots=1):
        await shop.ended(await shop.enqueue(swallowing))

        assert await shop.result(await shop.enqueue(counting)) == "0"


async def test_a_thread_past_its_timeout_is_reported_as_abandoned(shop: Workshop) -> None:
    gate = threading.Event()

    def wait_at_the_gate() -> None:
        gate.wait(DEADLINE)

    task = shop.task(wait_at_the_gate, timeout=SHORT)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task))
        gate.set()

    assert shown.state is State.FAILED
    assert "it could not be ended and was abandoned" in (shown.reason or "")


async def test_a_slot_goes_on_while_its_abandoned_thread_still_runs(shop: Workshop) -> None:
    gate, over = threading.Event(), threading.Event()

    def wait_at_the_gate() -> None:
        gate.wait(DEADLINE)
        over.set()

    stuck, next_one = shop.task(wait_at_the_gate, timeout=SHORT), shop.task(isolated.double)
    async with shop.working(slots=1):
        await shop.ended(await shop.enqueue(stuck))
        result = await shop.result(await shop.enqueue(next_one, 2))
        was_over = over.is_set()
        gate.set()

    assert (result, was_over) == ("4", False)


async def test_a_thread_past_its_timeout_is_told_to_stop(shop: Workshop) -> None:
    told = threading.Event()

    def look_again_and_again(run: Run) -> None:
        while not run.is_cancelled:
            threading.Event().wait(0.01)
        told.set()

    task = shop.task(look_again_and_again, timeout=SHORT)
    async with shop.working():
        await shop.ended(await shop.enqueue(task))

        assert await asyncio.to_thread(told.wait, DEADLINE)


async def test_a_process_past_its_timeout_is_killed_with_all_it_started(
    shop: Workshop, tmp_path: Path
) -> None:
    task = shop.isolated(isolated.sleep_with_child, timeout=timedelta(seconds=3))
    async with shop.working():
        job = await shop.enqueue(task, str(tmp_path / "pids"))
        pids = await pids_in(tmp_path / "pids")
        shown = await shop.ended(job)

        await gone(*pids)
    assert (shown.state, len(pids)) == (State.FAILED, 2)


async def test_a_coroutine_that_is_asked_to_stop_is_cancelled(shop: Workshop) -> None:
    task = shop.task(never_end)
    async with shop.working():
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await shop.cancel(job)
        shown = await shop.ended(job)

    assert (shown.state, shown.reason) == (State.CANCELLED, "by ann")


async def test_a_thread_that_is_asked_to_stop_is_cancelled(shop: Workshop) -> None:
    stopped = threading.Event()

    def check_again_and_again(run: Run) -> None:
        try:
            while True:
                run.check()
                threading.Event().wait(0.01)
        finally:
            stopped.set()

    task = shop.task(check_again_and_again)
    async with shop.working():
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await shop.cancel(job)
        shown = await shop.ended(job)
        was_stopped = await asyncio.to_thread(stopped.wait, DEADLINE)

    assert (shown.state, was_stopped) == (State.CANCELLED, True)


async def test_a_process_that_is_asked_to_stop_is_killed_with_all_it_started(
    shop: Workshop, tmp_path: Path
) -> None:
    task = shop.isolated(isolated.sleep_with_child)
    async with shop.working():
        job = await shop.enqueue(task, str(tmp_path / "pids"))
        pids = await pids_in(tmp_path / "pids")
        await shop.cancel(job)
        shown = await shop.ended(job)

        await gone(*pids)
    assert shown.state is State.CANCELLED


async def test_the_first_reason_to_stop_is_kept(shop: Workshop) -> None:
    cleaning = asyncio.Event()

    async def clean_up_slowly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.3)

    task = shop.task(clean_up_slowly)
    async with shop.working(grace=timedelta()):
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await shop.cancel(job)
        await cleaning.wait()
    shown = await shop.show(job)

    assert (shown.state, shown.reason) == (State.CANCELLED, "by ann")


async def test_a_worker_that_stops_leaves_no_process(shop: Workshop, tmp_path: Path) -> None:
    task = shop.isolated(isolated.sleep_with_child)
    async with shop.working(grace=timedelta()):
        await shop.enqueue(task, str(tmp_path / "pids"))
        pids = await pids_in(tmp_path / "pids")

    await gone(*pids)


async def test_a_job_whose_timeout_is_its_own_keeps_to_it(shop: Workshop) -> None:
    task = shop.task(never_end)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task, timeout=SHORT))

    assert shown.reason == "TimeoutError: ran past its timeout of 0.1 s"


async def test_a_run_knows_how_much_time_is_left(shop: Workshop) -> None:
    async def look(run: Run) -> bool:
        return run.remaining is not None and timedelta() < run.remaining <= timedelta(minutes=1)

    task = shop.task(look, timeout=timedelta(minutes=1))
    async with shop.working():
        assert await shop.result(await shop.enqueue(task)) == "true"


async def test_a_run_without_a_timeout_has_all_the_time(shop: Workshop) -> None:
    async def look(run: Run) -> bool:
        return run.remaining is None

    task = shop.task(look)
    async with shop.working():
        assert await shop.result(await shop.enqueue(task)) == "true"


def test_these_tests_know_a_dead_process_from_a_live_one() -> None:
    assert is_alive(os.getpid())


async def test_jobs_of_every_kind_that_run_are_called_off_together(
    shop: Workshop, tmp_path: Path
) -> None:
    begun, never = threading.Event(), threading.Event()

    def check_until_stopped(run: Run) -> None:
        begun.set()
        while not never.wait(0.01):
            run.check()

    kinds = [
        (shop.task(never_end), ()),
        (shop.task(check_until_stopped), ()),
        (shop.isolated(isolated.sleep_with_child), (str(tmp_path / "pids"),)),
    ]
    async with shop.working():
        running = [await shop.enqueue(task, *args) for task, args in kinds]
        pids = await pids_in(tmp_path / "pids")
        await wait_for(partial(asyncio.to_thread, begun.wait, 0))
        waiting = await shop.enqueue(kinds[0][0], queue="elsewhere")
        for job in running:
            await shop.stands(job, State.RUNNING)

        done = [
            await shop.store.write(
                partial(bulk.cancel, wanted=Selection(task=task), reason="all", after=None, limit=9)
            )
            for task, _ in kinds
        ]
        shown = [await shop.ended(job) for job in (*running, waiting)]
        await gone(*pids)

    assert [(each.cancelled, each.asked) for each in done] == [(1, 1), (0, 1), (0, 1)]
    assert {(each.state, each.reason) for each in shown} == {(State.CANCELLED, "all")}
