"""The task `http`: a job that is a request, and ends as its target answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onbeat import (
    InvalidArguments,
    Job,
    JobHandle,
    Onbeat,
    Settings,
    State,
    UnknownTask,
    verify_webhook,
)
from onbeat.app.options import read_options
from onbeat.domain.requests import RequestOutcome
from onbeat.domain.retries import Retry
from onbeat.domain.webhooks import write_secret
from tests.outbound.receivers import Receiver, always, in_turn, nobodys_port, receiving, saying
from tests.waiting import wait_for

INNER = Settings(http_task=True, outbound_allow=("127.0.0.0/8",), outbound_http=True)
SECRET = write_secret(b"k" * 32)
TOKEN = "Bearer tok-5f2b8e71c0"  # noqa: S105 - of a test


@pytest.fixture
async def sending(database_url: str) -> AsyncIterator[Onbeat]:
    """An application with the task, whose targets may be on loopback."""
    async with Onbeat(database_url, settings=INNER) as ob:
        yield ob


async def ask(ob: Onbeat, url: str, retry: Retry | None = None, **said: Any) -> JobHandle[Any]:
    args = ob.registry.find("http").arguments.encode((), {"url": url, **said}).decode()
    return await ob.jobs.enqueue("http", args, read_options(retry=retry))


async def ended(ob: Onbeat, handle: JobHandle[Any], *states: State) -> Job:
    """The job, once a worker has brought it into one of these states."""

    async def look() -> bool:
        return (await handle.show()).state in states

    async with ob.running(scheduler=False):
        await wait_for(look, what=f"that the job is {states}")
    return await handle.show()


async def completed(ob: Onbeat, receiver: Receiver, **said: Any) -> Any:
    """The result of a job that asks the receiver."""
    handle = await ask(ob, receiver.url(), **said)
    async with ob.running(scheduler=False):
        return await handle.result("10s")


def test_it_is_not_there_unless_it_is_asked_for() -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    assert ob.tasks == ()
    with pytest.raises(UnknownTask, match="ONBEAT_HTTP_TASK=true"):
        ob.jobs.bind("http", '{"url": "https://a.example"}')


async def test_its_result_is_what_was_answered(sending: Onbeat) -> None:
    async with receiving(saying({"id": 7}, status=201)) as receiver:
        result = await completed(sending, receiver, body={"order": 42})

        assert (result.status, result.body, result.is_cut) == (201, {"id": 7}, False)
        [came] = receiver.came
        assert (came.body, came.headers["content-type"]) == (b'{"order":42}', "application/json")


async def test_an_answer_that_is_no_json_is_text_and_a_long_one_is_cut(sending: Onbeat) -> None:
    async with receiving(saying("x" * 20_000)) as receiver:
        result = await completed(sending, receiver)

        assert result.is_cut
        assert result.body == '"' + "x" * (16 * 1024 - 1)


async def test_it_sends_what_it_is_given_and_its_job_s_id_as_the_key(sending: Onbeat) -> None:
    async with receiving(saying(1)) as receiver:
        handle = await ask(
            sending, receiver.url(path="/a?b=1"), method="put", body="plain",
            headers={"X-Tenant": "acme"}, secret_headers={"Authorization": TOKEN},
        )  # fmt: skip
        await ended(sending, handle, State.COMPLETED)

        [came] = receiver.came
        assert (came.path, came.body) == ("/a?b=1", b"plain")
        assert came.headers["content-type"] == "text/plain; charset=utf-8"
        assert came.headers["x-tenant"] == "acme"
        assert came.headers["authorization"] == TOKEN
        assert came.headers["idempotency-key"] == handle.id
        assert "webhook-signature" not in came.headers


async def test_it_is_signed_as_webhooks_are_each_time_with_the_same_id(sending: Onbeat) -> None:
    async with receiving(in_turn(always(503), saying(1))) as receiver:
        body = {"type": "order", "timestamp": datetime.now(UTC), "data": {"n": 1}}
        handle = await ask(sending, receiver.url(), Retry(2, base="0s"), secret=SECRET, body=body)
        await ended(sending, handle, State.COMPLETED)

        seen = [verify_webhook(each.body, each.headers, SECRET) for each in receiver.came]
        assert [each.id for each in seen] == [f"msg_{handle.id}"] * 2
        assert [each.headers["idempotency-key"] for each in receiver.came] == [handle.id] * 2


@pytest.mark.parametrize("status", [301, 400, 404, 409, 410, 422])
async def test_what_would_be_answered_again_is_final(sending: Onbeat, status: int) -> None:
    async with receiving(always(status)) as receiver:
        job = await ended(sending, await ask(sending, receiver.url()), State.FAILED)

        assert (job.attempt, len(receiver.came)) == (1, 1)
        assert f"it was answered {status}" in (job.reason or "")


@pytest.mark.parametrize("status", [408, 500, 502, 503])
async def test_what_may_be_answered_otherwise_is_tried_again(sending: Onbeat, status: int) -> None:
    async with receiving(in_turn(always(status), saying(1))) as receiver:
        handle = await ask(sending, receiver.url(), Retry(2, base="0s"))

        assert (await ended(sending, handle, State.COMPLETED)).attempt == 2


async def test_where_nobody_listens_it_is_tried_again(sending: Onbeat) -> None:
    handle = await ask(sending, f"http://127.0.0.1:{nobodys_port()}/", Retry(2, base="1h"))

    job = await ended(sending, handle, State.RETRYING)

    assert "did not answer" in (job.reason or "")


@pytest.mark.parametrize("status", [429, 503])
async def test_a_target_is_left_alone_for_as_long_as_it_asks(sending: Onbeat, status: int) -> None:
    async with receiving(always(status, Retry_After="3600")) as receiver:
        handle = await ask(sending, receiver.url(), Retry(2, base="0s"))
        job = await ended(sending, handle, State.RETRYING)

        assert job.due_at is not None
        left = job.due_at - datetime.now(UTC)
        assert timedelta(minutes=50) < left <= timedelta(hours=1)


async def test_a_target_cannot_put_a_job_off_for_more_than_a_day(sending: Onbeat) -> None:
    async with receiving(always(429, Retry_After="99999999")) as receiver:
        handle = await ask(sending, receiver.url(), Retry(2, base="0s"))
        job = await ended(sending, handle, State.RETRYING)

        assert job.due_at is not None
        assert job.due_at - datetime.now(UTC) <= timedelta(days=1)


async def test_no_job_reaches_an_inner_address_that_the_operator_has_not_allowed(
    database_url: str,
) -> None:
    strict = Settings(http_task=True, outbound_http=True)
    async with receiving() as receiver, Onbeat(database_url, settings=strict) as ob:
        for host in ("127.0.0.1", "localhost"):
            job = await ended(ob, await ask(ob, receiver.url(host)), State.FAILED)
            assert "no address outside" in (job.reason or "")

        assert receiver.came == []


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"method": "BREW"}, "method"),
        ({"headers": {"Host": "a"}}, "headers"),
        ({"headers": {"Authorization": TOKEN}}, "headers"),
        ({"secret_headers": {"X-A": "hunter2\r\nX-B: 1"}}, "secret_headers"),
        ({"timeout": "11m"}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
    ],
)
async def test_what_cannot_be_sent_is_refused_where_it_is_asked_for_without_what_is_secret(
    sending: Onbeat, said: dict[str, Any], field: str
) -> None:
    async with receiving() as receiver:
        with pytest.raises(InvalidArguments) as refused:
            await ask(sending, receiver.url(), **said)

    assert refused.value.field == field
    assert "hunter2" not in str(refused.value)
    assert await sending.jobs.list() == []


async def test_a_secret_that_cannot_sign_is_final_and_not_told(sending: Onbeat) -> None:
    wrong = "hunter2"
    async with receiving() as receiver:
        job = await ended(sending, await ask(sending, receiver.url(), secret=wrong), State.FAILED)

        assert "secret: " in (job.reason or "")
        assert "hunter2" not in (job.reason or "")
        assert (job.attempt, receiver.came) == (1, [])


async def test_secrets_are_not_shown_also_where_a_target_sends_them_back(sending: Onbeat) -> None:
    async with receiving(saying({"you sent": TOKEN}, status=400)) as receiver:
        handle = await ask(
            sending, receiver.url(), secret=SECRET, secret_headers={"Authorization": TOKEN}
        )
        job = await ended(sending, handle, State.FAILED)

        [attempt] = await sending.jobs.attempts(handle.id)
        told = f"{job} {attempt} {await sending.jobs.log(handle.id)}"
        assert "you sent" in told
        assert TOKEN not in told
        assert SECRET not in told


async def test_its_requests_are_counted_as_its_own(sending: Onbeat) -> None:
    async with receiving(saying(1)) as receiver:
        await completed(sending, receiver)

    [counted] = sending._context.tally.counted()
    assert (counted.kind, counted.count(RequestOutcome.SENT)) == ("http", 1)
