"""Middleware: what it may do around an enqueue and a run, and what comes of its errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy.orm import Session

from onbeat import (
    Call,
    InvalidInput,
    JobFailed,
    Middleware,
    Onbeat,
    Retry,
    Run,
    Settings,
    Snooze,
    sqlite_engine,
)
from onbeat.app.options import read_options
from onbeat.app.processes import Parts
from onbeat.runtime.tasks import Proceed
from onbeat.runtime.worker.worker import WorkerOptions
from tests.worker import isolated

R = TypeVar("R")

caller: ContextVar[str] = ContextVar("caller", default="nobody")


class Tells(Middleware):
    """Says what it sees, in the order in which it sees it."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self._name = name
        self._seen = seen

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """See a call."""
        self._seen.append(f"{self._name} enqueue {call.task} {call.arguments()}")
        return call

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """See a run from before to after."""
        self._seen.append(f"{self._name} before {run.task}")
        try:
            result = await proceed()
        except BaseException as error:
            self._seen.append(f"{self._name} saw {type(error).__name__}")
            raise
        self._seen.append(f"{self._name} saw {result!r}")
        return result


class Within(Middleware):
    """Does one thing with a run."""

    def __init__(self, do: Callable[[Run, Proceed], Awaitable[Any]]) -> None:
        self._do = do

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """Do it."""
        return await self._do(run, proceed)


class Before(Middleware):
    """Does one thing with a call."""

    def __init__(self, do: Callable[[Call[Any]], Any]) -> None:
        self._do = do

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """Do it."""
        changed: Call[R] = self._do(call)
        return changed


async def test_the_first_is_outermost_and_sees_call_and_result(ob: Onbeat) -> None:
    seen: list[str] = []
    ob.middleware(Tells("a", seen))
    ob.middleware(Tells("b", seen))

    @ob.task
    async def add(left: int, right: int = 1) -> int:
        return left + right

    async with ob.running(scheduler=False):
        assert await (await add.enqueue(1)).result("10s") == 2

    assert seen == [
        "a enqueue add {'left': 1}", "b enqueue add {'left': 1}",
        "a before add", "b before add", "b saw 2", "a saw 2",
    ]  # fmt: skip


async def test_it_sees_what_the_task_raises(ob: Onbeat) -> None:
    seen: list[str] = []
    ob.middleware(Tells("a", seen))

    @ob.task(retry=Retry(1))
    def fail(_: int) -> None:
        raise KeyError("no")

    async with ob.running(scheduler=False):
        with pytest.raises(JobFailed, match="KeyError"):
            await (await fail.enqueue(1)).result("10s")

    assert seen[1:] == ["a before fail", "a saw KeyError"]


async def test_it_sees_arguments_that_no_longer_fit(ob: Onbeat) -> None:
    seen: list[str] = []
    ob.middleware(Tells("a", seen))

    once = read_options(retry=Retry(1))
    job = await ob.jobs.enqueue("take", '{"number": "one"}', once, must_be_known=False)

    @ob.task(retry=Retry(1))
    async def take(number: int) -> None: ...

    async with ob.running(scheduler=False):
        with pytest.raises(JobFailed, match="no longer fit"):
            await job.result("10s")

    assert seen[-1] == "a saw InvalidArguments"


async def refuse(run: Run, proceed: Proceed) -> Any:
    raise PermissionError("not on a sunday")


async def refuse_after(run: Run, proceed: Proceed) -> Any:
    await proceed()
    raise PermissionError("not on a sunday")


async def exit_instead(run: Run, proceed: Proceed) -> Any:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        (refuse, "PermissionError: not on a sunday"),
        (refuse_after, "PermissionError: not on a sunday"),
        (exit_instead, "SystemExit: 3"),
    ],
)
async def test_its_error_is_the_outcome_of_the_job_and_the_slot_goes_on(
    ob: Onbeat, do: Callable[[Run, Proceed], Awaitable[Any]], reason: str
) -> None:
    ob.middleware(Within(lambda run, proceed: do(run, proceed) if run.task == "one" else proceed()))

    @ob.task(retry=Retry(1))
    async def one() -> None: ...

    @ob.task
    async def other() -> str:
        return "done"

    parts = Parts(scheduler=False, options=WorkerOptions(slots=1))
    async with ob.running(parts=parts):
        job = await one.enqueue()
        with pytest.raises(JobFailed, match=reason):
            await job.result("10s")
        assert await (await other.enqueue()).result("10s") == "done"

    assert (await ob.jobs.attempts(job.id))[-1].outcome == "failed"


async def test_it_may_answer_in_place_of_the_task(ob: Onbeat) -> None:
    async def answer(run: Run, proceed: Proceed) -> Any:
        return "from the cache"

    ob.middleware(Within(answer))

    @ob.task
    async def compute() -> str:
        raise AssertionError("it was not to be run")

    async with ob.running(scheduler=False):
        assert await (await compute.enqueue()).result("10s") == "from the cache"


async def test_it_may_put_a_job_off(ob: Onbeat) -> None:
    async def put_off(run: Run, proceed: Proceed) -> Any:
        if run.attempt == 1 and not put_off_once:
            put_off_once.append(run.job)
            raise Snooze(timedelta(), "later")
        return await proceed()

    put_off_once: list[str] = []
    ob.middleware(Within(put_off))

    @ob.task
    async def compute() -> str:
        return "done"

    async with ob.running():
        job = await compute.enqueue()
        assert await job.result("20s") == "done"

    assert [each.outcome for each in await ob.jobs.attempts(job.id)] == ["snoozed", "succeeded"]


@pytest.mark.parametrize("kind", ["coroutine", "thread"])
async def test_a_task_sees_what_it_sets_in_a_context_variable(ob: Onbeat, kind: str) -> None:
    async def set_caller(run: Run, proceed: Proceed) -> Any:
        caller.set(f"{caller.get()} and {run.task}")
        return await proceed()

    ob.middleware(Within(set_caller))

    @ob.task
    async def coroutine() -> str:
        return caller.get()

    @ob.task
    def thread() -> str:
        return caller.get()

    async with ob.running(scheduler=False):
        task = coroutine if kind == "coroutine" else thread
        seen = [await (await task.enqueue()).result("10s") for _ in range(2)]

    assert seen == [f"nobody and {kind}"] * 2


async def test_it_runs_around_a_task_in_a_process_of_its_own(ob: Onbeat) -> None:
    seen: list[str] = []
    ob.middleware(Tells("a", seen))
    tripled = ob.task(isolate="process", name="tripled")(isolated.triple)

    async with ob.running(scheduler=False):
        assert await (await tripled.enqueue(2)).result("20s") == 6

    assert seen[1:] == ["a before tripled", "a saw 6"]


async def test_what_it_logs_is_in_the_log_of_the_attempt(ob: Onbeat) -> None:
    async def tell(run: Run, proceed: Proceed) -> Any:
        run.log.info("around")
        return await proceed()

    ob.middleware(Within(tell))

    @ob.task
    async def compute() -> None: ...

    async with ob.running(scheduler=False):
        job = await compute.enqueue()
        await job.result("10s")

    assert [each.line.message for each in await ob.jobs.log(job.id)] == ["around"]


async def test_its_time_counts_within_the_timeout_of_the_task(ob: Onbeat) -> None:
    cleaned: list[str] = []

    async def hang(run: Run, proceed: Proceed) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(run.task)

    ob.middleware(Within(hang))

    @ob.task(timeout="100ms", retry=Retry(1))
    async def compute() -> None: ...

    async with ob.running(scheduler=False):
        job = await compute.enqueue()
        with pytest.raises(JobFailed, match="timeout"):
            await job.result("10s")

    assert cleaned == ["compute"]


async def test_it_may_change_the_options_of_a_call(ob: Onbeat) -> None:
    ob.middleware(Before(lambda call: call.opts(priority=9, queue="urgent")))

    @ob.task
    async def compute(number: int) -> None: ...

    jobs = [await compute.enqueue(1), *await ob.enqueue_many([compute.bind(2)])]
    jobs += [await ob.jobs.enqueue("compute", '{"number": 3}')]

    shown = [await job.show() for job in jobs]
    assert [(job.priority, job.queue) for job in shown] == [(9, "urgent")] * 3


class SeesIds(Middleware):
    """Remembers calls, and gives each call back as one that it saw before."""

    def __init__(self) -> None:
        self.seen: list[Call[Any]] = []

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """Remember it, and give the first there was."""
        self.seen.append(call)
        return self.seen[0]


async def test_it_knows_the_id_that_a_job_will_have(ob: Onbeat) -> None:
    sees = SeesIds()
    ob.middleware(sees)

    @ob.task
    async def send() -> None: ...

    one = await send.enqueue()
    many = await ob.enqueue_many([send.bind(), send.bind()])
    flow = ob.workflow("all")
    step = flow.add(send.bind())
    await flow.start()

    assert [call.job for call in sees.seen] == [one.id, *(each.id for each in many), step.id]
    assert len({each.id for each in await ob.jobs.list()}) == 4


class SeesAll(Middleware):
    """Sees together what is asked for at once, and loses some."""

    def __init__(self, lost: int = 0) -> None:
        self.seen: list[int] = []
        self._lost = lost

    async def enqueue_many(self, calls: list[Call[R]]) -> list[Call[R]]:
        """See them."""
        self.seen.append(len(calls))
        return calls[self._lost :]


async def test_it_may_see_together_what_is_asked_for_at_once(ob: Onbeat) -> None:
    sees = SeesAll()
    ob.middleware(sees)

    @ob.task
    async def send() -> None: ...

    await ob.enqueue_many([send.bind(), send.bind()])
    await send.enqueue()

    assert sees.seen == [2, 1]


async def test_one_that_loses_a_call_is_named(ob: Onbeat) -> None:
    ob.middleware(SeesAll(lost=1))

    @ob.task
    async def send() -> None: ...

    with pytest.raises(InvalidInput, match=r"SeesAll\.enqueue_many gave 1 of 2; return all"):
        await ob.enqueue_many([send.bind(), send.bind()])
    assert await ob.jobs.list() == []


async def test_what_it_refuses_is_not_stored(ob: Onbeat) -> None:
    def refuse_odd(call: Call[Any]) -> Call[Any]:
        if call.arguments()["number"] % 2:
            raise PermissionError("no odd numbers")
        return call

    ob.middleware(Before(refuse_odd))

    @ob.task
    async def compute(number: int) -> None: ...

    with pytest.raises(PermissionError, match="no odd numbers"):
        await compute.enqueue(1)
    with pytest.raises(PermissionError, match="no odd numbers"):
        await ob.enqueue_many([compute.bind(2), compute.bind(1)])
    with pytest.raises(PermissionError, match="no odd numbers"):
        await ob.jobs.enqueue("compute", '{"number": 1}')

    assert await ob.jobs.list() == []


def test_from_code_without_a_loop_it_sees_the_callers_context(blocking_ob: Onbeat) -> None:
    seen: list[str] = []

    def see(call: Call[Any]) -> Call[Any]:
        seen.append(caller.get())
        return call

    blocking_ob.middleware(Before(see))

    @blocking_ob.task
    async def compute() -> None: ...

    token = caller.set("ann")
    compute.enqueue_blocking()
    blocking_ob.enqueue_many_blocking([compute.bind()])
    caller.reset(token)

    assert seen == ["ann", "ann"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_within_a_transaction_it_is_asked_before_anything_is_stored(blocking_ob: Onbeat) -> None:
    def refuse_ann(call: Call[Any]) -> Call[Any]:
        if caller.get() == "ann":
            raise PermissionError("not ann")
        return call.opts(priority=8)

    blocking_ob.middleware(Before(refuse_ann))

    @blocking_ob.task
    async def compute() -> None: ...

    engine = sqlite_engine(blocking_ob.url)
    with Session(engine) as session, session.begin():
        job = compute.within(session).enqueue_blocking()
        token = caller.set("ann")
        with pytest.raises(PermissionError, match="not ann"):
            compute.within(session).enqueue_blocking()
        caller.reset(token)
    engine.dispose()

    assert job.show_blocking().priority == 8


@pytest.mark.parametrize("given", [None, {"token": "hunter-2"}])
async def test_one_that_gives_no_call_is_named_and_what_it_gives_is_not_told(
    ob: Onbeat, given: Any
) -> None:
    ob.middleware(Before(lambda _: given))

    @ob.task
    async def compute() -> None: ...

    with pytest.raises(
        InvalidInput, match=r"middleware: Before\.enqueue gave .*; return the call"
    ) as told:
        await compute.enqueue()

    assert "hunter-2" not in str(told.value)


@pytest.mark.parametrize("given", [None, Tells, print])
def test_what_is_no_middleware_is_refused(given: Any) -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    with pytest.raises(InvalidInput, match=r"is no Middleware; give an object of a class"):
        ob.middleware(given)
