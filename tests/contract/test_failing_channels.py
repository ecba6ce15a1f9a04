"""A channel over which nothing is told is told of over the others, and that ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.incidents import Incident, Kind, Severity, State
from onbeat.domain.notices import Came, NoticeKind, Verdict
from onbeat.runtime.judge import Judge
from onbeat.store import channels, diagnosis, notices
from onbeat.store.store import Store
from tests.contract.judging import judged, listed
from tests.contract.troubles import SENT, Troubles, channel, claimed, recorded, routed
from tests.timing import ManualTiming

AGAIN = Came(verdict=Verdict.AGAIN, status=500, error="it was answered 500")
GONE = Came(verdict=Verdict.GONE, status=404, error="it was answered 404")
RULE = "channel-deliveries"


class Channels:
    """Channels that are told all there is to tell, and how each of them answers."""

    def __init__(self, store: Store, timing: ManualTiming) -> None:
        """All of them take it."""
        self.store, self.timing = store, timing
        self.troubles = Troubles(store)
        self.answers: dict[str, Came] = {}
        self.heard: list[tuple[str, str]] = []
        """Which channel was told of which subject, and took it."""
        self.judge = Judge(store)

    async def sent(self, rounds: int = 1) -> None:
        """Whatever is due is sent, for so many minutes."""
        for _ in range(rounds):
            await routed(self.store)
            for claim in await claimed(self.store):
                came = self.answers.get(claim.channel.name, SENT)
                await recorded(self.store, claim, came)
                if came is SENT:
                    told = [(claim.channel.name, each.subject) for each in claim.notice.items]
                    self.heard += told
            self.timing.advance(seconds=60)

    async def fail(self, *names: str, times: int = 3) -> None:
        """They answer 500 to what they are told of, so many times each."""
        self.answers |= dict.fromkeys(names, AGAIN)
        for number in range(times):
            await self.troubles.open(f"charge-{number}", rule=f"rule-{number}")
        await self.sent(times)

    async def judged(self) -> Sequence[Incident]:
        """What is on record of channels after a round of the judge."""
        await judged(self.store, self.timing, self.judge)
        return [each for each in await listed(self.store) if each.rule == RULE]


@pytest.fixture
def told(store: Store, timing: ManualTiming) -> Channels:
    """The channels."""
    return Channels(store, timing)


async def test_the_third_failure_in_a_row_is_told_over_the_others_and_not_over_itself(
    store: Store, told: Channels
) -> None:
    for name in ("ops", "mail"):
        await channel(store, name)
    await told.fail("ops", times=2)
    early = await told.judged()
    await told.fail("ops", times=1)
    [found] = await told.judged()
    told.answers.clear()
    await told.sent(30)

    assert early == []
    assert (found.kind, found.subject, found.severity) == (Kind.CHANNEL, "ops", Severity.ERROR)
    assert found.facts.figures["error"] == "it was answered 500"
    assert found.facts.to_try == ["onbeat channels show ops", "onbeat channels test ops"]
    assert [name for name, subject in told.heard if subject == "ops"] == ["mail"]


async def test_it_is_over_when_something_is_taken_and_that_is_told_over_the_others_too(
    store: Store, told: Channels
) -> None:
    for name in ("ops", "mail"):
        await channel(store, name)
    await told.fail("ops")
    await told.judged()
    await told.sent()
    told.answers.clear()
    await told.sent(30)
    [found] = await told.judged()
    await told.sent()

    assert found.state is State.RESOLVED
    assert [name for name, subject in told.heard if subject == "ops"] == ["mail", "mail"]


async def test_where_no_other_is_set_to_hear_of_it_all_others_do(
    store: Store, told: Channels
) -> None:
    await channel(store, "ops")
    await channel(store, "pager", severity="critical")
    await told.fail("ops")
    await told.judged()
    await told.sent()

    assert told.heard == [("pager", "ops")]


async def test_where_there_is_no_other_it_is_on_record_and_nobody_is_told(
    store: Store, told: Channels
) -> None:
    await channel(store, "ops")
    await told.fail("ops")
    [found] = await told.judged()
    told.answers.clear()
    await told.sent(30)

    assert found.state is State.OPEN
    assert ("ops", "ops") not in told.heard


async def test_a_channel_that_fails_to_tell_of_another_opens_no_incident_of_its_own(
    store: Store, told: Channels
) -> None:
    await channel(store, "ops")
    await channel(store, "mail", rules=["channel-*"])
    await told.fail("ops")
    await told.judged()
    told.answers["mail"] = AGAIN
    await told.sent(60)

    assert [each.subject for each in await told.judged()] == ["ops"]


async def test_what_fails_to_tell_of_another_and_of_more_is_one_incident_more_and_no_other(
    store: Store, told: Channels
) -> None:
    for name in ("ops", "mail"):
        await channel(store, name)
    await told.fail("ops", "mail")
    for _ in range(5):
        await told.judged()
        await told.sent(20)

    assert sorted(each.subject for each in await told.judged()) == ["mail", "ops"]
    assert [each.reopened for each in await told.judged()] == [0, 0]


async def test_a_channel_that_was_given_up_is_told_of_until_it_is_enabled(
    store: Store, told: Channels
) -> None:
    for name in ("ops", "mail"):
        await channel(store, name)
    told.answers["ops"] = GONE
    await told.troubles.open("charge")
    await told.sent()
    [off] = await told.judged()
    await told.sent(3)
    await store.write(partial(channels.enable, name="ops"))
    [on] = await told.judged()

    assert off.facts.figures == {"switched off": "it was answered 404"}
    assert ("mail", "ops") in told.heard
    assert on.state is State.RESOLVED


async def test_a_channel_that_somebody_switched_off_is_no_trouble(
    store: Store, told: Channels
) -> None:
    await channel(store, "ops")
    await told.fail("ops", times=2)
    await store.write(partial(channels.disable, name="ops", why="by hand: we moved"))

    assert await told.judged() == []


async def tried(store: Store, told: Channels, came: Came) -> None:
    """Somebody tests the channel, and it came to that."""
    [was] = [each for each in await store.read(channels.list_channels) if each.name == "ops"]
    any_notice, *_ = await store.read(notices.list_notices)
    notice = replace(any_notice, id=store.new_id(), kind=NoticeKind.TEST, rule="test")
    await store.write(partial(notices.record_test, channel=was, notice=notice, came=came))
    told.timing.advance(seconds=1)


async def test_tests_that_fail_open_nothing_and_one_that_is_taken_closes(
    store: Store, told: Channels
) -> None:
    await channel(store, "ops")
    await told.fail("ops", times=2)
    for _ in range(3):
        await tried(store, told, AGAIN)
    early = await told.judged()
    await told.sent(2)
    [opened] = await told.judged()
    await tried(store, told, SENT)
    [closed] = await told.judged()

    assert early == []
    assert (opened.state, closed.state) == (State.OPEN, State.RESOLVED)


async def test_what_nobody_sees_to_is_not_escalated_to_the_channel_it_is_about(
    store: Store, told: Channels
) -> None:
    await channel(store, "ops")
    await channel(store, "mail", escalate_after="1m", escalate_to="ops")
    await told.troubles.open("ops", rule=RULE, kind="channel", severity=Severity.CRITICAL)
    await told.sent(5)

    assert told.heard == [("mail", "ops")]


async def test_the_doctor_sees_which_channel_is_owed_a_notice_that_nobody_tries_to_send(
    store: Store, told: Channels, timing: ManualTiming
) -> None:
    ops = await channel(store, "ops")
    await told.troubles.open("charge")
    await routed(store)
    timing.advance(seconds=299)
    early = await store.read(diagnosis.unsent)
    timing.advance(seconds=2)
    late = await store.read(diagnosis.unsent)
    await told.sent()

    assert (early, late) == ({}, {ops.id: timedelta(seconds=301)})
    assert await store.read(diagnosis.unsent) == {}
