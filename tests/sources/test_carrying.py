"""What is done for a message is done once, and what did not fit may fit when it comes again."""

from __future__ import annotations

from onbeat import Onbeat, Settings, every
from onbeat.app.sources import Source
from onbeat.domain.sources.listening import Carried, Reception
from onbeat.domain.sources.messages import Message
from onbeat.domain.webhooks import write_secret
from onbeat.sources import Enqueue, InboundWebhook, Trigger, field
from tests.sources.listening import args_of

SECRET = write_secret(bytes(32))
TAKEN = Carried(Reception.TAKEN)


def shop(ob: Onbeat) -> Source:
    """A source whose messages are given to its carrier here, and a task for them."""

    @ob.task
    def settle(order: int, by: str = "") -> None: ...

    return ob.source(InboundWebhook(name="shop", secret=SECRET))


def paid(number: int = 7, body: bytes = b'{"order": 7}') -> Message:
    return Message(id=f"msg_{number}", channel="paid", body=body)


def settling(by: str = "") -> Enqueue:
    return Enqueue("settle", args={"order": field("order"), "by": by})


async def test_what_was_set_aside_is_done_when_it_comes_again_and_its_cause_is_mended(
    ob: Onbeat,
) -> None:
    @ob.task
    def count() -> None: ...

    source = shop(ob).on("paid", settling()).on("paid", Trigger("settling"))
    twice = [await source.carrier.carry([paid()]) for _ in range(2)]
    kept = await ob.sources.set_aside()
    await ob.schedules.create("settling", count.bind(), every("365d"))
    mended = [await source.carrier.carry([paid()]) for _ in range(2)]

    assert [each[0].came for each in twice] == [Reception.SET_ASIDE] * 2
    assert len(kept) == 1
    assert mended == [[TAKEN]] * 2
    assert (len(await args_of(ob)), len(await args_of(ob, "count"))) == (1, 1)
    assert await ob.sources.set_aside() == kept


async def test_a_message_that_was_sent_too_early_and_mended_makes_its_job(ob: Onbeat) -> None:
    """Its sender corrects it, and sends it under the id that it had."""
    source = shop(ob).on("paid", settling())
    unfit = await source.carrier.carry([paid(body=b"{}")])
    fit = await source.carrier.carry([paid(), paid(8)])

    assert unfit == [Carried(Reception.SET_ASIDE, "it has no field 'order'")]
    assert fit == [TAKEN] * 2
    assert len(await args_of(ob)) == 2


async def test_a_mapping_that_is_put_before_others_neither_doubles_nor_loses_a_job(
    ob: Onbeat, database_url: str
) -> None:
    before = shop(ob).on("paid", settling("a")).on("paid", settling("b"))
    await before.carrier.carry([paid()])
    async with Onbeat(database_url, settings=Settings()) as deployed:
        after = shop(deployed).on("paid", settling("c")).on("paid", settling("b"))
        after.on("paid", settling("a"))
        await after.carrier.carry([paid()])
        made = [each["by"] for each in await args_of(deployed)]

    assert sorted(made) == ["a", "b", "c"]


async def test_mappings_that_are_alike_are_all_carried_out_once(ob: Onbeat) -> None:
    source = shop(ob).on("paid", settling()).on("paid", settling())
    for _ in range(2):
        await source.carrier.carry([paid()])

    assert len(await args_of(ob)) == 2


async def test_a_reason_is_no_longer_than_it_is_kept_and_shows_nothing_of_the_key(
    ob: Onbeat,
) -> None:
    source = shop(ob).on("paid", Enqueue("settle", args={"order": 1}, key=field("key")))
    source.on("paid", Enqueue("settle", args={"order": 1}, key=field("k" * 2000)))
    keyed = await source.carrier.carry([paid(1, b'{"key": {"card": "4111"}}')])
    kept = {each.reason for each in await ob.sources.set_aside()}

    assert keyed[0].reason == "its key is an object of 1 field, neither text nor a whole number"
    assert max(map(len, kept)) == 1_000
