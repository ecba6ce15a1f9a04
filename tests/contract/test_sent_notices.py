"""A notice is sent until that is on record, or until it is of no use; within bounds."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from onbeat.domain.channels import ChannelKind
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.notices import (
    DELAYS,
    Came,
    Notice,
    NoticeKind,
    NoticeState,
    Verdict,
)
from onbeat.store import channels, notices
from onbeat.store.cleaning import Walk
from onbeat.store.notices import LEASE
from onbeat.store.schema import tellings
from onbeat.store.store import Store
from tests.contract.troubles import (
    Troubles,
    channel,
    claimed,
    found,
    in_state,
    recorded,
    routed,
    told,
)
from tests.timing import ManualTiming

AGAIN = Came(verdict=Verdict.AGAIN, status=500, error="it was answered 500")


@pytest.fixture
def troubles(store: Store) -> Troubles:
    """What goes wrong."""
    return Troubles(store)


def kinds(sent: list[Notice]) -> list[str]:
    """What the notices are about."""
    return [str(each.kind) for each in sent]


async def test_over_the_most_in_a_day_one_notice_tells_how_many_more_there_were(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store, daily=3)
    sent: list[Notice] = []
    ids: list[str] = []
    for number in range(8):
        ids += await troubles.open(f"task-{number}", rule=f"rule-{number}")
        sent += await told(store)
    await troubles.resolve(*ids)
    ends = await told(store)
    timing.advance(by=timedelta(days=1))
    more = await told(store)

    assert kinds(sent) == ["opening"] * 3
    assert kinds(ends) == ["resolved"] * 3
    assert [(each.kind, each.count) for each in more] == [(NoticeKind.MORE, 5)]


async def test_one_that_failed_is_tried_again_later_and_later_and_then_no_more(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store)
    await troubles.open("charge")
    await routed(store)

    tries = 0
    for delay in (*DELAYS, timedelta()):
        [claim] = await claimed(store)
        await recorded(store, claim, AGAIN)
        tries += 1
        assert await claimed(store) == []
        timing.advance(by=delay * 1.1)

    [failed] = await in_state(store, NoticeState.FAILED)
    assert (tries, failed.attempts, failed.why) == (9, 9, "it was answered 500")
    attempts = await store.read(partial(notices.attempts_of, notice=failed.id))
    assert [each.number for each in attempts] == list(range(1, 10))


async def test_a_receiver_that_asks_for_time_has_it(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store)
    await troubles.open("charge", rule="failed")
    await troubles.open("refund", rule="late")
    await routed(store)
    [claim] = await claimed(store)
    asked = Came(verdict=Verdict.AGAIN, status=429, error="429", retry_after=timedelta(minutes=3))

    await recorded(store, claim, asked)
    timing.advance(seconds=179)
    early = await claimed(store)
    timing.advance(seconds=1)

    assert early == []
    assert len(await claimed(store)) == 1


async def test_one_that_is_slow_holds_up_no_other(store: Store, troubles: Troubles) -> None:
    slow, quick = await channel(store, "slow"), await channel(store, "quick")
    for number in range(3):
        await troubles.open(f"task-{number}", rule=f"rule-{number}")
    await routed(store)
    claims = {claim.channel.id: claim for claim in await claimed(store)}

    await recorded(store, claims[quick.id])
    after = await claimed(store)

    assert [claim.channel.id for claim in after] == [quick.id]
    assert claims[slow.id].notice.state is NoticeState.SENDING


async def test_who_died_while_sending_has_it_sent_again_under_the_same_id(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store)
    await troubles.open("charge")
    await routed(store)
    [dead] = await claimed(store)

    early = await claimed(store)
    timing.advance(by=LEASE + timedelta(seconds=1))
    [again] = await claimed(store)
    await recorded(store, again)
    await recorded(store, dead, AGAIN)

    assert early == []
    assert (again.notice.id, again.notice.attempts) == (dead.notice.id, 2)
    assert (await found(store, dead.notice.id)).state is NoticeState.SENT


async def test_a_channel_that_is_gone_is_disabled_and_what_waits_is_dropped(
    store: Store, troubles: Troubles
) -> None:
    await channel(store)
    await troubles.open("charge", rule="failed")
    await troubles.open("refund", rule="late")
    await routed(store)
    [claim] = await claimed(store)

    await recorded(store, claim, Came(verdict=Verdict.GONE, status=404, error="404: it is gone"))

    off = await store.read(partial(channels.find, name="ops"))
    assert (off.enabled, off.disabled_why) == (False, "404: it is gone")
    assert len(await in_state(store, NoticeState.DROPPED)) == 1
    assert await told(store) == []


async def test_an_end_waits_until_its_opening_was_sent(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store)
    [incident] = await troubles.open("charge")
    await routed(store)
    [opening] = await claimed(store)
    await recorded(store, opening, AGAIN)
    await troubles.resolve(incident)
    await routed(store)

    order = []
    for _ in range(4):
        timing.advance(seconds=40)
        order += await told(store)

    assert kinds(order) == ["opening", "resolved"]


async def test_what_is_wrong_is_shown_until_it_is_not(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store)
    await troubles.open("charge")
    await told(store, AGAIN)
    wrong = await store.read(partial(channels.find, name="ops"))
    timing.advance(seconds=60)
    await told(store)
    mended = await store.read(partial(channels.find, name="ops"))

    assert (wrong.fault, mended.fault) == ("it was answered 500", None)


async def test_a_notice_is_sent_again_by_hand_and_one_that_waits_is_not(
    store: Store, troubles: Troubles
) -> None:
    await channel(store)
    await troubles.open("charge")
    [sent] = await told(store)

    await store.write(partial(notices.resend, notice=sent.id))
    with pytest.raises(Conflict, match="it is sent by itself"):
        await store.write(partial(notices.resend, notice=sent.id))
    [again] = await told(store)

    assert again.id == sent.id
    assert again.attempts == 2


async def test_a_channel_that_is_removed_takes_its_record_along(
    store: Store, troubles: Troubles
) -> None:
    await channel(store)
    await troubles.open("charge")
    [sent] = await told(store)

    await store.write(partial(channels.remove, name="ops"))

    with pytest.raises(NotFound):
        await found(store, sent.id)
    assert await told(store) == []


async def test_stats_tell_what_was_told_and_what_somebody_saw_to(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store)
    first, _ = await troubles.open("charge", "refund")
    await told(store)
    await troubles.acknowledge(first)
    await told(store)

    [row] = await store.read(partial(notices.stats, since=timing.now() - timedelta(days=1)))

    assert (row.channel, row.rule, row.sent, row.incidents, row.seen) == ("ops", "failed", 1, 2, 1)


async def test_pagerduty_hears_of_acknowledgements_and_others_only_if_asked(
    store: Store, troubles: Troubles
) -> None:
    pager = await channel(store, "pager", ChannelKind.PAGERDUTY)
    chatty = await channel(store, "chatty", changes=["opened", "acknowledged"])
    await channel(store, "quiet")
    [incident] = await troubles.open("charge")
    await told(store)

    await troubles.acknowledge(incident)
    sent = await told(store)

    assert {each.channel for each in sent} == {pager.id, chatty.id}


async def test_old_notices_are_cleaned_and_those_that_wait_are_not(
    store: Store, troubles: Troubles, timing: ManualTiming
) -> None:
    await channel(store)
    await troubles.open("charge")
    await told(store)
    await troubles.open("refund")
    await routed(store)
    timing.advance(by=timedelta(days=100))
    before = timing.now() - timedelta(days=90)

    walk = await store.write(partial(notices.clean, before=before, walk=Walk()))

    assert walk.removed == 1
    assert len(await store.read(partial(notices.list_notices))) == 1
    rows = await store.read(lambda connection, _: connection.execute(select(tellings)).all())
    assert len(rows) == 2
