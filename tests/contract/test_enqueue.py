"""Enqueue: once by id, at the right moment, with the arguments as they were given."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest

from onbeat.domain.errors import InvalidInput
from onbeat.domain.states import Place, State
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import begin, claim_one, drain, enqueue, everything, find, place, places
from tests.timing import START, ManualTiming

ARGUMENTS: dict[str, Any] = {
    "empty": {},
    "unicode": {"name": "Zoë 漢字 🎉", "ключ": "\u2028\x7f"},
    "escapes": {"text": 'quote " slash \\ tab \t line \n bell \x07', "back": "\\u0000"},
    "nested": {"a": [{"b": [[], {}, [None, True, False]]}], "": {"": ""}},
    "long numbers": {"n": 2**64 + 1, "m": -(10**40), "edge": [2**63, -(2**63) - 1]},
    "floats": {"x": [0.1, -1.5e-7, 5e-324, 1.25, 3.141592653589793]},
    "long text": {"text": "é" * 100_000},
}


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_arguments_come_back_as_they_were_given(store: Store, name: str) -> None:
    session = await begin(store)
    given = json.dumps(ARGUMENTS[name], ensure_ascii=False).encode()
    job = await enqueue(store, args=given)

    claimed = await claim_one(store, session)

    assert json.loads(claimed.args) == ARGUMENTS[name]
    assert json.loads((await find(store, job)).args) == ARGUMENTS[name]


@pytest.mark.parametrize("number", [1e16, 1e23, -2.5e300, 1.7976931348623157e308])
async def test_a_great_float_comes_back_as_the_same_float(store: Store, number: float) -> None:
    session = await begin(store)
    await enqueue(store, args=json.dumps({"x": number}).encode())

    found = json.loads((await claim_one(store, session)).args)["x"]

    assert math.isclose(float(found), number, rel_tol=0, abs_tol=0)


async def test_a_job_stored_before_is_left_as_it_is(store: Store) -> None:
    wanted = factories.job(args=b'{"n":1}')
    first = await store.enqueue([wanted])
    before = await everything(store)

    again = await store.enqueue([factories.job(id=wanted.id, args=b'{"n":2}', priority=9)])

    assert (first, again) == (1, 0)
    assert await everything(store) == before


async def test_a_job_that_has_ended_is_not_brought_back_by_enqueueing_it_again(
    store: Store,
) -> None:
    session = await begin(store)
    wanted = factories.job()
    await store.enqueue([wanted])
    await store.ack([factories.ack(await claim_one(store, session))])

    again = await store.enqueue([wanted])

    assert again == 0
    assert await places(store, wanted.id) == [Place.FINISHED]


async def test_the_new_jobs_of_a_batch_are_stored_beside_the_known_ones(store: Store) -> None:
    known, new = factories.jobs(2)
    await store.enqueue([known])

    stored = await store.enqueue([known, new])

    assert stored == 1
    assert await place(store, new.id) is Place.READY


@pytest.mark.parametrize("second", [{}, {"priority": 9}, {"delay": timedelta(hours=1)}])
async def test_a_job_twice_in_one_batch_is_stored_once_as_it_came_first(
    store: Store, second: dict[str, Any]
) -> None:
    first = factories.job()

    stored = await store.enqueue([first, factories.job(id=first.id, **second)])

    assert stored == 1
    assert await places(store, first.id) == [Place.READY]


async def test_an_empty_batch_stores_nothing(store: Store) -> None:
    assert await store.enqueue([]) == 0


@pytest.mark.parametrize(
    ("wanted", "due_in"),
    [
        ({"delay": timedelta(seconds=90)}, 90),
        ({"due_at": START + timedelta(minutes=5)}, 300),
        ({"delay": timedelta(seconds=90), "due_at": START + timedelta(minutes=5)}, 300),
        ({"delay": timedelta(hours=1), "due_at": START + timedelta(minutes=5)}, 3600),
        ({"delay": timedelta(microseconds=1)}, 0.000001),
    ],
)
async def test_a_job_for_later_waits_for_its_moment(
    store: Store, wanted: dict[str, Any], due_in: float
) -> None:
    job = await enqueue(store, **wanted)

    shown = await find(store, job)

    assert shown.state is State.SCHEDULED
    assert shown.due_at == START + timedelta(seconds=due_in)


@pytest.mark.parametrize(
    "wanted",
    [
        {"delay": timedelta()},
        {"delay": timedelta(seconds=-5)},
        {"due_at": START},
        {"due_at": START - timedelta(days=400)},
    ],
)
async def test_a_job_whose_moment_has_come_is_pending_at_once(
    store: Store, wanted: dict[str, Any]
) -> None:
    job = await enqueue(store, **wanted)

    assert await place(store, job) is Place.READY


async def test_five_thousand_jobs_are_stored_at_once_and_in_order(store: Store) -> None:
    session = await begin(store)
    wanted = factories.jobs(5_000)

    stored = await store.enqueue(wanted)

    assert stored == 5_000
    assert await drain(store, session, ["default"], 1_000) == [each.id for each in wanted]


async def test_a_job_shows_what_it_was_asked_with(store: Store, timing: ManualTiming) -> None:
    job = await enqueue(store, task="charge", queue="bills", priority=8, max_attempts=5)

    shown = await find(store, job)

    assert (shown.task, shown.queue, shown.priority, shown.max_attempts) == (
        "charge", "bills", 8, 5,
    )  # fmt: skip
    assert (shown.created_at, shown.attempt, shown.reason) == (timing.now(), 0, None)


@pytest.mark.parametrize(
    "args",
    [
        rb'{"text":"nul \u0000 inside"}',
        rb'{"text":"half \ud800 pair"}',
        rb'{"text":"other half \uDC00"}',
        rb'{"text":"wrong order \udc00\ud800"}',
    ],
)
async def test_arguments_that_postgresql_cannot_keep_are_refused_on_both_engines(
    store: Store, args: bytes
) -> None:
    with pytest.raises(InvalidInput, match="args"):
        await store.enqueue([*factories.jobs(2), factories.job(args=args)])


@pytest.mark.parametrize("args", [rb'{"t":"\\u0000 \\ud800"}', rb'{"t":"\ud83c\udf89"}'])
async def test_text_that_only_looks_like_it_is_kept(store: Store, args: bytes) -> None:
    job = await enqueue(store, args=args)

    assert json.loads((await find(store, job)).args) == json.loads(args)
