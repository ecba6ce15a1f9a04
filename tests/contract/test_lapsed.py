"""What was missed and skipped stands in the calendar, found by time in bounded work."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, insert, text

from onbeat.domain.agenda import MOST_LAPSED, Agenda, By, buckets, put_together
from onbeat.domain.schedules import OccurrenceOutcome, Schedule
from onbeat.store import agenda, clocks
from onbeat.store.schema import occurrences
from onbeat.store.store import Store
from tests.contract.beats import MINUTE, create
from tests.timing import START, ManualTiming

HOUR = timedelta(hours=1)
BEGIN = START.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
MISSED, SKIPPED = OccurrenceOutcome.MISSED, OccurrenceOutcome.SKIPPED


def asked(by: By = By.DAY, schedule: str | None = None) -> agenda.Asked:
    end = BEGIN + timedelta(days=1)
    return agenda.Asked(begin=BEGIN, end=end, by=by, is_of_hours=True, schedule=schedule)


async def told(store: Store, by: By = By.DAY, schedule: str | None = None) -> Agenda:
    """The day before."""
    found = await store.read(partial(agenda.read, asked=asked(by, schedule)))
    wanted = buckets("UTC", BEGIN.date(), BEGIN.date(), by)
    return put_together("UTC", wanted, by, found)


async def lapsed(
    store: Store, of: Schedule, outcome: OccurrenceOutcome, *moments: datetime,
    through: datetime | None = None,
) -> None:  # fmt: skip
    """They are on record so."""
    rows = [
        {"schedule": of.id, "due_at": at, "through_at": through, "outcome": outcome,
         "decided_at": at}
        for at in moments
    ]  # fmt: skip
    await store.write(lambda c, _: c.execute(insert(occurrences), rows))


async def test_days_and_hours_tell_what_was_missed_and_skipped(
    store: Store, timing: ManualTiming
) -> None:
    one, other = await create(store, name="one"), await create(store, name="other")
    await lapsed(store, one, MISSED, BEGIN + HOUR, through=BEGIN + 3 * HOUR)
    await lapsed(store, other, SKIPPED, BEGIN + 3 * HOUR, BEGIN + 3 * HOUR + MINUTE)
    await lapsed(store, other, OccurrenceOutcome.RAN, BEGIN + 4 * HOUR)
    await lapsed(store, other, MISSED, BEGIN - MINUTE, BEGIN + 24 * HOUR)

    [day] = (await told(store)).totals
    hours = await told(store, By.HOUR)
    alone = await told(store, By.HOUR, schedule="one")

    assert (day.missed, day.skipped) == (1, 2)
    assert [(each.missed, each.skipped) for each in hours.totals[:5]] == [
        (0, 0), (1, 0), (1, 0), (1, 2), (0, 0),
    ]  # fmt: skip
    assert [(row.name, sorted(row.cells)) for row in hours.rows] == [
        ("one", [1, 2, 3]), ("other", [3]),
    ]  # fmt: skip
    assert [row.name for row in alone.rows] == ["one"]


async def test_what_lives_by_a_virtual_clock_is_not_in_it(store: Store) -> None:
    await store.write(lambda c, now: clocks.create(c, now, "world", START))
    schedule = await create(store, clock="world")
    await lapsed(store, schedule, MISSED, BEGIN + HOUR)

    [day] = (await told(store)).totals

    assert day.missed == 0


async def test_of_very_many_the_newest_are_told_and_from_when_on(store: Store) -> None:
    noisy, quiet = await create(store, name="noisy"), await create(store, name="quiet")
    seconds = [BEGIN + timedelta(seconds=at) for at in range(MOST_LAPSED + 1)]
    await lapsed(store, noisy, SKIPPED, *seconds)
    await lapsed(store, quiet, MISSED, BEGIN)

    found = await told(store)

    assert (found.totals[0].missed, found.totals[0].skipped) == (1, MOST_LAPSED)
    assert found.lapsed_since == seconds[1]


@pytest.mark.parametrize("is_counted", [True, False], ids=["analysed", "not analysed"])
async def test_they_are_found_by_their_own_index(store: Store, is_counted: bool) -> None:
    schedule = await create(store)
    minutes = [BEGIN + at * MINUTE for at in range(1_400)]
    await lapsed(store, schedule, OccurrenceOutcome.RAN, *minutes)
    await lapsed(store, schedule, MISSED, BEGIN + timedelta(seconds=30))
    if is_counted:
        await store.write(lambda c, _: c.execute(text("ANALYZE")))

    plan = "\n".join(await store.read(_plan))

    assert "onbeat_occurrences_lapsed" in plan or "outcome_due_at_idx" in plan  # of a partition


def _plan(connection: Connection, now: datetime) -> list[str]:
    query = agenda.lapsed_query(now, asked(), MISSED)
    sql = str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    is_postgres = connection.dialect.name == "postgresql"
    explain = "EXPLAIN (COSTS OFF)" if is_postgres else "EXPLAIN QUERY PLAN"
    return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}")]
