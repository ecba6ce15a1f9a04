"""What cannot be meant is refused at once, with the field and what to do, and nothing is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from onbeat import (
    Breaker,
    InvalidInput,
    Keep,
    Limit,
    Onbeat,
    Regions,
    Retry,
    Settings,
    Unique,
    every,
)

LAST_HOUR = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Limit("calls", concurrency=1, by=()), r"by: \(\) names no argument"),
        (lambda: Limit("calls", concurrency=1, by=""), "by: '' names no argument"),
        (lambda: Limit("calls", concurrency=1, by=5), "by: 5 names no argument"),  # type: ignore[arg-type]
        (lambda: Limit("calls", concurrency=1, by=("a", "a")), "by: .* names an argument twice"),
        (lambda: Limit(5, concurrency=1), "limit: 5 is no text"),  # type: ignore[arg-type]
        (lambda: Breaker("a:b"), "breaker: 'a:b' holds a colon"),
        (lambda: Breaker("bank", open_for=30), "open_for: 30 has no unit; write '30s'"),  # type: ignore[arg-type]
        (lambda: Breaker("bank", open_for=None), "open_for: None is no duration"),  # type: ignore[arg-type]
        (lambda: Unique(by=("a", "a")), "by: .* names an argument twice"),
        (lambda: Unique(by=5), "by: 5 is no tuple of names"),  # type: ignore[arg-type]
        (lambda: Unique(within=5), "within: 5 has no unit; write '5s'"),  # type: ignore[arg-type]
        (lambda: Retry(base=5), "base: 5 has no unit; write '5s'"),  # type: ignore[arg-type]
        (lambda: Retry(factor="2"), "factor: '2' is not a number"),  # type: ignore[arg-type]
        (lambda: Retry(by=5), "by: 5 maps nothing"),  # type: ignore[arg-type]
        (lambda: Keep(completed=(1, 2.5)), r"completed: .* is neither"),  # type: ignore[arg-type]
        (
            lambda: Regions({"us": "q"}, default="d", move_after=5),  # type: ignore[arg-type]
            "move_after: 5 has no unit; write '5s'",
        ),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        make()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"limits": [Limit("a", concurrency=1), Limit("a", concurrency=2)]},
            "limits: 'a' is given twice",
        ),
        (
            {"limits": [Limit("a", concurrency=1), Limit("a", concurrency=1, by="tenant")]},
            "limits: 'a' is given twice",
        ),
        ({"breakers": [Breaker("b"), Breaker("b", threshold=9)]}, "breakers: 'b' is given twice"),
        ({"limits": 5}, "limits: 5 is not a Limit"),
        ({"breakers": 5}, "breakers: 5 is not a Breaker"),
        ({"timeout": 30}, "timeout: 30 has no unit; write '30s' for seconds"),
        ({"timeout": timedelta.max}, "timeout: .* is longer than 100 years"),
        ({"start_within": 1.5}, "start_within: 1.5 has no unit"),
        ({"queue": None}, "queue: None is no text"),
        ({"name": ""}, "task: '' is not a name"),
        ({"name": 5}, "task: 5 is no text"),
        ({"prioriy": 9}, r"prioriy: a task has no such option; is priority meant\?"),
        ({"foo": 1}, "foo: a task has no such option; give one of name, queue, priority"),
        (
            {"start_by": None},
            r"start_by: a call has it, a task has not; give task\.opts\(start_by=",
        ),
        ({"aliases": 5}, "aliases: 5 is no tuple of names"),
        ({"aliases": (5,)}, "aliases: 5 is no text"),
    ],
)
def test_a_task_is_refused(options: dict[str, Any], told: str) -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    with pytest.raises(InvalidInput, match=told):

        @ob.task(**options)
        def pay(amount: int, tenant: str = "") -> None: ...

    assert ob.tasks == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"delay": 5}, "delay: 5 has no unit; write '5s'"),
        ({"delay": timedelta.max}, "delay: .* is longer than 100 years"),
        ({"at": "2027-01-01"}, "at: '2027-01-01' is no moment"),
        ({"at": LAST_HOUR}, "at: 9999-12-31.* lies outside of the years 1 to 9999 in UTC"),
        ({"start_by": 0}, "start_by: 0 is no moment"),
        ({"prioriy": 9}, r"prioriy: a call has no such option; is priority meant\?"),
        ({"colour": 9}, "colour: a call has no such option; give one of queue, priority"),
        ({"clock": 5}, "clock: 5 is no text"),
        (
            {"limits": [Limit("z", concurrency=1), Limit("z", concurrency=2)]},
            "limits: 'z' is given twice",
        ),
    ],
)
def test_a_call_is_refused(options: dict[str, Any], told: str) -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    @ob.task
    def pay(amount: int) -> None: ...

    for asked in (pay, pay.bind(1)):
        with pytest.raises(InvalidInput, match=told):
            asked.opts(**options)


Ask = Callable[[Onbeat, Any], Awaitable[object]]


async def many(ob: Onbeat, pay: Any) -> None:
    await ob.enqueue_many([pay.bind(1), None])  # type: ignore[list-item]


async def many_tasks(ob: Onbeat, pay: Any) -> None:
    await ob.enqueue_many([pay])


async def too_deep(ob: Onbeat, pay: Any) -> None:
    await ob.jobs.enqueue("pay", '{"amount": ' + "[" * 5_000 + "]" * 5_000 + "}")


async def nul(ob: Onbeat, pay: Any) -> None:
    await pay.enqueue(1, tags=["fine", {"odd\0": 1}])


async def by_a_clock(ob: Onbeat, pay: Any) -> None:
    await ob.schedules.create("often", pay.bind(1).opts(clock="moon"), every("1h"))


async def with_a_task(ob: Onbeat, pay: Any) -> None:
    async with ob.workflow("flow") as flow:
        flow.add(pay.bind(1))
        flow.add(pay)


async def after_nothing(ob: Onbeat, pay: Any) -> None:
    async with ob.workflow("flow") as flow:
        flow.add(pay.bind(1), after=None)  # type: ignore[arg-type]


async def on_the_end_of_nothing(ob: Onbeat, pay: Any) -> None:
    async with ob.workflow("flow") as flow:
        flow.add(pay.bind(1), on="end")


async def on_the_end_of_what_it_takes(ob: Onbeat, pay: Any) -> None:
    async with ob.workflow("flow") as flow:
        flow.add(pay.bind(flow.add(pay.bind(1)).result), on="end")


async def with_a_step(ob: Onbeat, pay: Any) -> None:
    async with ob.workflow("flow") as flow:
        flow.add(pay.bind(flow.add(pay.bind(1))))


async def with_a_result_within(ob: Onbeat, pay: Any) -> None:
    async with ob.workflow("flow") as flow:
        flow.add(pay.bind(1, tags={"of": flow.add(pay.bind(1)).result}))


async def fan_with_one_that_is_wrong(ob: Onbeat, pay: Any) -> None:
    async with ob.workflow("flow") as flow:
        for number in range(10_000):
            flow.add(pay.bind(number if number < 9_999 else "x"))


async def batches_with_one_that_is_wrong(ob: Onbeat, pay: Any) -> None:
    flow = ob.workflow("flow")
    result = flow.add(pay.bind(1)).result
    await ob.enqueue_many([pay.bind(1)] * 5_000 + [pay.bind(result)])


async def odd_queue(ob: Onbeat, pay: Any) -> None:
    await ob.limits.set("queue/", "ann", concurrency=1)


async def page_of_none(ob: Onbeat, pay: Any) -> None:
    await ob.workflows.list(limit=-1)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (many, r"calls: a NoneType is no call; give task\.bind"),
        (many_tasks, "calls: a Task is no call"),
        (too_deep, "args: it is nested too deep"),
        (nul, r"tags\[1\]: text holds a NUL character"),
        (by_a_clock, "clock: it is the schedule that lives by a clock"),
        (with_a_task, "call: a Task is no call"),
        (after_nothing, "after: None is no step"),
        (on_the_end_of_nothing, "on: 'end' says nothing without after; name in after the steps"),
        (on_the_end_of_what_it_takes, "on: .* who takes a result waits for success"),
        (with_a_step, r"amount: it is a step, or holds a result; give step\.result"),
        (with_a_result_within, r"tags: it is a step, or holds a result; give step\.result"),
        (fan_with_one_that_is_wrong, "amount: Expected `int`, got `str`"),
        (batches_with_one_that_is_wrong, "amount: it is the result of a job of a workflow"),
        (odd_queue, "limit: '' is not a name"),
        (page_of_none, "limit: -1 is out of range; give 1 or more"),
    ],
)
async def test_nothing_is_stored_of_what_is_refused(ob: Onbeat, ask: Ask, told: str) -> None:
    @ob.task
    async def pay(amount: int, tags: Any = None) -> int:
        return amount

    with pytest.raises(InvalidInput, match=told):
        await ask(ob, pay)

    assert not await ob.jobs.list()
    assert not await ob.schedules.list()
    assert not await ob.workflows.list()
    assert not await ob.limits.list()


def test_a_moment_in_another_zone_is_taken_in_utc() -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    @ob.task
    def pay(amount: int) -> None: ...

    noon = datetime(2027, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert pay.bind(1).opts(at=noon).options.at == datetime(2027, 3, 1, 10, tzinfo=UTC)
