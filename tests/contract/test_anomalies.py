"""What is not as usual, read from roll-ups and the ledger, on both engines."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert

from onbeat.domain.anomalies import Measure
from onbeat.domain.health import Kind, bucket_of
from onbeat.domain.outlook import JudgedPage
from onbeat.store import anomalies
from onbeat.store.payloads import encode
from onbeat.store.schema import attempts, finished, folds, health, occurrences, rollups, schedules
from onbeat.store.store import Store
from tests.contract.beats import create
from tests.timing import ManualTiming

DAYS = 20
HOUR = timedelta(hours=1)
NONE = {"completed": 0, "failed": 0, "cancelled": 0, "attempts": 0}


def _now(timing: ManualTiming) -> datetime:
    now = timing.now()
    return now.replace(minute=0, second=0, microsecond=0)


async def put(store: Store, timing: ManualTiming, subject: str, kind: Kind, **last: Any) -> None:
    """A past of an hour after the other, 10 runs of a second each; the last as it is said."""
    until = _now(timing)

    def write(connection: Connection, now: datetime) -> None:
        rows = []
        for ago in range(DAYS * 24, 0, -1):
            said = {"completed": 10, "failed": 0, "took": 1.0} | (last if ago == 1 else {})
            took = said.pop("took")
            buckets = {bucket_of(timedelta(seconds=took)): said["completed"]}
            if said["completed"] + said["failed"]:
                rows.append({"kind": kind, "subject": subject, "span": 3600, **NONE, **said,
                             "begins_at": until - ago * HOUR,
                             "took": encode(buckets).decode()})  # fmt: skip
        connection.execute(insert(rollups), rows)
        connection.execute(insert(health), {
            "kind": kind, "subject": subject, "failed_since": 0, "completed_since": 0, **NONE,
            "last_success_at": until - timedelta(minutes=1),
        })  # fmt: skip
        if connection.execute(folds.select()).first() is None:
            connection.execute(insert(folds), {"name": "ends", "folded_to": until})

    await store.write(write)
    timing.advance(by=until + timedelta(minutes=2) - timing.now())


async def judged(store: Store, kind: Kind = Kind.TASK, **said: Any) -> JudgedPage:
    """What is told of a kind."""
    return await store.read(partial(anomalies.page, kind=kind, **said))


def measures(page: JudgedPage) -> dict[str | None, list[Measure]]:
    """What is not as usual, by names."""
    return {each.name: [one.measure for one in each.anomalies] for each in page.rows}


async def test_each_of_a_page_is_judged_by_its_own_past(store: Store, timing: ManualTiming) -> None:
    await put(store, timing, "as-usual", Kind.TASK)
    await put(store, timing, "fails", Kind.TASK, completed=2, failed=8)
    await put(store, timing, "rests", Kind.TASK, completed=0)
    await put(store, timing, "slow", Kind.TASK, took=9.0)
    await put(store, timing, "slow", Kind.QUEUE, took=9.0)

    page = await judged(store)

    assert measures(page) == {
        "as-usual": [], "fails": [Measure.FAILURES], "rests": [Measure.VOLUME],
        "slow": [Measure.DURATION],
    }  # fmt: skip
    assert page.until == _now(timing)
    assert {each.days for each in page.rows} == {DAYS + 1}  # the first and the last in part
    assert measures(await judged(store, after="fails", limit=1)) == {"rests": [Measure.VOLUME]}
    assert measures(await judged(store, only="slow")) == {"slow": [Measure.DURATION]}


async def test_an_hour_of_which_not_all_is_folded_is_not_judged(
    store: Store, timing: ManualTiming
) -> None:
    await put(store, timing, "slow", Kind.TASK, took=9.0)
    ended_at = _now(timing) - timedelta(minutes=30)

    def write(connection: Connection, now: datetime) -> None:
        connection.execute(folds.update().values(folded_to=ended_at - HOUR / 4))
        connection.execute(insert(finished), {
            "job": store.new_id(), "finished_at": ended_at, "task": "slow", "queue": "default",
            "lane": 5, "outcome": "completed", "attempts": 1,
        })  # fmt: skip

    await store.write(write)
    page = await judged(store)

    assert measures(page) == {"slow": []}
    assert page.until == _now(timing) - HOUR


async def test_where_nothing_was_ever_counted_nothing_is_told(store: Store) -> None:
    assert await judged(store) == JudgedPage(None, [])


async def test_that_a_paused_schedule_does_not_run_is_not_told(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, name="nightly")
    await put(store, timing, schedule.id, Kind.SCHEDULE, completed=0)
    assert measures(await judged(store, Kind.SCHEDULE)) == {"nightly": [Measure.VOLUME]}

    await pause(store, schedule.name)

    assert measures(await judged(store, Kind.SCHEDULE)) == {"nightly": []}


async def pause(store: Store, name: str) -> None:
    """Somebody tells it to rest."""

    def write(connection: Connection, now: datetime) -> None:
        connection.execute(schedules.update().where(schedules.c.name == name).values(paused_at=now))

    await store.write(write)


async def test_runs_that_begin_later_than_they_used_to_are_told(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, name="hourly")
    await put(store, timing, schedule.id, Kind.SCHEDULE)
    until = _now(timing)

    def write(connection: Connection, now: datetime) -> None:
        due, runs = [], []
        for ago in range(72, 0, -1):
            job, due_at = store.new_id(), until - ago * HOUR
            began = due_at + timedelta(seconds=600 if ago <= 3 else 1)
            due.append({"schedule": schedule.id, "due_at": due_at, "outcome": "enqueued",
                        "job": job, "decided_at": due_at})  # fmt: skip
            runs.append({"job": job, "token": ago, "finished_at": began + timedelta(seconds=1),
                         "attempt": 1, "session": job, "outcome": "succeeded",
                         "started_at": began})  # fmt: skip
        connection.execute(insert(occurrences), due)
        connection.execute(insert(attempts), runs)

    await store.write(write)

    assert measures(await judged(store, Kind.SCHEDULE)) == {"hourly": [Measure.LATENESS]}


async def test_a_rise_from_day_to_day_is_foretold(store: Store, timing: ManualTiming) -> None:
    await put(store, timing, "sync", Kind.TASK)
    until = _now(timing)

    def write(connection: Connection, now: datetime) -> None:
        for ago in range(DAYS * 24, 0, -1):
            seconds = 1 + (DAYS * 24 - ago) // 24 * 0.2
            connection.execute(
                rollups.update()
                .where(rollups.c.begins_at == until - ago * HOUR)
                .values(took=encode({bucket_of(timedelta(seconds=seconds)): 10}).decode())
            )

    await store.write(write)
    [found] = (await judged(store, longest=timedelta(seconds=6))).rows

    [ahead] = found.forecasts
    assert ahead.measure is Measure.DURATION
    assert abs(ahead.prediction.at - (until + 5 * 24 * HOUR)) < 48 * HOUR
