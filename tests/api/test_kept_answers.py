"""Answers that are kept in one process: never another's, never older than an edit by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp

from onbeat import Onbeat, every
from onbeat.api.keeping import Answers, wished_age
from onbeat.domain.access import Permission, Principal
from onbeat.domain.attempts import Failure
from onbeat.domain.errors import NotFound
from onbeat.domain.health import Kind, Slice, Subject, Tally, begins
from onbeat.domain.keeping import COUNTS, FARES, REPORT, Keeping
from onbeat.store import folding
from tests import factories
from tests.api.asking import HOST, Client, allowed
from tests.contract.world import acked, begin, claim_one
from tests.timing import ManualTiming

ANN = Principal(kind="token", id="1", name="ann", permissions=frozenset(Permission))
HOUR = timedelta(hours=1)
FRESH = {"Cache-Control": "no-cache"}


async def fold(ob: Onbeat, **counts: int) -> None:
    """So much of the task and of its queue ended in the last hour but one."""
    store = await ob.store()
    front = await store.read(folding.front)
    now = store.timing.now()
    since = front.folded_to or begins(now - 2 * HOUR, HOUR)
    tally = Tally(**counts)  # type: ignore[arg-type] # all are counts
    found = {Subject(Kind.TASK, "send"): tally, Subject(Kind.QUEUE, "mail"): tally}
    of = Slice(since, since + timedelta(minutes=5))
    await store.write(partial(folding.fold, was=front.folded_to, of=of, found=found))


class Counting:
    """Makes answers, each with its number; while it is held up none is made."""

    def __init__(self, *, fails: bool = False) -> None:
        self.made = 0
        self._fails = fails
        self.began, self.may_go = asyncio.Event(), asyncio.Event()
        self.may_go.set()

    async def __call__(self) -> Response:
        self.made += 1
        number = self.made
        self.began.set()
        await self.may_go.wait()
        if self._fails:
            raise NotFound("there is none")
        return Response(str(number), media_type="text/plain")


@pytest.fixture
async def timed(ob: Onbeat, database_url: str, timing: ManualTiming) -> AsyncIterator[ManualTiming]:
    """The time that the application lives by."""
    with ob.elsewhere(database_url, timing):
        yield timing
        await ob.close()


async def asked(
    answers: Answers, make: Callable[[], Awaitable[Response]], keeping: Keeping = REPORT,
    asker: Principal = ANN, path: str = "/a", wished: float = float("inf"),
) -> Response:  # fmt: skip
    return await answers.get(keeping, asker, [path], make, wished)


async def test_an_answer_is_kept_for_its_time_and_tells_its_age(
    ob: Onbeat, timed: ManualTiming
) -> None:
    answers, make, found = Answers(ob), Counting(), []
    for _ in range(4):
        answer = await asked(answers, make)
        found.append((bytes(answer.body), answer.headers.get("age")))
        timed.advance(seconds=7)

    assert found == [(b"1", None), (b"1", "7"), (b"1", "14"), (b"2", None)]


async def test_who_wants_a_newer_one_is_given_it(ob: Onbeat, timed: ManualTiming) -> None:
    answers, make = Answers(ob), Counting()
    await asked(answers, make)
    timed.advance(seconds=5)

    found = [bytes((await asked(answers, make, wished=each)).body) for each in (6, 5, 9, 0)]

    assert found == [b"1", b"2", b"2", b"3"]


@pytest.mark.parametrize(
    ("header", "age"),
    [("", float("inf")), ("no-cache", 0), ("max-age=5", 5), ("Max-Age=0, private", 0),
     ("no-store, max-age=9", 0), ("max-age=soon", float("inf"))],
)  # fmt: skip
def test_what_a_request_says_of_age_is_understood(header: str, age: float) -> None:
    assert wished_age(header) == age


async def test_of_many_who_ask_at_once_one_makes_the_answer(ob: Onbeat) -> None:
    answers, make = Answers(ob), Counting()

    found = await asyncio.gather(*(asked(answers, make) for _ in range(50)))

    assert (make.made, {bytes(each.body) for each in found}) == (1, {b"1"})


async def test_what_is_not_kept_is_made_once_for_those_who_wait_and_not_before_they_asked(
    ob: Onbeat,
) -> None:
    answers, make = Answers(ob), Counting()
    make.may_go.clear()
    first = asyncio.create_task(asked(answers, make, COUNTS))
    await make.began.wait()
    others = [asyncio.create_task(asked(answers, make, COUNTS)) for _ in range(20)]
    await asyncio.sleep(0)
    make.may_go.set()
    found = [bytes(each.body) for each in await asyncio.gather(first, *others)]
    later = await asked(answers, make, COUNTS)

    assert (found, bytes(later.body)) == ([b"1", *[b"2"] * 20], b"3")


async def test_a_failure_is_told_to_all_who_wait_and_is_not_kept(ob: Onbeat) -> None:
    answers, make = Answers(ob), Counting(fails=True)
    make.may_go.clear()
    first = asyncio.create_task(asked(answers, make, COUNTS))
    await make.began.wait()
    others = [asyncio.create_task(asked(answers, make, COUNTS)) for _ in range(20)]
    await asyncio.sleep(0)
    make.may_go.set()
    found = await asyncio.gather(first, *others, return_exceptions=True)

    assert ({type(each) for each in found}, make.made) == ({NotFound}, 2)
    assert bytes((await asked(answers, Counting(), COUNTS)).body) == b"1"


async def test_whoever_gives_up_leaves_the_making_to_the_next(ob: Onbeat) -> None:
    answers, make = Answers(ob), Counting()
    make.may_go.clear()
    first = asyncio.create_task(asked(answers, make))
    await make.began.wait()
    second = asyncio.create_task(asked(answers, make))
    first.cancel()
    make.may_go.set()

    assert bytes((await second).body) == b"2"
    assert answers._flights == {}


@pytest.mark.parametrize(
    "other",
    [replace(ANN, owner="ann"), replace(ANN, owner="bob"), replace(ANN, owner=""),
     replace(ANN, permissions=ANN.permissions - {Permission.JOBS_ARGUMENTS})],
    ids=["ann", "bob", "nameless", "sees less"],
)  # fmt: skip
async def test_who_may_see_something_else_is_never_given_what_was_kept(
    ob: Onbeat, other: Principal
) -> None:
    answers, make = Answers(ob), Counting()
    for owner in ("amy", None):
        await asked(answers, make, asker=replace(ANN, owner=owner))

    assert bytes((await asked(answers, make, asker=other)).body) == b"3"


async def test_who_may_see_the_same_is_given_what_was_kept(ob: Onbeat) -> None:
    answers, make = Answers(ob), Counting()
    await asked(answers, make)

    assert bytes((await asked(answers, make, asker=replace(ANN, id="2"))).body) == b"1"


async def test_an_owner_is_refused_what_was_kept_for_everybody(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    made = await ob.tokens.create("own", frozenset(Permission), by="test", owner="amy")
    for path in ("/stats", "/reports", "/health", "/health/anomalies", "/queues", "/jobs/counts"):
        await admin.told("GET", path)
        await admin.told(
            "GET", path, 403, headers={"Authorization": f"Bearer {made.text}"}
        )  # fmt: skip


async def test_a_report_with_what_errors_say_is_not_given_to_who_may_not_see_it(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    store = await ob.store()
    await store.enqueue([factories.job()])
    claimed = await claim_one(store, await begin(store))
    error = Failure(type="ValueError", message="order 4711")
    await acked(store, factories.ack(claimed, "bury", failure=error))
    async with allowed(ob, app, Permission.JOBS_READ) as viewer:
        found = [(await each.get("/reports")).text for each in (admin, viewer, admin)]

    assert ["4711" in each for each in found] == [True, False, True]


async def test_every_parameter_tells_answers_apart(admin: Client, ob: Onbeat) -> None:
    await fold(ob, completed=1)
    asked = [
        {}, {"kind": "queue"}, {"kind": "schedule"}, {"window": "1h"}, {"name": "send"},
        {"limit": "1"},
    ]  # fmt: skip
    for each in asked:
        answer = await admin.get("/health", params=each)
        assert answer.headers.get("age") is None
    again = [(await admin.get("/health", params=each)).headers.get("age") for each in asked]

    assert None not in again


@pytest.mark.parametrize("path", ["/stats", "/reports", "/health", "/health/anomalies"])
async def test_a_kept_answer_is_the_same_and_stays_out_of_browsers(
    timed: ManualTiming, admin: Client, path: str
) -> None:
    first, second, third = [
        await admin.get(path, headers=each) for each in ({}, {}, FRESH)
    ]  # fmt: skip

    assert second.content == first.content
    assert second.headers["age"] == "0"
    assert [each.headers.get("age") for each in (first, third)] == [None, None]
    for name in ("content-type", "cache-control", "x-content-type-options"):
        assert second.headers[name] == first.headers[name]
    assert second.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("form", ["html", "csv", "json"])
async def test_a_kept_report_has_the_headers_of_its_form(
    timed: ManualTiming, admin: Client, form: str
) -> None:
    first, second = [await admin.get("/reports", params={"format": form}) for _ in range(2)]

    varying = ("age", "x-request-id")
    assert second.headers["age"] == "0"
    assert {k: v for k, v in second.headers.items() if k not in varying} == {
        k: v for k, v in first.headers.items() if k not in varying
    }


async def test_forms_asked_for_by_accept_are_kept_apart(admin: Client) -> None:
    found = [
        (await admin.get("/reports", headers={"accept": each})).headers["content-type"]
        for each in ("text/html", "application/json", "text/html")
    ]

    assert [each.partition(";")[0] for each in found] == [
        "text/html", "application/json", "text/html"
    ]  # fmt: skip


async def test_what_is_counted_is_seen_as_soon_as_it_is(admin: Client, ob: Onbeat) -> None:
    await fold(ob, completed=1)
    await admin.told("GET", "/health")
    await fold(ob, completed=2)

    [row] = (await admin.told("GET", "/health"))["data"]

    assert row["ever"]["completed"] == 3


async def objective(client: Client, path: str) -> Any:
    told = await client.told("GET", path)
    rows = told.get("objectives") or [each["objective"] for each in told["data"]]
    return rows[0]["target"]


@pytest.mark.parametrize("path", ["/reports", "/health"])
async def test_an_objective_is_seen_at_once_where_it_was_set_and_removed(
    admin: Client, ob: Onbeat, path: str
) -> None:
    await fold(ob, completed=1)
    seen = [await objective(admin, path)]
    await admin.told("PUT", "/objectives/task/send", json={"target": 0.9})
    seen.append(await objective(admin, path))
    await ob.objectives.set("task/send", 0.8, "code")
    seen.append(await objective(admin, path))
    await admin.told("DELETE", "/objectives/task/send", 204)
    seen.append(await objective(admin, path))

    assert seen == [0.99, 0.9, 0.8, 0.99]


async def test_a_paused_queue_is_seen_at_once(admin: Client, ob: Onbeat) -> None:
    async def paused() -> list[bool]:
        return [each["paused_at"] is not None for each in await listed()]

    async def listed() -> Any:
        return (await admin.told("GET", "/queues"))["data"]

    await (await ob.store()).enqueue([factories.job()])
    seen = [await paused()]
    for verb in ("pause", "resume"):
        await admin.told("POST", f"/queues/default/{verb}")
        seen.append(await paused())

    assert seen == [[False], [True], [False]]


async def test_a_pause_makes_the_page_of_anomalies_another(
    timed: ManualTiming, admin: Client, ob: Onbeat
) -> None:
    """What rests on purpose is not told as missing."""
    await (await ob.store()).enqueue([factories.job()])
    path = "/health/anomalies?kind=queue"
    await admin.told("GET", path)
    ages = [(await admin.get(path)).headers.get("age")]
    await ob.queues.pause("default", "code")
    ages.append((await admin.get(path)).headers.get("age"))

    assert ages == ["0", None]


async def test_what_a_deployment_changes_of_schedules_is_seen_at_once(
    timed: ManualTiming, admin: Client, ob: Onbeat
) -> None:
    @ob.schedule(every("1h"))
    @ob.task
    async def send() -> None: ...

    ages = []
    for _ in range(2):
        await ob.schedules.reconcile()
        ages += [(await admin.get("/reports")).headers.get("age") for _ in range(2)]

    assert ages == [None, "0", "0", "0"]


async def test_a_rule_is_seen_at_once(admin: Client) -> None:
    before = {each["name"]: each["severity"] for each in await rules(admin)}
    name = min(name for name, severity in before.items() if severity != "info")
    await admin.told("PATCH", f"/rules/{name}", json={"severity": "info"})

    after = {each["name"]: each["severity"] for each in await rules(admin)}

    assert after == before | {name: "info"}


async def rules(client: Client) -> Any:
    return (await client.told("GET", "/rules"))["data"]


async def test_what_was_done_over_the_api_is_in_its_figures_at_once(
    admin: Client, ob: Onbeat
) -> None:
    @ob.task
    async def send() -> None: ...

    async def states() -> Any:
        total = (await admin.told("GET", "/stats"))["total"]["states"]
        return total["pending"]["number"], total["cancelled"]["number"]

    seen = [await states()]
    made = await admin.told("POST", "/jobs", 201, json={"task": "send"})
    seen.append(await states())
    await admin.told("POST", f"/jobs/{made['id']}/cancel", json={"reason": "no"})
    seen.append(await states())

    assert seen == [(0, 0), (1, 0), (0, 1)]


async def test_hits_and_misses_are_told_to_prometheus(admin: Client, ob: Onbeat) -> None:
    await fold(ob, completed=1)
    for _ in range(3):
        await admin.told("GET", "/health")

    told = (await admin.get(f"{HOST}/metrics")).text

    assert 'onbeat_answers_total{answer="health",source="database"} 1.0' in told
    assert 'onbeat_answers_total{answer="health",source="memory"} 2.0' in told
    assert "onbeat_answers_kept_bytes 0.0" not in told
    assert "onbeat_redis_up" not in told


def test_health_is_kept_until_more_is_counted() -> None:
    assert FARES.follows_ends
