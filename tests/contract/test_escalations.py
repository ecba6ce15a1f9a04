"""Critical incidents that nobody has seen are told to another, also those that come and go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from onbeat.domain.channels import Channel
from onbeat.domain.incidents import Change, Severity, State
from onbeat.domain.notices import Notice, NoticeKind
from onbeat.store.schema import tellings
from onbeat.store.store import Store
from tests.contract.troubles import Troubles, channel, kinds, told
from tests.timing import ManualTiming


@pytest.fixture
def troubles(store: Store) -> Troubles:
    """What goes wrong."""
    return Troubles(store)


async def escalating(store: Store) -> Channel:
    """A channel whose critical incidents are told to another after 15 minutes, which groups what
    it is told; that one.
    """
    await channel(store, escalate_after="15m", escalate_to="boss", cooldown="0s", repeat="10m")
    return await channel(
        store, "boss", rules=["none"], group_wait="5m", group_interval="2h", cooldown="0s"
    )


async def escalated(store: Store) -> list[tuple[str, ...]]:
    """What is told now because nobody sees to it: incidents of each notice."""
    return [
        tuple(each.incident for each in notice.items)
        for notice in await told(store) if notice.kind is NoticeKind.ESCALATED
    ]  # fmt: skip


async def test_what_nobody_sees_to_is_told_elsewhere_at_once_whatever_was_told_there_before(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await escalating(store)
    found = []
    for name in ("charge", "refund"):
        [critical] = await troubles.open(name, severity=Severity.CRITICAL)
        before = await escalated(store)
        timing.advance(by=timedelta(minutes=15))
        found.append((before, await escalated(store), critical))

    assert [before for before, _, _ in found] == [[], []]
    assert [after for _, after, _ in found] == [[(critical,)] for _, _, critical in found]


async def flip(
    store: Store, troubles: Troubles, timing: ManualTiming, incident: str, times: int
) -> list[tuple[str, ...]]:
    """It is over and comes back, so often, 2 minutes each; what is told elsewhere meanwhile."""
    found: list[tuple[str, ...]] = []
    for _ in range(times):
        await troubles.resolve(incident)
        found += await escalated(store)
        timing.advance(seconds=120)
        await troubles.change(incident, Change.REOPENED, State.OPEN)
        found += await escalated(store)
        timing.advance(seconds=120)
    return found


async def told_later(store: Store, timing: ManualTiming) -> list[Notice]:
    """What is told once its group has waited."""
    timing.advance(by=timedelta(minutes=5))
    return await told(store)


async def test_what_flaps_is_told_at_its_next_opening_where_that_was_over_before_it_was_told(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, cooldown="5m")
    [incident] = await troubles.open("charge")
    await told(store)
    await troubles.resolve(incident)
    await told(store)
    await troubles.change(incident, Change.FLAPPING, State.OPEN, flapping=1)
    await troubles.change(incident, Change.REOPENED, State.OPEN)
    await troubles.resolve(incident)
    missed = await told(store)
    timing.advance(by=timedelta(minutes=6))
    await troubles.change(incident, Change.REOPENED, State.OPEN)

    assert (kinds(missed), kinds(await told(store))) == ([], ["opening"])


async def test_what_flaps_and_nobody_sees_to_is_told_elsewhere_at_its_time(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    boss = await escalating(store)
    [incident] = await troubles.open("charge", severity=Severity.CRITICAL)
    early = await flip(store, troubles, timing, incident, 2)
    await troubles.resolve(incident)
    await told(store)
    await troubles.change(incident, Change.FLAPPING, State.OPEN, flapping=1)
    await troubles.change(incident, Change.REOPENED, State.OPEN)
    await told(store)
    began = timing.now()
    early += await flip(store, troubles, timing, incident, 3)
    timing.set(began + timedelta(minutes=15))
    at_its_time = await escalated(store)
    await troubles.resolve(incident)
    await told(store)
    timing.advance(by=timedelta(minutes=16))
    ends = [*await told(store), *await told_later(store, timing)]

    assert (early, at_its_time) == ([], [(incident,)])
    assert boss.id in [each.channel for each in ends if each.kind is NoticeKind.RESOLVED]


async def test_what_flaps_and_is_over_at_its_time_for_a_moment_is_told_elsewhere(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    boss = await escalating(store)
    [incident] = await troubles.open("charge", severity=Severity.CRITICAL)
    await told(store)
    await troubles.change(incident, Change.FLAPPING, State.OPEN, flapping=1)
    await told(store)
    timing.advance(by=timedelta(minutes=14))
    await troubles.resolve(incident)
    await told(store)
    timing.advance(by=timedelta(minutes=1))
    at_its_time = await escalated(store)
    timing.advance(by=timedelta(minutes=15))
    ends = [*await told(store), *await told_later(store, timing)]

    assert at_its_time == [(incident,)]
    assert boss.id in [each.channel for each in ends if each.kind is NoticeKind.RESOLVED]


async def test_that_it_becomes_worse_or_wakes_puts_off_no_escalation(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await escalating(store)
    [incident] = await troubles.open("charge", severity=Severity.CRITICAL)
    await told(store)
    timing.advance(by=timedelta(minutes=10))
    await troubles.change(incident, Change.FLAPPING, State.OPEN, flapping=1)
    await told(store)
    timing.advance(by=timedelta(minutes=5))

    assert await escalated(store) == [(incident,)]


async def test_what_somebody_saw_stays_seen_where_more_happens_at_once(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    made = await channel(store, escalate_after="15m", escalate_to="boss")
    await channel(store, "boss", rules=["none"])
    [incident] = await troubles.open("charge", severity=Severity.CRITICAL)
    await told(store)
    await troubles.acknowledge(incident)
    await troubles.resolve(incident)
    await told(store)

    of = select(tellings.c.seen_at).where(tellings.c.channel == made.id)
    assert await store.read(lambda connection, _: connection.scalar(of)) is not None


async def test_quiet_hours_hold_back_what_is_not_critical(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    hour = timing.now().hour
    quiet = f"{hour:02}:00-{(hour + 2) % 24:02}:00 UTC"
    await channel(store, quiet=quiet)
    await troubles.open("charge", rule="failed")
    await troubles.open("scheduler", rule="no-scheduler", severity=Severity.CRITICAL)

    at_once = await told(store)
    timing.advance(by=timedelta(hours=2))
    later = await told(store)

    assert [each.rule for each in at_once] == ["no-scheduler"]
    assert [each.rule for each in later] == ["failed"]
