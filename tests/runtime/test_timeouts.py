"""Time limits: also in a task that is being cancelled, where Python 3.11.0 to 3.11.2 are wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from onbeat.timing import SoundTimeout, within

Limit = Callable[[float], asyncio.Timeout]


def sound(seconds: float) -> asyncio.Timeout:
    """The one that is used where Python's own is wrong."""
    return SoundTimeout(asyncio.get_running_loop().time() + seconds)


both = pytest.mark.parametrize("limit", [within, sound])


@both
async def test_what_takes_too_long_is_out_of_time(limit: Limit) -> None:
    with pytest.raises(TimeoutError):
        async with limit(0.01):
            await asyncio.Event().wait()


@both
async def test_what_is_in_time_is_left_alone(limit: Limit) -> None:
    async with limit(10) as running:
        pass

    assert not running.expired()


@both
async def test_cleaning_up_after_a_cancel_is_out_of_time_and_goes_on(limit: Limit) -> None:
    """A command that ignored SIGTERM was never killed: its end was cut off at the wait for it."""
    began, went_on = asyncio.Event(), asyncio.Event()

    async def job() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            with pytest.raises(TimeoutError):
                async with limit(0.01):
                    await asyncio.Event().wait()
            went_on.set()

    task = asyncio.create_task(job())
    await began.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert went_on.is_set()


@both
async def test_who_is_cancelled_from_outside_meanwhile_is_not_told_of_a_time(limit: Limit) -> None:
    began = asyncio.Event()

    async def job() -> None:
        async with limit(10):
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(job())
    await began.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@both
async def test_an_error_within_stays_what_it_is(limit: Limit) -> None:
    with pytest.raises(ValueError, match="odd"):
        async with limit(10):
            raise ValueError("odd")
