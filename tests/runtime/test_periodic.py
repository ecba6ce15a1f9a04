"""A periodic service works at the moments of its recurrence, and at no others."""

from __future__ import annotations

from datetime import timedelta

from onbeat.domain.recurrence import cron, every, once
from onbeat.domain.services import Status, restart_delay
from tests.runtime.conftest import Running
from tests.runtime.services import Diary, Told
from tests.timing import START, ManualTiming

MINUTE = timedelta(minutes=1)


async def begun(diary: Diary) -> Diary:
    """Start it, and wait for its first look at the clock."""
    await diary.start()
    await diary.steps.reach(1)
    return diary


async def test_it_does_not_work_before_its_first_moment(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    diary = Diary(when=every("1m"), timing=timing)
    stop_at_end(diary)

    await begun(diary)

    assert diary.worked == []


async def test_it_works_at_each_moment(timing: ManualTiming, stop_at_end: Running) -> None:
    diary = Diary(when=cron("* * * * *"), timing=timing)
    stop_at_end(diary)
    await begun(diary)

    for looks in (2, 3, 4):
        timing.advance(by=MINUTE)
        await diary.steps.reach(looks)

    assert diary.worked == [START + MINUTE, START + 2 * MINUTE, START + 3 * MINUTE]


async def test_moments_that_passed_while_it_slept_are_worked_once(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    diary = Diary(when=cron("* * * * *"), timing=timing)
    stop_at_end(diary)
    await begun(diary)

    timing.advance(by=10 * MINUTE)
    await diary.steps.reach(2)

    assert diary.worked == [START + 10 * MINUTE]


async def test_waking_it_early_does_not_make_it_work(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    diary = Diary(when=cron("* * * * *"), timing=timing)
    stop_at_end(diary)
    await begun(diary)

    diary.wake()
    await diary.steps.reach(2)

    assert diary.worked == []


async def test_a_failed_run_is_tried_again_at_once_as_often_as_allowed(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    diary = Diary(when=cron("* * * * *"), retries=2, timing=timing)
    diary.failures_left = 2
    stop_at_end(diary)
    await begun(diary)

    timing.advance(by=MINUTE)
    await diary.steps.reach(2)

    assert (len(diary.worked), diary.status) == (3, Status.RUNNING)


async def test_a_run_that_fails_to_the_last_retry_is_an_error(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    diary = Diary(when=cron("* * * * *"), retries=1, timing=timing, emit=told)
    diary.failures_left = 2
    stop_at_end(diary)
    await begun(diary)

    timing.advance(by=MINUTE)
    await told.hear(Status.ERROR)

    assert len(diary.worked) == 2


async def test_after_an_error_it_waits_for_its_next_moment(
    timing: ManualTiming, told: Told, stop_at_end: Running
) -> None:
    diary = Diary(when=cron("* * * * *"), timing=timing, emit=told)
    diary.failures_left = 1
    stop_at_end(diary)
    await begun(diary)
    timing.advance(by=MINUTE)
    await told.hear(Status.ERROR)
    timing.advance(by=restart_delay(1))
    await diary.steps.reach(3)
    before = len(diary.worked)

    timing.advance(by=MINUTE)
    await diary.steps.reach(4)

    assert (before, len(diary.worked)) == (1, 2)


async def test_a_recurrence_that_has_ended_leaves_it_at_rest(
    timing: ManualTiming, stop_at_end: Running
) -> None:
    diary = Diary(when=once(START + MINUTE), timing=timing)
    stop_at_end(diary)
    await begun(diary)
    timing.advance(by=MINUTE)
    await diary.steps.reach(2)

    timing.advance(by=timedelta(hours=2))
    await diary.steps.reach(3)

    assert diary.worked == [START + MINUTE]
