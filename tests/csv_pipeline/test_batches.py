"""Sessions judged by an OpenAI-style Batch API, a part of which fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from examples.csv_pipeline import batches
from examples.csv_pipeline.analysis import AnswerUnclear, EndpointAnalyst, verdict_of
from examples.csv_pipeline.batch_server import BatchServer, serving
from examples.csv_pipeline.sessions import MOST_ATTEMPTS, Verdict
from examples.csv_pipeline.tables import batches as stored
from examples.csv_pipeline.tables import sessions

from onbeat import CallError, Onbeat
from tests.csv_pipeline.conftest import Pipeline

TOKEN = "a token of the tests"  # noqa: S105 - it opens nothing


@pytest.fixture
async def waiting(pipeline: Pipeline) -> Pipeline:
    """Ten sessions that wait for a batch."""
    await pipeline.has("acme", analysis="batch")
    pipeline.put("acme", "a.csv", *(f"s{n},2027-03-01,Where is my parcel?," for n in range(10)))
    await pipeline.process("acme")
    return pipeline


def one_fails(custom_id: str) -> bool:
    return custom_id == "s3"


def nothing_fails(custom_id: str) -> bool:
    return False


def server(fails: Callable[[str], bool] = one_fails, delay: float = 0) -> BatchServer:
    return BatchServer(delay=delay, fails=fails, token=TOKEN)


async def test_what_fails_in_a_batch_waits_for_the_next_and_the_rest_is_judged(
    waiting: Pipeline, ob: Onbeat
) -> None:
    async with waiting.batches(server(), ob):
        await waiting.submit("acme")
        await waiting.check("acme")
        first = (await waiting.of("acme")).sessions
        await waiting.submit("acme")
        await waiting.check("acme")

    assert first == {"analysed": 9, "waiting": 1}
    assert (await waiting.of("acme")).sessions == {"analysed": 10}
    assert sorted((x.succeeded, x.failed) for x in await waiting.rows_of(stored)) == [
        (1, 0), (9, 1),
    ]  # fmt: skip
    assert {x.category for x in await waiting.rows_of(sessions)} == {"delivery"}


async def test_what_fails_each_time_is_left_as_failed(waiting: Pipeline, ob: Onbeat) -> None:
    theirs = server()
    async with waiting.batches(theirs, ob):
        for _ in range(MOST_ATTEMPTS):
            await waiting.submit("acme")
            await waiting.check("acme")
            theirs.failed.clear()
        await waiting.submit("acme")

    assert (await waiting.of("acme")).sessions == {"analysed": 9, "failed": 1}
    assert len(theirs.batches) == MOST_ATTEMPTS


async def test_a_batch_that_goes_on_is_left_alone(waiting: Pipeline, ob: Onbeat) -> None:
    async with waiting.batches(server(delay=600), ob):
        await waiting.submit("acme")
        await waiting.check("acme")

    found = await waiting.of("acme")
    assert (found.sessions, found.batches) == ({"batched": 10}, {"submitted": 1})


async def test_one_killed_before_it_noted_that_it_had_submitted_leaves_no_second_batch(
    waiting: Pipeline, ob: Onbeat
) -> None:
    theirs = server()
    async with waiting.batches(theirs, ob) as api:
        await waiting.store.write(
            lambda connection, now: batches.prepare(connection, now, "b1", "acme", 100)
        )
        [prepared] = await waiting.store.read(
            lambda connection, now: batches.open_ones(connection, now, "acme", "prepared")
        )
        await api.submit(prepared.id, prepared.messages)
        await waiting.submit("acme")
        await waiting.check("acme")

    assert len(theirs.batches) == 1
    assert (await waiting.of("acme")).sessions == {"analysed": 9, "waiting": 1}


async def test_a_batch_is_brought_home_once(waiting: Pipeline, ob: Onbeat) -> None:
    async with waiting.batches(server(), ob):
        await waiting.submit("acme")
        [batch] = await waiting.store.read(
            lambda connection, now: batches.open_ones(connection, now, "acme", "submitted")
        )
        await waiting.check("acme")
    verdict = Verdict("praise", "positive", "late")

    is_first = await waiting.store.write(
        lambda connection, now: batches.end(connection, now, batch, {"s3": verdict}, "")
    )

    assert not is_first
    assert "praise" not in {x.category for x in await waiting.rows_of(sessions)}


async def test_a_session_that_is_corrected_meanwhile_is_not_judged_by_what_was_asked(
    waiting: Pipeline, ob: Onbeat
) -> None:
    async with waiting.batches(server(), ob):
        await waiting.submit("acme")
        waiting.put("acme", "b.csv", "s1,2027-03-01,Thank you!,2099-01-01")
        await waiting.process("acme")
        await waiting.check("acme")

    found = {each.id: each for each in await waiting.rows_of(sessions)}
    assert (found["s1"].state, found["s1"].category) == ("waiting", None)
    assert found["s0"].state == "analysed"


async def test_a_batch_with_nothing_left_to_ask_ends_and_stops_no_other(
    waiting: Pipeline, ob: Onbeat
) -> None:
    await waiting.store.write(
        lambda connection, now: batches.prepare(connection, now, "b1", "acme", 1)
    )
    waiting.put("acme", "b.csv", "s0,2027-03-01,Thank you!,2099-01-01")
    await waiting.process("acme")
    theirs = server(nothing_fails)
    async with waiting.batches(theirs, ob):
        await waiting.submit("acme")
        await waiting.check("acme")

    assert (await waiting.of("acme")).sessions == {"analysed": 10}
    assert [len(x.splitlines()) for x in theirs.files.values()] == [10, 10]  # asked, answered


async def test_a_batch_that_is_gone_ends_and_stops_no_other_and_costs_no_attempt(
    waiting: Pipeline, ob: Onbeat
) -> None:
    theirs = server(nothing_fails)
    waiting.options = replace(waiting.options, batch_most=5)
    async with waiting.batches(theirs, ob):
        await waiting.submit("acme")
        del theirs.batches["batch_1"]
        await waiting.check("acme")

    assert (await waiting.of("acme")).sessions == {"analysed": 5, "waiting": 5}
    assert {x.attempts for x in await waiting.rows_of(sessions)} == {0}


async def test_one_result_that_cannot_be_read_takes_no_other_with_it(
    waiting: Pipeline, ob: Onbeat
) -> None:
    theirs = server(nothing_fails)
    async with waiting.batches(theirs, ob) as api:
        await waiting.submit("acme")
        await api.look("batch_1")  # by which it is worked off
        [output] = [each["output_file_id"] for each in theirs.batches.values()]
        first, second, third, *others = theirs.files[output].splitlines()
        theirs.files[output] = b"\n".join(
            [b"<html>", b"[1]", second[:-1] + ', "said": "\u2028"}'.encode(), first, *others]
        )
        await waiting.check("acme")

    assert (await waiting.of("acme")).sessions == {"analysed": 9, "waiting": 1}
    [ended] = await waiting.rows_of(stored)
    assert "no result: b'<html>'" in ended.note
    assert json.loads(third)["custom_id"] == "s2"


@pytest.mark.parametrize("status", ["failed", "expired", "cancelled"])
async def test_a_batch_that_ends_as_a_whole_costs_those_an_attempt_that_were_asked_about(
    waiting: Pipeline, ob: Onbeat, status: str
) -> None:
    theirs = server()
    async with waiting.batches(theirs, ob) as api:
        await waiting.submit("acme")
        await api.look("batch_1")
        [batch] = theirs.batches.values()
        batch["status"] = status
        del batch["output_file_id"]
        theirs.files[batch["error_file_id"]] += (
            b'\n{"custom_id": "s5", "response": null, "error": {"code": "batch_expired"}}'
        )
        await waiting.check("acme")

    found = {x.id: (x.state, x.attempts) for x in await waiting.rows_of(sessions)}
    assert {name for name, stands in found.items() if stands == ("waiting", 1)} == {"s3"}
    assert set(found.values()) == {("waiting", 0), ("waiting", 1)}


async def test_what_was_just_prepared_is_not_looked_for(waiting: Pipeline, ob: Onbeat) -> None:
    theirs = server()
    async with waiting.batches(theirs, ob):
        await waiting.submit("acme")

    assert (len(theirs.batches), theirs.listed) == (1, 0)


async def test_a_wrong_key_is_told_and_nothing_is_lost(waiting: Pipeline, ob: Onbeat) -> None:
    theirs = server()
    async with waiting.batches(theirs, ob):
        theirs.token = "another"  # noqa: S105 - as above
        with pytest.raises(CallError, match="401"):
            await waiting.submit("acme")

    assert (await waiting.of("acme")).batches == {"prepared": 1}


async def test_an_endpoint_judges_in_place_of_the_local_model(ob: Onbeat) -> None:
    async with serving(server().app()) as address:
        analyst = EndpointAnalyst(ob.client("ai", url=f"{address}/v1", token=TOKEN), "a-model")
        found = await analyst.judge(["Where is my parcel?", "You are wonderful, thank you"])

    assert found == [
        Verdict("delivery", "neutral", "a-model"), Verdict("praise", "positive", "a-model"),
    ]  # fmt: skip


def test_an_answer_that_is_no_verdict_is_told() -> None:
    for said in (
        "{}", '{"category": "weather", "sentiment": "neutral"}', "well",
        '{"category": ["other"], "sentiment": "neutral"}',
    ):  # fmt: skip
        with pytest.raises(AnswerUnclear):
            verdict_of({"choices": [{"message": {"content": said}}]}, "m")
