"""The virtual loop: time jumps, processes take turns by a seed, stand still, and die."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from onbeat.testing.virtual_time import (
    START,
    NothingToWaitFor,
    Process,
    VirtualLoop,
    VirtualTiming,
    current_process,
)


def run(loop: VirtualLoop, work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return loop.run_until_complete(work)
    finally:
        loop.end()


def test_an_hour_of_waiting_passes_at_once_and_is_an_hour() -> None:
    loop = VirtualLoop()
    run(loop, wait(3600))
    assert loop.time() == pytest.approx(3600)


def test_timers_go_off_in_the_order_of_their_moments() -> None:
    told: list[int] = []

    async def tell(seconds: int) -> None:
        await wait(seconds)
        told.append(seconds)

    async def all_of_them() -> None:
        await asyncio.gather(*(tell(seconds) for seconds in (3, 1, 2)))

    run(VirtualLoop(), all_of_them())
    assert told == [1, 2, 3]


def test_waiting_for_what_nobody_will_do_is_an_error() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingToWaitFor, match="no timer"):
        run(VirtualLoop(), forever())


def test_a_callback_called_off_after_its_moment_and_before_its_turn_is_not_called() -> None:
    loop = VirtualLoop()
    process, told, timers = Process("one"), list[str](), list[asyncio.Handle]()

    async def work() -> None:
        timers.append(loop.call_later(1, told.append, "called off"))
        loop.call_later(1, told.append, "called")

    async def halt() -> None:
        await loop.start(process, work())
        loop.halt(process)
        await wait(2)
        timers[0].cancel()
        loop.go_on(process)
        await wait(1)

    run(loop, halt())
    assert told == ["called"]


def order_of(seed: int | None) -> list[str]:
    loop = VirtualLoop(None if seed is None else random.Random(seed))
    told: list[str] = []

    async def tell() -> None:
        for number in range(5):
            told.append(f"{current_process().name}{number}")
            await asyncio.sleep(0)

    async def work() -> None:
        await asyncio.gather(*(loop.start(Process(name), tell()) for name in "abc"))

    run(loop, work())
    return told


def test_a_seed_decides_whose_turn_it_is_and_nothing_else_does() -> None:
    assert order_of(1) == order_of(1)
    assert len({tuple(order_of(seed)) for seed in range(10)}) > 1
    assert [each for each in order_of(1) if each[0] == "a"] == ["a0", "a1", "a2", "a3", "a4"]


async def beat(told: list[float]) -> None:
    while True:
        await wait(1)
        told.append(round(asyncio.get_running_loop().time(), 3))


def test_who_stands_still_goes_on_with_what_has_come_up_meanwhile() -> None:
    loop = VirtualLoop()
    process, told = Process("one"), list[float]()

    async def work() -> None:
        loop.start(process, beat(told))
        await wait(2.5)
        loop.halt(process)
        await wait(10)
        loop.go_on(process)
        await wait(1.5)

    run(loop, work())
    assert told == [1, 2, 12.5, 13.5]


def test_who_was_killed_does_nothing_more_and_cleans_up_only_when_all_ends() -> None:
    loop = VirtualLoop()
    process, told, cleaned = Process("one"), list[float](), list[float]()

    async def work() -> None:
        try:
            await beat(told)
        finally:
            cleaned.append(loop.time())

    async def kill() -> None:
        loop.start(process, work())
        await wait(2.5)
        loop.kill(process)
        loop.go_on(process)
        await wait(10)
        assert not cleaned

    run(loop, kill())
    assert told == [1, 2]
    assert len(cleaned) == 1


def test_an_error_in_a_callback_is_told_and_stops_nobody() -> None:
    loop = VirtualLoop()
    told: list[Any] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    async def work() -> None:
        loop.call_soon(int, "no number")
        await wait(1)

    run(loop, work())
    assert [type(error) for error in told] == [ValueError]


def test_a_wall_clock_that_is_set_leaves_the_monotonic_one_alone() -> None:
    loop = VirtualLoop()
    timing = VirtualTiming(loop, ahead=timedelta(seconds=5))

    async def work() -> None:
        await timing.wait(asyncio.Event(), 10)
        timing.step(-timedelta(hours=1))

    run(loop, work())
    assert timing.now() == START + timedelta(seconds=15) - timedelta(hours=1)
    assert timing.monotonic() == pytest.approx(10)
    assert not timing.is_real


async def wait(seconds: float) -> None:
    """Let virtual time pass."""
    over = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, over.set_result, None)
    await over
