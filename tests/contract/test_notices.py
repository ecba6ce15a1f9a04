"""Incidents become notices: to whom, of what, and how often."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from onbeat.domain.incidents import Change, Facts, Severity, State
from onbeat.domain.notices import (
    LISTED,
    Came,
    Notice,
    NoticeKind,
    NoticeState,
    Verdict,
)
from onbeat.store import notices, routing
from onbeat.store.schema import incident_changes
from onbeat.store.store import Store
from tests.contract.troubles import (
    Troubles,
    channel,
    in_state,
    kinds,
    routed,
    told,
)
from tests.timing import ManualTiming

AGAIN = Came(verdict=Verdict.AGAIN, status=500, error="it was answered 500")


@pytest.fixture
def troubles(store: Store) -> Troubles:
    """What goes wrong."""
    return Troubles(store)


async def test_an_opening_is_told_once_and_its_end_goes_to_the_same_thread(
    store: Store, troubles: Troubles
) -> None:
    await channel(store)
    [incident] = await troubles.open("charge")

    [opening] = await told(store)
    again = await told(store)
    await troubles.resolve(incident)
    [end] = await told(store)

    assert opening.kind is NoticeKind.OPENING
    assert [each.incident for each in opening.items] == [incident]
    assert again == []
    assert (end.kind, end.thread) == (NoticeKind.RESOLVED, opening.id)


async def test_what_told_of_an_incident_is_found_by_it_in_every_channel_and_nothing_else_is(
    store: Store, troubles: Troubles
) -> None:
    await channel(store, "ops")
    await channel(store, "night")
    [one] = await troubles.open("charge")
    openings = await told(store)
    [other] = await troubles.open("ship", rule="late")
    await told(store)
    await troubles.resolve(one, other)
    ends = [each for each in await told(store) if each.items[0].incident == one]

    found = await store.read(partial(notices.list_notices, incident=one))
    nothing = await store.read(partial(notices.list_notices, incident=store.new_id()))

    assert len(openings) == len(ends) == 2
    assert {each.id for each in found} == {each.id for each in [*openings, *ends]}
    assert nothing == []


async def test_every_change_is_routed_once(store: Store, troubles: Troubles) -> None:
    await troubles.open("charge", "refund")

    await routed(store)

    left = select(func.count()).where(incident_changes.c.routed == 0)
    assert await store.read(lambda connection, _: connection.scalar(left)) == 0
    assert not await store.read(routing.waits)


async def test_who_route_at_once_make_one_notice(
    store: Store, other_store: Store, troubles: Troubles
) -> None:
    await channel(store)
    await troubles.open("charge")

    await asyncio.gather(routed(store), routed(other_store))

    assert len(await store.read(partial(notices.list_notices))) == 1


@pytest.mark.parametrize(
    ("options", "is_told"),
    [
        ({"severity": "error"}, True),
        ({"severity": "critical"}, False),
        ({"rules": ["fail*"]}, True),
        ({"rules": ["late*"]}, False),
        ({"names": ["charge", "refund"]}, True),
        ({"names": ["!charge"]}, False),
        ({"kinds": ["queue"]}, False),
        ({"tasks": ["ch*"]}, True),
        ({"queues": ["pay*"]}, True),
        ({"queues": ["mail"]}, False),
        ({"tags": ["shop", "bank"]}, True),
        ({"tags": ["*", "!shop"]}, False),
        ({"changes": ["resolved"]}, False),
    ],
)
async def test_a_channel_hears_of_what_its_options_say(
    store: Store, troubles: Troubles, timing: ManualTiming, options: dict[str, Any], is_told: bool
) -> None:
    await channel(store, **options)
    facts = Facts(what="charge fails", since=timing.now(), queue="payments", tags=("shop",))
    await troubles.open("charge", facts=facts)

    assert bool(await told(store)) is is_told


@pytest.mark.parametrize("hushed", [{"inhibited_by": "no-scheduler"}, {"silenced_by": "0" * 32}])
async def test_what_is_hushed_is_told_when_it_is_not_any_more(
    store: Store, troubles: Troubles, hushed: dict[str, Any]
) -> None:
    await channel(store)
    [incident] = await troubles.open("charge", **hushed)

    in_silence = await told(store)
    await troubles.change(incident, Change.WOKEN, State.OPEN, **dict.fromkeys(hushed))
    woken = await told(store)

    assert in_silence == []
    assert kinds(woken) == ["opening"]


async def test_what_was_told_before_it_was_hushed_has_its_end_told(
    store: Store, troubles: Troubles
) -> None:
    await channel(store)
    [incident] = await troubles.open("charge")
    await told(store)

    await troubles.change(incident, Change.NOTED, State.OPEN, inhibited_by="no-scheduler")
    await troubles.resolve(incident)

    assert kinds(await told(store)) == ["resolved"]


async def test_what_is_over_before_it_is_told_is_not_told(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, group_wait="30s")
    first, second = await troubles.open("charge", "refund")
    await routed(store)

    await troubles.resolve(first)
    await routed(store)
    timing.advance(seconds=31)
    [opening] = await told(store)
    await troubles.resolve(second)
    await routed(store)
    timing.advance(seconds=31)
    [end] = await told(store)

    assert [each.incident for each in opening.items] == [second]
    assert [each.incident for each in end.items] == [second]


async def test_a_notice_of_nothing_is_not_sent(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, group_wait="30s")
    [incident] = await troubles.open("charge")
    await routed(store)
    await troubles.resolve(incident)

    await routed(store)
    timing.advance(seconds=31)

    assert await told(store) == []
    [dropped] = await in_state(store, NoticeState.DROPPED)
    assert dropped.why == "it was over before it was told"


async def test_a_storm_ends_in_a_bounded_number_of_notices(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    """Of a rule one, and one each group_interval; and about as many of what becomes of them."""
    await channel(store, group_wait="30s", group_interval="5m", gap="1s")
    ids: list[str] = []
    sent: list[Notice] = []
    for part in range(10):
        ids += await troubles.open(*(f"task-{part}-{number}" for number in range(200)))
        sent += await told(store)
        timing.advance(seconds=6)
    for _ in range(12):
        timing.advance(seconds=60)
        sent += await told(store)

    assert kinds(sent) == ["opening", "opening"]
    assert sum(each.count for each in sent) == 2_000
    assert all(len(each.items) == LISTED for each in sent)

    over: list[Notice] = []
    await troubles.resolve(*ids[:200])
    for _ in range(12):
        timing.advance(seconds=60)
        over += await told(store)
    assert kinds(over) == ["resolved"]
    assert over[0].count == 200


async def test_openings_of_different_rules_are_told_apart(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, group_wait="30s")
    await troubles.open("a", "b", rule="failed")
    await troubles.open("c", rule="late")
    await routed(store)
    timing.advance(seconds=31)

    assert sorted((each.rule, each.count) for each in await told(store)) == [
        ("failed", 2), ("late", 1),
    ]  # fmt: skip


async def test_an_incident_that_nobody_sees_to_is_told_again(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, repeat="4h")
    [incident] = await troubles.open("charge")
    await told(store)

    timing.advance(by=timedelta(hours=4))
    first = await told(store)
    timing.advance(by=timedelta(hours=4))
    second = await told(store)
    await troubles.acknowledge(incident)
    await told(store)
    timing.advance(by=timedelta(hours=8))
    seen = await told(store)

    assert [kinds(each) for each in (first, second, seen)] == [["repeated"], ["repeated"], []]


async def test_what_comes_back_soon_is_told_when_it_lasts(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, cooldown="5m")
    [incident] = await troubles.open("charge")
    await told(store)
    await troubles.resolve(incident)
    await told(store)

    timing.advance(seconds=60)
    await troubles.change(incident, Change.REOPENED, State.OPEN)
    at_once = await told(store)
    timing.advance(seconds=240)
    later = await told(store)

    assert at_once == []
    assert kinds(later) == ["opening"]


async def test_what_comes_back_for_a_moment_is_told_not_at_all(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, cooldown="5m")
    [incident] = await troubles.open("charge")
    await told(store)
    await troubles.resolve(incident)
    await told(store)

    timing.advance(seconds=60)
    await troubles.change(incident, Change.REOPENED, State.OPEN)
    await told(store)
    await troubles.resolve(incident)
    timing.advance(seconds=600)

    assert await told(store) == []


async def test_one_that_flaps_is_told_once_and_its_end_when_it_lasts(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, cooldown="0s")
    [incident] = await troubles.open("charge")
    await told(store)
    await troubles.change(incident, Change.FLAPPING, State.OPEN, flapping=1)
    once = await told(store)

    flips: list[Notice] = []
    for _ in range(5):
        timing.advance(seconds=120)
        await troubles.resolve(incident)
        flips += await told(store)
        timing.advance(seconds=120)
        await troubles.change(incident, Change.REOPENED, State.OPEN)
        flips += await told(store)
    await troubles.resolve(incident)
    flips += await told(store)
    timing.advance(by=timedelta(minutes=15))
    end = await told(store)

    assert [each.items[0].tells for each in once] == ["flapping"]
    assert flips == []
    assert kinds(end) == ["resolved"]


async def test_what_nobody_sees_to_is_told_elsewhere_if_it_is_critical(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, escalate_after="15m", escalate_to="boss", repeat="10m")
    boss = await channel(store, "boss", rules=["none"])
    critical, seen = await troubles.open("charge", "seen", severity=Severity.CRITICAL)
    await troubles.open("refund", severity=Severity.ERROR)
    await told(store)
    await troubles.acknowledge(seen)
    timing.advance(by=timedelta(minutes=10))
    await told(store)

    timing.advance(by=timedelta(minutes=5))
    sent = await told(store)
    await troubles.resolve(critical)
    ends = await told(store)

    [escalated] = [each for each in sent if each.kind is NoticeKind.ESCALATED]
    assert escalated.channel == boss.id
    assert [each.incident for each in escalated.items] == [critical]
    assert boss.id in [each.channel for each in ends]
