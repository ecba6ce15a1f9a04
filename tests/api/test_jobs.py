"""Jobs by REST."""

from __future__ import annotations

import pytest
from starlette.types import ASGIApp

from onbeat import Breaker, Onbeat, Retry, Run, Transient
from onbeat.domain.access import Permission, Role
from onbeat.domain.cursors import cursor
from tests.api.asking import HOST, Client, allowed, asking
from tests.waiting import wait_for


async def enqueued(client: Client, **body: object) -> str:
    """The id of a new job."""
    made = await client.told("POST", "/jobs", 201, json={"task": "charge", **body})
    return str(made["id"])


async def test_a_job_is_asked_for_and_found(admin: Client) -> None:
    job = await enqueued(admin, args={"order_id": 42}, priority=9, queue="billing")

    found = await admin.told("GET", f"/jobs/{job}")

    assert (found["state"], found["args"], found["priority"], found["queue"]) == (
        "pending", {"order_id": 42}, 9, "billing",
    )  # fmt: skip


async def test_a_key_that_another_has_answers_that_one(admin: Client) -> None:
    first = await enqueued(admin, key="order-42")

    second = await admin.told("POST", "/jobs", 200, json={"task": "charge", "key": "order-42"})

    assert second == {"id": first, "is_new": False, "warnings": []}


async def test_a_mistyped_task_is_taken_with_a_warning_that_names_the_nearest(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    @ob.task
    async def charge() -> None: ...

    typo = {"task": "chrage"}
    async with allowed(ob, app, Permission.JOBS_ENQUEUE) as client:
        unnamed = await client.told("POST", "/jobs", 201, json=typo)
    named = await admin.told("POST", "/jobs", 201, json=typo)
    known = await admin.told("POST", "/jobs", 201, json={"task": "charge"})

    assert "is charge meant?" in named["warnings"][0]
    assert len(unnamed["warnings"]) == 1
    assert "charge" not in unnamed["warnings"][0]
    assert known["warnings"] == []


async def test_who_may_not_see_arguments_is_told_none(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    job = await enqueued(admin, args={"card": "4111"})
    async with allowed(ob, app, Permission.JOBS_READ) as viewer:
        found = await viewer.told("GET", f"/jobs/{job}")
        await viewer.told("GET", f"/jobs/{job}/log", 403)
        await viewer.told("GET", f"/jobs/{job}/attempts", 403)

    assert found["args"] is None


async def test_a_command_for_the_shell_needs_the_right_to_run_code(
    ob: Onbeat, app: ASGIApp
) -> None:
    body = {"task": "shell", "args": {"command": "id"}}
    async with allowed(ob, app, Permission.JOBS_ENQUEUE) as client:
        await client.told("POST", "/jobs", 403, json=body)


async def test_a_request_to_a_target_needs_the_right_to_say_where_requests_go(
    ob: Onbeat, app: ASGIApp
) -> None:
    body = {"task": "http", "args": {"url": "https://shop.example/"}}
    async with allowed(ob, app, Permission.JOBS_ENQUEUE) as client:
        await client.told("POST", "/jobs", 403, json=body)


async def test_a_task_of_the_products_own_is_asked_for_by_nobody(admin: Client) -> None:
    await admin.told("POST", "/jobs", 403, json={"task": "onbeat.webhook", "args": {}})


async def test_a_waiting_job_is_called_off_and_run_again(admin: Client) -> None:
    job = await enqueued(admin)

    cancelled = await admin.told("POST", f"/jobs/{job}/cancel", json={"reason": "by mistake"})
    found = await admin.told("GET", f"/jobs/{job}")
    again = await admin.told("POST", f"/jobs/{job}/retry")

    assert (cancelled["state"], again["state"]) == ("cancelled", "pending")
    assert "by mistake" in found["reason"]


async def test_what_has_ended_is_not_called_off(admin: Client) -> None:
    job = await enqueued(admin)
    await admin.told("POST", f"/jobs/{job}/cancel")

    await admin.told("POST", f"/jobs/{job}/cancel", 409)


async def test_why_it_waits_is_told(admin: Client) -> None:
    job = await enqueued(admin)

    reasons = (await admin.told("GET", f"/jobs/{job}/why"))["data"]

    assert [each["code"] for each in reasons] == ["no-worker"]


@pytest.mark.parametrize("job", ["x", "0" * 31, "%00", "'; drop table onbeat_jobs; --"])
async def test_what_is_no_id_is_refused(admin: Client, job: str) -> None:
    answer = await admin.get(f"/jobs/{job}")

    assert answer.status_code in (400, 404)


async def test_a_job_that_is_not_there_is_told_so(admin: Client) -> None:
    await admin.told("GET", f"/jobs/{'0' * 32}", 404)


async def test_what_is_known_already_is_not_sent_again(admin: Client) -> None:
    job = await enqueued(admin)
    first = await admin.get(f"/jobs/{job}")

    second = await admin.get(f"/jobs/{job}", headers={"If-None-Match": first.headers["etag"]})

    assert (second.status_code, second.content) == (304, b"")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", 11), ("delay", "soon"), ("at", "2026-01-01T00:00:00"), ("task", ""),
        ("timeout", "-1s"), ("args", []), ("key", ""), ("delay", "1" * 60),
    ],
)  # fmt: skip
async def test_a_wrong_value_is_named(admin: Client, field: str, value: object) -> None:
    answer = await admin.post("/jobs", json={"task": "charge", field: value})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


async def test_jobs_are_listed_by_what_they_are_found_by(admin: Client, ob: Onbeat) -> None:
    for number in range(5):
        await ob.jobs.enqueue("charge", f'{{"n": {number}}}', must_be_known=False)
    await enqueued(admin, queue="other")

    first = await admin.told("GET", "/jobs", params={"queue": "default", "limit": 3})
    rest = await admin.told(
        "GET", "/jobs", params={"queue": "default", "limit": 3, "after": first["page"]["next"]}
    )
    one = await admin.told("GET", "/jobs", params={"arg": "n=4"})

    assert [each["args"]["n"] for each in first["data"] + rest["data"]] == [4, 3, 2, 1, 0]
    assert [each["args"]["n"] for each in one["data"]] == [4]


async def test_who_may_not_see_arguments_cannot_look_for_them(ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.JOBS_READ) as viewer:
        await viewer.told("GET", "/jobs", 403, params={"arg": "n=4"})
        await viewer.told("GET", "/jobs", 403, params={"error": "card"})


async def test_jobs_are_counted_by_state(admin: Client) -> None:
    await enqueued(admin)

    counts = (await admin.told("GET", "/jobs/counts"))["data"]

    assert counts["pending"] == {"number": 1, "is_exact": True}


async def test_an_owner_sees_and_touches_jobs_of_their_own_and_no_others(
    ob: Onbeat, app: ASGIApp
) -> None:
    @ob.task
    async def report() -> None: ...

    mine = (await report.opts(owner="u-1").enqueue()).id
    others = (await report.opts(owner="u-2").enqueue()).id
    made = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    async with asking(app, made.text) as client:
        listed = await client.told("GET", "/jobs", params={"owner": "u-2"})
        await client.told("GET", f"/jobs/{mine}")
        await client.told("POST", f"/jobs/{mine}/cancel")
        for method, path in (("GET", ""), ("GET", "/why"), ("GET", "/log"), ("GET", "/attempts"),
                             ("POST", "/retry"), ("POST", "/cancel")):  # fmt: skip
            await client.told(method, f"/jobs/{others}{path}", 404)

    assert [each["id"] for each in listed["data"]] == [mine]


async def test_what_code_can_say_of_a_job_can_be_said_over_the_api(
    admin: Client, ob: Onbeat
) -> None:
    job = await enqueued(
        admin, tags=["vip"], owner="acme", unique={"by": ["order_id"], "until": "begun"},
        retry={"attempts": 7, "base": "1s", "backoff": "fixed", "jitter": "none"},
        limits=[{"name": "calls", "key": "acme", "concurrency": 2}], args={"order_id": 1},
    )  # fmt: skip
    said = {"task": "charge", "args": {"order_id": 1, "note": "x"}, "unique": {"by": ["order_id"]}}
    again = await admin.told("POST", "/jobs", 200, json={**said, "owner": "acme"})

    found = await admin.told("GET", f"/jobs/{job}")
    assert (found["tags"], found["owner"], found["max_attempts"]) == (["vip"], "acme", 7)
    assert again["id"] == job
    assert [each.name for each in await ob.limits.list()] == ["calls"]


async def test_what_a_limit_allows_is_not_for_those_to_say_who_only_enqueue(
    ob: Onbeat, app: ASGIApp
) -> None:
    body = {"task": "charge", "limits": [{"name": "calls", "concurrency": 1_000}]}
    async with allowed(ob, app, Permission.JOBS_ENQUEUE) as client:
        await client.told("POST", "/jobs", 403, json=body)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"unique": {"until": "later"}}, "unique.until"),
        ({"unique": {"by": [], "key": ""}}, "unique.key"),
        ({"unique": {"until": "begun", "within": "1h"}}, "unique.within"),
        ({"unique": {"key": "a"}, "key": "b"}, "unique"),
        ({"retry": {"base": "soon"}}, "retry.base"),
        ({"retry": {"backoff": "wild"}}, "retry.backoff"),
        ({"retry": {"attempts": 0}}, "retry.attempts"),
        ({"limits": [{"name": "a", "concurrency": 1}, {"name": "b"}]}, "limits.1"),
        ({"limits": [{"name": "a", "rate": "often"}]}, "limits.0.rate"),
        ({"grace": "5s"}, "grace"),
        ({"tags": ["a b"]}, "tags"),
        ({"owner": "a\nb"}, "owner"),
    ],
)
async def test_what_is_wrong_in_it_is_named_by_its_place(
    admin: Client, said: dict[str, object], field: str
) -> None:
    answer = await admin.told("POST", "/jobs", 400, json={"task": "charge", "args": {}, **said})

    assert answer["detail"].startswith(field), answer
    assert answer["errors"][0]["field"].startswith(field), answer


async def test_anothers_job_is_answered_as_one_that_there_is_not(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    job, none = await enqueued(admin, owner="ben"), "0" * 32
    own = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="ann")
    async with asking(app, own.text) as ann:
        of_another = await ann.told("GET", f"/jobs/{job}", 404)
        of_none = await ann.told("GET", f"/jobs/{none}", 404)

    assert of_another["detail"].replace(job, none) == of_none["detail"]


async def test_what_an_error_says_is_for_those_who_may_see_arguments(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    @ob.task(retry=Retry(1))
    def charge() -> None:
        raise ValueError("card 4111 declined")

    job = await enqueued(admin)

    async def has_failed() -> bool:
        return bool((await admin.told("GET", f"/jobs/{job}"))["state"] == "failed")

    async with ob.running(scheduler=False):
        await wait_for(has_failed)
    whole = await admin.told("GET", f"/jobs/{job}")
    async with allowed(ob, app, Permission.JOBS_READ, Permission.SCHEDULES_READ) as viewer:
        shown = await viewer.told("GET", f"/jobs/{job}")
        seen = [await viewer.get(path) for path in (
            "/jobs", "/jobs/export", "/jobs/export?format=ndjson", f"{HOST}/admin/cron-jobs",
            f"{HOST}/admin/cron-jobs/{job}",
        )]  # fmt: skip

    assert "card 4111" in whole["reason"]
    assert shown["reason"] == "ValueError"
    assert [each.url for each in seen if "4111" in each.text or each.status_code != 200] == []


async def test_what_an_operation_chose_by_is_for_those_who_may_see_arguments(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    where = {"args": {"card": "4111"}, "error": "stolen", "task": ["charge"]}
    body = {"action": "redrive", "where": where}
    made = await admin.told("POST", "/operations", 202, json=body)
    async with allowed(ob, app, Permission.JOBS_READ) as viewer:
        shown = await viewer.told("GET", f"/operations/{made['id']}")

    assert made["where"]["args"] == {"card": "4111"}
    assert "4111" not in str(shown)
    assert "stolen" not in str(shown)


async def test_nor_is_it_told_where_one_asks_why_or_looks_at_a_workflow(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    @ob.task(retry=Retry(1), breakers=Breaker("bank", threshold=1))
    def charge() -> None:
        raise Transient("card 4111 declined")

    body = {"name": "one", "jobs": [{"task": "charge"}]}
    flow = await admin.told("POST", "/workflows", 201, json=body)
    [job] = flow["jobs"].values()

    async def has_failed() -> bool:
        return bool((await admin.told("GET", f"/jobs/{job}"))["state"] == "failed")

    async with ob.running(scheduler=False):
        await wait_for(has_failed)
    paths = (f"/jobs/{job}/why", f"/workflows/{flow['id']}/jobs", "/breakers", "/breakers/bank")
    whole = [(await admin.get(path)).text for path in paths]
    reading = (Permission.JOBS_READ, Permission.QUEUES_READ)
    async with allowed(ob, app, *reading) as viewer:
        shown = [(await viewer.get(path)).text for path in paths]

    assert ["4111" in each for each in whole] == [True] * 4
    assert ["Transient" in each and "4111" not in each for each in shown] == [True] * 4


async def test_a_long_log_is_read_back_from_its_end(ob: Onbeat, admin: Client) -> None:
    @ob.task
    async def count(run: Run) -> None:
        for number in range(1, 6):
            run.log.info(f"line {number}")

    job = await enqueued(admin, task="count")

    async def is_done() -> bool:
        found = await admin.told("GET", f"/jobs/{job}")
        return bool(found["state"] == "completed")

    async with ob.running(scheduler=False):
        await wait_for(is_done)
    pages: list[list[str]] = []
    query = "?limit=2"
    while True:
        found = await admin.told("GET", f"/jobs/{job}/log{query}")
        pages.append([each["message"] for each in found["data"]])
        if found["page"]["previous"] is None:
            break
        query = f"?limit=2&before={found['page']['previous']}"

    assert pages == [["line 4", "line 5"], ["line 2", "line 3"], ["line 1"]]


async def test_a_place_in_the_log_of_another_job_is_refused(admin: Client) -> None:
    job, other = await enqueued(admin), await enqueued(admin)
    of_other = cursor((7, 1), other)

    refused = await admin.get(f"/jobs/{job}/log?before={of_other}")

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "before"
