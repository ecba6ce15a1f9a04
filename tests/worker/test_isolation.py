"""A job sees nothing of the jobs before it, and what it tells lands in its own record."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import ContextVar, copy_context

import pytest

from onbeat.domain.states import State
from onbeat.runtime.capture import CaptureHandler
from onbeat.runtime.run import MAX_LINES, Run, current_run
from tests.worker import isolated
from tests.worker.workshop import Workshop

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


async def see_in_coroutine(word: str) -> str:
    before = tenant.get()
    tenant.set(word)
    await asyncio.wait([asyncio.ensure_future(_nothing())])
    assert tenant.get() == word
    return before


def see_in_thread(word: str) -> str:
    before = tenant.get()
    tenant.set(word)
    return before


async def _nothing() -> None:
    return


@pytest.mark.parametrize("function", [see_in_coroutine, see_in_thread])
async def test_context_variables_do_not_leak_from_job_to_job(
    shop: Workshop, function: object
) -> None:
    task = shop.task(function)  # type: ignore[arg-type] # two kinds of functions
    async with shop.working(slots=1):
        results = [await shop.result(await shop.enqueue(task, word)) for word in ("a", "b")]

    assert results == ['"nobody"', '"nobody"']


async def test_context_variables_do_not_leak_within_a_process(shop: Workshop) -> None:
    task = shop.isolated(isolated.see)
    async with shop.working(slots=1):
        results = [await shop.result(await shop.enqueue(task, word)) for word in ("a", "b")]

    assert results == ['"nothing"', '"nothing"']


async def test_jobs_side_by_side_have_contexts_of_their_own(shop: Workshop) -> None:
    barrier = asyncio.Barrier(2)

    async def meet(word: str) -> str:
        tenant.set(word)
        await barrier.wait()
        return tenant.get()

    task = shop.task(meet)
    async with shop.working(slots=2):
        jobs = [await shop.enqueue(task, word) for word in ("a", "b")]
        results = [await shop.result(job) for job in jobs]

    assert results == ['"a"', '"b"']


async def test_the_worker_itself_has_no_current_run(shop: Workshop) -> None:
    task = shop.task(see_in_coroutine)
    async with shop.working():
        await shop.ended(await shop.enqueue(task, "a"))

        assert current_run.get() is None


async def test_lines_of_the_run_and_of_logging_are_kept_in_order(
    shop: Workshop, all_levels: None
) -> None:
    async def tell(run: Run) -> None:
        run.log.info("one", number=1)
        logging.getLogger("bank").info("two %s", 2)
        run.log.error("three")

    task = shop.task(tell)
    async with shop.working():
        job = await shop.enqueue(task)
        kept = await shop.lines(job, 3)

    lines = [(each.number, each.line.level, each.line.message) for each in kept]
    assert lines == [(1, "info", "one"), (2, "info", "two 2"), (3, "error", "three")]


async def test_lines_from_a_thread_are_kept(shop: Workshop) -> None:
    def tell(run: Run) -> None:
        run.log.info("from the job's thread")
        context = copy_context()
        warn = logging.getLogger("bank").warning
        other = threading.Thread(target=lambda: context.run(warn, "from a thread of it"))
        other.start()
        other.join()

    task = shop.task(tell)
    async with shop.working():
        job = await shop.enqueue(task)
        kept = await shop.lines(job, 2)

    assert [each.line.message for each in kept] == ["from the job's thread", "from a thread of it"]


async def test_lines_from_a_process_are_kept(shop: Workshop) -> None:
    task = shop.isolated(isolated.log)
    async with shop.working():
        job = await shop.enqueue(task)
        kept = await shop.lines(job, 3)

    messages = [each.line.message for each in kept]
    assert messages == ["from the run", "from logging 2", "from a thread"]


async def test_lines_of_two_jobs_are_kept_apart(shop: Workshop) -> None:
    barrier = asyncio.Barrier(2)

    async def tell(word: str) -> None:
        await barrier.wait()
        logging.getLogger("bank").warning(word)

    task = shop.task(tell)
    async with shop.working():
        jobs = {word: await shop.enqueue(task, word) for word in ("a", "b")}
        kept = {word: await shop.lines(job, 1) for word, job in jobs.items()}

    assert {word: [each.line.message for each in lines] for word, lines in kept.items()} == {
        "a": ["a"],
        "b": ["b"],
    }


async def test_an_exception_that_is_logged_is_kept_with_its_traceback(shop: Workshop) -> None:
    async def stumble() -> None:
        try:
            raise KeyError("fourteen")
        except KeyError:
            logging.getLogger("bank").exception("stumbled")

    task = shop.task(stumble)
    async with shop.working():
        [kept] = await shop.lines(await shop.enqueue(task), 1)

    assert "KeyError: 'fourteen'" in kept.line.fields


async def test_a_line_that_logging_cannot_format_does_not_fail_the_job(shop: Workshop) -> None:
    # Of our own: the handler of pytest on the root would fail the job.
    logger = logging.Logger("bank")  # noqa: LOG001
    logger.addHandler(CaptureHandler())

    async def misspell() -> None:
        logger.warning("%d", "not a number")

    task = shop.task(misspell)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task))

    assert shown.state is State.COMPLETED


class Shy:
    """Has no repr."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "odd", [2**70, {(1, 2): 3}, float("nan"), object(), "\ud800", {"a": {1, 2}}, b"\xff", Shy()]
)
async def test_no_field_of_a_line_fails_the_job(shop: Workshop, odd: object) -> None:
    async def tell(run: Run) -> None:
        run.log.info("odd", value=odd)

    task = shop.task(tell)
    async with shop.working():
        job = await shop.enqueue(task)
        shown = await shop.ended(job)
        [kept] = await shop.lines(job, 1)

    assert (shown.state, "value" in kept.line.fields) == (State.COMPLETED, True), shown.reason


async def test_a_flood_of_lines_is_cut_and_says_so(shop: Workshop) -> None:
    async def flood(run: Run) -> int:
        for number in range(MAX_LINES + 10):
            run.log.info(str(number))
        return len(run.record.lines)

    task = shop.task(flood)
    async with shop.working():
        job = await shop.enqueue(task)

        assert await shop.result(job) == str(MAX_LINES + 1)


async def test_progress_is_shown_while_the_job_runs(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def climb(run: Run) -> None:
        run.progress(0.25, "calling the bank")
        await gate.wait()

    task = shop.task(climb)
    async with shop.working():
        job = await shop.enqueue(task)
        shown = await shop.until(job, lambda shown: shown.progress is not None)
        gate.set()

    assert (shown.state, shown.progress, shown.note) == (State.RUNNING, 0.25, "calling the bank")
