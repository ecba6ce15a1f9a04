"""What a failed step costs: a rest, a clean-up, never the service."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onbeat.domain.errors import StoreReadOnly, StoreUnavailable
from onbeat.domain.services import (
    LONGEST_RESTART_DELAY,
    LONGEST_RETRY_DELAY,
    Status,
    restart_delay,
    retry_delay,
)
from tests.runtime.conftest import Running
from tests.runtime.services import Scripted, Steps, Told, within_deadline
from tests.timing import ManualTiming


async def test_a_failed_step_goes_through_error_back_to_running(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(RuntimeError("torn"), timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)

    timing.advance(by=restart_delay(1))
    await told.hear(Status.RUNNING, times=2)

    assert told.statuses == [
        Status.STARTING,
        Status.RUNNING,
        Status.ERROR,
        Status.STARTING,
        Status.RUNNING,
    ]


async def test_the_error_is_shown(timing: ManualTiming, told: Told, stop_at_end: Running) -> None:
    service = Scripted(RuntimeError("torn"), timing=timing, emit=told)
    stop_at_end(service)

    await service.start()
    await told.hear(Status.ERROR)

    assert service.snapshot().last_error == "RuntimeError: torn"


async def test_a_failed_step_cleans_up_and_sets_up_again(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(RuntimeError("torn"), timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)
    timing.advance(by=restart_delay(1))

    await service.steps.reach(2)

    assert (service.clean_ups, service.set_ups) == (1, 2)


async def test_a_store_out_of_reach_does_not_clean_up(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(StoreUnavailable("away"), timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)
    timing.advance(by=retry_delay(1))

    await service.steps.reach(2)

    assert (service.clean_ups, service.set_ups) == (0, 1)


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), StoreReadOnly("failing over")])
async def test_after_an_outage_of_any_length_the_step_is_tried_within_a_second(
    timing: ManualTiming, told: Told, stop_at_end: Running, failure: Exception
) -> None:
    service = Scripted(*[failure] * 30, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()

    for tries in range(1, 31):
        await service.steps.reach(tries)
        await timing.asleep()
        timing.advance(by=LONGEST_RETRY_DELAY)

    await told.hear(Status.RUNNING, times=2)


async def test_an_outage_is_said_once_and_its_end_once(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(*[StoreUnavailable("away")] * 5, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()

    for tries in range(1, 6):
        await service.steps.reach(tries)
        await timing.asleep()
        timing.advance(by=LONGEST_RETRY_DELAY)
    await told.hear(Status.RUNNING, times=2)

    assert told.statuses == [Status.STARTING, Status.RUNNING, Status.ERROR, Status.RUNNING]


async def test_a_service_whose_set_up_meets_an_outage_says_it_once(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(timing=timing, emit=told)
    service.set_up_acts.extend([StoreUnavailable("away")] * 3)
    stop_at_end(service)
    await service.start()

    for _ in range(3):
        await timing.asleep()
        timing.advance(by=LONGEST_RETRY_DELAY)
    await told.hear(Status.RUNNING)

    assert told.statuses == [Status.STARTING, Status.ERROR, Status.RUNNING]


async def test_a_paused_service_shows_its_pause_again_after_an_outage(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    async def fail_when_paused() -> float:
        service.pause()
        raise StoreUnavailable("away")

    service = Scripted(fail_when_paused, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)
    await timing.asleep()
    timing.advance(by=LONGEST_RETRY_DELAY)

    await told.hear(Status.PAUSED, times=2)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (1_000, 30.0)]
)
def test_the_rest_after_failures_doubles_up_to_half_a_minute(failures: int, seconds: float) -> None:
    assert restart_delay(failures) == timedelta(seconds=seconds)


async def test_each_failure_in_a_row_rests_longer(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(RuntimeError("1"), RuntimeError("2"), timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR, times=1)
    timing.advance(by=restart_delay(1))
    await told.hear(Status.ERROR, times=2)
    timing.advance(by=restart_delay(1))
    early = service.steps.count

    timing.advance(by=restart_delay(2) - restart_delay(1))
    await service.steps.reach(3)

    assert early == 2


async def test_a_success_between_failures_begins_the_rests_anew(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(RuntimeError("1"), 0.0, RuntimeError("2"), timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR, times=1)
    timing.advance(by=restart_delay(1))
    await told.hear(Status.ERROR, times=2)

    timing.advance(by=restart_delay(1))

    await service.steps.reach(4)


async def test_a_service_that_is_not_critical_stays_in_error(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(RuntimeError("torn"), critical=False, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)

    timing.advance(by=LONGEST_RESTART_DELAY)
    await service.stop()

    assert (service.steps.count, told.statuses[-1]) == (1, Status.ERROR)


async def test_an_outage_is_no_failure_of_its_own_and_is_waited_for_whoever_is_critical(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(StoreUnavailable("gone"), critical=False, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)

    timing.advance(by=LONGEST_RETRY_DELAY)
    await told.hear(Status.RUNNING, times=2)

    assert service.status is Status.RUNNING


async def test_a_service_in_error_can_be_started_again(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(RuntimeError("torn"), critical=False, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)
    await service.stop()

    await service.start()

    assert service.status is Status.RUNNING


async def test_a_service_that_rests_after_a_failure_can_be_stopped(
    timing: ManualTiming, told: Told
) -> None:
    service = Scripted(RuntimeError("torn"), timing=timing, emit=told)
    await service.start()
    await told.hear(Status.ERROR)

    await within_deadline(service.stop())

    assert service.status is Status.STOPPED


async def test_a_failing_clean_up_does_not_keep_it_from_stopping() -> None:
    class Untidy(Scripted):
        async def clean_up(self) -> None:
            raise RuntimeError("the broom is broken")

    service = Untidy()
    await service.start()

    await within_deadline(service.stop())

    assert service.status is Status.STOPPED


async def test_pausing_takes_no_more_steps(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    service = Scripted(1.0, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await service.steps.reach(1)

    service.pause()
    timing.advance(seconds=60)
    service.wake()

    assert (service.status, service.steps.count) == (Status.PAUSED, 1)


async def test_resuming_goes_on(timing: ManualTiming, stop_at_end: Running) -> None:
    service = Scripted(1.0, timing=timing)
    stop_at_end(service)
    await service.start()
    await service.steps.reach(1)
    service.pause()

    service.resume()

    await service.steps.reach(2)
    assert service.status is Status.RUNNING


async def test_a_paused_service_can_be_stopped(timing: ManualTiming) -> None:
    service = Scripted(1.0, timing=timing)
    await service.start()
    await service.steps.reach(1)
    service.pause()

    await within_deadline(service.stop())

    assert service.status is Status.STOPPED


async def test_a_pause_survives_a_failed_step(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    begun = Steps()

    async def fail_when_paused() -> float:
        service.pause()
        await begun.add()
        raise RuntimeError("torn")

    service = Scripted(fail_when_paused, timing=timing, emit=told)
    stop_at_end(service)
    await service.start()
    await told.hear(Status.ERROR)
    timing.advance(by=restart_delay(1))
    await told.hear(Status.PAUSED, times=2)

    service.resume()

    await service.steps.reach(2)
    assert begun.count == 1
