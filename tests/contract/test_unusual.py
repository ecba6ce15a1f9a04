"""What is not as usual, and what will reach a limit, is an incident: once, and it closes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert

from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.health import Kind, bucket_of
from onbeat.domain.incidents import Change, Incident, Severity, State
from onbeat.domain.recurrence import every
from onbeat.domain.rules import Limits, Selector
from onbeat.runtime.judge import Judge
from onbeat.store import queues
from onbeat.store.payloads import encode
from onbeat.store.schema import finished, folds, health, rollups, schedules
from onbeat.store.store import Store
from tests.contract.beats import create
from tests.contract.judging import judged, listed, save, stands, told
from tests.contract.test_anomalies import DAYS, HOUR, NONE, pause, put
from tests.timing import ManualTiming

USUAL: dict[str, Any] = {"completed": 10, "failed": 0, "took": 1.0}
SLOW: dict[str, Any] = {"took": 9.0}
FAILS: dict[str, Any] = {"completed": 2, "failed": 8}
RESTS: dict[str, Any] = {"completed": 0}


async def next_hour(store: Store, timing: ManualTiming, subject: str, kind: Kind = Kind.TASK,
                    **had: Any) -> None:  # fmt: skip
    """Another hour is over, and was folded."""
    begins_at = timing.now().replace(minute=0, second=0, microsecond=0)
    said = USUAL | had

    def write(connection: Connection, now: Any) -> None:
        buckets = {bucket_of(timedelta(seconds=said["took"])): said["completed"]}
        if said["completed"] + said["failed"]:
            connection.execute(insert(rollups), {
                "kind": kind, "subject": subject, "span": 3600, "begins_at": begins_at,
                "took": encode(buckets).decode(), **NONE,
                "completed": said["completed"], "failed": said["failed"],
            })  # fmt: skip
        connection.execute(folds.update().values(folded_to=begins_at + HOUR))

    await store.write(write)
    timing.advance(by=begins_at + HOUR + timedelta(minutes=2) - timing.now())


async def open_rules(store: Store) -> set[str]:
    """The rules of what is open and told."""
    return {each.rule for each in await listed(store)
            if each.state is State.OPEN and not each.is_hushed}  # fmt: skip


async def lately(store: Store, task: str, **tally: int) -> None:
    """What the fine roll-up of the last minutes has of a task, for the rules that look at it."""

    def write(connection: Connection, now: Any) -> None:
        buckets = {bucket_of(timedelta(seconds=9)): tally.get("completed", 0)}
        connection.execute(insert(rollups), {
            "kind": Kind.TASK, "subject": task, "span": 300, "took": encode(buckets).decode(),
            "begins_at": now - timedelta(minutes=5), **NONE, **tally,
        })  # fmt: skip
        connection.execute(
            health.update().where(health.c.subject == task).values(
                last_success_at=now,
                last_failure_at=now - timedelta(minutes=5) if tally.get("failed") else None,
            )
        )  # fmt: skip

    await store.write(write)


async def test_runs_that_take_longer_than_usual_open_an_incident_that_says_so_in_words(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "sync", Kind.TASK, took=4.1)

    await judged(store, timing)

    found = await stands(store, "unusual-duration")
    assert found.severity is Severity.INFO
    assert found.facts.what.startswith(
        "task sync: took 4.1 s at the median in the last hour; usually "
    )
    assert "onbeat tasks anomalies sync" in found.facts.to_try


async def test_it_closes_when_an_hour_is_as_usual(store: Store, timing: ManualTiming) -> None:
    await put(store, timing, "sync", Kind.TASK, **SLOW)
    judge = await judged(store, timing, rounds=3)

    await next_hour(store, timing, "sync")
    await judged(store, timing, judge)

    found = await stands(store, "unusual-duration")
    assert await told(store, found) == [Change.OPENED, Change.RESOLVED]


async def test_each_measure_of_each_kind_has_its_rule(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, name="nightly", recurrence=every("30d"))
    await put(store, timing, "charge", Kind.TASK, **FAILS)
    await put(store, timing, "sync", Kind.TASK, **RESTS)
    await put(store, timing, "mail", Kind.QUEUE, completed=60)
    await put(store, timing, schedule.id, Kind.SCHEDULE, **SLOW)

    await judged(store, timing)

    assert {(each.rule, each.name) for each in await listed(store)} == {
        ("unusual-failures", "charge"), ("unusual-volume", "sync"),
        ("queue-unusual-volume", "mail"), ("schedule-unusual-duration", "nightly"),
    }  # fmt: skip


async def test_what_does_not_run_any_more_stays_as_it_was_found(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "sync", Kind.TASK, **SLOW)
    judge = await judged(store, timing)
    rested = replace(DEFAULTS["unusual-volume"], enabled=False)
    await save(store, rested)

    await next_hour(store, timing, "sync", **RESTS)
    timing.advance(by=timedelta(minutes=6))
    await judged(store, timing, judge)

    found = await stands(store, "unusual-duration")
    assert found.state is State.OPEN
    assert "at the median in the hour to 20" in found.facts.what


async def test_a_judge_that_begins_anew_closes_nothing_and_tells_nothing_twice(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "sync", Kind.TASK, **SLOW)
    await judged(store, timing, rounds=2)

    await judged(store, timing, Judge(store), rounds=3)

    assert await told(store, await stands(store, "unusual-duration")) == [Change.OPENED]


async def test_what_is_gone_is_closed(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, name="nightly", recurrence=every("30d"))
    await put(store, timing, schedule.id, Kind.SCHEDULE, **SLOW)
    judge = await judged(store, timing)

    await store.write(lambda connection, _: connection.execute(
        schedules.delete().where(schedules.c.id == schedule.id)
    ))  # fmt: skip
    await judged(store, timing, judge)

    found = await stands(store, "schedule-unusual-duration")
    assert found.state is State.RESOLVED


async def test_that_nothing_runs_is_over_once_somebody_tells_it_to_rest(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, name="nightly", recurrence=every("30d"))
    await put(store, timing, schedule.id, Kind.SCHEDULE, **RESTS)
    judge = await judged(store, timing)
    assert await open_rules(store) == {"schedule-unusual-volume"}

    await pause(store, "nightly")
    await judged(store, timing, judge)

    assert await open_rules(store) == set()


async def at_queue(store: Store, task: str, queue: str) -> None:
    """The last job of a task ended there."""

    def write(connection: Connection, now: Any) -> None:
        connection.execute(insert(finished), {
            "job": store.new_id(), "finished_at": now - timedelta(minutes=10), "task": task,
            "queue": queue, "lane": 5, "outcome": "completed", "attempts": 1,
        })  # fmt: skip
        connection.execute(folds.update().values(folded_to=now - timedelta(minutes=1)))

    await store.write(write)


async def test_a_task_whose_queue_is_paused_is_not_said_to_run_too_little(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "sync", Kind.TASK, **RESTS)
    await at_queue(store, "sync", "mail")
    await store.write(lambda c, now: queues.pause(c, now, "mail", "ann"))

    await judged(store, timing)

    assert await listed(store) == []


async def test_a_queue_in_which_less_ends_hides_its_tasks_that_do_less(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "sync", Kind.TASK, **RESTS)
    await put(store, timing, "mail", Kind.QUEUE, **RESTS)
    await at_queue(store, "sync", "mail")

    await judged(store, timing)

    assert [each.rule for each in await listed(store)] == ["queue-unusual-volume"]


async def test_beside_a_rule_for_the_same_trouble_nothing_is_said_to_be_unusual(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "charge", Kind.TASK, **FAILS)
    await lately(store, "charge", completed=8, failed=32)

    await judged(store, timing)

    assert await open_rules(store) == {"failure-rate"}


async def test_what_was_hidden_is_told_when_it_is_still_so_in_the_next_hour_and_not_before(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "charge", Kind.TASK, **FAILS)
    await lately(store, "charge", completed=8, failed=32)
    judge = await judged(store, timing)
    await save(store, replace(DEFAULTS["failure-rate"], enabled=False))
    await judged(store, timing, judge, rounds=2)
    assert await open_rules(store) == set()

    await next_hour(store, timing, "charge", **FAILS)
    await judged(store, timing, judge)

    assert await open_rules(store) == {"unusual-failures"}


async def test_the_limit_that_nobody_gave_is_not_that_of_a_task_with_a_past(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "long", Kind.TASK)
    await slower(store, "long", 9.0, 0.0)
    await lately(store, "long", completed=40)
    judge = await judged(store, timing)
    assert await listed(store) == []

    own = replace(DEFAULTS["slow"], name="slow-long", selector=Selector(tasks=("long",)),
                  limits=Limits(longer_than=timedelta(seconds=8)))  # fmt: skip
    await save(store, own)
    await judged(store, timing, judge)

    assert await open_rules(store) == {"slow-long"}


async def test_the_limit_that_nobody_gave_is_that_of_a_task_without_a_past(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "new", Kind.TASK)
    await store.write(lambda connection, _: connection.execute(rollups.delete()))
    await lately(store, "new", completed=40)

    await judged(store, timing)

    assert await open_rules(store) == {"slow"}


async def slower(store: Store, task: str, first: float, each_day: float) -> None:
    """Its runs took that, and so much more each day."""

    def write(connection: Connection, now: Any) -> None:
        until = now.replace(minute=0, second=0, microsecond=0)
        for ago in range(DAYS * 24, 0, -1):
            seconds = first + (DAYS * 24 - ago) // 24 * each_day
            connection.execute(
                rollups.update()
                .where(rollups.c.begins_at == until - ago * HOUR, rollups.c.subject == task)
                .values(took=encode({bucket_of(timedelta(seconds=seconds)): 10}).decode())
            )

    await store.write(write)


async def ahead(store: Store, timing: ManualTiming, limit: float) -> tuple[Judge, Incident]:
    """A task that takes 0.2 s more each day, and is at 4.8 s; it has a limit of its own."""
    await put(store, timing, "sync", Kind.TASK)
    await slower(store, "sync", 1.0, 0.2)
    await save(store, replace(
        DEFAULTS["slow"], name="slow-sync", selector=Selector(tasks=("sync",)),
        limits=Limits(longer_than=timedelta(seconds=limit)),
    ))  # fmt: skip
    judge = await judged(store, timing)
    return judge, await stands(store, "duration-rises")


async def test_what_will_reach_a_limit_is_told_with_the_day(
    store: Store, timing: ManualTiming
) -> None:
    _, found = await ahead(store, timing, 6.0)

    day = timing.now() + timedelta(days=6)
    assert found.severity is Severity.WARNING
    assert "it will reach 6.0 s, the limit of rule slow-sync, about " in found.facts.what
    assert any(f"about {day + timedelta(days=off):%Y-%m-%d} (" in found.facts.what
               for off in (-1, 0, 1))  # fmt: skip


async def test_what_is_foretold_is_not_said_to_be_unusual_besides(
    store: Store, timing: ManualTiming
) -> None:
    await ahead(store, timing, 6.0)

    assert await open_rules(store) == {"duration-rises"}


async def test_what_will_not_reach_its_limit_any_more_is_closed(
    store: Store, timing: ManualTiming
) -> None:
    judge, _ = await ahead(store, timing, 6.0)

    far = replace(
        DEFAULTS["slow"], name="slow-sync", selector=Selector(tasks=("sync",)),
        limits=Limits(longer_than=timedelta(minutes=5)),
    )  # fmt: skip
    await save(store, far)
    await judged(store, timing, judge)

    assert (await stands(store, "duration-rises")).state is State.RESOLVED


async def test_a_rule_may_say_what_runs_must_not_take(store: Store, timing: ManualTiming) -> None:
    await put(store, timing, "sync", Kind.TASK)
    await slower(store, "sync", 1.0, 0.2)
    await save(store, replace(
        DEFAULTS["duration-rises"], name="sync-rises", selector=Selector(tasks=("sync",)),
        limits=Limits(longer_than=timedelta(seconds=6)),
    ))  # fmt: skip

    await judged(store, timing)

    found = await stands(store, "sync-rises")
    assert "it will reach 6.0 s, the limit of rule sync-rises, about " in found.facts.what
