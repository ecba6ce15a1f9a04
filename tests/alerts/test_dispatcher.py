"""The dispatcher as it runs: a store, channels that were added, and receivers that are there."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, update

from onbeat import Onbeat, Settings
from onbeat.alerts.deadman import DeadMan
from onbeat.alerts.dispatcher import Dispatcher
from onbeat.app.processes import Parts
from onbeat.domain.addresses import read_allowed
from onbeat.domain.events import Event, SwitchChanged
from onbeat.domain.incidents import Severity
from onbeat.domain.meters import Meter
from onbeat.outbound.client import Client
from onbeat.outbound.targets import Rules
from onbeat.store import duties
from onbeat.store.schema import delayed, health, notices
from tests import factories
from tests.alerts.receivers import pagerduty, post_office, slack
from tests.contract.troubles import Troubles
from tests.outbound.receivers import always, listening, receiving, well
from tests.waiting import wait_for

SECRET_KEY = "a key of a test that has 32 characters or more"  # noqa: S105 - of a test
KEY = "abcdefghijklmnopqrstuvwxyz012345"
AT_ONCE = {"group_wait": "0s", "group_interval": "0s", "gap": "0s"}


def settings(**said: Any) -> Settings:
    """Those of somebody whose receivers are on loopback."""
    return Settings(
        secret_key=(SECRET_KEY,), outbound_allow=("127.0.0.0/8",), outbound_http=True, **said
    )


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application that may send to loopback."""
    async with Onbeat(database_url, settings=settings()) as ob:
        yield ob


async def dispatcher_of(ob: Onbeat) -> Dispatcher:
    """The dispatcher as a process of it would run it."""
    [made] = ob.channels.services(await ob.store(), lambda _: None)
    assert isinstance(made, Dispatcher)
    return made


async def dispatched(ob: Onbeat) -> None:
    """All there is to tell is told."""
    dispatcher = await dispatcher_of(ob)
    for _ in range(4):
        await dispatcher.step()
        await dispatcher.settle()


async def test_what_was_sent_is_counted_by_kind_and_outcome(ob: Onbeat) -> None:
    async with receiving(always(500)) as broken, receiving(slack) as chat:
        await ob.channels.add("broken", "webhook", url=broken.url(), options=AT_ONCE)
        await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
        await Troubles(await ob.store()).open("charge")
        dispatcher = await dispatcher_of(ob)
        for _ in range(4):
            await dispatcher.step()
            await dispatcher.settle()

    counted = {each.kind: each for each in dispatcher.snapshot().requests}
    assert (counted["slack"].sent, counted["slack"].again) == (1, 0)
    assert (counted["webhook"].sent, counted["webhook"].again) == (0, 1)
    sums = (await ob.store()).counting.sums()
    assert {each.labels: each.number for each in sums if each.meter is Meter.TOLD} == {
        ("slack", "sent"): 1, ("webhook", "again"): 1
    }  # fmt: skip


async def test_an_incident_is_told_by_every_channel_with_no_worker_there(database_url: str) -> None:
    async with post_office() as post, receiving(slack) as chat, receiving(pagerduty) as pager:
        said = settings(smtp=f"smtp+plain://localhost:{post.port}", smtp_from="on@shop.example")
        async with Onbeat(database_url, settings=said) as ob:
            await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
            await ob.channels.add("pager", "pagerduty", url=pager.url(), key=KEY, options=AT_ONCE)
            await ob.channels.add("mail", "email", to=["ann@example.com"], options=AT_ONCE)
            parts = Parts(worker=False, scheduler=True)
            async with ob.running(parts=parts):
                store = await ob.store()
                await store.write(_fail)
                await wait_for(partial(told_all, ob, 3), 40)
                await store.write(_recover)
                await wait_for(partial(told_all, ob, 6), 40)

    what = "task charge: a job failed for good (failed since the last success: 1)"
    assert [each["Subject"] for each in post.came] == [f"🟡 {what}", f"🟢 Resolved: {what}"]
    assert [json.loads(each.body)["event_action"] for each in pager.came] == ["trigger", "resolve"]
    assert len(chat.came) == 2


def _fail(connection: Connection, now: datetime) -> None:
    """As the watcher counts a job that failed: the judge opens an incident of it."""
    connection.execute(insert(health).values(
        kind="task", subject="charge", completed=0, failed=1, cancelled=0, attempts=1,
        last_failure_at=now, failed_since=1, completed_since=0,
    ))  # fmt: skip


def _recover(connection: Connection, now: datetime) -> None:
    connection.execute(delete(health))


async def told_all(ob: Onbeat, count: int) -> bool:
    """Whether so many notices were sent."""
    return len(await ob.notices.list(state="sent")) == count


@pytest.mark.parametrize("public_url", ["https://onbeat.example/jobs", None])
async def test_what_is_told_leads_to_its_incident_where_an_address_is_given(
    database_url: str, public_url: str | None
) -> None:
    async with (
        receiving(slack) as chat, receiving(pagerduty) as pager, receiving(well) as hook,
        post_office() as post,
    ):  # fmt: skip
        said = settings(public_url=public_url, smtp_from="on@shop.example",
                        smtp=f"smtp+plain://localhost:{post.port}")  # fmt: skip
        async with Onbeat(database_url, settings=said) as ob:
            await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
            await ob.channels.add("pager", "pagerduty", url=pager.url(), key=KEY, options=AT_ONCE)
            await ob.channels.add("hook", "webhook", url=hook.url(), options=AT_ONCE)
            await ob.channels.add("mail", "email", to=["ann@example.com"], options=AT_ONCE)
            [incident] = await Troubles(await ob.store()).open("charge")
            await dispatched(ob)

    link = None if public_url is None else f"{public_url}/alerts/incidents/{incident}"
    told, paged, posted = (json.loads(each.came[0].body) for each in (chat, pager, hook))
    buttons = [each["elements"][0]["url"] for each in told["blocks"] if each["type"] == "actions"]
    html = post.came[0].get_body(("html",))
    assert html is not None
    assert buttons == ([] if link is None else [link])
    assert paged.get("client_url") == link
    assert posted["data"]["incidents"][0]["link"] == link
    assert ("Open incident" in html.get_content()) is (link is not None)


async def test_what_is_told_of_several_leads_to_the_list_of_them(
    database_url: str,
) -> None:
    said = settings(public_url="https://onbeat.example/jobs")
    async with (
        receiving(slack) as chat, receiving(pagerduty) as pager, receiving(well) as hook,
        Onbeat(database_url, settings=said) as ob,
    ):  # fmt: skip
        text = {**AT_ONCE, "text": "{link}"}
        await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
        await ob.channels.add("own", "slack", url=chat.url(path="/own"), options=text)
        await ob.channels.add("pager", "pagerduty", url=pager.url(), key=KEY, options=AT_ONCE)
        await ob.channels.add("hook", "webhook", url=hook.url(), options=AT_ONCE)
        await Troubles(await ob.store()).open("charge", "send", "scan")
        await dispatched(ob)
        await ob.channels.test("chat")

    link = "https://onbeat.example/jobs/alerts?rule=failed"
    told, own, test = sorted(chat.came, key=lambda each: ("test" in str(each.body), each.path))
    buttons = [
        (each["elements"][0]["text"]["text"], each["elements"][0]["url"])
        for each in json.loads(told.body)["blocks"] if each["type"] == "actions"
    ]  # fmt: skip
    assert buttons == [("Open incidents", link)]
    assert link in json.loads(own.body)["text"]
    assert "actions" not in str(test.body)
    assert json.loads(pager.came[0].body)["client_url"] == link
    [posted] = [json.loads(each.body)["data"] for each in hook.came]
    assert len({each["link"] for each in posted["incidents"]}) == 3


async def test_a_channel_that_is_slow_or_refuses_holds_up_no_other(ob: Onbeat) -> None:
    async with listening() as silent, receiving(always(500)) as broken, receiving(slack) as chat:
        slow = f"http://127.0.0.1:{silent.port}/"
        await ob.channels.add("slow", "webhook", url=slow, options=AT_ONCE)
        await ob.channels.add("broken", "webhook", url=broken.url(), options=AT_ONCE)
        await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
        await Troubles(await ob.store()).open("charge")
        dispatcher = await dispatcher_of(ob)

        await dispatcher.step()
        await wait_for(partial(told_all, ob, 1))
        await dispatcher.step()
        states = {each.channel: str(each.state) for each in await ob.notices.list()}
        await wait_for(partial(is_shown, ob, "broken"))
        names = {each.name: each.id for each in await ob.channels.list()}
        dispatcher._sending[names["slow"]].cancel()
        await asyncio.gather(*dispatcher._sending.values(), return_exceptions=True)

    assert states[names["chat"]] == "sent"
    assert states[names["slow"]] == "sending"
    fault = (await ob.channels.find("broken")).fault
    assert fault == "it was answered 500 Internal Server Error"


async def is_shown(ob: Onbeat, name: str) -> bool:
    """Whether what is wrong with a channel is on its page."""
    return (await ob.channels.find(name)).fault is not None


async def test_a_process_without_the_key_leaves_notices_to_others(
    ob: Onbeat, database_url: str
) -> None:
    async with receiving(slack) as chat:
        await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
        await Troubles(await ob.store()).open("charge")
        async with Onbeat(database_url, settings=Settings()) as keyless:
            await dispatched(keyless)
            before = len(chat.came)
        await dispatched(ob)

        assert (before, len(chat.came)) == (0, 1)


async def test_another_key_is_shown_as_what_is_wrong(ob: Onbeat, database_url: str) -> None:
    async with receiving(slack) as chat:
        await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
        await Troubles(await ob.store()).open("charge")
        other = Settings(secret_key=("another key of 32 characters, or of more",))
        async with Onbeat(database_url, settings=other) as wrong:
            await dispatched(wrong)

        assert "does not open with ONBEAT_SECRET_KEY" in (
            (await ob.channels.find("chat")).fault or ""
        )
        assert chat.came == []


async def test_a_test_is_labelled_sent_once_and_on_record(ob: Onbeat) -> None:
    async with receiving(slack) as chat, receiving(always(500)) as broken:
        await ob.channels.add("chat", "slack", url=chat.url())
        await ob.channels.add("broken", "webhook", url=broken.url())

        good, bad = await ob.channels.test("chat"), await ob.channels.test("broken")
        await dispatched(ob)

        assert (good.is_sent, good.came.status, good.came.answer) == (True, 200, "ok")
        assert (bad.is_sent, bad.came.status) == (False, 500)
        assert json.loads(chat.came[0].body)["text"].startswith("🟢 Test: ")
        assert len(broken.came) == 1
        assert [str(each.state) for each in await ob.notices.list()] == ["failed", "sent"]
        assert len(await ob.notices.attempts(bad.notice)) == 1


async def test_a_template_that_breaks_later_is_shown_and_the_plain_text_is_sent(ob: Onbeat) -> None:
    async with receiving(slack) as chat:
        await ob.channels.add(
            "chat", "slack", url=chat.url(), options={**AT_ONCE, "text": "{note}"}
        )
        await Troubles(await ob.store()).open("charge")

        await dispatched(ob)

        assert "charge failed" in json.loads(chat.came[0].body)["text"]
        assert "the plain text stands in" in ((await ob.channels.find("chat")).fault or "")


async def test_a_broken_template_does_not_hide_that_nothing_is_taken(ob: Onbeat) -> None:
    options = {**AT_ONCE, "text": "{note}"}
    async with receiving(always(500)) as broken:
        await ob.channels.add("hook", "webhook", url=broken.url(), options=options)
        await Troubles(await ob.store()).open("charge")

        await dispatched(ob)

    fault = (await ob.channels.find("hook")).fault or ""
    assert fault.startswith("it was answered 500 Internal Server Error; ")
    assert "nothing comes of it" in fault


DYING = """
import asyncio, os, signal, sys
from onbeat import Onbeat
from onbeat.crash_points import CrashPoint, arm

async def main() -> None:
    arm(CrashPoint(sys.argv[1]), lambda: os.kill(os.getpid(), signal.SIGKILL))
    async with Onbeat() as ob:
        [dispatcher, *_] = ob.channels.services(await ob.store(), lambda _: None)
        await dispatcher.step()
        await dispatcher.settle()

asyncio.run(main())
"""


@pytest.mark.parametrize(("point", "came"), [("notice-claimed", 1), ("notice-sent", 2)])
async def test_a_dispatcher_that_is_killed_has_its_notice_sent_under_the_same_key(
    ob: Onbeat, database_url: str, monkeypatch: pytest.MonkeyPatch, point: str, came: int
) -> None:
    for name, value in (("DB", database_url), ("SECRET_KEY", SECRET_KEY),
                        ("OUTBOUND_ALLOW", "127.0.0.0/8"), ("OUTBOUND_HTTP", "true")):  # fmt: skip
        monkeypatch.setenv(f"ONBEAT_{name}", value)
    async with receiving(well) as receiver:
        await ob.channels.add("hook", "webhook", url=receiver.url(), options=AT_ONCE)
        await Troubles(await ob.store()).open("charge")

        died = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", DYING, point], capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip
        await dispatched(ob)  # its lease is not over
        early = len(receiver.came)
        await (await ob.store()).write(_end_leases)
        await dispatched(ob)

    assert died.returncode == -signal.SIGKILL, died.stderr
    assert (early, len(receiver.came)) == (came - 1, came)
    assert len({each.headers["webhook-id"] for each in receiver.came}) == 1
    [notice] = await ob.notices.list()
    assert (str(notice.state), notice.attempts) == ("sent", 2)


def _end_leases(connection: Any, now: Any) -> None:
    over = now - timedelta(seconds=1)
    connection.execute(update(notices).values(lease_until=over))


async def deadman(ob: Onbeat, url: str, heard: list[Event]) -> DeadMan:
    """A switch as a process would run it."""
    client = Client(Rules(read_allowed("allow", ("127.0.0.0/8",)), http=True))
    return DeadMan(await ob.store(), client, url, timedelta(seconds=30), emit=heard.append)


def _with_scheduler(connection: Any, now: Any) -> None:
    duties.take(connection, now, "watchdog", "some", timedelta(minutes=1))


async def test_the_dead_man_s_switch_is_pressed_while_all_is_well(ob: Onbeat) -> None:
    heard: list[Event] = []
    async with receiving(well) as receiver:
        switch = await deadman(ob, receiver.url(), heard)
        await switch.step()
        alone = await switch.step(), len(receiver.came)
        await (await ob.store()).write(_with_scheduler)
        well_now = await switch.step(), len(receiver.came)

    assert alone == (5.0, 0)
    assert well_now == (30.0, 1)
    assert [type(each) for each in heard] == [SwitchChanged, SwitchChanged]


async def test_a_process_whose_scheduler_begins_a_moment_later_lets_no_switch_go(
    ob: Onbeat,
) -> None:
    heard: list[Event] = []
    async with receiving(well) as receiver:
        switch = await deadman(ob, receiver.url(), heard)
        await switch.step()
        await (await ob.store()).write(_with_scheduler)
        await switch.step()

    assert (heard, len(receiver.came)) == ([], 1)


async def test_the_switch_is_let_go_when_what_is_due_is_not_done(ob: Onbeat) -> None:
    heard: list[Event] = []
    async with receiving(well) as receiver:
        switch = await deadman(ob, receiver.url(), heard)
        store = await ob.store()
        await store.write(_with_scheduler)
        await store.enqueue([factories.job(delay=timedelta(minutes=1))])
        await store.write(_make_overdue)
        await switch.step()
        await switch.step()

        assert receiver.came == []
    assert isinstance(heard[-1], SwitchChanged)
    assert "what is due is not done" in (heard[-1].why or "")


def _make_overdue(connection: Any, now: Any) -> None:
    connection.execute(update(delayed).values(due_at=now - timedelta(minutes=5)))


async def test_a_process_presses_the_switch_that_is_set(database_url: str) -> None:
    async with receiving(well) as receiver:
        said = settings(deadman_url=receiver.url(), deadman_period=timedelta(seconds=1))
        async with (
            Onbeat(database_url, settings=said) as ob,
            ob.running(parts=Parts(worker=False, scheduler=True)),
        ):
            await wait_for(partial(_has, receiver.came, 2), 20)


async def _has(came: list[Any], count: int) -> bool:
    return len(came) >= count


async def test_what_is_critical_reaches_a_channel_of_its_own(ob: Onbeat) -> None:
    async with receiving(slack) as chat, receiving(pagerduty) as pager:
        await ob.channels.add("chat", "slack", url=chat.url(), options=AT_ONCE)
        await ob.channels.add(
            "pager", "pagerduty", url=pager.url(), key=KEY,
            options={**AT_ONCE, "severity": "critical"},
        )  # fmt: skip
        troubles = Troubles(await ob.store())
        await troubles.open("charge")
        await troubles.open("scheduler", rule="no-scheduler", severity=Severity.CRITICAL)

        await dispatched(ob)

        assert (len(chat.came), len(pager.came)) == (2, 1)
