"""The rules about Onbeat itself: each opens an incident while it holds, and closes it after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.incidents import Kind, Severity, State
from onbeat.domain.processes import CYCLE, SCHEDULER, Process
from onbeat.domain.recurrence import every
from onbeat.domain.rules import Limits
from onbeat.domain.services import Snapshot, Status
from onbeat.domain.webhooks import Delivery, Webhook
from onbeat.runtime.judge import LOOK_EVERY
from onbeat.runtime.tick import tick
from onbeat.store import processes, webhooks
from onbeat.store.store import Store
from onbeat.store.webhooks import Change
from tests import factories
from tests.contract import beats, hooks
from tests.contract.judging import judged, listed, save, schedule_at_work, stands
from tests.contract.test_watcher import watched
from tests.contract.world import acked, begin, claim_one
from tests.runtime.flaky import FlakyStore
from tests.timing import ManualTiming

HOUR = timedelta(hours=1)
SHORT, LONG = "5d0c2f1a", "01bc2f2da400700080000000"


class Sluggish(ManualTiming):
    """A timing on which every look at the clock takes so long: as if all that is timed did."""

    def __init__(self) -> None:
        """Take no time at first."""
        super().__init__()
        self.takes = 0.0

    def monotonic(self) -> float:
        """Later with each look."""
        self.advance(seconds=self.takes)
        return super().monotonic()


@pytest.fixture
def timing() -> Sluggish:
    """The time the store lives by."""
    return Sluggish()


async def scheduler(store: Store, took: timedelta, status: Status = Status.RUNNING) -> None:
    """A scheduler's last cycle took so long."""
    snapshot = Snapshot(
        id=SCHEDULER, name="scheduler", status=status, critical=True, last_duration=took
    )
    process = Process(id=LONG + SHORT, instance="i", host="h", pid=7, version="1",
                      services=(snapshot,))  # fmt: skip
    await store.write(partial(processes.tell, process=process, expires_in=HOUR, done={}))


async def of_rule(store: Store, rule: str) -> list[tuple[str, State]]:
    """The subjects of a rule's incidents, and how those stand."""
    return [(each.subject, each.state) for each in await listed(store) if each.rule == rule]


async def test_a_scheduler_whose_cycles_are_near_their_limit_three_times_in_a_row_is_told_of(
    store: Store, timing: Sluggish
) -> None:
    await scheduler(store, CYCLE * 0.8)

    judge = await judged(store, timing, rounds=2)
    early = await of_rule(store, "cycle")
    await judged(store, timing, judge)
    found = await stands(store, "cycle")
    await scheduler(store, CYCLE * 0.79)
    await judged(store, timing, judge, rounds=3)

    assert early == []
    assert (found.kind, found.name) == (Kind.SYSTEM, f"scheduler@{SHORT}")
    assert found.facts.figures == {"took": "0.8s", "of": "1s"}
    assert (await stands(store, "cycle")).state is State.RESOLVED


@pytest.mark.parametrize("status", [Status.PAUSED, Status.STOPPED, Status.ERROR])
async def test_what_a_scheduler_took_that_is_not_at_work_is_of_the_past(
    store: Store, timing: Sluggish, status: Status
) -> None:
    await scheduler(store, CYCLE * 3, status)

    await judged(store, timing, rounds=4)

    assert await of_rule(store, "cycle") == []


async def test_the_judge_s_own_rounds_are_a_second_subject_of_the_rule_of_cycles(
    store: Store, timing: Sluggish
) -> None:
    await save(store, replace(DEFAULTS["cycle"], limits=Limits(share=0.1)))
    await scheduler(store, CYCLE)
    timing.takes = 0.2  # of each look, of which a round has many

    judge = await judged(store, timing, rounds=4)
    found = await of_rule(store, "cycle")
    timing.takes = 0.0
    await judged(store, timing, judge, rounds=4)

    assert sorted(found) == [("judge", State.OPEN), (f"scheduler@{SHORT}", State.OPEN)]
    assert sorted(await of_rule(store, "cycle")) == [
        ("judge", State.RESOLVED), (f"scheduler@{SHORT}", State.OPEN)
    ]  # fmt: skip


async def test_a_reading_that_takes_over_two_seconds_is_trouble_of_the_database(
    store: Store, timing: Sluggish
) -> None:
    timing.takes = 2.1
    judge = await judged(store, timing)
    timing.takes = 0.0
    early = await of_rule(store, "database")
    await judged(store, timing, judge)
    found = await stands(store, "database")
    await judged(store, timing, judge, rounds=2)

    assert early == []
    assert (found.severity, found.state) == (Severity.CRITICAL, State.OPEN)
    assert list(found.facts.figures) == ["slowest reading"]
    assert (await stands(store, "database")).state is State.RESOLVED


@pytest.mark.parametrize(("outage", "is_told"), [(LOOK_EVERY, True), (1.0, False)])
async def test_a_database_that_was_out_of_reach_for_long_is_told_of_when_it_is_back(
    store: Store, timing: Sluggish, outage: float, is_told: bool
) -> None:
    flaky = FlakyStore(store)
    judge = await judged(flaky, timing)
    flaky.failing["write"] = 1
    with pytest.raises(StoreUnavailable):
        await judge.step()
    timing.advance(seconds=outage)

    await judged(flaky, timing, judge)
    opened = await of_rule(store, "database")
    await judged(flaky, timing, judge, rounds=2)

    assert opened == ([("database", State.OPEN)] if is_told else [])
    assert await of_rule(store, "database") == (
        [("database", State.RESOLVED)] if is_told else []
    )  # fmt: skip


async def delivered(store: Store, timing: Sluggish, hook: Webhook, *statuses: int | None) -> None:
    """What was sent there was answered so."""
    for status in statuses:
        timing.advance(seconds=1)
        made = Delivery(id=store.new_id(), webhook=hook.id, job=store.new_id(), message="msg_1",
                        attempt=1, at=store.timing.now(), status=status)  # fmt: skip
        await store.write(partial(webhooks.record, made=made))


async def test_a_webhook_whose_last_three_deliveries_failed_is_told_of_until_one_is_taken(
    store: Store, timing: Sluggish
) -> None:
    hook = await hooks.create(store)
    await delivered(store, timing, hook, 200, 500, None)
    judge = await judged(store, timing)
    early = await of_rule(store, "deliveries")
    await delivered(store, timing, hook, 503)
    await judged(store, timing, judge)
    opened = await of_rule(store, "deliveries")
    await delivered(store, timing, hook, 204)
    await judged(store, timing, judge)

    assert early == []
    assert opened == [(hook.id, State.OPEN)]
    assert await of_rule(store, "deliveries") == [(hook.id, State.RESOLVED)]


async def given_up(store: Store, hook: Webhook) -> None:
    await store.write(partial(webhooks.disable, webhook=hook.id, why="it was answered 410"))


async def changed(store: Store, hook: Webhook, **wanted: object) -> None:
    change = Change(**wanted)  # type: ignore[arg-type]
    await store.write(partial(webhooks.change, webhook=hook.id, owner=None, wanted=change))


async def test_a_webhook_that_was_given_up_is_told_of_until_it_is_enabled(
    store: Store, timing: Sluggish
) -> None:
    hook = await hooks.create(store)
    await given_up(store, hook)
    judge = await judged(store, timing)
    found = await stands(store, "deliveries")
    await changed(store, hook, enabled=True)
    await judged(store, timing, judge)

    assert found.facts.figures == {"switched off": "it was answered 410"}
    assert (await stands(store, "deliveries")).state is State.RESOLVED


async def test_a_webhook_that_somebody_switched_off_is_no_trouble_even_where_it_failed(
    store: Store, timing: Sluggish
) -> None:
    hook = await hooks.create(store)
    await delivered(store, timing, hook, 500, 500, 500)
    judge = await judged(store, timing)
    await changed(store, hook, enabled=False, why="by hand")
    await judged(store, timing, judge, rounds=2)

    assert await of_rule(store, "deliveries") == [(hook.id, State.RESOLVED)]


async def test_what_failed_before_a_webhook_was_changed_is_held_against_it_no_more(
    store: Store, timing: Sluggish
) -> None:
    hook = await hooks.create(store)
    await delivered(store, timing, hook, 500, 500, 500)
    judge = await judged(store, timing)
    await changed(store, hook, url="https://other.example/")
    await judged(store, timing, judge)

    assert await of_rule(store, "deliveries") == [(hook.id, State.RESOLVED)]


async def test_a_schedule_that_was_due_for_half_an_hour_is_stale_until_it_succeeds(
    store: Store, timing: Sluggish
) -> None:
    made = await beats.create(store, recurrence=every("2h"))
    judge = await judged(store, timing)
    timing.set((await beats.again(store, made)).next_due_at or timing.now())
    await schedule_at_work(store)
    await tick(store)
    await judged(store, timing, judge, rounds=29 * 4)
    early = await of_rule(store, "stale")
    await judged(store, timing, judge, rounds=2 * 4)
    opened = await of_rule(store, "stale")
    await acked(store, factories.ack(await claim_one(store, await begin(store)), "complete"))
    await watched(store, timing)
    await judged(store, timing, judge)

    assert early == []
    assert opened == [(made.id, State.OPEN)]
    assert await of_rule(store, "stale") == [(made.id, State.RESOLVED)]
