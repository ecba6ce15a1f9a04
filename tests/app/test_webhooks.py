"""Webhooks end to end: a job ends, its owner's receiver hears of it over real HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from onbeat import (
    InvalidInput,
    InvalidSetting,
    NotFound,
    Onbeat,
    Settings,
    State,
    verify_webhook,
)
from onbeat.domain.jobs import NewJob
from onbeat.domain.webhooks import DELAYS, TASK
from onbeat.testing.opening import Kits
from onbeat.testing.plugin import onbeat_kit
from tests.app.posting import KEY, SETTINGS, application, attempts, enqueue, hook, verified
from tests.outbound.receivers import always, listening, nobodys_port, receiving
from tests.waiting import wait_for

__all__ = ["onbeat_kit"]


@pytest.fixture
def app() -> Onbeat:
    """An application whose webhooks may go to loopback."""
    return application(SETTINGS)


@pytest.mark.parametrize(
    ("task", "event", "error"),
    [("greet", "job.completed", None), ("trip", "job.failed", "Permanent")],
)
async def test_an_owner_s_receiver_hears_of_an_end_and_can_verify_it(
    onbeat_kit: Kits, app: Onbeat, task: str, event: str, error: str | None
) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        job = await enqueue(app, task)

        await kit.drain()

        [came] = receiver.came
        said = verified(kit, came, made)
        assert (said.type, said.data["job"], said.data["error"]) == (event, job, error)
        assert came.headers["content-type"] == "application/json"
        assert b"hunter2" not in came.body
        [delivery] = await attempts(app, made)
        assert (delivery.status, delivery.error, delivery.answer, delivery.attempt) == (
            200, None, "thanks", 1,
        )  # fmt: skip
        assert (delivery.message, delivery.at) == (said.id, kit.now)
        [delivering] = kit.jobs(TASK)
        assert (delivering.queue, delivering.state, delivering.id) == (
            "webhooks", State.COMPLETED, delivery.job,
        )  # fmt: skip


async def test_a_message_that_does_not_arrive_is_sent_by_the_schedule_of_the_specification(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with receiving(always(500)) as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        began = kit.now

        await kit.advance("5d")

        tried = await attempts(app, made)
        waits = [after.at - before.at for before, after in pairwise(tried)]
        assert len(tried) == len(receiver.came) == 10
        assert tried[0].at == began
        assert all(
            plain <= wait <= plain * 1.1 + timedelta(seconds=1)
            for plain, wait in zip(DELAYS, waits, strict=True)
        )
        assert len({came.headers["webhook-id"] for came in receiver.came}) == 1
        assert [int(came.headers["webhook-timestamp"]) for came in receiver.came] == [
            int(each.at.timestamp()) for each in tried
        ]
        assert {each.error for each in tried} == {"it was answered 500 Internal Server Error"}
        [delivering] = kit.jobs(TASK)
        assert (delivering.state, delivering.attempt) == (State.FAILED, 10)


async def test_what_arrives_later_is_signed_anew_and_verifies_then(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    answers = [503, 200]

    async def second(_: web.Request) -> web.StreamResponse:
        return web.Response(status=answers.pop(0))

    async with receiving(second) as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        await kit.advance("10s")

        first, last = receiver.came
        assert (first.body, first.headers["webhook-id"]) == (last.body, last.headers["webhook-id"])
        assert verified(kit, last, made) == verified(kit, first, made)
        assert first.headers["webhook-signature"] != last.headers["webhook-signature"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_receiver_may_ask_for_more_time(
    onbeat_kit: Kits, app: Onbeat, status: int, form: str
) -> None:
    async with onbeat_kit(app) as kit:
        at = kit.now + timedelta(hours=1)
        asked = "3600" if form == "seconds" else format_datetime(at, usegmt=True)
        async with receiving(always(status, Retry_After=asked)) as receiver:
            made = await hook(app, receiver.url())
            await enqueue(app)
            await kit.advance("59m")
            assert len(await attempts(app, made)) == 1
            await kit.advance("2m")
            assert len(await attempts(app, made)) == 2


async def test_a_receiver_cannot_hold_a_message_for_longer_than_a_day(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with receiving(always(503, Retry_After="99999999")) as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)

        await kit.advance("25h")

        assert len(await attempts(app, made)) == 2


async def test_a_receiver_that_is_gone_disables_its_webhook_and_gets_no_more(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with receiving(always(410)) as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        await kit.drain()
        await enqueue(app)
        await kit.advance("5d")

        assert len(receiver.came) == 1
        shown = await app.webhooks.find(made.webhook.id)
        assert (shown.enabled, shown.disabled_at) == (False, kit.now - timedelta(days=5))
        assert shown.disabled_why is not None
        assert "410 Gone" in shown.disabled_why
        assert [job.state for job in kit.jobs(TASK)] == [State.FAILED]


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_what_a_receiver_refuses_is_not_sent_again(
    onbeat_kit: Kits, app: Onbeat, status: int
) -> None:
    async with receiving(always(status)) as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        await kit.advance("5d")

        [tried] = await attempts(app, made)
        assert (tried.status, len(receiver.came)) == (status, 1)
        assert (await app.webhooks.find(made.webhook.id)).enabled


async def test_a_redirect_is_a_failure_that_says_so_and_leads_nowhere(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with listening() as metadata, onbeat_kit(app) as kit:
        to = f"http://127.0.0.1:{metadata.port}/latest/meta-data/"
        async with receiving(always(302, Location=to)) as receiver:
            made = await hook(app, receiver.url())
            await enqueue(app)
            await kit.advance("5d")

            [tried] = await attempts(app, made)
            assert tried.error == (
                f"it was answered 302 Found to {to!r}; redirects are not followed: change the "
                "webhook's url"
            )
            assert (metadata.connections, len(receiver.came)) == (0, 1)


async def test_one_that_nobody_answers_is_tried_again(onbeat_kit: Kits, app: Onbeat) -> None:
    async with onbeat_kit(app) as kit:
        made = await hook(app, f"http://127.0.0.1:{nobodys_port()}/")
        await enqueue(app)
        await kit.advance("10s")

        tried = await attempts(app, made)
        assert [(each.status, each.attempt) for each in tried] == [(None, 1), (None, 2)]
        assert "did not answer" in str(tried[0].error)


async def test_one_that_has_come_to_lead_within_is_refused_on_record_and_not_tried_again(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    """The operator has taken back what was allowed when it was made."""
    strict = application(Settings(secret_key=(KEY,), outbound_http=True))
    async with listening() as inner, onbeat_kit(app) as kit:
        made = await hook(app, f"http://127.0.0.1:{inner.port}/")
        await enqueue(app)
        app.registry._definitions[TASK] = _on(strict, app)
        await kit.advance("5d")

        [tried] = await attempts(app, made)
        assert "url: 127.0.0.1 is no address outside" in str(tried.error)
        assert inner.connections == 0


@pytest.mark.parametrize(
    "wrong", [{"webhook": "nonsense"}, {"message": "1\r\nHost: inner"}, {"message": "a.b"}]
)
async def test_a_job_that_no_end_has_made_is_refused_and_sends_nothing(
    onbeat_kit: Kits, app: Onbeat, wrong: dict[str, str]
) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        args = {"webhook": made.webhook.id, "message": "msg_1", "body": "{}", **wrong}
        job = await app.jobs.enqueue(TASK, json.dumps(args))
        await kit.advance("5d")

        shown = await app.jobs.find(job.id)
        assert (shown.state, shown.attempt) == (State.FAILED, 1)
        assert f"DeliveryRefused: {next(iter(wrong))}: " in str(shown.reason)
        assert receiver.came == []


async def test_a_webhook_that_was_removed_hears_no_more(onbeat_kit: Kits, app: Onbeat) -> None:
    async with receiving(always(503)) as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        await kit.drain()
        await app.webhooks.remove(made.webhook.id)
        await kit.advance("5d")

        [delivering] = kit.jobs(TASK)
        assert (len(receiver.came), delivering.state) == (1, State.CANCELLED)
        assert delivering.reason == "the webhook was removed"
        assert await app.webhooks.list() == []


async def test_while_a_secret_is_exchanged_both_verify_and_then_the_new_one_alone(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        other = await app.webhooks.rotate_secret(made.webhook.id, keep_for="1h")
        await enqueue(app)
        await kit.drain()
        assert verified(kit, receiver.came[0], made) == verified(kit, receiver.came[0], other)

        await kit.advance("1h")
        await enqueue(app)
        await kit.drain()

        assert verified(kit, receiver.came[1], other)
        assert len(receiver.came[1].headers["webhook-signature"].split(" ")) == 1


async def test_a_delivery_is_sent_once_more_under_the_same_message_id(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        await kit.drain()
        [delivery] = await attempts(app, made)

        job = await app.webhooks.resend(delivery.id, owner="ann")
        await kit.drain()

        first, second = receiver.came
        assert (first.body, first.headers["webhook-id"]) == (
            second.body, second.headers["webhook-id"],
        )  # fmt: skip
        assert [each.job for each in await attempts(app, made)] == [delivery.job, job]
        with pytest.raises(NotFound):
            await app.webhooks.resend(delivery.id, owner="bob")


async def test_the_key_a_secret_was_sealed_with_is_needed_to_sign_with_it(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    other, both = (
        "b" * 32,
        application(
            Settings(secret_key=("b" * 32, KEY), outbound_allow=("127.0.0.1",), outbound_http=True)
        ),
    )
    stranger = application(
        Settings(secret_key=(other,), outbound_allow=("127.0.0.1",), outbound_http=True)
    )
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        registry = app.registry._definitions
        for each in (stranger, both):
            registry[TASK] = _on(each, app)
            await enqueue(app)
            await kit.drain()

        lost, sent = await attempts(app, made)
        assert "does not open with ONBEAT_SECRET_KEY" in str(lost.error)
        assert (sent.status, len(receiver.came)) == (200, 1)
        assert verified(kit, receiver.came[0], made)


def _on(each: Onbeat, app: Onbeat) -> Any:
    """The task of another application, on this one's store."""
    each.webhooks._sender._store = app.store
    return each.registry.find(TASK)


async def test_a_secret_is_shown_once_and_stored_by_nobody(
    onbeat_kit: Kits, app: Onbeat, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving() as receiver, onbeat_kit(app) as kit:
        made = await hook(app, receiver.url())
        await enqueue(app)
        await kit.drain()
        path = kit.url.removeprefix("sqlite:///")

        shown = [repr(made), repr(await app.webhooks.find(made.webhook.id)), caplog.text,
                 repr(app.settings), json.dumps([job.args for job in kit.jobs(TASK)])]  # fmt: skip
        for secret in (made.secret, made.secret.removeprefix("whsec_"), KEY):
            assert not any(secret in each for each in shown)
            assert all(secret.encode() not in each for each in _files(path))


def _files(path: str) -> list[bytes]:
    """All that is on disk of a database."""
    files = (Path(path), Path(f"{path}-wal"))
    return [file.read_bytes() for file in files if file.exists()]


async def test_without_a_key_no_webhook_is_made_and_the_task_is_not_there(
    onbeat_kit: Kits,
) -> None:
    app = application(Settings())
    async with onbeat_kit(app):
        with pytest.raises(
            InvalidSetting, match=r"^ONBEAT_SECRET_KEY: webhooks and channels need it.*set it"
        ):
            await hook(app, "https://hooks.example/")

        assert TASK not in app.tasks


async def test_a_worker_without_the_key_leaves_messages_to_others_and_says_what_it_lacks(
    onbeat_kit: Kits,
) -> None:
    app = application(Settings())
    async with onbeat_kit(app, queues=["webhooks"]) as kit:
        store = await app.store()
        job = NewJob(id=store.new_id(), task=TASK, queue="webhooks")
        await store.enqueue([job])
        await kit.drain()

        waits = await app.jobs.find(job.id)
        assert waits.state is State.SCHEDULED
        assert "set ONBEAT_SECRET_KEY" in str(waits.reason)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://169.254.169.254/", "link-local"),
        ("https://localhost/", "localhost leads to"),
        ("https://user:pw@hooks.example/", "name or password"),
    ],
)
async def test_a_url_that_may_not_be_reached_is_refused_when_it_is_given(
    onbeat_kit: Kits, url: str, told: str
) -> None:
    app = application(Settings(secret_key=(KEY,)))
    async with onbeat_kit(app):
        with pytest.raises(InvalidInput, match=f"^url: .*{told}"):
            await hook(app, url)
        made = await hook(app, "https://8.8.8.8/")
        with pytest.raises(InvalidInput, match=f"^url: .*{told}"):
            await app.webhooks.change(made.webhook.id, url=url)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"owner": "a\n"}, "owner"),
        ({"events": ["job.begun"]}, "events"),
        ({"url": "nonsense"}, "url"),
    ],
)
async def test_what_is_wrong_is_named(
    onbeat_kit: Kits, app: Onbeat, wrong: dict[str, Any], field: str
) -> None:
    async with onbeat_kit(app):
        with pytest.raises(InvalidInput, match=f"^{field}: "):
            await app.webhooks.create(**{"owner": "ann", "url": "https://8.8.8.8/", **wrong})


async def test_another_owner_s_webhooks_are_as_if_they_were_not_there(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app):
        made = await hook(app, "https://8.8.8.8/")
        identity = made.webhook.id
        for verb in (
            app.webhooks.find(identity, owner="bob"),
            app.webhooks.change(identity, owner="bob", enabled=False),
            app.webhooks.rotate_secret(identity, owner="bob"),
            app.webhooks.deliveries(identity, owner="bob"),
            app.webhooks.remove(identity, owner="bob"),
        ):
            with pytest.raises(NotFound):
                await verb
        assert await app.webhooks.list("bob") == []
        assert await app.webhooks.list("ann") == [made.webhook]


@pytest.mark.parametrize("keep_for", ["8d", "nonsense"])
async def test_a_former_secret_is_kept_for_a_week_at_most(
    onbeat_kit: Kits, app: Onbeat, keep_for: str
) -> None:
    async with onbeat_kit(app):
        made = await hook(app, "https://8.8.8.8/")
        with pytest.raises(InvalidInput, match=r"^keep_for: "):
            await app.webhooks.rotate_secret(made.webhook.id, keep_for=keep_for)


async def test_on_both_engines_a_real_worker_delivers(database_url: str) -> None:
    ob = Onbeat(database_url, settings=replace(SETTINGS, queues=("default", "webhooks")))

    @ob.task
    def greet() -> None: ...

    async with receiving() as receiver, ob:
        made = await hook(ob, receiver.url())
        await enqueue(ob)
        async with ob.running(scheduler=False):
            await wait_for(lambda: ob.webhooks.deliveries(made.webhook.id), what="a delivery")

        [came] = receiver.came
        assert verify_webhook(came.body, came.headers, made.secret).type == "job.completed"
