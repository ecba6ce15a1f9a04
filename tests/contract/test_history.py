"""What is remembered of a run: its attempts, their results and errors, log lines, progress."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from onbeat.domain.attempts import Attempt, Failure, LogLine
from onbeat.domain.jobs import ClaimedJob, JobId
from onbeat.domain.states import State
from onbeat.store import history
from onbeat.store.history import StoredLine, StoredProgress
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import acked, begin, cancel, claim_one, enqueue, find, running, state
from tests.timing import START, ManualTiming


async def attempts(store: Store, job: JobId) -> list[Attempt]:
    return await store.read(lambda c, now: history.list_attempts(c, now, job))


async def write_lines(store: Store, *lines: StoredLine) -> None:
    await store.write(lambda c, now: history.write_lines(c, now, lines))


async def write_progress(store: Store, *told: StoredProgress) -> None:
    await store.write(lambda c, now: history.write_progress(c, now, told))


async def read_lines(store: Store, job: JobId) -> list[StoredLine]:
    return await store.read(lambda c, now: history.list_lines(c, now, job))


def line(claimed: ClaimedJob, number: int, message: str = "charged", **fields: Any) -> StoredLine:
    written = LogLine(**{"at": START, "level": "info", "message": message, **fields})
    return StoredLine(claimed.id, claimed.token, number, written)


async def test_every_attempt_is_remembered_in_order(store: Store, timing: ManualTiming) -> None:
    session = await begin(store)
    first = await running(store, session)
    timing.advance(seconds=2)
    await acked(store, factories.ack(first, "retry", reason="ValueError: no"))
    timing.advance(seconds=60)
    await store.promote(1)
    second = await claim_one(store, session)
    await acked(store, factories.ack(second))

    found = await attempts(store, first.id)

    assert [(each.attempt, each.token, each.outcome) for each in found] == [
        (1, first.token, "failed"), (2, second.token, "succeeded"),
    ]  # fmt: skip
    assert (found[0].started_at, found[0].finished_at) == (START, START + timedelta(seconds=2))
    assert (found[0].session, found[0].reason) == (session.id, "ValueError: no")


@pytest.mark.parametrize(
    "result", ["null", "1", '"text"', "[]", '{"a":[1,{"b":null}]}', "18446744073709551617", "0.1"]
)
async def test_a_result_comes_back_as_it_was(store: Store, result: str) -> None:
    claimed = await running(store)
    await acked(store, factories.ack(claimed, result=result))

    [attempt] = await attempts(store, claimed.id)

    assert attempt.result is not None
    assert json.loads(attempt.result) == json.loads(result)


async def test_no_result_is_not_the_result_null(store: Store) -> None:
    claimed = await running(store)
    await acked(store, factories.ack(claimed))

    assert (await attempts(store, claimed.id))[0].result is None


async def test_the_result_of_a_job_is_its_last_attempts(store: Store) -> None:
    session = await begin(store)
    first = await running(store, session)
    await acked(store, factories.ack(first, "release"))
    second = await claim_one(store, session)
    await acked(store, factories.ack(second, result="2"))

    found = await store.read(lambda c, now: history.result_of(c, now, first.id))

    assert found is not None
    assert (found.token, found.result) == (second.token, "2")


async def test_a_job_that_never_ran_has_no_result(store: Store) -> None:
    job = await enqueue(store)

    assert await store.read(lambda c, now: history.result_of(c, now, job)) is None


async def test_an_error_is_kept_as_text(store: Store) -> None:
    claimed = await running(store)
    failure = Failure(type="shop.CardRefused", message="no 💸", traceback='File "a.py"\n  \\x')
    await acked(store, factories.ack(claimed, "bury", failure=failure, reason="CardRefused"))

    [attempt] = await attempts(store, claimed.id)

    assert attempt.error == failure
    assert (await find(store, claimed.id)).reason == "CardRefused"


UNKEPT = {
    "nul": "a\0b",
    "half a pair": "a\ud800b",
    "from a file name": b"caf\xe9".decode(errors="surrogateescape"),
}


@pytest.mark.parametrize("text", UNKEPT.values(), ids=UNKEPT)
@pytest.mark.parametrize("field", ["reason", "message", "traceback", "result", "raw result"])
async def test_text_that_cannot_be_kept_does_not_hold_up_the_acks_beside_it(
    store: Store, field: str, text: str
) -> None:
    session = await begin(store)
    odd, plain = await running(store, session), await running(store, session)
    failure = Failure(type="E", message="m", traceback="t")
    by_field: dict[str, dict[str, Any]] = {
        "reason": {"reason": text},
        "message": {"failure": replace(failure, message=text)},
        "traceback": {"failure": replace(failure, traceback=text)},
        "result": {"result": json.dumps(text)},
        "raw result": {"result": json.dumps(text.replace("\0", ""), ensure_ascii=False)},
    }

    told = factories.ack(odd, "bury", **by_field[field])
    applied = await acked(store, told, factories.ack(plain))

    assert applied == {odd.token, plain.token}
    assert await state(store, plain.id) is State.COMPLETED
    assert len(await attempts(store, odd.id)) == 1


async def test_lines_come_back_in_order_attempt_after_attempt(store: Store) -> None:
    session = await begin(store)
    first = await running(store, session)
    await acked(store, factories.ack(first, "release"))
    second = await claim_one(store, session)
    await write_lines(store, line(second, 1, "again"), line(first, 2, "two"), line(first, 1, "one"))

    found = await read_lines(store, first.id)

    assert [each.line.message for each in found] == ["one", "two", "again"]


async def test_a_line_comes_back_as_it_was_written(store: Store) -> None:
    written = line(await running(store), 1, "héllo\n", level="warning", fields='{"order":42}')
    await write_lines(store, written)

    [found] = await read_lines(store, written.job)

    assert json.loads(found.line.fields) == {"order": 42}
    assert (found.line.message, found.line.level, found.line.at) == ("héllo\n", "warning", START)


@pytest.mark.parametrize("text", UNKEPT.values(), ids=UNKEPT)
async def test_a_line_that_cannot_be_kept_does_not_hold_up_the_lines_beside_it(
    store: Store, text: str
) -> None:
    claimed = await running(store)
    odd = line(claimed, 1, text, fields=json.dumps({"what": text}))

    await write_lines(store, odd, line(claimed, 2))

    assert [each.number for each in await read_lines(store, claimed.id)] == [1, 2]


async def test_no_lines_and_no_progress_is_nothing_to_do(store: Store) -> None:
    await write_lines(store)
    await write_progress(store)


async def test_progress_shows_while_the_job_runs(store: Store) -> None:
    claimed = await running(store)

    await write_progress(store, StoredProgress(claimed.token, 0.25, "calling the bank"))

    shown = await find(store, claimed.id)
    assert (shown.progress, shown.note) == (0.25, "calling the bank")


@pytest.mark.parametrize("text", UNKEPT.values(), ids=UNKEPT)
async def test_a_note_that_cannot_be_kept_does_not_hold_up_the_progress_beside_it(
    store: Store, text: str
) -> None:
    session = await begin(store)
    odd, plain = await running(store, session), await running(store, session)

    await write_progress(
        store, StoredProgress(odd.token, 0.5, text), StoredProgress(plain.token, 0.75, "fine")
    )

    assert [(await find(store, each.id)).progress for each in (odd, plain)] == [0.5, 0.75]


@pytest.mark.parametrize("text", UNKEPT.values(), ids=UNKEPT)
async def test_a_reason_to_cancel_that_cannot_be_kept_still_cancels(
    store: Store, text: str
) -> None:
    job = await enqueue(store)

    await cancel(store, job, text)

    assert await state(store, job) is State.CANCELLED


async def test_progress_of_an_attempt_that_ended_is_passed_over(store: Store) -> None:
    claimed = await running(store)
    await acked(store, factories.ack(claimed))

    await write_progress(store, StoredProgress(claimed.token, 0.9, None))

    assert (await find(store, claimed.id)).progress is None


async def test_of_a_log_longer_than_asked_for_the_end_is_given(store: Store) -> None:
    claimed = await running(store)
    await write_lines(store, *(line(claimed, number, f"line {number}") for number in range(10)))

    found = await store.read(lambda c, now: history.list_lines(c, now, claimed.id, limit=3))

    assert [each.line.message for each in found] == ["line 7", "line 8", "line 9"]


async def test_a_log_is_read_back_to_its_beginning_page_by_page(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    first = await running(store, session)
    await write_lines(store, *(line(first, number, f"first {number}") for number in range(1, 4)))
    await acked(store, factories.ack(first, "retry", reason="no"))
    timing.advance(seconds=60)
    await store.promote(1)
    second = await claim_one(store, session)
    await write_lines(store, *(line(second, number, f"second {number}") for number in range(1, 3)))

    pages: list[list[str]] = []
    before: history.LinePlace | None = None
    while found := await store.read(
        partial(history.list_lines, job=first.id, limit=2, before=before)
    ):
        pages.append([each.line.message for each in found])
        before = history.LinePlace(found[0].token, found[0].number)

    assert pages == [["second 1", "second 2"], ["first 2", "first 3"], ["first 1"]]


async def test_a_job_that_does_not_run_tells_when_its_last_attempt_began(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    waiting = await find(store, await enqueue(store, delay=timedelta(days=9)))
    first = await running(store, session)
    timing.advance(seconds=2)
    await acked(store, factories.ack(first, "retry", reason="ValueError: no"))
    retrying = await find(store, first.id)
    timing.advance(seconds=60)
    await store.promote(1)
    second = await claim_one(store, session)
    timing.advance(seconds=5)
    await acked(store, factories.ack(second))
    ended = await find(store, first.id)

    assert waiting.started_at is None
    assert (retrying.state, retrying.started_at) == (State.RETRYING, START)
    assert (ended.state, ended.started_at) == (
        State.COMPLETED, START + timedelta(seconds=62),
    )  # fmt: skip


async def test_a_job_called_off_before_it_began_tells_of_no_beginning(store: Store) -> None:
    job = await enqueue(store)
    await cancel(store, job)

    assert (await find(store, job)).started_at is None
