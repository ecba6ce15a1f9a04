"""Reports: roll-ups of two windows, the newest failures by fingerprint, objectives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from onbeat.domain.attempts import Failure
from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.failures import Failures
from onbeat.domain.health import SPANS, Kind, Slice, Subject, Tally, Took, begins, bucket_of
from onbeat.domain.objectives import DEFAULT_TARGET, Objective, Whose
from onbeat.domain.reports import MOST_ROWS, Report
from onbeat.store import failures, folding, objectives, reports
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import create
from tests.contract.world import acked, begin, claim_one
from tests.timing import ManualTiming

DAY = timedelta(days=1)
QUICK, SLOW = (Took({bucket_of(timedelta(seconds=each)): 1}) for each in (1, 10))


async def fold(store: Store, ago: timedelta, tallies: dict[Subject, Tally]) -> None:
    """So much ended so long ago."""
    since = begins(store.timing.now() - ago, SPANS[0])
    front = await store.read(folding.front)
    of = Slice(since, since + timedelta(minutes=5))
    work = partial(folding.fold, was=front.folded_to, of=of, found=tallies)
    assert await store.write(work)


def both(task: str, **counts: Any) -> dict[Subject, Tally]:
    """The same for a task and for its queue."""
    return {Subject(kind, name): Tally(attempts=counts.get("completed", 0), **counts)
            for kind, name in ((Kind.TASK, task), (Kind.QUEUE, "q"))}  # fmt: skip


async def report(store: Store, kind: Kind = Kind.TASK, window: timedelta | None = None) -> Report:
    return await store.read(partial(reports.make, kind=kind, window=window))


async def test_a_window_is_told_beside_the_one_before(store: Store) -> None:
    await fold(store, 10 * DAY, both("send", completed=3, failed=1, took=QUICK))
    await fold(store, 2 * DAY, both("send", completed=8, took=SLOW))

    told = await report(store)

    [row] = told.rows
    for each in (row, told.whole):
        assert (each.now.completed, each.before.completed, each.before.failed) == (8, 3, 1)
        assert each.trend.rate_points == 25
        assert each.trend.p95_ratio == pytest.approx(10, rel=0.05)
        assert each.trend.volume_ratio == pytest.approx(2 / each.share)
    assert (row.name, row.attempts_per_job) == ("send", 1)
    [point] = told.points
    assert (point.tally.completed, point.at) == (8, begins(point.at, told.span.step))


async def test_windows_do_not_overlap_and_nothing_between_them_is_left_out(
    store: Store, timing: ManualTiming
) -> None:
    timing.advance(seconds=1234)
    for hours in range(51, 0, -1):
        await fold(store, timedelta(hours=hours), both("send", completed=1))

    told = await report(store, window=DAY)

    assert (told.whole.now.completed, told.whole.before.completed) == (24, 24)


async def test_short_windows_are_made_of_short_roll_ups(store: Store) -> None:
    for minutes in (100, 40, 10):
        await fold(store, timedelta(minutes=minutes), both("send", completed=1))

    told = await report(store, window=timedelta(hours=1))

    assert (told.whole.now.completed, told.whole.before.completed) == (2, 1)
    assert [each.tally.completed for each in told.points] == [1, 1]


async def test_those_with_the_most_jobs_are_told(store: Store) -> None:
    many = {Subject(Kind.TASK, f"t{each:03}"): Tally(completed=each + 1) for each in range(150)}
    await fold(store, DAY, many)

    told = await report(store)

    assert [each.name for each in told.rows[:2]] == ["t149", "t148"]
    assert (len(told.rows), told.is_cut) == (MOST_ROWS, True)


async def test_of_those_beyond_the_bound_it_is_not_told_how_long_runs_took(
    store: Store,
) -> None:
    await fold(store, DAY, {Subject(Kind.TASK, "a"): Tally(completed=2, took=QUICK),
                            Subject(Kind.TASK, "b"): Tally(completed=1, took=SLOW)})  # fmt: skip

    told = await store.read(partial(reports.make, kind=Kind.TASK, window=None, sketches=1))

    assert [each.now.took.count for each in told.rows] == [1, 0]
    assert told.untimed == 1


async def test_schedules_are_told_by_their_names(store: Store) -> None:
    daily = await create(store)
    await fold(store, DAY, {Subject(Kind.SCHEDULE, daily.id): Tally(completed=1, failed=1),
                            Subject(Kind.SCHEDULE, "0" * 32): Tally(completed=1)})  # fmt: skip

    told = await report(store, Kind.SCHEDULE)

    assert [each.name for each in told.rows] == [daily.name, None]
    assert [(each.name, each.decided.failed) for each in told.budgets] == [(daily.name, 1)]


async def test_where_nothing_ended_there_is_nothing_to_tell(store: Store) -> None:
    told = await report(store)

    assert (told.rows, told.points, told.failures.looked_at, told.budgets) == ([], [], 0, [])
    assert told.whole.now.success_rate is None


@pytest.mark.parametrize("window", [timedelta(minutes=29), timedelta(days=181)])
async def test_a_window_out_of_range_is_refused(store: Store, window: timedelta) -> None:
    with pytest.raises(InvalidInput, match="window"):
        await report(store, window=window)


async def fail(store: Store, timing: ManualTiming, moves: Sequence[str], **said: Any) -> None:
    """A job whose attempts come to that, one each minute."""
    session = await begin(store)
    await store.enqueue([factories.job(task="send", max_attempts=9)])
    for move in moves:
        claimed = await claim_one(store, session)
        timing.advance(seconds=60)
        await acked(store, factories.ack(claimed, move, **({"delay": timedelta()} if move == "retry"
                                                           else {}), **said))  # fmt: skip
        await store.promote(10)


async def seen(store: Store, most: int = failures.MOST, **said: Any) -> Failures:
    now = store.timing.now()
    return await store.read(partial(failures.look, since=now - DAY, until=now, most=most, **said))


ERROR = Failure(type="ValueError", message="order 12 is not paid")


async def test_failures_are_counted_by_fingerprint(store: Store, timing: ManualTiming) -> None:
    await fail(store, timing, ["retry", "retry", "bury"], failure=ERROR)
    await fail(store, timing, ["complete"])
    await fail(store, timing, ["retry", "complete"], failure=None, outcome="timed out",
               reason="timed out after 30s")  # fmt: skip

    told = await seen(store)

    assert [
        (each.fingerprint.type, each.fingerprint.message, each.number, each.final, each.tasks)
        for each in told.groups
    ] == [
        ("ValueError", "order <n> is not paid", 3, 1, {"send": 3}),
        ("timed out", "timed out after <n>s", 2, 0, {"send": 2}),
    ]
    assert told.groups[0].last_at - told.groups[0].first_at == timedelta(minutes=2)
    assert (told.is_exact, told.looked_at) == (True, 5)


@pytest.mark.parametrize(("most", "is_exact"), [(3, True), (2, False)])
async def test_so_many_failures_are_looked_at_and_no_more(
    store: Store, timing: ManualTiming, most: int, is_exact: bool
) -> None:
    await fail(store, timing, ["retry", "retry", "bury"], failure=ERROR)

    told = await seen(store, most, at_once=2)

    assert (told.looked_at, told.is_exact) == (most, is_exact)
    assert (told.groups[0].final, told.oldest_at) == (1, told.groups[0].first_at)


async def test_failures_are_found_by_their_index(store: Store) -> None:
    now = store.timing.now()
    plans: list[Any] = []

    def look(connection: Connection, _: Any) -> None:
        explain = "EXPLAIN QUERY PLAN "
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN "  # of tables without rows it reads all there is, if it may
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")

        def planned(conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if "onbeat_attempts" in statement and not statement.startswith("EXPLAIN"):
                plans.extend(connection.exec_driver_sql(explain + statement, parameters).all())

        event.listen(connection, "before_cursor_execute", planned)
        failures.look(connection, now, now - DAY, now)

    await store.read(look)

    assert re.search("INDEX onbeat_attempts_failed|finished_at_token_idx", str(plans)), plans
    assert not re.search("SCAN onbeat_attempts|Seq Scan on onbeat_attempts", str(plans)), plans


SEND = Whose(Kind.TASK, "send")


async def test_what_is_left_of_a_budget_is_what_may_fail_less_what_did(store: Store) -> None:
    await fold(store, 3 * DAY, both("send", completed=995, failed=5))
    await fold(store, timedelta(hours=3), both("send", completed=90, failed=10))

    [told] = (await report(store)).budgets

    assert (told.objective.target, told.objective.is_default) == (DEFAULT_TARGET, True)
    assert (told.allowed, told.left, told.is_met) == (11, -4, False)
    assert told.left_share == pytest.approx(-4 / 11)
    assert told.burn_rates[0] is None
    assert told.burn_rates[1] == pytest.approx(10)


async def test_an_objective_that_is_set_holds_in_place_of_the_default(store: Store) -> None:
    await fold(store, 3 * DAY, both("send", completed=995, failed=5))
    wanted = Objective(target=0.9, window=2 * DAY)

    await store.write(partial(objectives.put, whose=SEND, wanted=wanted, by="ann"))

    [told] = (await report(store)).budgets
    assert (told.objective.target, told.objective.window, told.objective.changed_by) == (
        0.9, 2 * DAY, "ann",
    )  # fmt: skip
    assert (told.decided.number, told.is_met) == (0, True)
    assert [each.name for each in await store.read(objectives.list_budgets)] == ["send"]


async def test_an_objective_that_is_set_again_replaces_the_first(store: Store) -> None:
    for target in (0.9, 0.999):
        wanted = Objective(target=target)
        told = await store.write(partial(objectives.put, whose=SEND, wanted=wanted, by="ann"))
        assert told.objective.target == target

    await store.write(partial(objectives.remove, whose=SEND))

    assert await store.read(objectives.list_budgets) == []
    with pytest.raises(NotFound):
        await store.write(partial(objectives.remove, whose=SEND))
