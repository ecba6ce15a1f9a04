"""How a service goes from one status to another, and what it does on the way."""

from __future__ import annotations

import asyncio

import pytest

from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.services import FIRST_RESTART_DELAY, Status
from onbeat.runtime.service import Service
from tests.runtime.conftest import Running
from tests.runtime.services import Scripted, Steps, Told, within_deadline
from tests.timing import ManualTiming


async def test_a_service_that_was_not_started_is_stopped() -> None:
    assert Scripted().snapshot().status is Status.STOPPED


async def test_starting_goes_through_starting_to_running(told: Told, stop_at_end: Running) -> None:
    service = Scripted(emit=told)
    stop_at_end(service)

    await service.start()

    assert told.statuses == [Status.STARTING, Status.RUNNING]


async def test_a_started_service_has_been_set_up(stop_at_end: Running) -> None:
    service = Scripted()
    stop_at_end(service)

    await service.start()

    assert service.set_ups == 1


async def test_starting_twice_sets_up_once(stop_at_end: Running) -> None:
    service = Scripted()
    stop_at_end(service)

    await service.start()
    await service.start()

    assert service.set_ups == 1


async def test_stopping_cleans_up_and_is_stopped(told: Told) -> None:
    service = Scripted(emit=told)
    await service.start()

    await service.stop()

    assert (service.clean_ups, told.statuses[-1]) == (1, Status.STOPPED)


async def test_stopping_twice_cleans_up_once() -> None:
    service = Scripted()
    await service.start()

    await service.stop()
    await service.stop()

    assert service.clean_ups == 1


async def test_stopping_what_was_never_started_does_nothing(told: Told) -> None:
    service = Scripted(emit=told)

    await service.stop()

    assert told.statuses == []


async def test_a_stopped_service_can_be_started_again(stop_at_end: Running) -> None:
    service = Scripted()
    stop_at_end(service)
    await service.start()
    await service.stop()

    await service.start()

    assert (service.status, service.set_ups) == (Status.RUNNING, 2)


async def test_stopping_ends_a_rest_at_once(timing: ManualTiming) -> None:
    service = Scripted(60.0, timing=timing)
    await service.start()
    await service.steps.reach(1)

    await within_deadline(service.stop())

    assert service.status is Status.STOPPED


async def test_stopping_lets_the_step_under_way_end() -> None:
    gate, ended = asyncio.Event(), Steps()

    async def wait_at_the_gate() -> float:
        await gate.wait()
        await ended.add()
        return 0.0

    service = Scripted(wait_at_the_gate)
    await service.start()
    await service.steps.reach(1)
    stopping = asyncio.create_task(service.stop())
    await asyncio.wait([stopping], timeout=0)

    gate.set()
    await within_deadline(stopping)

    assert ended.count == 1


async def test_while_it_stops_the_snapshot_says_draining() -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> float:
        await gate.wait()
        return 0.0

    service = Scripted(wait_at_the_gate)
    await service.start()
    await service.steps.reach(1)
    stopping = asyncio.create_task(service.stop())
    while not service.draining:
        await asyncio.wait([stopping], timeout=0)

    draining = service.snapshot().draining
    gate.set()
    await within_deadline(stopping)

    assert (draining, service.snapshot().draining) == (True, False)


async def test_cancelling_whoever_stops_it_does_not_cut_its_clean_up_short() -> None:
    gate, cleaned = asyncio.Event(), asyncio.Event()

    class Tidy(Scripted):
        async def clean_up(self) -> None:
            await gate.wait()
            cleaned.set()

    service = Tidy()
    await service.start()
    stopping = asyncio.create_task(service.stop())
    while not service.draining:
        await asyncio.wait([stopping], timeout=0)

    stopping.cancel()
    await asyncio.wait([stopping])
    gate.set()
    await within_deadline(service.stop())

    assert (stopping.cancelled(), cleaned.is_set()) == (True, True)


async def test_a_rest_of_zero_takes_the_next_step_at_once(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    service = Scripted(0.0, 0.0, timing=timing)
    stop_at_end(service)

    await service.start()

    await service.steps.reach(3)


async def test_a_rest_lasts_as_long_as_the_step_said(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    service = Scripted(5.0, timing=timing)
    stop_at_end(service)
    await service.start()
    await service.steps.reach(1)
    timing.advance(seconds=4.9)
    await _let_others_run()
    early = service.steps.count

    timing.advance(seconds=0.2)
    await service.steps.reach(2)

    assert early == 1


async def test_waking_ends_a_rest(timing: ManualTiming, stop_at_end: Running) -> None:
    service = Scripted(60.0, timing=timing)
    stop_at_end(service)
    await service.start()
    await service.steps.reach(1)

    service.wake()

    await service.steps.reach(2)


async def test_a_wakeup_during_a_step_is_not_lost(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    async def be_woken_meanwhile() -> float:
        service.wake()
        return 60.0

    service: Service = Scripted(be_woken_meanwhile, timing=timing)
    stop_at_end(service)
    await service.start()

    assert isinstance(service, Scripted)
    await service.steps.reach(2)


async def test_a_step_past_its_timeout_is_an_error(told: Told, stop_at_end: Running) -> None:
    async def never_end() -> float:
        await asyncio.Event().wait()
        return 0.0

    service = Scripted(never_end, timeout=FIRST_RESTART_DELAY / 10, emit=told)
    stop_at_end(service)

    await service.start()
    await told.hear(Status.ERROR)

    assert service.snapshot().last_error == "TimeoutError: "


async def test_the_snapshot_adds_up(timing: ManualTiming, stop_at_end: Running) -> None:
    async def take_two_seconds() -> float:
        timing.advance(seconds=2)
        return 60.0

    service = Scripted(0.0, RuntimeError("no"), take_two_seconds, timing=timing)
    stop_at_end(service)
    await service.start()
    await service.steps.reach(2)
    await _let_others_run()
    timing.advance(by=FIRST_RESTART_DELAY)
    await service.steps.reach(3)
    await _let_others_run()

    shown = service.snapshot()

    assert (shown.runs, shown.successes, shown.failures) == (3, 2, 1)
    assert shown.last_duration is not None
    assert shown.last_duration.total_seconds() == 2
    assert shown.last_success_at == timing.now()


@pytest.mark.parametrize("error", [RuntimeError("gone"), StoreUnavailable("gone")])
async def test_a_failed_set_up_is_tried_again(
    error: Exception, timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(timing=timing, emit=told)
    service.set_up_acts.append(error)
    stop_at_end(service)
    await service.start()
    failed = service.status

    timing.advance(by=FIRST_RESTART_DELAY)
    await told.hear(Status.RUNNING)

    assert (failed, service.set_ups) == (Status.ERROR, 2)


async def _let_others_run() -> None:
    """Give every other task a few turns of the loop."""
    for _ in range(20):
        await asyncio.wait([asyncio.ensure_future(_nothing())])


async def _nothing() -> None:
    return
