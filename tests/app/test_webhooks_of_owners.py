"""What an owner hears of, and what of their webhooks is theirs and on record."""

from __future__ import annotations

import pytest

from onbeat import Conflict, Onbeat, every
from onbeat.app.acting import acting
from onbeat.app.options import read_options
from onbeat.domain.access import Principal
from onbeat.domain.audit import Actor
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.webhooks import TASK
from onbeat.testing.opening import Kits
from onbeat.testing.plugin import onbeat_kit
from tests.app.posting import SETTINGS, application, attempts, enqueue, hook, verified
from tests.outbound.receivers import receiving

__all__ = ["onbeat_kit"]


@pytest.fixture
def app() -> Onbeat:
    """An application whose webhooks may go to loopback."""
    return application(SETTINGS)


async def scheduled(ob: Onbeat, owner: str) -> None:
    """A schedule of an owner, which is due in a minute."""
    call = ob.jobs.bind("greet", "{}")
    await ob.schedules.create("greetings", call, every("1m"), owner=owner, limit=1)


async def test_an_owner_hears_of_what_was_enqueued_for_them_and_of_their_schedules(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        job = await app.jobs.enqueue("greet", "{}", read_options(owner="ann"))
        await scheduled(app, "ann")

        await kit.advance("2m")

        told = [verified(kit, came, made).data for came in receiver.came]
        assert [each["schedule"] for each in told] == [None, "greetings"]
        assert told[0]["job"] == job.id


async def test_what_delivers_to_an_owner_is_theirs_too_and_told_of_to_nobody(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        await kit.drain()
        [delivery] = await attempts(app, made)
        await app.webhooks.resend(delivery.id)
        await app.webhooks.ping(made.webhook.id)
        await kit.drain()

        assert [each.owner for each in kit.jobs(TASK)] == ["ann"] * 3
        found = await app.jobs.page(JobFilter(owner=["ann"]))
        assert {each.id for each in found.jobs} == {each.id for each in kit.jobs(TASK)}
        assert len(receiver.came) == 3


async def test_a_ping_arrives_signed_and_tells_of_nothing(onbeat_kit: Kits, app: Onbeat) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url(), ["job.failed"])

        job = await app.webhooks.ping(made.webhook.id, owner="ann")
        await kit.drain()

        [came] = receiver.came
        said = verified(kit, came, made)
        assert (said.type, said.data) == ("webhook.ping", {"webhook": made.webhook.id})
        assert [each.job for each in await attempts(app, made)] == [job]


async def test_a_webhook_that_is_disabled_is_not_pinged(onbeat_kit: Kits, app: Onbeat) -> None:
    async with onbeat_kit(app):
        made = await hook(app, "https://8.8.8.8/")
        await app.webhooks.change(made.webhook.id, enabled=False)

        with pytest.raises(Conflict, match="is disabled: by hand"):
            await app.webhooks.ping(made.webhook.id)


async def test_what_somebody_changes_of_a_webhook_is_written_down_without_its_secret(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    who = Actor(principal=Principal(kind="user", id="1", name="root"))
    async with receiving() as receiver, onbeat_kit(app) as kit:
        with acting(who):
            made = await hook(app, receiver.url())
            await enqueue(app)
            await kit.drain()
            [delivery] = await attempts(app, made)
            await app.webhooks.change(made.webhook.id, events=["job.failed"])
            other = await app.webhooks.rotate_secret(made.webhook.id)
            await app.webhooks.resend(delivery.id)
            await app.webhooks.ping(made.webhook.id)
            await app.webhooks.remove(made.webhook.id)

        entries = await app.audit.list()
        assert [each.action.removeprefix("webhook.") for each in reversed(entries)] == [
            "create", "change", "rotate_secret", "resend", "ping", "remove",
        ]  # fmt: skip
        written = str([(each.before, each.after) for each in entries])
        assert made.secret not in written
        assert other.secret not in written
        assert entries[-2].after is not None
        assert entries[-2].after["events"] == ["job.failed"]
