"""Services of the application's own run in the kit, and rest in its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from onbeat import Onbeat, Settings, every
from onbeat.domain.services import Status
from onbeat.runtime.service import PeriodicService, Service
from onbeat.testing.errors import KitError
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION

NOON = "2027-03-27T12:00:00Z"


class Poller(Service):
    """Calls `work` in each step, then rests for `rest` seconds."""

    def __init__(self, work: Callable[[datetime], Any], rest: float, **options: Any) -> None:
        super().__init__(id="poller", **options)
        self.work, self.rest = work, rest

    async def step(self) -> float:
        found = self.work(self.timing.now())
        if found is not None:
            await found
        return self.rest


def polled(
    work: Callable[[datetime], Any], rest: float = 3600.0, **options: Any
) -> tuple[Onbeat, list[datetime]]:
    """An application with a poller, and when that has taken its steps."""
    ob = Onbeat(PRODUCTION, settings=Settings())
    steps: list[datetime] = []

    def noted(at: datetime) -> Any:
        steps.append(at)
        return work(at)

    ob.service(lambda _: Poller(noted, rest, **options))
    return ob, steps


def nothing(_: datetime) -> None:
    return None


async def test_a_service_steps_as_the_clock_moves(onbeat_kit: Kits) -> None:
    ob, steps = polled(nothing, rest=1200)
    async with onbeat_kit(ob, at=NOON) as kit:
        await kit.advance("1h")

    assert [f"{at:%H:%M:%S}" for at in steps] == ["12:00:00", "12:20:00", "12:40:00", "13:00:00"]


def test_it_does_so_without_an_event_loop_too(onbeat_kit: Kits) -> None:
    ob, steps = polled(nothing, rest=0.1)
    with onbeat_kit(ob, at=NOON) as kit:
        kit.advance("1s")

        assert kit.services["poller"].snapshot().successes == len(steps) == 11


async def test_what_a_step_asks_for_is_run_at_its_moment(onbeat_kit: Kits) -> None:
    ob, _ = polled(lambda at: ob.jobs.enqueue("note", f'{{"text": "{at:%H:%M}"}}'))
    done: list[tuple[str, datetime]] = []

    @ob.task
    async def note(text: str) -> None:
        done.append((text, kit.now))

    async with onbeat_kit(ob, at=NOON) as kit:
        await kit.advance("1h")

    assert [(text, f"{at:%H:%M}") for text, at in done] == [("12:00", "12:00"), ("13:00", "13:00")]


async def test_a_periodic_service_works_at_its_moments(onbeat_kit: Kits) -> None:
    ob, worked = Onbeat(PRODUCTION, settings=Settings()), list[datetime]()

    class Hourly(PeriodicService):
        async def run_once(self) -> None:
            worked.append(self.timing.now())

    ob.service(lambda _: Hourly(id="hourly", when=every("2h")))
    async with onbeat_kit(ob, at="2027-03-27T11:30:00Z") as kit:
        await kit.advance("5h")

    assert [f"{at:%H:%M}" for at in worked] == ["12:00", "14:00", "16:00"]


async def test_one_whose_step_fails_is_started_again_and_the_error_can_be_raised(
    onbeat_kit: Kits,
) -> None:
    def fails(_: datetime) -> None:
        if len(steps) == 2:
            raise ValueError("the second step")

    ob, steps = polled(fails, rest=60)
    async with onbeat_kit(ob, at=NOON) as kit:
        with pytest.raises(ValueError, match="the second step") as raised:
            await kit.advance("1m", raises=True)
        await kit.advance("2m")

        assert kit.services["poller"].status is Status.RUNNING
    assert raised.value.__notes__ == ["raised by a step of the service 'poller'"]
    assert len(steps) >= 4


async def test_one_that_is_paused_does_nothing_until_it_is_resumed(onbeat_kit: Kits) -> None:
    ob, steps = polled(nothing, rest=60)
    async with onbeat_kit(ob, at=NOON) as kit:
        kit.services["poller"].pause()
        await kit.advance("5m")
        paused = len(steps)
        kit.services["poller"].resume()
        await kit.drain()

    assert (paused, len(steps)) == (1, 2)


async def test_in_a_downtime_none_runs_and_after_it_all_begin_anew(onbeat_kit: Kits) -> None:
    ob, steps = polled(nothing, rest=60)
    async with onbeat_kit(ob, at=NOON) as kit:
        async with kit.downtime():
            assert kit.services == {}
            await kit.advance("10m")
        await kit.drain()

    assert [f"{at:%H:%M}" for at in steps] == ["12:00", "12:10"]


async def test_none_runs_where_the_test_wants_none(onbeat_kit: Kits) -> None:
    ob, steps = polled(nothing)
    async with onbeat_kit(ob, services=False) as kit:
        await kit.advance("1d")

    assert steps == []


async def test_one_that_never_rests_is_named(onbeat_kit: Kits) -> None:
    ob, _ = polled(lambda _: asyncio.sleep(0), rest=0.0)
    async with onbeat_kit(ob, at=NOON) as kit:
        with pytest.raises(KitError, match="'poller' took 1,000 steps at 2027-03-27T12:00"):
            await kit.drain()


async def test_one_whose_step_does_not_end_is_named(onbeat_kit: Kits) -> None:
    over = asyncio.Event()
    ob, _ = polled(lambda _: over.wait())
    async with onbeat_kit(ob, patience=timedelta(seconds=0.1)) as kit:
        with pytest.raises(KitError, match="a step of the service poller has not ended"):
            await kit.drain()
        over.set()
