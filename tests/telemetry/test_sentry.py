"""What Sentry is told, as a receiver of its protocol gets it from the real SDK."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sentry_sdk

from onbeat import (
    InvalidInput,
    JobFailed,
    Onbeat,
    Permanent,
    Retry,
    Run,
    Secret,
    Settings,
    Snooze,
    every,
)
from onbeat.telemetry.sentry import Sentry
from tests.telemetry.relay import Relay, relaying
from tests.telemetry.running import ended, hourly

ONCE = Retry(1)
TWICE = Retry(2, base="0s")
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """Sentry, set up to send here."""
    async with relaying() as relay:
        yield relay


async def test_a_job_that_failed_for_good_is_one_error_with_its_tags(
    ob: Onbeat, relay: Relay
) -> None:
    ob.middleware(Sentry(ob))

    @ob.task(queue="default", retry=TWICE)
    async def send(to: str) -> None:
        raise ConnectionError("out of reach")

    job = await send.enqueue("ann")
    await ended(ob, job)

    (event,) = await relay.items("event")
    assert event["tags"] == {
        "task": "send", "queue": "default", "attempt": "2", "outcome": "failed"
    }  # fmt: skip
    assert (event["level"], event["transaction"]) == ("error", "send")
    assert event["contexts"]["onbeat"] == {"job": job.id, "attempt": "2/2"}
    error = event["exception"]["values"][-1]
    assert (error["type"], error["value"]) == ("ConnectionError", "out of reach")
    assert error["mechanism"] == {"type": "onbeat", "handled": False}
    assert error["stacktrace"]["frames"][-1]["function"] == "send"


@ON_SQLITE
async def test_with_every_attempt_those_that_are_tried_again_are_warnings(
    ob: Onbeat, relay: Relay
) -> None:
    ob.middleware(Sentry(ob, every_attempt=True))

    @ob.task(retry=TWICE)
    async def send() -> None:
        raise ConnectionError("out of reach")

    await ended(ob, await send.enqueue())

    events = await relay.items("event")
    assert [(each["level"], each["tags"]["attempt"]) for each in events] == [
        ("warning", "1"), ("error", "2")
    ]  # fmt: skip


async def give_up() -> None:
    raise Permanent("never")


async def hang() -> None:
    await asyncio.Event().wait()


async def put_off() -> None:
    raise Snooze(timedelta(hours=1), "later")


@ON_SQLITE
@pytest.mark.parametrize(
    ("do", "told"),
    [
        (give_up, [("Permanent", "never")]),
        (hang, [("TimeoutError", "TimeoutError: ran past its timeout of 0.2 s")]),
    ],
)
async def test_what_ends_a_job_for_good_is_told_at_its_first_attempt(
    ob: Onbeat, relay: Relay, do: Any, told: list[tuple[str, str]]
) -> None:
    ob.middleware(Sentry(ob))
    retry = Retry(1) if do is hang else Retry(5)
    task = ob.task(timeout="200ms", retry=retry)(do)

    await ended(ob, await task.enqueue())

    events = await relay.items("event")
    values = [each["exception"]["values"][-1] for each in events]
    assert [(each["type"], each["value"]) for each in values] == told


@ON_SQLITE
async def test_what_a_job_logged_and_enqueued_are_breadcrumbs_of_its_error_alone(
    ob: Onbeat, relay: Relay
) -> None:
    ob.middleware(Sentry(ob))

    @ob.task
    async def other(number: int) -> None: ...

    @ob.task(retry=ONCE)
    async def send(run: Run, to: str) -> None:
        run.log.warning(f"to {to}")
        logging.getLogger("shop").warning("by logging")
        await other.enqueue(1977)
        raise ConnectionError("out of reach")

    for to in ("ann", "bob"):
        await ended(ob, await send.enqueue(to))

    first, second = await relay.items("event")
    for event, to in ((first, "ann"), (second, "bob")):
        crumbs = [
            (each["category"], each["message"])
            for each in event["breadcrumbs"]["values"]
            if each["category"] in ("onbeat.log", "onbeat.enqueue", "shop")
        ]
        assert crumbs[-3:] == [
            ("onbeat.log", f"to {to}"), ("shop", "by logging"), ("onbeat.enqueue", "other")
        ]  # fmt: skip
        assert sum(category == "onbeat.log" for category, _ in crumbs) == 1
        assert "1977" not in json.dumps(event["breadcrumbs"])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_is_read_to_tell_of_a_job_is_no_breadcrumb_of_it(
    database_url: str, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    async with Onbeat(database_url, settings=Settings()) as ob:
        ob.middleware(Sentry(ob))

        @ob.task(retry=ONCE)
        async def report() -> None:
            await ob.jobs.counts()
            raise ConnectionError("out of reach")

        when, last = hourly()
        await ob.schedules.create("nightly", report.bind(), when=when)
        job = await ob.schedules.trigger("nightly", at=last)
        async with ob.running():
            with sentry_sdk.isolation_scope(), suppress(JobFailed):  # the test reads the job too
                await job.result("20s")

    (event,) = await relay.items("event")
    crumbs = " ".join(each["message"] for each in event["breadcrumbs"]["values"])
    assert "onbeat_ready" in crumbs
    assert "onbeat_schedules.name AS schedule_name" not in crumbs


async def test_no_secret_is_told_however_it_comes(ob: Onbeat, relay: Relay) -> None:
    ob.middleware(Sentry(ob))

    @ob.task(retry=ONCE)
    async def pay(run: Run, card: Secret[str]) -> None:
        copied = f"<{card}>"
        halves = [card[:9], card[9:]]
        run.log.warning(f"paying with {copied}")
        logging.getLogger("shop").error("refused: %s", card, extra={"card": card})
        assert "".join(halves) == card
        sentry_sdk.set_tag("card", card)
        sentry_sdk.capture_message(f"by hand: {card}")
        aside = threading.Thread(target=sentry_sdk.capture_message, args=(f"aside: {card}",))
        aside.start()
        await asyncio.to_thread(aside.join)
        raise ValueError(f"{card} was refused")

    await ended(ob, await pay.enqueue("4242-4242-1111"))

    events = await relay.items("event")
    assert len(events) == 4
    told = json.dumps(events)
    assert "4242-4242" not in told
    assert "by hand: ***" in told
    assert "*** was refused" in told
    assert '"vars"' not in told


@ON_SQLITE
async def test_without_secrets_local_variables_are_told_as_sentry_is_set_up_to(
    ob: Onbeat, relay: Relay
) -> None:
    ob.middleware(Sentry(ob))

    @ob.task(retry=ONCE)
    async def send(to: str) -> None:
        raise ConnectionError("out of reach")

    await ended(ob, await send.enqueue("ann"))

    (event,) = await relay.items("event")
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["vars"]["to"] == "'ann'"


async def test_a_run_of_a_schedule_checks_in_and_out(ob: Onbeat, relay: Relay) -> None:
    ob.middleware(Sentry(ob, margin="2m"))

    @ob.task(timeout="90s", retry=ONCE)
    async def report() -> None: ...

    when, last = hourly()
    await ob.schedules.create("nightly", report.bind(), when=when)
    jobs = []
    for _ in range(2):
        jobs.append(await ob.schedules.trigger("nightly", at=last))
        await ended(ob, jobs[-1])

    found = await relay.items("check_in")
    said = [(each["monitor_slug"], each["check_in_id"], each["status"]) for each in found]
    assert said == [("nightly", job.id, status) for job in jobs for status in ("in_progress", "ok")]
    assert found[0]["monitor_config"] == {
        "schedule": {"type": "interval", "value": 1, "unit": "hour"}, "timezone": "UTC",
        "checkin_margin": 2, "max_runtime": 2,
    }  # fmt: skip
    assert not any("monitor_config" in each for each in found[1:])
    assert found[0]["environment"] == "test"


@ON_SQLITE
async def test_attempts_of_a_job_are_one_check_in_that_ends_with_the_last(
    ob: Onbeat, relay: Relay
) -> None:
    ob.middleware(Sentry(ob))

    @ob.task(retry=TWICE)
    async def report() -> None:
        raise ConnectionError("out of reach")

    when, last = hourly()
    await ob.schedules.create("nightly", report.bind(), when=when)
    job = await ob.schedules.trigger("nightly", at=last)
    await ended(ob, job)

    found = await relay.items("check_in")
    assert [(each["check_in_id"], each["status"]) for each in found] == [
        (job.id, "in_progress"), (job.id, "error")
    ]  # fmt: skip
    (event,) = await relay.items("event")
    assert event["tags"]["schedule"] == "nightly"


@ON_SQLITE
@pytest.mark.parametrize("why", ["switched off", "long over", "not due", "no monitor"])
async def test_nothing_is_checked_in_where_sentry_could_not_follow(
    ob: Onbeat, relay: Relay, why: str
) -> None:
    ob.middleware(Sentry(ob, check_ins=why != "switched off"))

    @ob.task
    async def report() -> None: ...

    when, last = hourly()
    if why == "no monitor":
        when = every("90s", anchor=last)
    await ob.schedules.create("nightly", report.bind(), when=when)
    ago = timedelta(days=3) if why == "long over" else timedelta()
    at = None if why == "not due" else last - ago
    await ended(ob, await ob.schedules.trigger("nightly", at=at))

    assert await relay.items("check_in") == []


@ON_SQLITE
async def test_where_sentry_is_not_set_up_jobs_run_as_without_it(ob: Onbeat) -> None:
    ob.middleware(Sentry(ob))

    @ob.task
    async def send() -> str:
        return "sent"

    job = await send.enqueue()
    async with ob.running():
        assert await job.result("20s") == "sent"


def test_a_margin_that_is_none_is_named() -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    with pytest.raises(InvalidInput, match="margin: '-1m' is negative"):
        Sentry(ob, margin="-1m")
