"""What a user may write: no type checker objects."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar, assert_type

from onbeat import (
    Call,
    ErrorClass,
    JobHandle,
    Limit,
    Middleware,
    Onbeat,
    Permanent,
    Proceed,
    RateLimited,
    Retry,
    Run,
    Secret,
    Step,
    Transient,
    cron,
    every,
)

R = TypeVar("R")

ob = Onbeat()


@ob.task
async def charge(run: Run, order: int, *, tenant: str = "acme") -> str:
    """A coroutine with a run."""
    run.progress(0.5, note="calling the bank")
    run.log.info("charged", order=order)
    return tenant


@ob.task(queue="billing", timeout="5m", retry=Retry(7, base="2s", never=(ValueError,)))
def count(words: list[str]) -> int:
    """A plain function with options."""
    return len(words)


@ob.task
def tidy(run: Run) -> None:
    """A plain function with a run alone."""


@ob.schedule(cron("30 1 * * mon-fri", tz="Europe/Paris"), catch_up="latest within 6h")
@ob.task(isolate="process")
def close_day() -> None:
    """A schedule above a task."""


class Around(Middleware):
    """Both verbs."""

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """Change an option."""
        assert_type(call.task, str)
        return call.opts(priority=len(call.arguments()), delay="1m")

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """Go on."""
        return await proceed()


class RunsOnly(Middleware):
    """One verb."""

    async def run(self, run: Run, proceed: Proceed) -> str:
        """Answer with text."""
        await proceed()
        return run.task


ob.middleware(Around())
ob.middleware(RunsOnly())


@ob.task(
    name="log-in",
    aliases=("login",),
    retry=Retry(rules={OSError: "transient", KeyError: ErrorClass.PERMANENT}),
)
async def log_in(password: Secret[str], pins: list[Secret[int]] | None = None) -> Secret[str]:
    """A secret is what it is marked on."""
    assert_type(password, str)
    if pins:
        assert_type(pins[0], int)
        raise Permanent("pins")
    if not password:
        raise Transient
    raise RateLimited("slow down", retry_after="30")


async def use_log_in() -> None:
    """Plain values are given."""
    assert_type(await (await log_in.enqueue("hunter2", [1])).result(), str)


async def use(run: Run) -> None:
    """Every verb with arguments that fit."""
    job = await charge.enqueue(42, tenant="acme")
    assert_type(job, JobHandle[str])
    assert_type(await job.result("5s"), str)
    assert_type(await (await count.enqueue(["a"])).result(), int)
    await charge.opts(delay=timedelta(seconds=30), priority=8).enqueue(order=42)
    await tidy.enqueue()
    await ob.enqueue_many([charge.bind(1), charge.bind(2, tenant="b")])
    await ob.enqueue_many([charge.bind(1)], within=object())
    await ob.schedules.create("report", charge.bind(1), every("15m"))
    assert_type(count(["a"]), int)
    assert_type(await charge(run, 1), str)


def use_blocking() -> None:
    """The same from code without an event loop."""
    job = charge.within(object()).enqueue_blocking(42)
    assert_type(job, JobHandle[str])
    ob.enqueue_many_blocking([charge.bind(1)], within=object())
    assert_type(count.enqueue_blocking(["a"]).result_blocking("5s"), int)


@ob.task
async def merge(parts: list[int], note: str = "") -> str:
    """Takes the results of others."""
    return note + str(parts)


async def use_workflow() -> None:
    """Results are of the type that their task returns."""
    async with ob.workflow("nightly", on_failure="end") as flow:
        counted = [flow.add(count.bind([word]), label=word) for word in "ab"]
        charged = flow.add(charge.bind(counted[0].result, tenant="acme"), after=counted)
        merged = flow.add(
            merge.bind([step.result for step in counted], charged.result), after="a", on="end"
        )
        assert_type(counted[0].result, int)
        assert_type(charged.result, str)
        assert_type(merged, Step[str])
    assert_type(await merged.handle.result("5s"), str)


async def use_options() -> None:
    """What a task says is left out for a call."""
    await charge.opts(unique=False, start_within=False, limits=()).enqueue(42)
    await charge.opts(start_within="5m", limits=Limit("vip", concurrency=3)).enqueue(42)
